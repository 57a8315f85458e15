"""Recordings by URL: fetched once and discarded; only the verdict, usable or not, is kept.

A known verdict is returned at once. During a fetch, callers register a callback, so that no drop needs a task. Memory
is bounded: a few concurrent fetches of at most 8 MB each, and the newest verdicts.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict, deque
from collections.abc import Callable

import aiohttp

from rvm.simulators.sandbox.audio import is_usable

log = logging.getLogger(__name__)

MAX_BYTES = 8 * 1024 * 1024
REMEMBERED = 10_000
AT_A_TIME = 8
FIRST_WAIT = 0.25  # seconds before the second try, doubled each time

Waiting = Callable[[bool], None]


class Recordings:
    """The verdicts on recordings; `verdict_reached(url, usable)` is called for each new permanent verdict."""

    def __init__(
        self, session: aiohttp.ClientSession, tries: int, verdict_reached: Callable[[str, bool], None]
    ) -> None:
        self._session = session
        self._tries = tries
        self._verdict_reached = verdict_reached
        self._verdicts: OrderedDict[str, bool] = OrderedDict()
        self._waiting: dict[str, list[Waiting]] = {}
        self._queue: deque[tuple[str, int]] = deque()  # URL and the number of the try
        self._tasks: set[asyncio.Task[None]] = set()

    def remember(self, url: str, usable: bool) -> None:
        self._verdicts[url] = usable
        if len(self._verdicts) > REMEMBERED:
            self._verdicts.popitem(last=False)

    def prepare(self, url: str) -> None:
        """Start fetching the URL unless it has a verdict or a fetch already."""
        if url not in self._verdicts and url not in self._waiting:
            self._waiting[url] = []
            self._enqueue(url, 1)

    def ask(self, url: str, waiting: Waiting) -> None:
        """Call `waiting(usable)` now, or when the fetch has ended."""
        usable = self._verdicts.get(url)
        if usable is not None:
            waiting(usable)
            return
        self.prepare(url)
        self._waiting[url].append(waiting)

    def _enqueue(self, url: str, attempt: int) -> None:
        self._queue.append((url, attempt))
        self._start()

    def _start(self) -> None:
        while self._queue and len(self._tasks) < AT_A_TIME:
            task = asyncio.create_task(self._try(*self._queue.popleft()))
            self._tasks.add(task)
            task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            self._start()

    async def _try(self, url: str, attempt: int) -> None:
        try:
            data = await self._fetch(url)
        except (aiohttp.ClientError, TimeoutError) as error:
            log.warning("a recording could not be fetched (try %d of %d): %s", attempt, self._tries, _in_short(error))
            if attempt < self._tries:
                wait = FIRST_WAIT * 2 ** (attempt - 1)
                asyncio.get_running_loop().call_later(wait, self._enqueue, url, attempt + 1)
            else:
                self._notify(url, False)  # not a permanent verdict: the URL may work for the next drop
        else:
            usable = is_usable(data)
            self.remember(url, usable)
            self._verdict_reached(url, usable)
            self._notify(url, usable)

    def _notify(self, url: str, usable: bool) -> None:
        for waiting in self._waiting.pop(url):
            waiting(usable)

    async def _fetch(self, url: str) -> bytes:
        """The body, or empty bytes if it is too large. Raises ClientError or TimeoutError."""
        async with self._session.get(url, allow_redirects=False, raise_for_status=True) as response:
            if response.status != 200:
                raise aiohttp.ClientResponseError(response.request_info, (), status=response.status)
            data = bytearray()
            async for chunk in response.content.iter_any():
                data += chunk
                if len(data) > MAX_BYTES:
                    return b""
            return bytes(data)

    async def close(self) -> None:
        self._queue.clear()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def _in_short(error: Exception) -> str:
    """The kind of error, without the URL, which may contain a token."""
    return f"status {error.status}" if isinstance(error, aiohttp.ClientResponseError) else type(error).__name__
