"""The position in a queue's index up to which a process has found only completed rows.

A row that leaves a queue keeps its entry in the queue's index until VACUUM removes it, which must wait while any old transaction may
see the row: a dump that takes hours, a forgotten session. Such entries accumulate at the front of the index, where every look for
open work begins, and a million of them cost a quarter of a second or more. A process that looks repeatedly therefore starts at the
first open row of its last look.

A row may appear before that position: its transaction was long, another transaction held its lock, or its time is from a slow clock.
Looks that start at the front find such rows. They run every few seconds, and rarely enough to take a small share of the time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

# The minimum time between two looks from the front, and the maximum share of time that they may take.
MIN_SECONDS = 5.0
MAX_SHARE = 0.05

Position = TypeVar("Position")
_looks_again = False


def remember_positions() -> None:
    """Make watermarks take effect in this process. Without this, as in a shell or a test, every look starts at the front."""
    global _looks_again
    _looks_again = True


class Watermark(Generic[Position]):
    """The position in one queue at which the next look starts; `front` is before all positions."""

    def __init__(self, front: Position, clock: Callable[[], float] = time.monotonic) -> None:
        self._front = self.position = front
        self._clock = clock
        self._front_again = float("-inf")

    @contextmanager
    def look(self) -> Iterator[Position]:
        """Yield the position at which to start. The block is timed, so it must contain the look only."""
        began = self._clock()
        if _looks_again and began < self._front_again:
            yield self.position
            return
        yield self._front
        ended = self._clock()
        self._front_again = ended + max(MIN_SECONDS, (ended - began) / MAX_SHARE)

    def reached(self, position: Position) -> None:
        """Record that the look found no open row before `position`."""
        self.position = position
