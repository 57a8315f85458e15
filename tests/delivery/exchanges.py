"""What the transport's tests share: requests, their ends, and ways in which a server answers."""

from __future__ import annotations

from collections.abc import Callable

from delivery.transport.curl import CurlTransport
from delivery.transport.interface import CarrierRequest, CarrierResponse, TransportFailure
from tests.delivery.transport.wire_server import ACCEPTED, Heard

BODY = b'{"to":"+12025550123"}'
SECRETS = ("12025550123", "key=", "+1")

End = CarrierResponse | TransportFailure


def post(url: str, body: bytes = BODY, method: str = "POST") -> CarrierRequest:
    return CarrierRequest(method, url + "?key=s3cret", ("Content-Type: application/json", "X-Key: abc"), body)


def all_ends(transport: CurlTransport[object]) -> dict[object, End]:
    ends: dict[object, End] = {}
    while transport.in_flight:
        ends |= dict(transport.poll(10))
    return ends


def end_of(transport: CurlTransport[object], request: CarrierRequest) -> End:
    transport.submit(request, "only")
    return all_ends(transport)["only"]


def failure_of(transport: CurlTransport[object], request: CarrierRequest) -> TransportFailure:
    end = end_of(transport, request)
    assert isinstance(end, TransportFailure), end
    assert not any(secret in end.detail for secret in SECRETS)
    return end


def say(data: bytes, then: Callable[[Heard], None] = lambda heard: None) -> Callable[[Heard], None]:
    def answer(heard: Heard) -> None:
        heard.send(data)
        then(heard)

    return answer


def first_well_then(misbehave: Callable[[Heard], None]) -> Callable[[Heard], None]:
    """The first connection answers its first request, so that the second one finds it kept alive."""
    return lambda heard: heard.send(ACCEPTED) if (heard.connection, heard.turn) == (0, 1) else misbehave(heard)
