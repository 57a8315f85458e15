"""Python loads this first where its folder is on PYTHONPATH: it gives dispatch workers a wall clock that is wrong by SKEW_SECONDS.

Clocks that only run (monotonic, boot time) stay right, as they do on a machine whose date was set wrongly.
"""

from __future__ import annotations

import datetime
import os
import sys
import time

SKEW = float(os.environ.get("SKEW_SECONDS", "0"))
_time, _datetime = time.time, datetime.datetime


class _Kind(type):
    def __instancecheck__(cls, value: object) -> bool:
        return isinstance(value, _datetime)

    def __subclasscheck__(cls, kind: type) -> bool:
        return issubclass(kind, _datetime)


class SkewedDatetime(_datetime, metaclass=_Kind):
    """Makes ordinary datetimes, the current ones wrong."""

    def __new__(cls, *parts: object, **named: object) -> _datetime:  # type: ignore[misc]
        return _datetime(*parts, **named)  # type: ignore[arg-type]

    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> _datetime:  # type: ignore[override]
        return _datetime.now(tz) + datetime.timedelta(seconds=SKEW)

    @classmethod
    def utcnow(cls) -> _datetime:  # type: ignore[override]
        return _datetime.now(datetime.UTC).replace(tzinfo=None) + datetime.timedelta(seconds=SKEW)


if SKEW and "dispatch" in sys.orig_argv:
    time.time = lambda: _time() + SKEW
    datetime.datetime = SkewedDatetime  # type: ignore[misc]
    sys.stdout.write(f"this process's clock is wrong by {SKEW:.0f} s\n")
