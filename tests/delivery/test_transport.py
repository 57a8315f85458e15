"""The transport against a server that misbehaves on the wire: what left, how often, and what may be concluded."""

from __future__ import annotations

import datetime
import ipaddress
import resource
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from delivery.http import HttpFailure, HttpRequest, HttpResponse, Proof
from delivery.transport import CurlTransport
from tests.delivery.wire_server import ACCEPTED, Heard, WireServer

BODY = b'{"to":"+12025550123"}'
SECRETS = ("12025550123", "key=", "+1")
OK = b"HTTP/1.1 200 OK\r\n"
TOO_LARGE = "The response was larger than accepted."
METHODS = [("POST", BODY), ("POST", b""), ("GET", b""), ("DELETE", b"")]

End = HttpResponse | HttpFailure


@pytest.fixture
def transport() -> Iterator[CurlTransport[object]]:
    transport: CurlTransport[object] = CurlTransport(connect_timeout=5, total_timeout=10)
    yield transport
    transport.close()


def post(url: str, body: bytes = BODY, method: str = "POST") -> HttpRequest:
    return HttpRequest(method, url + "?key=s3cret", ("Content-Type: application/json", "X-Key: abc"), body)


def all_ends(transport: CurlTransport[object]) -> dict[object, End]:
    ends: dict[object, End] = {}
    while transport.in_flight:
        ends |= dict(transport.poll(10))
    return ends


def end_of(transport: CurlTransport[object], request: HttpRequest) -> End:
    transport.submit(request, "only")
    return all_ends(transport)["only"]


def failure_of(transport: CurlTransport[object], request: HttpRequest) -> HttpFailure:
    end = end_of(transport, request)
    assert isinstance(end, HttpFailure), end
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


# What goes over the wire


def test_a_request_arrives_as_built_and_its_response_comes_back_with_its_context(
    transport: CurlTransport[object],
) -> None:
    with WireServer() as server:
        end = end_of(transport, post(server.url))
    assert end == HttpResponse(202, b'{"id":"d1"}', {"content-type": "application/json", "content-length": "11"})
    [heard] = server.heard
    assert (heard.line, heard.body) == ("POST /v1/drops?key=s3cret HTTP/1.1", BODY)
    assert heard.headers == {
        "host": f"127.0.0.1:{server.port}",
        "user-agent": "rvm",
        "accept": "*/*",
        "content-type": "application/json",
        "x-key": "abc",
        "content-length": str(len(BODY)),
    }


def test_a_reused_handle_carries_nothing_of_the_request_before(transport: CurlTransport[object]) -> None:
    with WireServer() as server:
        for request in (
            post(server.url),
            HttpRequest("GET", server.url, ("X-Other: 1",)),
            post(server.url, b"{}", "PUT"),
        ):
            end_of(transport, request)
    assert [(heard.line.split()[0], heard.body) for heard in server.heard] == [
        ("POST", BODY),
        ("GET", b""),
        ("PUT", b"{}"),
    ]
    assert [("x-key" in heard.headers, "content-length" in heard.headers) for heard in server.heard] == [
        (True, True),
        (False, False),
        (True, True),
    ]


def test_a_large_body_goes_out_without_waiting_for_a_100_continue(transport: CurlTransport[object]) -> None:
    body = b"x" * 3_000_000
    with WireServer() as server:
        assert isinstance(end_of(transport, post(server.url, body)), HttpResponse)
    assert server.heard[0].body == body
    assert "expect" not in server.heard[0].headers


def test_an_informational_response_before_the_final_one_leaves_no_headers(transport: CurlTransport[object]) -> None:
    with WireServer(say(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + ACCEPTED)) as server:
        end = end_of(transport, post(server.url))
    assert isinstance(end, HttpResponse)
    assert (end.status, "link" in end.headers) == (202, False)


def test_a_chunked_response_is_put_together(transport: CurlTransport[object]) -> None:
    chunked = (
        b"HTTP/1.1 500 Oops\r\nRETRY-After:  7 \r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    )
    with WireServer(say(chunked)) as server:
        end = end_of(transport, post(server.url))
    assert end == HttpResponse(500, b"abcde", {"retry-after": "7", "transfer-encoding": "chunked"})


def test_a_redirect_is_an_answer_and_not_followed(transport: CurlTransport[object]) -> None:
    with WireServer() as other:
        moved = f"HTTP/1.1 307 Moved\r\nLocation: {other.url}\r\nContent-Length: 0\r\n\r\n".encode()
        with WireServer(say(moved)) as server:
            end = end_of(transport, post(server.url))
    assert isinstance(end, HttpResponse)
    assert end.status == 307
    assert other.accepted == 0


def test_cookies_are_not_sent_back(transport: CurlTransport[object]) -> None:
    with WireServer(say(b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n")) as server:
        end_of(transport, post(server.url))
        end_of(transport, post(server.url))
    assert ["cookie" in heard.headers for heard in server.heard] == [False, False]


def test_proxies_of_the_environment_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    with WireServer() as proxy, WireServer() as server:
        for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        transport: CurlTransport[object] = CurlTransport()
        assert isinstance(end_of(transport, post(server.url)), HttpResponse)
        transport.close()
    assert (proxy.accepted, server.accepted) == (0, 1)


# Many in flight


def test_a_hundred_requests_run_together_and_each_end_meets_its_context(transport: CurlTransport[object]) -> None:
    held: list[Heard] = []

    def all_at_once(heard: Heard) -> None:
        held.append(heard)
        if len(held) == 100:  # none is answered before the last has arrived: they are truly concurrent
            for each in held:
                each.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(each.body), each.body))

    with WireServer(all_at_once) as server:
        for number in range(100):
            transport.submit(post(server.url, b"%d" % number), number)
        assert transport.in_flight == 100
        ends = all_ends(transport)
    assert {number: end.body for number, end in ends.items() if isinstance(end, HttpResponse)} == {
        number: b"%d" % number for number in range(100)
    }
    assert transport.in_flight == 0


def test_connections_are_kept_alive_and_reused(transport: CurlTransport[object]) -> None:
    with WireServer() as server:
        for _ in range(20):
            end_of(transport, post(server.url))
    assert server.accepted == 1
    assert [heard.turn for heard in server.heard] == list(range(1, 21))


def test_submit_writes_to_an_idle_connection_without_waiting_for_a_poll(transport: CurlTransport[object]) -> None:
    with WireServer() as server:
        end_of(transport, post(server.url))
        transport.submit(post(server.url), "second")
        until = time.monotonic() + 5
        while len(server.heard) < 2:
            assert time.monotonic() < until, "the request waited for a poll"
            time.sleep(0.001)
        assert set(all_ends(transport)) == {"second"}


def test_descriptors_above_1023_are_waited_for(transport: CurlTransport[object]) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 2048)), hard))
    plugs = [socket.socket() for _ in range(1050)]
    try:
        with WireServer() as server:
            assert isinstance(end_of(transport, post(server.url)), HttpResponse)
    finally:
        for plug in plugs:
            plug.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_poll_of_zero_seconds_does_not_wait_and_an_idle_poll_returns_at_once(transport: CurlTransport[object]) -> None:
    with WireServer(lambda heard: None) as server:
        transport.submit(post(server.url), "waiting")
        before = time.monotonic()
        assert [transport.poll(0) for _ in range(10)] == [[]] * 10
        assert time.monotonic() - before < 1
        assert transport.poll(0.05) == []
        assert transport.in_flight == 1
    assert list(all_ends(transport)) == ["waiting"]
    before = time.monotonic()
    assert transport.poll(30) == []
    assert time.monotonic() - before < 5


def test_close_drops_what_is_in_flight() -> None:
    with WireServer(lambda heard: None) as server:
        transport: CurlTransport[object] = CurlTransport()
        transport.submit(post(server.url), "lost")
        transport.poll(0)
        transport.close()
        assert transport.in_flight == 0


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
        end_of(transport, HttpRequest("GET", server.url + "/after"))
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
    with WireServer(say(ACCEPTED, then=ending), tls) as server:
        end_of(transport, post(server.url))
        until = time.monotonic() + 5
        while server.heard[0].peer.fileno() != -1:
            assert time.monotonic() < until
        server.answer = say(ACCEPTED)
        end = end_of(transport, post(server.url))
    return end, [heard.turn for heard in server.heard]


@pytest.mark.parametrize("ending", [Heard.close, Heard.reset])
def test_an_idle_connection_ended_by_the_server_costs_nothing(
    transport: CurlTransport[object], ending: Callable[[Heard], None]
) -> None:
    end, turns = end_after_idle(transport, ending)
    assert isinstance(end, HttpResponse)
    assert turns == [1, 1]


def test_an_idle_connection_reset_unnoticed_proves_that_nothing_was_sent(
    transport: CurlTransport[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel refuses the write (strace: sendto = ECONNRESET), libcurl goes for a second connection, is refused there
    too, and REQUEST_SIZE is 0: so the request starts again by itself."""
    monkeypatch.setattr(transport, "_note_dead", transport._epoll.unregister)
    end, turns = end_after_idle(transport, Heard.reset)
    assert isinstance(end, HttpResponse)
    assert turns == [1, 1]


def test_an_idle_connection_closed_unnoticed_is_unknown(
    transport: CurlTransport[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel takes the bytes before it learns that nobody reads them: REQUEST_SIZE counts them as sent."""
    monkeypatch.setattr(transport, "_note_dead", transport._epoll.unregister)
    end, turns = end_after_idle(transport, Heard.close)
    assert isinstance(end, HttpFailure)
    assert end.proof is Proof.UNKNOWN
    assert turns == [1]


def test_a_request_that_could_not_leave_in_time_does_not_leave_late() -> None:
    """As after a suspension: the clock has jumped when the connection is ready."""
    times = iter([100.0, 111.0, 111.0])
    transport: CurlTransport[object] = CurlTransport(total_timeout=10, clock=lambda: next(times))
    with WireServer() as server:
        end = failure_of(transport, post(server.url))
        transport.close()
    assert end == HttpFailure(Proof.NOT_SENT, "The request could not leave in time.")
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
        (f"http://127.0.0.1:{refused_port()}/", "No connection to the carrier: refused or unreachable."),
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
    assert failure_of(transport, HttpRequest("POST", url, (), BODY)) == HttpFailure(Proof.NOT_SENT, detail)


@pytest.mark.parametrize("header", ["X: a\r\nPOST / HTTP/1.1", "X: a\nY: b", "X: ä"])
def test_a_header_that_could_smuggle_a_second_request_is_not_sent(
    transport: CurlTransport[object], header: str
) -> None:
    with WireServer() as server:
        end = failure_of(transport, HttpRequest("POST", server.url, (header,), BODY))
        assert end.proof is Proof.NOT_SENT
        assert isinstance(end_of(transport, post(server.url)), HttpResponse)
    assert len(server.heard) == 1


def test_a_server_that_never_accepts_was_not_sent_anything() -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        with socket.create_connection(full.getsockname()):  # the queue of one is full: further SYNs are dropped
            transport: CurlTransport[object] = CurlTransport(connect_timeout=0.2)
            end = failure_of(transport, post(f"http://127.0.0.1:{full.getsockname()[1]}/"))
            transport.close()
    assert end == HttpFailure(Proof.NOT_SENT, "No connection to the carrier in time.")


def test_tls_to_a_port_that_speaks_none_was_not_sent(transport: CurlTransport[object]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as plain:
        transport.submit(post(f"https://127.0.0.1:{plain.getsockname()[1]}/"), "only")
        transport.poll(0)
        peer, _ = plain.accept()
        with peer:
            peer.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            end = all_ends(transport)["only"]
    assert end == HttpFailure(Proof.NOT_SENT, "No TLS connection to the carrier: the handshake failed.")


@pytest.fixture(scope="module")
def tls_files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ssl.SSLContext]:
    """A certificate for 127.0.0.1 signed by itself, and a server's context with it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "wire")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("tls")
    public, private = folder / "cert.pem", folder / "key.pem"
    public.write_bytes(certificate.public_bytes(Encoding.PEM))
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(public, private)
    return public, context


def test_a_certificate_that_is_not_trusted_gets_no_request(
    transport: CurlTransport[object], tls_files: tuple[Path, ssl.SSLContext]
) -> None:
    with WireServer(tls=tls_files[1]) as server:
        end = failure_of(transport, post(server.url))
    assert end == HttpFailure(Proof.NOT_SENT, "No TLS connection to the carrier: its certificate is not trusted.")
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
        assert isinstance(end, HttpResponse)
        assert len(server.heard) == 1
    else:
        assert isinstance(end, HttpFailure)
        assert (end.proof, server.heard) == (Proof.NOT_SENT, [])


@pytest.mark.parametrize("ending", [Heard.close, Heard.reset])
def test_over_tls_too_a_connection_closed_after_reading_gets_no_second_request_and_an_idle_one_costs_nothing(
    monkeypatch: pytest.MonkeyPatch, tls_files: tuple[Path, ssl.SSLContext], ending: Callable[[Heard], None]
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tls_files[0]))
    transport: CurlTransport[object] = CurlTransport()
    with WireServer(first_well_then(ending), tls=tls_files[1]) as server:
        assert isinstance(end_of(transport, post(server.url)), HttpResponse)
        assert failure_of(transport, post(server.url)).proof is Proof.UNKNOWN
        transport.close()
    assert [heard.turn for heard in server.heard] == [1, 2]
    transport = CurlTransport()
    end, turns = end_after_idle(transport, ending, tls_files[1])
    transport.close()
    assert isinstance(end, HttpResponse)
    assert turns == [1, 1]


def hang(heard: Heard) -> None:
    """Keeps the connection open and says nothing more."""


@pytest.mark.parametrize(
    ("answer", "detail"),
    [
        (hang, "No whole response in time."),
        (say(OK + b"Content-Length: 5\r\n\r\n"), "No whole response in time."),
        (say(OK + b"Content-Le"), "No whole response in time."),
        (
            say(OK + b"Content-Length: 5\r\n\r\nab", then=Heard.close),
            "The connection ended before the response was whole.",
        ),
        (say(b"\x16\x03\x01 what is this?\r\n\r\n", then=Heard.close), "The answer was not HTTP."),
        (say(OK + b"Content-Length: 5001\r\n\r\n"), TOO_LARGE),
        (say(OK + b"Transfer-Encoding: chunked\r\n\r\n1389\r\n" + b"x" * 5001), TOO_LARGE),
        (say(OK + b"\r\n" + b"x" * 9000), TOO_LARGE),
    ],
)
def test_whatever_fails_after_sending_is_unknown(answer: Callable[[Heard], None], detail: str) -> None:
    transport: CurlTransport[object] = CurlTransport(total_timeout=0.4, body_limit=5000)
    with WireServer(answer) as server:
        end = failure_of(transport, post(server.url))
        transport.close()
    assert end == HttpFailure(Proof.UNKNOWN, detail)
    assert len(server.heard) == 1


def test_a_response_of_exactly_the_limit_is_whole() -> None:
    transport: CurlTransport[object] = CurlTransport(body_limit=5000)
    with WireServer(say(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + b"x" * 5000)) as server:
        end = end_of(transport, post(server.url))
        transport.close()
    assert isinstance(end, HttpResponse)
    assert len(end.body) == 5000
