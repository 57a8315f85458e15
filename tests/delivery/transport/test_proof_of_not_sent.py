"""A request leaves at most once, and a failure says no more than what is proved: against a server that misbehaves."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from delivery.transport.curl import CurlTransport
from delivery.transport.interface import CarrierRequest, CarrierResponse, Proof, TransportFailure
from tests.delivery.exchanges import BODY, End, all_ends, end_of, failure_of, first_well_then, post, say
from tests.delivery.transport.wire_server import ACCEPTED, Heard, WireServer

OK = b"HTTP/1.1 200 OK\r\n"
CUT = "The connection ended before the response was whole."
TOO_LARGE = "The response was larger than accepted."
METHODS = [("POST", BODY), ("POST", b""), ("GET", b""), ("DELETE", b"")]


@pytest.fixture
def transport() -> Iterator[CurlTransport[object]]:
    transport: CurlTransport[object] = CurlTransport(connect_timeout=5, total_timeout=10)
    yield transport
    transport.close()


# At most once


@pytest.mark.parametrize(("method", "body"), METHODS)
@pytest.mark.parametrize("ending", [Heard.close, Heard.reset])
def test_a_reused_connection_closed_after_reading_gets_no_second_request(
    transport: CurlTransport[object], ending: Callable[[Heard], None], method: str, body: bytes
) -> None:
    """libcurl by itself sends all eight of these again on a new connection."""
    with WireServer(first_well_then(ending)) as server:
        end_of(transport, post(server.url))
        end = failure_of(transport, post(server.url, body, method))
        assert end.proof is Proof.UNKNOWN
        assert end.detail == "The connection ended without a response; the request was not sent again."
        # libcurl has opened a connection for the second attempt: whatever it wrote there would have been read by now.
        end_of(transport, CarrierRequest("GET", server.url + "/after"))
    assert [heard.line.split()[0] for heard in server.heard if "after" not in heard.line] == ["POST", method]


@pytest.mark.parametrize("ending", [Heard.close, Heard.reset])
def test_a_refused_second_connection_does_not_prove_that_the_first_one_sent_nothing(
    transport: CurlTransport[object], ending: Callable[[Heard], None]
) -> None:
    """libcurl reports "connection refused" here, of the attempt it may not make; REQUEST_SIZE still counts the first."""

    def die(heard: Heard) -> None:
        server.stop_listening()
        ending(heard)

    with WireServer(first_well_then(die)) as server:
        end_of(transport, post(server.url))
        assert failure_of(transport, post(server.url)).proof is Proof.UNKNOWN
    assert len(server.heard) == 2


@pytest.mark.parametrize("ending", [Heard.close, Heard.reset])
@pytest.mark.parametrize(("method", "body"), METHODS)
def test_a_new_connection_closed_after_reading_is_unknown(
    transport: CurlTransport[object], ending: Callable[[Heard], None], method: str, body: bytes
) -> None:
    with WireServer(ending) as server:
        assert failure_of(transport, post(server.url, body, method)).proof is Proof.UNKNOWN
    assert len(server.heard) == 1


def end_after_idle(
    transport: CurlTransport[object], ending: Callable[[Heard], None], tls: ssl.SSLContext | None = None
) -> tuple[End, list[int]]:
    """The server ends a kept-alive connection, then the next request is made. Returns its end and each request's turn."""
    idle, ended = threading.Event(), threading.Event()

    def answer(heard: Heard) -> None:
        heard.send(ACCEPTED)
        idle.wait(10)
        ending(heard)
        ended.set()

    with WireServer(answer, tls) as server:
        assert isinstance(end_of(transport, post(server.url)), CarrierResponse)
        idle.set()
        assert ended.wait(10)
        server.answer = say(ACCEPTED)
        end = end_of(transport, post(server.url))
    return end, [heard.turn for heard in server.heard]


@pytest.mark.parametrize("ending", [Heard.close, Heard.reset])
def test_an_idle_connection_ended_by_the_server_costs_nothing(
    transport: CurlTransport[object], ending: Callable[[Heard], None]
) -> None:
    end, turns = end_after_idle(transport, ending)
    assert isinstance(end, CarrierResponse)
    assert turns == [1, 1]


def test_an_idle_connection_reset_unnoticed_proves_that_nothing_was_sent(
    transport: CurlTransport[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel refuses the write (strace: sendto = ECONNRESET), libcurl goes for a second connection, is refused there
    too, and REQUEST_SIZE is 0: so the request starts again by itself."""
    monkeypatch.setattr(transport, "_note_dead", transport._epoll.unregister)
    end, turns = end_after_idle(transport, Heard.reset)
    assert isinstance(end, CarrierResponse)
    assert turns == [1, 1]


def test_an_idle_connection_closed_unnoticed_is_unknown(
    transport: CurlTransport[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel takes the bytes before it learns that nobody reads them: REQUEST_SIZE counts them as sent."""
    monkeypatch.setattr(transport, "_note_dead", transport._epoll.unregister)
    end, turns = end_after_idle(transport, Heard.close)
    assert isinstance(end, TransportFailure)
    assert end.proof is Proof.UNKNOWN
    assert turns == [1]


def test_a_request_that_could_not_leave_in_time_does_not_leave_late() -> None:
    """As after a suspension: the clock has jumped when the connection is ready."""
    times = iter([100.0, 111.0, 111.0])
    transport: CurlTransport[object] = CurlTransport(total_timeout=10, clock=lambda: next(times))
    with WireServer() as server:
        end = failure_of(transport, post(server.url))
        transport.close()
    assert end == TransportFailure(Proof.NOT_SENT, "The request could not leave in time.")
    assert server.heard == []


# What a failure proves


def refused_port() -> int:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port: int = closed.getsockname()[1]
        return port


@pytest.mark.parametrize(
    ("url", "detail"),
    [
        pytest.param(
            f"http://127.0.0.1:{refused_port()}/", "No connection to the carrier: refused or unreachable.", id="refused"
        ),
        ("http://carrier.invalid/", "The carrier's host name could not be resolved."),
        ("http://127.0.0.1:99999/", "The carrier's address is malformed."),
        ("http://exa mple/", "The carrier's address is malformed."),
        ("", "The carrier's address is malformed."),
        ("http://127.0.0.1/\r\nX: y", "The carrier's address is malformed."),
        ("file:///etc/passwd", "The carrier's address is neither http nor https."),
        ("http://carrier\0.invalid/", "The request could not be built: its address or a header is malformed."),
        ("http://träger.invalid/", "The request could not be built: its address or a header is malformed."),
    ],
)
def test_what_never_connected_was_not_sent(transport: CurlTransport[object], url: str, detail: str) -> None:
    assert failure_of(transport, CarrierRequest("POST", url, (), BODY)) == TransportFailure(Proof.NOT_SENT, detail)


@pytest.mark.parametrize("header", ["X: a\r\nPOST / HTTP/1.1", "X: a\nY: b", "X: ä"])
def test_a_header_that_could_smuggle_a_second_request_is_not_sent(
    transport: CurlTransport[object], header: str
) -> None:
    with WireServer() as server:
        end = failure_of(transport, CarrierRequest("POST", server.url, (header,), BODY))
        assert end.proof is Proof.NOT_SENT
        assert isinstance(end_of(transport, post(server.url)), CarrierResponse)
    assert len(server.heard) == 1


def test_a_server_that_never_accepts_was_not_sent_anything() -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        with socket.create_connection(full.getsockname()):  # the queue of one is full: further SYNs are dropped
            transport: CurlTransport[object] = CurlTransport(connect_timeout=0.2)
            end = failure_of(transport, post(f"http://127.0.0.1:{full.getsockname()[1]}/"))
            transport.close()
    assert end == TransportFailure(Proof.NOT_SENT, "No connection to the carrier in time.")


def test_tls_to_a_port_that_speaks_none_was_not_sent(transport: CurlTransport[object]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as plain:
        transport.submit(post(f"https://127.0.0.1:{plain.getsockname()[1]}/"), "only")
        transport.poll(0)
        peer, _ = plain.accept()
        with peer:
            peer.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            end = all_ends(transport)["only"]
    assert end == TransportFailure(Proof.NOT_SENT, "No TLS connection to the carrier: the handshake failed.")


def test_a_certificate_that_is_not_trusted_gets_no_request(
    transport: CurlTransport[object], tls_files: tuple[Path, ssl.SSLContext]
) -> None:
    with WireServer(tls=tls_files[1]) as server:
        end = failure_of(transport, post(server.url))
    assert end == TransportFailure(Proof.NOT_SENT, "No TLS connection to the carrier: its certificate is not trusted.")
    assert (server.accepted, server.heard) == (1, [])


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_certificate_trusted_through_the_environment_must_still_name_the_host(
    monkeypatch: pytest.MonkeyPatch, tls_files: tuple[Path, ssl.SSLContext], host: str
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tls_files[0]))
    transport: CurlTransport[object] = CurlTransport()
    with WireServer(tls=tls_files[1]) as server:
        end = end_of(transport, post(server.url.replace("127.0.0.1", host)))
        transport.close()
    if host == "127.0.0.1":
        assert isinstance(end, CarrierResponse)
        assert len(server.heard) == 1
    else:
        assert isinstance(end, TransportFailure)
        assert (end.proof, server.heard) == (Proof.NOT_SENT, [])


@pytest.mark.parametrize("ending", [Heard.close, Heard.reset])
def test_over_tls_too_a_connection_closed_after_reading_gets_no_second_request_and_an_idle_one_costs_nothing(
    monkeypatch: pytest.MonkeyPatch, tls_files: tuple[Path, ssl.SSLContext], ending: Callable[[Heard], None]
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tls_files[0]))
    transport: CurlTransport[object] = CurlTransport()
    with WireServer(first_well_then(ending), tls=tls_files[1]) as server:
        assert isinstance(end_of(transport, post(server.url)), CarrierResponse)
        assert failure_of(transport, post(server.url)).proof is Proof.UNKNOWN
        transport.close()
    assert [heard.turn for heard in server.heard] == [1, 2]
    transport = CurlTransport()
    end, turns = end_after_idle(transport, ending, tls_files[1])
    transport.close()
    assert isinstance(end, CarrierResponse)
    assert turns == [1, 1]


def hang(heard: Heard) -> None:
    """Keeps the connection open and says nothing more."""


@pytest.mark.parametrize(
    "answer",
    [hang, say(OK + b"Content-Length: 5\r\n\r\n"), say(OK + b"Content-Length: 5\r\n\r\nab"), say(OK + b"Content-Le")],
)
def test_a_response_that_does_not_end_in_time_is_unknown(answer: Callable[[Heard], None]) -> None:
    transport: CurlTransport[object] = CurlTransport(total_timeout=0.7)
    with WireServer(answer) as server:
        end = failure_of(transport, post(server.url))
        transport.close()
    assert end == TransportFailure(Proof.UNKNOWN, "No whole response in time.")
    assert len(server.heard) == 1


@pytest.mark.parametrize(
    ("answer", "detail"),
    [
        (say(OK + b"Content-Length: 5\r\n\r\nab", then=Heard.close), CUT),
        (say(b"\x16\x03\x01 what is this?\r\n\r\n", then=Heard.close), "The answer was not HTTP."),
        (say(OK + b"Content-Length: 5001\r\n\r\n"), TOO_LARGE),
        (say(OK + b"Transfer-Encoding: chunked\r\n\r\n1389\r\n" + b"x" * 5001), TOO_LARGE),
        (say(OK + b"\r\n" + b"x" * 9000), TOO_LARGE),
    ],
)
def test_whatever_fails_after_sending_is_unknown(answer: Callable[[Heard], None], detail: str) -> None:
    transport: CurlTransport[object] = CurlTransport(body_limit=5000)
    with WireServer(answer) as server:
        end = failure_of(transport, post(server.url))
        transport.close()
    assert end == TransportFailure(Proof.UNKNOWN, detail)
    assert len(server.heard) == 1


def test_a_response_of_exactly_the_limit_is_whole() -> None:
    transport: CurlTransport[object] = CurlTransport(body_limit=5000)
    with WireServer(say(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + b"x" * 5000)) as server:
        end = end_of(transport, post(server.url))
        transport.close()
    assert isinstance(end, CarrierResponse)
    assert len(end.body) == 5000
