"""The transport's in-memory twin: answers come from a function, and everything that would leave is kept."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any

import orjson

from delivery.transport.interface import CarrierRequest, CarrierResponse, Proof, TransportFailure

Answer = CarrierResponse | TransportFailure


def accepted(request: CarrierRequest) -> Answer:
    return CarrierResponse(202, orjson.dumps({"id": "carrier-1", "status": "accepted"}))


def refused_connection(request: CarrierRequest) -> Answer:
    return TransportFailure(Proof.NOT_SENT, "No connection to the carrier.")


def timed_out(request: CarrierRequest) -> Answer:
    return TransportFailure(Proof.UNKNOWN, "The carrier did not answer in time.")


class FakeTransport:
    def __init__(self, answer: Callable[[CarrierRequest], Answer] = accepted) -> None:
        self.answer = answer
        self.sent: list[CarrierRequest] = []
        self._open: list[tuple[Any, CarrierRequest]] = []

    @property
    def in_flight(self) -> int:
        return len(self._open)

    def submit(self, request: CarrierRequest, context: Any) -> None:
        self.sent.append(request)
        self._open.append((context, request))

    def poll(self, seconds: float) -> list[tuple[Any, Answer]]:
        ended, self._open = self._open, []
        return [(context, self.answer(request)) for context, request in ended]

    def close(self) -> None: ...


class Inline(Executor):
    """Runs a turn at once and in the test's own thread, where the test's transaction is."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future
