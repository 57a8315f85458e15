"""Exit codes of the command, which scripts decide by."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    DONE = 0
    REFUSED = 1  # RVM refused the request
    USAGE = 2  # options, files or the environment are wrong; argparse uses the same
    OTHERWISE = 3  # done, but somebody was refused or not reached, or a campaign was canceled
    NO_ANSWER = 4  # RVM did not answer, failed, or something else answered
    TIMEOUT = 5  # --timeout passed before the end
    INTERRUPTED = 130  # Ctrl-C


class WrongUse(Exception):
    """An option, a file or the environment is wrong; the text says what."""


class TimedOut(Exception):
    """What was waited for has not ended in time."""
