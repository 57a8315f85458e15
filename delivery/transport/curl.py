"""The one HTTP client to carriers: hundreds of requests in flight from one thread, each on the wire at most once.

libcurl resends a request if a kept-alive connection dies before the first byte of a response, which could leave a second
voicemail. It calls PREREQFUNCTION (libcurl 7.80) before each write of a request, with or without a body, and the hook
refuses the second write. (The older method, a body from READFUNCTION that cannot be rewound, protects neither GET nor an
empty POST: tested with libcurl 8.23.)

The transport has no queue: connections are not limited, neither in total nor per host, so that `submit` starts the
request before it returns (on an idle connection it is written immediately). The caller limits the requests in flight.

libcurl is driven by its sockets through epoll, not by `CurlMulti.select`, which cannot wait on descriptors above 1023 and
checks every connection each time. Idle connections stay in the epoll too: libcurl checks for closed ones at most once a
second and writes to them until then, which would make a voicemail uncertain each time a carrier restarts.
"""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Callable
from typing import Any, Generic

import pycurl

from delivery.transport.interface import CarrierRequest, CarrierResponse, Context, Proof, TransportFailure
from rvm.platform.outbound.connection import trusted_certificates
from rvm.platform.outbound.libcurl import ACTIONS, EVENTS, QUICK_EXIT
from rvm.platform.times.boot_clock import boot_clock

BODY_LIMIT = 64 * 1024  # bytes; carriers answer with less than 2 kB
CONNECTIONS_KEPT = 512  # further idle connections are closed, oldest first
IDLE_SECONDS = 20  # load balancers close idle connections after 30 to 60 s; no request may be written at that moment
LOOK_SECONDS = 0.001  # the maximum age of the last check of idle connections when a request starts
LIFE_SECONDS = 600  # a busy connection is renewed, so that a carrier's change of address takes effect

# Own messages, because libcurl's may quote data from the server.
_DETAILS = {
    pycurl.E_URL_MALFORMAT: "The carrier's address is malformed.",
    pycurl.E_COULDNT_RESOLVE_HOST: "The carrier's host name could not be resolved.",
    pycurl.E_COULDNT_CONNECT: "No connection to the carrier: refused or unreachable.",
    pycurl.E_SSL_CONNECT_ERROR: "No TLS connection to the carrier: the handshake failed.",
    pycurl.E_PEER_FAILED_VERIFICATION: "No TLS connection to the carrier: its certificate is not trusted.",
    pycurl.E_SSL_CACERT_BADFILE: "No TLS connection to the carrier: the file of trusted certificates cannot be read.",
    pycurl.E_ABORTED_BY_CALLBACK: "The connection ended without a response; the request was not sent again.",
    pycurl.E_OPERATION_TIMEDOUT: "No whole response in time.",
    pycurl.E_GOT_NOTHING: "The connection ended without a response.",
    pycurl.E_SEND_ERROR: "The connection broke while the request was being sent.",
    pycurl.E_RECV_ERROR: "The connection broke before the response was whole.",
    pycurl.E_PARTIAL_FILE: "The connection ended before the response was whole.",
    pycurl.E_UNSUPPORTED_PROTOCOL: "The answer was not HTTP.",
    pycurl.E_FTP_WEIRD_SERVER_REPLY: "The answer was not HTTP.",
    pycurl.E_FILESIZE_EXCEEDED: "The response was larger than accepted.",
}
_UNSENT = {
    pycurl.E_UNSUPPORTED_PROTOCOL: "The carrier's address is neither http nor https.",
    pycurl.E_OPERATION_TIMEDOUT: "No connection to the carrier in time.",
    pycurl.E_ABORTED_BY_CALLBACK: "The request could not leave in time.",
}


class CurlTransport(Generic[Context]):
    """`Transport` over libcurl. Times are in seconds; `total_timeout` counts from `submit` and includes connecting.

    `clock` advances during suspension: a request that was not written within `total_timeout` of its submission, because the
    machine slept meanwhile, is never written. Create the transport after a fork, in the thread that uses it.
    """

    def __init__(
        self,
        connect_timeout: float = 3.0,
        total_timeout: float = 15.0,
        body_limit: int = BODY_LIMIT,
        clock: Callable[[], float] = boot_clock,
    ) -> None:
        self._clock = clock
        self._total_timeout = total_timeout
        self._options = {
            pycurl.CONNECTTIMEOUT_MS: round(connect_timeout * 1000),
            pycurl.MAXFILESIZE: body_limit,
            pycurl.MAXAGE_CONN: IDLE_SECONDS,
            pycurl.MAXLIFETIME_CONN: LIFE_SECONDS,
            pycurl.NOSIGNAL: 1,
            QUICK_EXIT: 1,
            pycurl.HTTP_VERSION: pycurl.CURL_HTTP_VERSION_1_1,
            pycurl.PROTOCOLS: pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS,
            pycurl.DEFAULT_PROTOCOL: "https",  # requests to a URL without a scheme contain credentials too
            pycurl.FOLLOWLOCATION: 0,
            pycurl.PROXY: "",  # and none from the environment
            pycurl.SSL_VERIFYPEER: 1,
            pycurl.SSL_VERIFYHOST: 2,
            pycurl.USERAGENT: "rvm",
            **trusted_certificates(),
        }
        self._idle: list[_Exchange[Context]] = []
        self._busy: set[_Exchange[Context]] = set()
        self._stillborn: list[tuple[Context, CarrierResponse | TransportFailure]] = []
        self._epoll = select.epoll()
        self._timer: float | None = None
        self._looked = 0.0
        self._dead_ports: set[int] = set()  # local ports of kept-alive connections that the server has ended
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_MAXCONNECTS, CONNECTIONS_KEPT)
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, self._watch)
        self._multi.setopt(pycurl.M_TIMERFUNCTION, self._set_timer)

    @property
    def in_flight(self) -> int:
        """The number of requests that were submitted and not yet returned by `poll`."""
        return len(self._busy) + len(self._stillborn)

    def submit(self, request: CarrierRequest, context: Context) -> None:
        """Start a request without waiting; `poll` returns `context` with its end. A malformed request ends as not sent."""
        exchange = self._idle.pop() if self._idle else self._new_exchange()
        try:
            exchange.begin(request, context, self._total_timeout)
        except (ValueError, TypeError, pycurl.error):  # without its text, which quotes what it refuses
            detail = "The request could not be built: its address or a header is malformed."
            self._stillborn.append((context, TransportFailure(Proof.NOT_SENT, detail)))
            exchange.close()
            return
        if not self._busy or time.monotonic() - self._looked > LOOK_SECONDS:
            self._drive(0.0)  # the server may have ended an idle connection since the last poll
        self._busy.add(exchange)
        self._start(exchange)

    def poll(self, seconds: float) -> list[tuple[Context, CarrierResponse | TransportFailure]]:
        """Drive the requests for at most `seconds` and return the ended ones.

        It returns as soon as one has ended, and at once if none is in flight.
        """
        ended, self._stillborn = self._stillborn, []
        self._collect(ended)  # a fast answer can be in hand since `submit`
        until = time.monotonic() + seconds
        while self._busy:  # drives at least once, or such fast answers would starve the others
            left = self._drive(0.0 if ended else until)
            self._collect(ended)
            if ended or left <= 0:
                break
        return ended

    def close(self) -> None:
        """Close all connections and abandon the requests in flight, whose contexts are not returned.

        The server may have acted on these requests.
        """
        for exchange in self._busy:
            self._multi.remove_handle(exchange)
        for exchange in (*self._busy, *self._idle):
            exchange.close()
        self._busy.clear()
        self._idle.clear()
        self._stillborn.clear()
        self._multi.close()
        self._epoll.close()

    def _new_exchange(self) -> _Exchange[Context]:
        return _Exchange(self._options, self._clock, self._dead_ports)

    def _start(self, exchange: _Exchange[Context]) -> None:
        self._multi.add_handle(exchange)
        self._multi.socket_action(pycurl.SOCKET_TIMEOUT, 0)  # starts it now instead of at the next poll

    def _drive(self, until: float) -> float:
        """Wait for sockets or libcurl's timer, at most until `until`, let libcurl process them, and return the seconds left."""
        now = time.monotonic()
        due = until if self._timer is None else min(self._timer, until)
        happened = self._epoll.poll(max(due - now, 0))
        for descriptor, event in happened:
            if event & select.EPOLLRDHUP:  # asked for on idle connections only; first, while the number is still theirs
                self._note_dead(descriptor)
        for descriptor, event in happened:
            if not event & select.EPOLLRDHUP:
                self._multi.socket_action(descriptor, ACTIONS.get(event, 0))
        self._looked = now = time.monotonic()
        if self._timer is not None and self._timer <= now:
            self._timer = None
            self._multi.socket_action(pycurl.SOCKET_TIMEOUT, 0)
        return until - now

    def _collect(self, ended: list[tuple[Context, CarrierResponse | TransportFailure]]) -> None:
        _, answered, failed = self._multi.info_read()
        for exchange in answered:
            self._multi.remove_handle(exchange)
            ended.append((exchange.context, exchange.response()))
            self._release(exchange)
        for exchange, code, _ in failed:
            self._multi.remove_handle(exchange)
            if exchange.may_begin_again(code):
                self._start(exchange)
            else:
                ended.append((exchange.context, exchange.failure(code)))
                self._release(exchange)

    def _release(self, exchange: _Exchange[Context]) -> None:
        self._busy.discard(exchange)
        self._idle.append(exchange)

    def _watch(self, what: int, descriptor: int, multi: object, data: object) -> None:
        events = select.EPOLLRDHUP if what == pycurl.POLL_REMOVE else EVENTS[what]
        try:
            self._epoll.modify(descriptor, events)
        except OSError:  # a new socket; or libcurl closed it, and the kernel forgot it
            if what != pycurl.POLL_REMOVE:
                self._epoll.register(descriptor, events)

    def _note_dead(self, descriptor: int) -> None:
        self._epoll.unregister(descriptor)
        try:
            borrowed = socket.socket(fileno=descriptor)
        except OSError:  # one of libcurl's own wake-up descriptors
            return
        if borrowed.family in (socket.AF_INET, socket.AF_INET6):
            self._dead_ports.add(borrowed.getsockname()[1])
        borrowed.detach()

    def _set_timer(self, milliseconds: int) -> None:
        self._timer = None if milliseconds < 0 else time.monotonic() + milliseconds / 1000


class _Exchange(pycurl.Curl, Generic[Context]):
    """A reusable easy handle with the state of its current request."""

    context: Context

    def __init__(self, options: dict[int, Any], clock: Callable[[], float], dead_ports: set[int]) -> None:
        super().__init__()
        self.clock = clock
        self.dead_ports = dead_ports
        self.latest = 0.0
        self.allowed = False
        self.lines: list[bytes] = []
        self.chunks: list[bytes] = []
        self.url = ""
        self.method = ""
        self.headers: tuple[str, ...] | None = None
        for option, value in options.items():
            self.setopt(option, value)
        self.setopt(pycurl.PREREQFUNCTION, self.allow)
        self.setopt(pycurl.HEADERFUNCTION, self.lines.append)
        self.setopt(pycurl.WRITEFUNCTION, self.chunks.append)

    def begin(self, request: CarrierRequest, context: Context, seconds: float) -> None:
        """Load the request; options equal to those of the handle's last request are kept.

        Raises ValueError, TypeError or pycurl.error for a malformed request.
        """
        if request.url != self.url:
            self.setopt(pycurl.URL, request.url)
            self.url = request.url
        if request.headers != self.headers:
            joined = "".join(request.headers)
            if "\n" in joined or "\r" in joined:
                raise ValueError("a line break in a header would begin another header or request")
            # Without "Expect:" libcurl waits for a 100 response before large bodies.
            self.setopt(pycurl.HTTPHEADER, (*request.headers, "Expect:"))
            self.headers = request.headers
        if request.body or request.method in ("POST", "PUT", "PATCH"):
            self.setopt(pycurl.POSTFIELDS, request.body)
        else:
            self.setopt(pycurl.HTTPGET, 1)
        if request.method != self.method:
            self.setopt(pycurl.CUSTOMREQUEST, request.method)
            self.method = request.method
        self.lines.clear()
        self.chunks.clear()
        self.setopt(pycurl.TIMEOUT_MS, round(seconds * 1000))
        self.context, self.latest, self.allowed = context, self.clock() + seconds, False

    def allow(self, address: str, local_address: str, port: int, local_port: int) -> int:
        """PREREQFUNCTION: permit the write once, in time, and not on a connection that the server has closed."""
        if self.allowed or self.clock() > self.latest:
            return pycurl.PREREQFUNC_ABORT
        if local_port in self.dead_ports:
            self.dead_ports.remove(local_port)
            return pycurl.PREREQFUNC_ABORT
        self.allowed = True
        return pycurl.PREREQFUNC_OK

    def may_begin_again(self, code: int) -> bool:
        """Whether the request may start again, for which the handle is then prepared.

        This requires that no byte was written because a kept-alive connection was dead (libcurl has closed it since), and that time
        is left.
        """
        left = self.latest - self.clock()
        if code != pycurl.E_ABORTED_BY_CALLBACK or self.getinfo(pycurl.REQUEST_SIZE) > 0 or left <= 0:
            return False
        self.setopt(pycurl.TIMEOUT_MS, max(round(left * 1000), 1))  # 0 would mean no limit
        self.allowed = False
        return True

    def response(self) -> CarrierResponse:
        return CarrierResponse(self.getinfo(pycurl.RESPONSE_CODE), b"".join(self.chunks), _fields(self.lines))

    def failure(self, code: int) -> TransportFailure:
        """The failure with its proof, by REQUEST_SIZE: the bytes passed to the kernel or to TLS in all of libcurl's attempts.

        The error code proves nothing: "connection refused" may be from a second attempt after the first was sent.
        """
        if self.getinfo(pycurl.REQUEST_SIZE) > 0:
            return TransportFailure(Proof.UNKNOWN, _DETAILS.get(code) or f"The exchange failed (libcurl error {code}).")
        detail = _UNSENT.get(code) or _DETAILS.get(code) or f"The request could not be sent (libcurl error {code})."
        return TransportFailure(Proof.NOT_SENT, detail)


def _fields(lines: list[bytes]) -> dict[str, str]:
    """The header values by lower-case name, the last one of repeated names, of the last response (after a 100 or 103)."""
    fields: dict[str, str] = {}
    for line in b"".join(lines).decode("latin-1").split("\r\n"):
        name, colon, value = line.partition(":")
        if colon:
            fields[name.lower()] = value.strip()
        elif name.startswith("HTTP/"):
            fields.clear()
    return fields
