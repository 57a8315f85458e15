"""`python -m rvm.devtools.embedded [--ephemeral] -- COMMAND...`: run a command with the local servers running.

.venv/bin/python -m rvm.devtools.embedded -- .venv/bin/python manage.py shell
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from types import FrameType

from rvm.devtools.embedded import ServerError, local_services
from rvm.devtools.embedded.processes import exits_with_parent

USAGE = "usage: python -m rvm.devtools.embedded [--ephemeral] -- COMMAND [ARGUMENT...]"


def main(arguments: list[str]) -> int:
    """The exit code of the command; 2 for wrong arguments, 1 if the servers cannot be started."""
    options, separator, command = _split(arguments)
    if not separator or not command or set(options) - {"--ephemeral"}:
        sys.stderr.write(f"{USAGE}\n")
        return 2
    signal.signal(signal.SIGTERM, _leave)
    try:
        with local_services(ephemeral="--ephemeral" in options) as environment:
            return _run(command, os.environ | environment)
    except ServerError as error:
        sys.stderr.write(f"{error}\n")
        return 1


def _split(arguments: list[str]) -> tuple[list[str], bool, list[str]]:
    if "--" not in arguments:
        return arguments, False, []
    at = arguments.index("--")
    return arguments[:at], True, arguments[at + 1 :]


def _run(command: list[str], environment: dict[str, str]) -> int:
    try:
        child = subprocess.Popen(  # noqa: S603 - the person's own command
            command, env=environment, preexec_fn=exits_with_parent(signal.SIGTERM)
        )
    except OSError as error:
        sys.stderr.write(f"{command[0]} cannot be run: {error.strerror}.\n")
        return 127
    try:
        while True:
            try:
                return child.wait()
            except KeyboardInterrupt:  # the terminal also sent it to the command, which decides whether to end
                continue
    finally:
        child.terminate()
        child.wait()


def _leave(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
