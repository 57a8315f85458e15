"""Connections to destinations: each destination has its own, kept between requests, and all are driven by one epoll.

libcurl keeps connections in a CurlMulti and gives them to any handle of it that asks for the same host and port. Each channel has one
of its own with handles of one target alone, so a socket that was judged for one destination never carries a request to another.
"""

from __future__ import annotations

import select
import time
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

import pycurl

from rvm.platform.outbound.connection import Connection
from rvm.platform.outbound.libcurl import ACTIONS, EVENTS
from rvm.platform.outbound.targets import Target
from rvm.platform.webhooks.sending.answers import CONNECT_SECONDS, MAX_BYTES, TOTAL_SECONDS, error_of, text_of
from rvm.platform.webhooks.sending.schedule import Answer

Context = TypeVar("Context")
# Gets the request's context, the answer, and the value of its Retry-After.
Ended = Callable[[Context, Answer, str], None]


class Wheel:
    """The epoll of all channels of a process."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._channels: dict[int, Channel[Any]] = {}
        self._timers: dict[Channel[Any], float] = {}

    def turn(self, seconds: float) -> None:
        """Wait for sockets or timers, for at most so long, and let libcurl process them."""
        due = min(self._timers.values(), default=float("inf")) - time.monotonic()
        for descriptor, event in self._epoll.poll(max(0.0, min(seconds, due))):
            if channel := self._channels.get(descriptor):
                channel.act(descriptor, ACTIONS.get(event, 0))
        now = time.monotonic()
        for channel in [each for each, at in self._timers.items() if at <= now]:
            self._timers.pop(channel, None)
            channel.act(pycurl.SOCKET_TIMEOUT, 0)

    def watch(self, channel: Channel[Any], what: int, descriptor: int) -> None:
        if what == pycurl.POLL_REMOVE:
            self._channels.pop(descriptor, None)
            try:
                self._epoll.unregister(descriptor)
            except OSError:  # libcurl closed it, and the kernel forgot it
                return
            return
        self._channels[descriptor] = channel
        try:
            self._epoll.modify(descriptor, EVENTS[what])
        except OSError:  # a new socket
            self._epoll.register(descriptor, EVENTS[what])

    def set_timer(self, channel: Channel[Any], milliseconds: int) -> None:
        if milliseconds < 0:
            self._timers.pop(channel, None)
        else:
            self._timers[channel] = time.monotonic() + milliseconds / 1000

    def forget(self, channel: Channel[Any]) -> None:
        self._timers.pop(channel, None)
        for descriptor in [number for number, each in self._channels.items() if each is channel]:
            self.watch(channel, pycurl.POLL_REMOVE, descriptor)

    def close(self) -> None:
        self._epoll.close()


class Channel(Generic[Context]):
    """Requests to one target. `ended` is called with the end of each, from within `Wheel.turn` or `send`."""

    def __init__(self, wheel: Wheel, target: Target, ended: Ended[Context]) -> None:
        self._wheel, self._target, self._ended = wheel, target, ended
        self._idle: list[_Exchange[Context]] = []
        self._busy: dict[int, _Exchange[Context]] = {}
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, lambda what, fd, *_: wheel.watch(self, what, fd))
        self._multi.setopt(pycurl.M_TIMERFUNCTION, lambda milliseconds: wheel.set_timer(self, milliseconds))

    @property
    def in_flight(self) -> int:
        return len(self._busy)

    def send(self, context: Context, headers: Sequence[str], body: bytes) -> None:
        exchange = self._idle.pop() if self._idle else _Exchange[Context](self._target)
        exchange.begin(context, headers, body)
        self._busy[id(exchange.handle)] = exchange
        self._multi.add_handle(exchange.handle)
        self.act(pycurl.SOCKET_TIMEOUT, 0)  # starts it now

    def act(self, descriptor: int, action: int) -> None:
        self._multi.socket_action(descriptor, action)
        _, answered, failed = self._multi.info_read()
        for handle, code in [*((each, pycurl.E_OK) for each in answered), *((each[0], each[1]) for each in failed)]:
            self._multi.remove_handle(handle)
            exchange = self._busy.pop(id(handle))
            answer, retry_after = exchange.end(code)
            context = exchange.context
            self._idle.append(exchange)
            self._ended(context, answer, retry_after)

    def close(self) -> None:
        """Close all connections and abandon the requests in flight, which may have arrived."""
        for exchange in self._busy.values():
            self._multi.remove_handle(exchange.handle)
        for exchange in (*self._busy.values(), *self._idle):
            exchange.close()
        self._busy.clear()
        self._idle.clear()
        self._multi.close()
        self._wheel.forget(self)


class _Exchange(Connection, Generic[Context]):
    """A handle with the state of its current request."""

    context: Context

    def __init__(self, target: Target) -> None:
        super().__init__(target, connect_seconds=CONNECT_SECONDS, total_seconds=TOTAL_SECONDS, keep=True)
        self._body = bytearray()
        self._cut = False
        self._retry_after = ""
        self.handle.setopt(pycurl.CUSTOMREQUEST, "POST")
        self.handle.setopt(pycurl.WRITEFUNCTION, self._take)
        self.handle.setopt(pycurl.HEADERFUNCTION, self._take_header)

    def begin(self, context: Context, headers: Sequence[str], body: bytes) -> None:
        self.context = context
        self._body.clear()
        self.refused, self._cut, self._retry_after = False, False, ""
        self.handle.setopt(pycurl.HTTPHEADER, [*headers, "Accept: */*", "Expect:"])
        self.handle.setopt(pycurl.POSTFIELDS, body)

    def end(self, code: int) -> tuple[Answer, str]:
        self.ended()
        status = self.handle.getinfo(pycurl.RESPONSE_CODE)
        milliseconds = round(self.handle.getinfo(pycurl.TOTAL_TIME) * 1000)
        error = error_of(self, code, status, cut=self._cut)
        return Answer(status or None, error, text_of(bytes(self._body)), milliseconds), self._retry_after

    def _take(self, chunk: bytes) -> int:
        """WRITEFUNCTION: the answer up to a bound, at which the transfer ends."""
        self._cut = len(self._body) + len(chunk) > MAX_BYTES
        if self._cut:
            return -1
        self._body += chunk
        return len(chunk)

    def _take_header(self, line: bytes) -> None:
        name, _, value = line.decode("latin-1").partition(":")
        if name.strip().lower() == "retry-after":
            self._retry_after = value.strip()
