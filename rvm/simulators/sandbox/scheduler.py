"""The scheduler of due calls: one heap and one task for all drops, because a task for each would cost more than the drops."""

from __future__ import annotations

import asyncio
import heapq
import time
from collections.abc import Callable
from itertools import count

TICK = 0.01  # seconds; calls due within one tick run together


class Scheduler:
    """A heap of calls by time; `done()` is called after each group of due calls, so that their records are written together."""

    def __init__(self, done: Callable[[], None]) -> None:
        self._done = done
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = count()
        self._sooner = asyncio.Event()

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        due = time.monotonic() + seconds
        if not self._heap or due < self._heap[0][0]:
            self._sooner.set()
        heapq.heappush(self._heap, (due, next(self._numbers), action))

    async def run(self) -> None:
        while True:
            self._sooner.clear()
            now = time.monotonic()
            ready = False
            while self._heap and self._heap[0][0] <= now:
                heapq.heappop(self._heap)[2]()
                ready = True
            if ready:
                self._done()
            await self._wait()

    async def _wait(self) -> None:
        if self._heap and self._heap[0][0] - time.monotonic() <= TICK:
            await asyncio.sleep(TICK)
            return
        timeout = self._heap[0][0] - time.monotonic() if self._heap else None
        try:
            await asyncio.wait_for(self._sooner.wait(), timeout)
        except TimeoutError:
            return
