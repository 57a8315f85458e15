"""The clock for how long something takes or may take within one machine."""

from __future__ import annotations

import time


def boot_clock() -> float:
    """Seconds on a clock that nobody sets, and that also counts while the machine or the process is suspended."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)
