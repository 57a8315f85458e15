"""The values of one HTTP exchange with a carrier, and the interface of the transport.

Engine, adapters and tests use only these; `delivery/transport/curl.py` is the only client.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, TypeVar

Context = TypeVar("Context")


@dataclass(frozen=True, slots=True)
class CarrierRequest:
    """A request to a carrier; `headers` are complete "Name: value" lines."""

    method: str
    url: str = field(repr=False)
    headers: tuple[str, ...] = field(default=(), repr=False)
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class CarrierResponse:
    """A carrier's response; `headers` have lower-case names, `body` is truncated at the transport's limit."""

    status: int
    body: bytes = field(repr=False)
    headers: dict[str, str] = field(default_factory=dict, repr=False)

    @property
    def refused(self) -> bool:
        """Whether the status refuses the request. 408 does not: the server gave up waiting, and may have read all of it."""
        return 400 <= self.status < 500 and self.status != 408


class Proof(StrEnum):
    NOT_SENT = "not_sent"  # no byte of the request reached the server: DNS, connection or TLS failed
    UNKNOWN = "unknown"  # the server may have read and acted on the request


@dataclass(frozen=True, slots=True)
class TransportFailure:
    """A request without a response. `detail` is a short sentence without the URL's query or any phone number."""

    proof: Proof
    detail: str


class Transport(Protocol[Context]):
    """A client with many requests in flight from one thread, each written at most once."""

    @property
    def in_flight(self) -> int: ...

    def submit(self, request: CarrierRequest, context: Context) -> None:
        """Start a request; `poll` returns `context` with its end."""

    def poll(self, seconds: float) -> list[tuple[Context, CarrierResponse | TransportFailure]]:
        """Drive the requests for at most `seconds` and return the ended ones, as soon as one has ended."""

    def close(self) -> None: ...
