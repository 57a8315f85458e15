"""Plain values for one HTTP exchange with a carrier, and the port through which they travel.

The engine, the adapters and the tests know only these; `delivery/transport/curl.py` is the one client behind them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, TypeVar

Context = TypeVar("Context")


@dataclass(frozen=True, slots=True)
class CarrierRequest:
    """`headers` are "Name: value" lines, ready for the wire."""

    method: str
    url: str
    headers: tuple[str, ...] = ()
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class CarrierResponse:
    """`headers` have lower-case names. `body` is cut at the transport's limit."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


class Proof(StrEnum):
    NOT_SENT = "not_sent"  # no byte of the request reached the server: DNS, connection or TLS failed
    UNKNOWN = "unknown"  # the server may have read and obeyed the request


@dataclass(frozen=True, slots=True)
class TransportFailure:
    """No response came. `detail` is a short sentence without the URL's query or any phone number."""

    proof: Proof
    detail: str


class Transport(Protocol[Context]):
    """Many requests in flight from one thread. A request is written to the wire at most once."""

    @property
    def in_flight(self) -> int: ...

    def submit(self, request: CarrierRequest, context: Context) -> None:
        """Start a request; `context` comes back with its end."""

    def poll(self, seconds: float) -> list[tuple[Context, CarrierResponse | TransportFailure]]:
        """Drive the requests for at most `seconds` and return those that ended; returns early once one has."""

    def close(self) -> None: ...
