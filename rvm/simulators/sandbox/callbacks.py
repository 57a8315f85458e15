"""Delivery of reports to callback URLs: batched, signed, and repeated until the receiver accepts them.

URLs that differ in the last part of their path only belong to one receiver, who gets their reports together at any of them.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlsplit

import aiohttp
import orjson

from rvm.simulators.sandbox.signatures import signature

log = logging.getLogger(__name__)

BATCH = 200
FLUSH_EVERY = 0.05  # seconds in which events gather
AT_A_TIME = 4  # POSTs in flight to one receiver
REPEAT_ON = frozenset({408, 429})
FIRST_WAIT = 0.25  # seconds before the second try, doubled each time

Event = dict[str, Any]


@dataclass(slots=True)
class _Mailbox:
    events: deque[tuple[str, Event]] = field(default_factory=deque, repr=False)  # with the URL of each
    in_flight: int = 0
    flush_planned: bool = False


class EventListener(Protocol):
    """The receiver of results: which events were accepted or rejected."""

    def events_taken(self, events: list[Event]) -> None: ...
    def events_rejected(self, events: list[Event]) -> None: ...


class Callbacks:
    """The queues of events by receiver; `listener` is notified of events answered with 2xx and of those rejected for good."""

    def __init__(
        self, session: aiohttp.ClientSession, secret: str, longest_wait: float, listener: EventListener
    ) -> None:
        """`longest_wait` is the maximum wait between two tries, in seconds."""
        self._session = session
        self._secret = secret
        self._longest_wait = longest_wait
        self._listener = listener
        self._mailboxes: dict[str, _Mailbox] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def send(self, url: str, event: Event) -> None:
        receiver = url.rstrip("/").rpartition("/")[0]
        mailbox = self._mailboxes.setdefault(receiver, _Mailbox())
        mailbox.events.append((url, event))
        if not mailbox.flush_planned:
            mailbox.flush_planned = True
            asyncio.get_running_loop().call_later(FLUSH_EVERY, self._planned_flush, receiver, mailbox)

    def _planned_flush(self, receiver: str, mailbox: _Mailbox) -> None:
        mailbox.flush_planned = False
        self._flush(receiver, mailbox)

    def _flush(self, receiver: str, mailbox: _Mailbox) -> None:
        while mailbox.events and mailbox.in_flight < AT_A_TIME:
            batch = [mailbox.events.popleft() for _ in range(min(BATCH, len(mailbox.events)))]
            mailbox.in_flight += 1
            task = asyncio.create_task(self._deliver(receiver, mailbox, batch))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        if not (mailbox.events or mailbox.in_flight or mailbox.flush_planned):
            del self._mailboxes[receiver]

    async def _deliver(self, receiver: str, mailbox: _Mailbox, queued: list[tuple[str, Event]]) -> None:
        url, batch = queued[0][0], [event for _, event in queued]
        body = orjson.dumps({"events": batch})
        wait = FIRST_WAIT
        while True:
            status = await self._post(url, body)
            if 200 <= status < 300:
                self._listener.events_taken(batch)
                break
            if status and status < 500 and status not in REPEAT_ON:
                # The path of a callback URL may contain the receiver's token, so only its host is logged.
                log.warning("%s answered %d to %d reports; not repeated", urlsplit(url).netloc, status, len(batch))
                self._listener.events_rejected(batch)
                break
            await asyncio.sleep(wait * random.uniform(0.5, 1))  # noqa: S311 - spreads the tries
            wait = min(wait * 2, self._longest_wait)
        mailbox.in_flight -= 1
        self._flush(receiver, mailbox)

    async def _post(self, url: str, body: bytes) -> int:
        """The HTTP status of the response; 0 without a response."""
        timestamp = str(int(time.time()))
        headers = {
            "Content-Type": "application/json",
            "X-Sandbox-Timestamp": timestamp,
            "X-Sandbox-Signature": signature(self._secret, timestamp, body),
        }
        try:
            async with self._session.post(url, data=body, headers=headers, allow_redirects=False) as response:
                return response.status
        except (aiohttp.ClientError, TimeoutError, OSError):
            return 0

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
