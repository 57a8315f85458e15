"""The vendor's time: waits pass `speed` times as fast as they would at the vendor."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime


def utc_now() -> datetime:
    return datetime.now(UTC)


class Clock:
    """Dates are those of `now`, because receivers compare them with their own; only waits are shortened."""

    def __init__(self, speed: float = 1, now: Callable[[], datetime] = utc_now) -> None:
        self.speed = speed
        self.now = now

    def seconds(self) -> str:
        """Unix seconds, as signatures carry them."""
        return str(int(self.now().timestamp()))

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self.speed)

    async def within(self, seconds: float, event: asyncio.Event) -> bool:
        """Whether the event comes in so many seconds; they are waited for."""
        try:
            await asyncio.wait_for(event.wait(), seconds / self.speed)
        except TimeoutError:
            return False
        return True
