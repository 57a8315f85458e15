"""The spelling of times for pure modules, which know no formats of Django; a test compares it with `rvm/project/formats`."""

from __future__ import annotations

from datetime import datetime, time


def clock(at: time) -> str:
    """A time of a day: 10:04 AM."""
    return f"{at.hour % 12 or 12}:{at:%M} {'AM' if at.hour < 12 else 'PM'}"


def spelled(at: datetime) -> str:
    """A time by its own clock, to the minute: Sat, Nov 28, 2026, 10:04 AM EST."""
    return f"{at:%a, %b} {at.day}, {at.year}, {clock(at.time())} {at.tzname()}"
