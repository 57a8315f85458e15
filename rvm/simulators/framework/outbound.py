"""What the vendor sends and fetches: results to callback addresses, and recordings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import urlsplit

import aiohttp

from rvm.simulators.framework.clock import Clock
from rvm.simulators.framework.ledger import Ledger
from rvm.simulators.sandbox.audio import is_usable

MAX_RECORDING_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """The customer's answer to a POST; status 0 where none came."""

    status: int = 0
    body: bytes = field(default=b"", repr=False)
    content_type: str = ""

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300


class Outbound:
    """Reaches this machine alone: an address elsewhere is a violation, and nothing is sent."""

    def __init__(self, session: aiohttp.ClientSession, clock: Clock, ledger: Ledger) -> None:
        self._session = session
        self._clock = clock
        self._ledger = ledger

    async def post(
        self, kind: str, url: str, raw: bytes, headers: Mapping[str, str], *, timeout: float = 10, method: str = "POST"
    ) -> Answer:
        """One call of the customer's address, kept in the ledger under `kind`."""
        answer = Answer()
        if self._may_call(kind, url):
            try:
                async with self._session.request(
                    method,
                    url,
                    data=raw or None,
                    headers=headers,
                    allow_redirects=False,
                    timeout=aiohttp.ClientTimeout(timeout),
                ) as response:
                    answer = Answer(response.status, await response.read(), response.content_type)
            except (aiohttp.ClientError, TimeoutError, OSError):
                answer = Answer()
        self._ledger.reports.append((kind, answer.status))
        return answer

    async def deliver(
        self,
        kind: str,
        url: str,
        raw: bytes,
        headers: Callable[[int], Mapping[str, str]],
        *,
        waits: tuple[float, ...] = (),
        repeat_on: Callable[[int], bool] = lambda status: status in (0, 408, 429) or status >= 500,
        timeout: float = 10,
    ) -> Answer:
        """A result, posted again after each of `waits` while `repeat_on` the status; `headers` are made for each try, from 1 on."""
        for attempt, wait in enumerate((*waits, None), start=1):
            answer = await self.post(kind, url, raw, headers(attempt), timeout=timeout)
            if wait is None or not repeat_on(answer.status):
                break
            await self._clock.sleep(wait)
        return answer

    async def fetch(self, url: str, *, head: bool = False) -> bytes | None:
        """The recording at the address, asked for by HEAD first if the vendor does; None if it is unusable or cannot be had."""
        if not self._may_call("recording", url):
            return None
        try:
            if head:
                async with self._session.head(url, allow_redirects=False) as response:
                    self._ledger.fetches["HEAD", response.status] += 1
                    if response.status != 200 or not response.content_type.startswith("audio/"):
                        return None
            async with self._session.get(url, allow_redirects=False) as response:
                self._ledger.fetches["GET", response.status] += 1
                if response.status != 200 or not response.content_type.startswith("audio/"):
                    return None
                data = await response.content.read(MAX_RECORDING_BYTES + 1)
                while not response.content.at_eof() and len(data) <= MAX_RECORDING_BYTES:
                    data += await response.content.read(MAX_RECORDING_BYTES)
        except (aiohttp.ClientError, TimeoutError, OSError):
            return None
        return data if len(data) <= MAX_RECORDING_BYTES and is_usable(data) else None

    def _may_call(self, what: str, url: str) -> bool:
        if is_loopback(url):
            return True
        self._ledger.violations.append(f"{what}: an address of another machine")
        return False


def is_loopback(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        return parts.scheme in ("http", "https") and (host == "localhost" or ip_address(host).is_loopback)
    except ValueError:
        return False
