"""Events: what happened, in one order, as pages and as a stream that goes on where it was."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import cast

import httpx

from rvm_client.errors import ConnectionFailed, Problem, RvmError, UnexpectedAnswer
from rvm_client.http import paging
from rvm_client.http.retries import is_repeated
from rvm_client.http.sse import Frame, frames
from rvm_client.http.transport import Call, Transport
from rvm_client.rows import Event, EventPage

# A stream says that it lives every 15 seconds; one that does not for three times as long is broken.
SILENCE_SECONDS = 45.0


class Events:
    def __init__(self, transport: Transport, base: str) -> None:
        self._transport = transport
        self._base = f"{base}/events"

    def page(
        self,
        *,
        after: str | None = None,
        since: str | None = None,
        type: Sequence[str] | None = None,
        live: bool | None = None,
        limit: int | None = None,
    ) -> EventPage:
        """Events behind the one with the id `after`, or from the time `since` on, the oldest first. Keep the page's `after`, and ask
        for what is behind it the next time."""
        query = {"after": after, "since": since, "type": type, "live": live, "limit": limit}
        return cast(EventPage, self._transport.json(Call("GET", self._base, query=query)))

    def list(
        self,
        *,
        after: str | None = None,
        since: str | None = None,
        type: Sequence[str] | None = None,
        live: bool | None = None,
    ) -> Iterator[Event]:
        """All events until now, the oldest first."""
        while True:
            page = self.page(after=after, since=since, type=type, live=live, limit=paging.PAGE)
            yield from page["items"]
            if not page["has_more"]:
                return
            if page["after"] == after:
                raise RvmError("The feed says that it goes on, and not where. Read it again.")
            after, since = page["after"], None

    def get(self, event_id: str) -> Event:
        return cast(Event, self._transport.json(Call("GET", f"{self._base}/{event_id}")))

    def stream(
        self,
        *,
        after: str | None = None,
        since: str | None = None,
        type: Sequence[str] | None = None,
        live: bool | None = None,
    ) -> Iterator[Event]:
        """Events as they happen, from now on or from where `after` or `since` says, without an end and without a gap.

        A connection that ends or breaks is made again, behind the last event. Raises Problem where RVM refuses it, and
        ConnectionFailed after as many attempts in a row as the client makes.
        """
        beats = self.beats(after=after, since=since, type=type, live=live)
        return (event for event in beats if event is not None)

    def beats(
        self,
        *,
        after: str | None = None,
        since: str | None = None,
        type: Sequence[str] | None = None,
        live: bool | None = None,
    ) -> Iterator[Event | None]:
        """The same, with None whenever the stream is connected, breaks off, or only says that it lives, every 15 seconds."""
        call = Call("GET", f"{self._base}/stream", query={"after": after, "since": since, "type": type, "live": live})
        position, connected, failures, waited, usual = "", False, 0, 0.0, 0.0
        while True:
            failure: RvmError | None = None
            try:
                for frame in self._connection(call, position):
                    connected, failures, waited, position = True, 0, 0.0, frame.id or position
                    usual = usual if frame.retry_seconds is None else frame.retry_seconds
                    if frame.event != "end":  # what it ends for is the answer to the next connection
                        yield cast(Event, json.loads(frame.data)) if frame.data else None
            except (httpx.RequestError, ValueError) as error:
                failure = ConnectionFailed("The stream of events broke off, and RVM does not answer.")
                failure.__cause__ = error
            except RvmError as error:
                if not _may_pass(error):
                    raise
                failure = error
            if failure is not None and connected:
                yield None
            failures, ended = failures + 1, failure or ConnectionFailed("The stream of events ends at once.")
            waited += self._transport.wait(call, failures, waited, ended, usual)

    def _connection(self, call: Call, position: str) -> Iterator[Frame]:
        headers = {"Accept": "text/event-stream", "Cache-Control": "no-store"}
        if position:
            headers["Last-Event-ID"] = position
        with self._transport.stream(call, headers, SILENCE_SECONDS) as answer:
            if not answer.headers.get("Content-Type", "").startswith("text/event-stream"):
                raise UnexpectedAnswer("Something else than a stream of events was answered.", answer.status_code)
            yield from frames(answer.iter_bytes())


def _may_pass(error: RvmError) -> bool:
    if isinstance(error, Problem):
        return is_repeated(error.status, error.code)
    return isinstance(error, ConnectionFailed) or (
        isinstance(error, UnexpectedAnswer) and is_repeated(error.status, None)
    )
