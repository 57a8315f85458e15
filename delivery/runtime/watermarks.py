"""How far into the index of a queue a process has found nothing but what is done.

What leaves a queue leaves its entry in the queue's index, and no VACUUM removes that while any transaction might still see the row:
a dump that takes hours, a session that somebody forgot. These entries gather at the front, where every look for open work begins, and
a million of them take it a quarter of a second and more. So a process that looks again and again goes on from the first open row that
it found last.

A row may come to lie before that place: its transaction was long, its lock was another's, its time is by a clock that is slow. Such
rows are found by the looks that begin at the front, every few seconds, and rarely enough to take a small share of the time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

# Between two looks from the front, and the share of the time that they may take at most.
MIN_SECONDS = 5.0
MAX_SHARE = 0.05

Place = TypeVar("Place")
_looks_again = False


def remember_places() -> None:
    """From now on this process goes on where it found work. One that looks once, in a shell or in a test, begins at the front."""
    global _looks_again
    _looks_again = True


class Watermark(Generic[Place]):
    """The place in one queue from which the next look goes on; `front` lies before all of them."""

    def __init__(self, front: Place, clock: Callable[[], float] = time.monotonic) -> None:
        self._front = self.place = front
        self._clock = clock
        self._front_again = float("-inf")

    @contextmanager
    def look(self) -> Iterator[Place]:
        """Where to begin. Only the look itself belongs in the block, for it is timed."""
        began = self._clock()
        if _looks_again and began < self._front_again:
            yield self.place
            return
        yield self._front
        ended = self._clock()
        self._front_again = ended + max(MIN_SECONDS, (ended - began) / MAX_SHARE)

    def reached(self, place: Place) -> None:
        """Nothing that is open lies before `place`, as far as this look saw."""
        self.place = place
