"""gunicorn's threaded worker, whose one loop receives requests before its threads take them.

gunicorn gives a connection to a thread with its first byte, and the thread waits for the rest: as many slow clients as threads stop
the whole server. Here the loop collects head and body in memory, of all connections at once. Bodies too large for that are read by
threads, but never by all of them. Nothing is written to disk: bodies contain patients' data.

A response that has a `stream` (rvm/platform/events/streams.py) is begun by a thread, which is free then: one thread goes on with all
streams.
"""

from __future__ import annotations

import socket
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import suppress
from functools import cached_property, partial
from selectors import EVENT_READ
from typing import Any

from gunicorn.http.message import Request
from gunicorn.workers.gthread import TConn, ThreadWorker

from rvm.platform.api import problem_codes as codes
from rvm.platform.api.problem_codes import ProblemCode
from rvm.project.web_server import refusals
from rvm.project.web_server.arrivals import HEAD_SECONDS, SILENCE_SECONDS, Arrival
from rvm.project.web_server.sockets import PatientSocket

# What all connections of a process may keep of bodies, beside heads and small bodies of this size.
MAX_KEPT_BYTES, SMALL_BYTES = 64 * 1024 * 1024, 32 * 1024
CHUNK_BYTES = 64 * 1024
# After its answer a client has this long to close, so that unread bytes do not reset the connection under the answer.
LINGER_SECONDS, MAX_LINGER_BYTES = 2.0, 64 * 1024


class _GoesOn(BaseException):
    """Leaves gunicorn's loop over a response without an end of it, and is no error that it handles."""


class _Opening:
    """The first part of a response that goes on as a stream."""

    def __init__(self, response: Any) -> None:
        self._response, self.close = response, response.close

    def __iter__(self) -> Iterator[bytes]:
        yield next(iter(self._response))
        self._response.stream.goes_on = True
        raise _GoesOn(self._response.stream)


class ReceivingWorker(ThreadWorker):
    def init_process(self) -> None:
        self.arrivals: dict[TConn, Arrival] = {}
        self.lingering: dict[TConn, tuple[float, int]] = {}
        self.kept_bytes = 0
        # Requests whose bodies a thread reads while they arrive; at least one thread is left for the others.
        self.streaming: set[TConn] = set()
        self.max_streaming = max(1, self.cfg.threads // 2)
        self.waiting: deque[tuple[float, TConn]] = deque()
        self.swept_at = 0.0
        # Streams whose responses were begun, and whether their pieces are chunks.
        self.begun: dict[TConn, tuple[Any, bool]] = {}
        super().init_process()

    application: Any
    wsgi: Any

    def load_wsgi(self) -> None:
        super().load_wsgi()
        self.application, self.wsgi = self.wsgi, self._respond

    @cached_property
    def streams(self) -> Any:
        from rvm.platform.events.streams import Streams  # it needs Django, which has begun when there is a stream

        return Streams()

    def _respond(self, environ: dict[str, Any], start_response: Any) -> Any:
        response = self.application(environ, start_response)
        return _Opening(response) if hasattr(response, "stream") else response

    # receiving

    def accept(self, listener: socket.socket) -> None:
        try:
            client, address = listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        self.nr_conns += 1
        if self.nr_conns >= self.worker_connections and self.arrivals:
            self._drop(next(iter(self.arrivals)))  # the one that has waited longest
        conn = TConn(self.cfg, PatientSocket(client), address, listener.getsockname())
        conn.data_ready = True  # a thread gets it with all that it waits for
        self._receive(conn, HEAD_SECONDS)

    def _receive(self, conn: TConn, idle_seconds: float, begun: bytes = b"") -> None:
        arrival = self.arrivals[conn] = Arrival(time.monotonic(), idle_seconds, bytearray(begun))
        self.kept_bytes += len(begun)
        conn.sock.setblocking(False)
        self.poller.register(conn.sock, EVENT_READ, partial(self._on_readable, conn))
        if arrival.is_whole:
            self._dispatch(conn)

    def _on_readable(self, conn: TConn, _: object) -> None:
        arrival = self.arrivals.get(conn)
        if arrival is None:
            return  # dropped by an event before this one
        try:
            chunk = conn.sock.recv(CHUNK_BYTES)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            chunk = b""
        if not chunk:
            self._drop(conn)
            return
        arrival.add(chunk, time.monotonic())
        self.kept_bytes += len(chunk)
        if arrival.is_whole:
            self._dispatch(conn)
        elif arrival.is_endless:
            self._drop(conn, codes.HEADERS_TOO_LARGE)
        elif self.kept_bytes > MAX_KEPT_BYTES and len(arrival.data) > SMALL_BYTES:
            self._drop(conn, codes.UNAVAILABLE)

    def _forget(self, conn: TConn) -> Arrival:
        arrival = self.arrivals.pop(conn)
        self.kept_bytes -= len(arrival.data)
        self.poller.unregister(conn.sock)
        return arrival

    def _drop(self, conn: TConn, problem: ProblemCode | None = None) -> None:
        """Cut the client off, with a last word if it has begun a request."""
        self._forget(conn)
        self._refuse(conn, problem)

    def _refuse(self, conn: TConn, problem: ProblemCode | None) -> None:
        if problem is None:
            self._close(conn)
            return
        refusals.begin()
        try:
            conn.sock.send(refusals.response(problem))
            self._linger(conn)
        except (OSError, ValueError):
            self._close(conn)

    def _close(self, conn: TConn) -> None:
        self.nr_conns -= 1
        conn.close()

    def _linger(self, conn: TConn) -> None:
        """Send no more, and wait for the client to close. Raises OSError and ValueError for a connection that has ended."""
        conn.sock.setblocking(False)
        conn.sock.shutdown(socket.SHUT_WR)
        self.lingering[conn] = (time.monotonic() + LINGER_SECONDS, 0)
        self.poller.register(conn.sock, EVENT_READ, partial(self._on_lingering, conn))

    # serving

    def _dispatch(self, conn: TConn) -> None:
        arrival = self._forget(conn)
        conn.sock.begin(arrival.data)
        if arrival.need and arrival.need.streams:
            self.waiting.append((time.monotonic() + SILENCE_SECONDS, conn))
            self._stream()
        else:
            self.enqueue_req(conn)

    def _stream(self) -> None:
        while self.waiting and len(self.streaming) < self.max_streaming:
            _, conn = self.waiting.popleft()
            self.streaming.add(conn)
            self.enqueue_req(conn)

    def handle_request(self, req: Request, conn: TConn) -> Any:
        refusals.require_single_headers(req.headers)
        try:
            return super().handle_request(req, conn)
        except _GoesOn as going:
            self.begun[conn] = (going.args[0], req.version > (1, 0))
            return False

    def handle_error(self, req: Request | None, client: socket.socket, addr: Any, exc: Exception) -> None:
        """Answer what cannot be read or served. gunicorn's own answers are HTML and quote the request."""
        refusals.begin()
        problem = refusals.problem_of(exc)
        if problem is codes.INTERNAL_ERROR:
            self.log.error("Error handling a request", exc_info=exc)
        else:
            self.log.warning("A request from %s cannot be read: %s", (addr or ("",))[0], type(exc).__name__)
        with suppress(OSError):
            client.sendall(refusals.response(problem))

    def finish_request(self, conn: TConn, fs: Future[Any]) -> None:
        """A thread is done with the request: the connection waits for the next one, or is closed."""
        if conn in self.streaming:
            self.streaming.discard(conn)
            self._stream()
        if conn in self.begun:
            stream, chunked = self.begun.pop(conn)
            ended = partial(self.method_queue.defer, self._end_stream, conn)
            self.streams.take(stream, conn.sock, chunked=chunked, ended=ended)
            if not self.alive:
                self.streams.stop()
            return
        goes_on = not fs.cancelled() and fs.exception() is None and fs.result()
        try:
            if goes_on:
                begun = conn.parser.unreader.take_buffered() + conn.sock.rest()
                self._receive(conn, self.cfg.keepalive if self.alive else LINGER_SECONDS, begun)
            else:
                self._linger(conn)
        except (OSError, ValueError):
            self._close(conn)

    def _end_stream(self, conn: TConn, whole: bool) -> None:
        """Wait for a client that got the whole stream to close; others are cut off."""
        if whole:
            with suppress(OSError, ValueError):
                self._linger(conn)
                return
        self._close(conn)

    def _on_lingering(self, conn: TConn, _: object) -> None:
        if conn not in self.lingering:
            return
        deadline, read = self.lingering[conn]
        try:
            chunk = conn.sock.recv(CHUNK_BYTES)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            chunk = b""
        self.lingering[conn] = (deadline, read + len(chunk))
        if not chunk or read + len(chunk) > MAX_LINGER_BYTES:
            self._close_lingering(conn)

    def _close_lingering(self, conn: TConn) -> None:
        del self.lingering[conn]
        self.poller.unregister(conn.sock)
        self._close(conn)

    # time

    def murder_pending(self) -> None:
        """Cut off who is late. gunicorn calls it after each round of events."""
        now = time.monotonic()
        if now < self.swept_at + 0.5:
            return
        self.swept_at = now
        for conn in [conn for conn, arrival in self.arrivals.items() if arrival.deadline < now]:
            self._drop(conn, codes.REQUEST_TIMEOUT if self.arrivals[conn].data else None)
        for conn in [conn for conn, (deadline, _) in self.lingering.items() if deadline < now]:
            self._close_lingering(conn)
        while self.waiting and self.waiting[0][0] < now:
            self._refuse(self.waiting.popleft()[1], codes.UNAVAILABLE)

    def _cap_keepalive(self, deadline: float) -> None:
        """The server stops: requests that have not begun to be served have a moment to arrive, and streams end."""
        if "streams" in vars(self):
            self.streams.stop()
        for arrival in self.arrivals.values():
            arrival.deadline = min(arrival.deadline, deadline)
