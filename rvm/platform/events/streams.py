"""Streams of events to clients that stay connected (server-sent events), which one thread of a process serves all together.

A stream holds no thread and no connection to the database of its own: once a second the thread asks for the new events of all streams
in one statement, and writes to sockets that wait for nobody. A client that does not read is asked nothing more for, and cut off.
"""

from __future__ import annotations

import secrets
import selectors
import socket
import time
import weakref
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import IPv4Address, IPv6Address
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import Any
from uuid import UUID

import orjson
import structlog
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.models.functions import Now
from rest_framework.exceptions import APIException

from rvm.platform.api import problem_codes as codes
from rvm.platform.api.authentication import require_active, require_network
from rvm.platform.api.permissions import require_scope
from rvm.platform.api.problems import Problem, problem_of
from rvm.platform.api.rendering import to_json
from rvm.platform.database import sql
from rvm.platform.events import feed
from rvm.platform.models import ApiKey, Event
from rvm.platform.scopes import Scope

_log = structlog.get_logger(__name__)

# How many streams of one workspace a process serves; `RVM_MAX_STREAMS` is how many in all.
MAX_OF_WORKSPACE = 10
RETRY_SECONDS = 10
# How often new events are looked for, and how soon again for a client that is behind.
LOOK_SECONDS, BEHIND_SECONDS, LOOK_EVENTS = 1.0, 0.05, 500
KEYS_SECONDS = 3.0
# A silent stream says that it lives, sooner than any proxy gives it up.
HEARTBEAT_SECONDS = 15.0
# A client that takes nothing for so long is cut off.
UNREAD_SECONDS = 20.0
# Proxies end answers after a quarter of an hour. Clients of one moment do not all come back in one moment.
MAX_SECONDS, SPREAD_SECONDS = 600, 60
SEND_BUFFER_BYTES = 64 * 1024
# How soon a client comes back.
_RETRY = b"retry: 3000\n"
_LOOK = """
SELECT asked.place, event.id, event.type, event.occurred_at, event.data
  FROM unnest(%s::uuid[], %s::boolean[], %s::uuid[]) WITH ORDINALITY AS asked(workspace, live, after, place)
 CROSS JOIN LATERAL (
   SELECT id, type, occurred_at, data FROM platform_event
    WHERE workspace_id = asked.workspace AND live = asked.live AND id > asked.after
    ORDER BY id LIMIT %s
 ) event
 ORDER BY asked.place, event.id
"""


class Places:
    """How many streams are open in this process."""

    def __init__(self) -> None:
        self._taken: Counter[UUID] = Counter()
        self._lock = Lock()

    def take(self, workspace_id: UUID) -> None:
        """Raises Problem if all places are taken."""
        with self._lock:
            if self._taken[workspace_id] >= MAX_OF_WORKSPACE:
                raise _busy(codes.TOO_MANY_AT_ONCE, f"{MAX_OF_WORKSPACE} streams of this workspace")
            if self._taken.total() >= settings.RVM_MAX_STREAMS:
                raise _busy(codes.UNAVAILABLE, f"{settings.RVM_MAX_STREAMS} streams of all workspaces")
            self._taken[workspace_id] += 1

    def release(self, workspace_id: UUID) -> None:
        with self._lock:
            self._taken[workspace_id] -= 1
            self._taken += Counter()  # without those that have none


def _busy(code: codes.ProblemCode, which: str) -> Problem:
    return Problem(
        code,
        f"{which} are open here, and more are not served at a time. Read pages of the feed meanwhile, or try again in "
        f"{RETRY_SECONDS} seconds.",
        headers={"Retry-After": str(RETRY_SECONDS)},
    )


PLACES = Places()


@dataclass(eq=False)
class Stream:
    """What one client is told, and how far it is. It has its place until it is closed, or nobody knows of it."""

    key_id: UUID
    workspace_id: UUID
    live: bool
    types: frozenset[str]
    address: IPv4Address | IPv6Address | None
    position: UUID
    told: int = 0
    # Whether more is known to be behind the position.
    is_behind: bool = True
    # Whether a server goes on with it when the response that opens it is closed.
    goes_on: bool = False

    def __post_init__(self) -> None:
        self.close = weakref.finalize(self, PLACES.release, self.workspace_id)

    @classmethod
    def open(cls, key: ApiKey, address: IPv4Address | IPv6Address | None, **values: Any) -> Stream:
        """Raises Problem if all places are taken."""
        PLACES.take(key.workspace_id)
        return cls(key.pk, key.workspace_id, address=address, **values)

    def parts(self) -> Iterator[bytes]:
        """What the response begins with, which any socket takes at once. From there RVM's own web server goes on by itself; another
        one gets what has happened until now, and the client comes back."""
        yield _RETRY + self.alive()
        page = feed.read(self.workspace_id, self.position, live=self.live, types=self.types, limit=LOOK_EVENTS)
        yield self.frames(page.events, page.position) + TIME_OVER

    def alive(self) -> bytes:
        """A frame that says where the client is, and nothing else: no event is dispatched for it."""
        return b":\nid: %s\n\n" % str(self.position).encode()

    def frames(self, events: Iterable[Event], position: UUID) -> bytes:
        """The frames of the events that the client wants; it is at the position then."""
        wanted = [_frame(event) for event in events if not self.types or event.type in self.types]
        self.told += len(wanted)
        self.position = position
        return b"".join(wanted)


def _frame(event: Event) -> bytes:
    told = to_json(feed.envelope(event.pk, event.type, event.occurred_at, event.data))
    return b"id: %s\nevent: %s\ndata: %s\n\n" % (str(event.pk).encode(), event.type.encode(), told)


def _end(code: str, detail: str) -> bytes:
    return b"event: end\ndata: %s\n\n" % to_json({"code": code, "detail": detail})


TIME_OVER = _end("time_over", "A stream lasts ten minutes at most. Connect again with the last id as Last-Event-ID.")
SERVER_STOPS = _end("server_stops", "The server stops. Connect again with the last id as Last-Event-ID.")


@dataclass(eq=False)
class _Connection:
    """A stream's socket, and what it has not taken yet. `ended` is called once, with whether the client got the answer's end."""

    stream: Stream
    sock: socket.socket
    chunked: bool
    ended: Callable[[bool], None]
    until: float
    # Since when it has taken nothing, and when it was last told something.
    heard_at: float
    said_at: float
    descriptor: int = -1
    pending: bytearray = field(default_factory=bytearray, repr=False)

    def say(self, data: bytes, now: float, *, last: bool = False) -> None:
        """Send as much as the socket takes. Raises OSError."""
        if not self.pending:
            self.heard_at = now
        if self.chunked:
            data = b"%x\r\n%s\r\n" % (len(data), data) + (b"0\r\n\r\n" if last else b"")
        self.pending += data
        self.said_at = now
        self.flush(now)

    def flush(self, now: float) -> None:
        """Raises OSError."""
        with suppress(BlockingIOError, InterruptedError):
            while self.pending and (sent := self.sock.send(self.pending)):
                del self.pending[:sent]
                self.heard_at = now


class Streams:
    """The open streams of this process, and the thread that serves them, which begins with the first one."""

    def __init__(self) -> None:
        self._new: SimpleQueue[_Connection] = SimpleQueue()
        self._wakes, self._wake = socket.socketpair()
        self._wakes.setblocking(False)
        self._wake.setblocking(False)
        self._thread: Thread | None = None
        self._open: dict[int, _Connection] = {}
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._wakes, selectors.EVENT_READ)
        self._stops = False
        self._looked_at = self._judged_at = 0.0
        self._is_out = False

    def take(self, stream: Stream, sock: socket.socket, *, chunked: bool, ended: Callable[[bool], None]) -> None:
        """Go on with a stream whose response was begun. From now on the socket is ours, until `ended`."""
        self.add(stream, sock, chunked=chunked, ended=ended)
        if self._thread is None:
            self._thread = Thread(target=self._serve, name="streams", daemon=True)
            self._thread.start()

    def add(self, stream: Stream, sock: socket.socket, *, chunked: bool, ended: Callable[[bool], None]) -> None:
        """The same for whoever calls `step` himself."""
        now = time.monotonic()
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        until = now + MAX_SECONDS - secrets.randbelow(SPREAD_SECONDS)
        self._new.put(_Connection(stream, sock, chunked, ended, until, now, now))
        self.awake()

    def stop(self) -> None:
        """End all streams, and whatever comes."""
        self._stops = True
        self.awake()

    def close(self) -> None:
        """Give back what it holds; its streams are gone."""
        self._selector.close()
        self._wakes.close()
        self._wake.close()

    def awake(self) -> None:
        """Let `step` not wait."""
        with suppress(BlockingIOError):
            self._wake.send(b"\0")

    def _serve(self) -> None:
        while True:
            try:
                self.step()
            except Exception:
                _log.exception("streams of events: a step failed")
                self._drop_all()

    def step(self) -> None:
        """Wait for something to do, and do it."""
        for key, mask in self._selector.select(self._seconds_left()):
            if key.fileobj is self._wakes:
                with suppress(BlockingIOError):
                    self._wakes.recv(4096)
            elif found := self._open.get(key.fd):
                self._on_socket(found, mask)
        with suppress(Empty):
            while True:
                self._add(self._new.get_nowait())
        now = time.monotonic()
        for each in list(self._open.values()):
            self._keep_time(each, now)
        if self._open:
            self._ask(now)
        else:
            connection.close()

    def _seconds_left(self) -> float | None:
        """How long nothing is to be done but for what sockets and others ask for; None for ever."""
        if not self._open:
            return None
        if not self._is_out and any(map(_is_waiting, self._open.values())):
            return BEHIND_SECONDS
        return max(0.0, self._looked_at + LOOK_SECONDS - time.monotonic())

    def _add(self, found: _Connection) -> None:
        try:
            found.descriptor = self._selector.register(found.sock, selectors.EVENT_READ).fd
        except (OSError, ValueError):  # it has ended meanwhile
            found.stream.close()
            found.ended(False)
            return
        self._open[found.descriptor] = found

    # sockets

    def _on_socket(self, found: _Connection, mask: int) -> None:
        try:
            if mask & selectors.EVENT_READ and not found.sock.recv(4096):
                self._drop(found, "the client left")
                return
            if mask & selectors.EVENT_WRITE:
                found.flush(time.monotonic())
        except (BlockingIOError, InterruptedError):
            pass
        except OSError:
            self._drop(found, "the connection broke")
            return
        self._watch(found)

    def _watch(self, found: _Connection) -> None:
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if found.pending else 0)
        if self._selector.get_key(found.sock).events != wanted:
            self._selector.modify(found.sock, wanted)

    def _say(self, found: _Connection, data: bytes, now: float) -> None:
        try:
            found.say(data, now)
        except OSError:
            self._drop(found, "the connection broke")
        else:
            self._watch(found)

    def _finish(self, found: _Connection, data: bytes, why: str) -> None:
        """End a stream with a last word, which a client that reads gets."""
        with suppress(OSError):
            found.say(data, time.monotonic(), last=True)
        self._drop(found, why, whole=not found.pending)

    def _drop(self, found: _Connection, why: str, *, whole: bool = False) -> None:
        del self._open[found.descriptor]
        with suppress(KeyError, ValueError):
            self._selector.unregister(found.sock)
        stream = found.stream
        stream.close()
        _log.info("stream of events ended", key=str(stream.key_id), why=why, told=stream.told)
        found.ended(whole)

    def _drop_all(self) -> None:
        for each in list(self._open.values()):
            self._drop(each, "a step failed")

    # time

    def _keep_time(self, found: _Connection, now: float) -> None:
        if self._stops:
            self._finish(found, SERVER_STOPS, "the server stops")
        elif found.pending and now > found.heard_at + UNREAD_SECONDS:
            self._drop(found, "the client does not read")
        elif now >= found.until:
            self._finish(found, TIME_OVER, "its time is over")
        elif not found.pending and now > found.said_at + HEARTBEAT_SECONDS:
            self._say(found, found.stream.alive(), now)

    def _ask(self, now: float) -> None:
        """Ask for new events, and now and then for the keys. While PostgreSQL is away streams wait where they are."""
        is_round = now >= self._looked_at + LOOK_SECONDS
        if not is_round and self._is_out:
            return
        try:
            connection.close_if_unusable_or_obsolete()
            if is_round:
                self._looked_at = now
                if now >= self._judged_at + KEYS_SECONDS:
                    self._judge()
                    self._judged_at = now
            self._look([each for each in self._open.values() if (not each.pending if is_round else _is_waiting(each))])
            self._is_out = False
        except DatabaseError as error:
            if not self._is_out:
                _log.warning("streams of events wait for PostgreSQL", error=type(error).__name__)
            self._is_out = True

    def _look(self, asking: list[_Connection]) -> None:
        streams = [each.stream for each in asking]
        if not streams:
            return
        lives = "{" + ",".join("t" if each.live else "f" for each in streams) + "}"
        found = sql.run(
            _LOOK,
            [
                sql.ids(each.workspace_id for each in streams),
                lives,
                sql.ids(each.position for each in streams),
                LOOK_EVENTS,
            ],
        )
        events: dict[int, list[Event]] = {}
        for place, pk, type_name, occurred_at, data in found:
            event = Event(id=pk, type=type_name, occurred_at=occurred_at, data=orjson.loads(data))
            events.setdefault(place, []).append(event)
        for place, each in enumerate(asking, 1):
            new = events.get(place, [])
            each.stream.is_behind = len(new) == LOOK_EVENTS
            if new and (frames := each.stream.frames(new, new[-1].pk)):
                self._say(each, frames, time.monotonic())

    def _judge(self) -> None:
        """End the streams of keys that may no longer read them."""
        asked = {each.stream.key_id for each in self._open.values()}
        keys = ApiKey.objects.select_related("user").annotate(asked_at=Now()).in_bulk(asked)
        for each in list(self._open.values()):
            if refusal := _refusal(keys.get(each.stream.key_id), each.stream.address):
                self._finish(each, _end(refusal.code, str(refusal.detail)), refusal.code)


def _is_waiting(each: _Connection) -> bool:
    """Whether it is known to be behind, and takes more."""
    return each.stream.is_behind and not each.pending


def _refusal(key: ApiKey | None, address: IPv4Address | IPv6Address | None) -> Problem | None:
    """Why the key would be refused now."""
    if key is None:
        return Problem(codes.UNAUTHENTICATED, "This API key does not exist.")
    now: datetime = vars(key)["asked_at"]
    try:
        require_active(key, now)
        require_network(key, address)
        require_scope(key, Scope.EVENTS_READ)
    except APIException as refused:
        return problem_of(refused)
    return None
