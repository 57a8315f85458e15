"""What the transport writes to the wire and reads from it, and many requests at once."""

from __future__ import annotations

import resource
import socket
import time
from collections.abc import Iterator

import pytest

from delivery.transport.curl import CurlTransport
from delivery.transport.interface import CarrierRequest, CarrierResponse
from tests.delivery.exchanges import BODY, all_ends, end_of, post, say
from tests.delivery.transport.wire_server import ACCEPTED, Heard, WireServer


@pytest.fixture
def transport() -> Iterator[CurlTransport[object]]:
    transport: CurlTransport[object] = CurlTransport(connect_timeout=5, total_timeout=10)
    yield transport
    transport.close()


# What goes over the wire


def test_a_request_arrives_as_built_and_its_response_comes_back_with_its_context(
    transport: CurlTransport[object],
) -> None:
    with WireServer() as server:
        end = end_of(transport, post(server.url))
    assert end == CarrierResponse(202, b'{"id":"d1"}', {"content-type": "application/json", "content-length": "11"})
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
            CarrierRequest("GET", server.url, ("X-Other: 1",)),
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
        assert isinstance(end_of(transport, post(server.url, body)), CarrierResponse)
    assert server.heard[0].body == body
    assert "expect" not in server.heard[0].headers


def test_an_informational_response_before_the_final_one_leaves_no_headers(transport: CurlTransport[object]) -> None:
    with WireServer(say(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + ACCEPTED)) as server:
        end = end_of(transport, post(server.url))
    assert isinstance(end, CarrierResponse)
    assert (end.status, "link" in end.headers) == (202, False)


def test_a_chunked_response_is_put_together(transport: CurlTransport[object]) -> None:
    chunked = (
        b"HTTP/1.1 500 Oops\r\nRETRY-After:  7 \r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    )
    with WireServer(say(chunked)) as server:
        end = end_of(transport, post(server.url))
    assert end == CarrierResponse(500, b"abcde", {"retry-after": "7", "transfer-encoding": "chunked"})


def test_a_redirect_is_an_answer_and_not_followed(transport: CurlTransport[object]) -> None:
    with WireServer() as other:
        moved = f"HTTP/1.1 307 Moved\r\nLocation: {other.url}\r\nContent-Length: 0\r\n\r\n".encode()
        with WireServer(say(moved)) as server:
            end = end_of(transport, post(server.url))
    assert isinstance(end, CarrierResponse)
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
        assert isinstance(end_of(transport, post(server.url)), CarrierResponse)
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
    assert {number: end.body for number, end in ends.items() if isinstance(end, CarrierResponse)} == {
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
            assert isinstance(end_of(transport, post(server.url)), CarrierResponse)
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
