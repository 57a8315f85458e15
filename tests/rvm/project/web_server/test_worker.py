"""Clients that send nothing, half a head or half a body hold no thread; what a client sends arrives whole, in whatever pieces."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from http.client import HTTPConnection
from typing import Any

import pytest

from tests.sessions import PATIENCE_SECONDS
from tests.web_servers import serving

HALVES = (b"", b"GET / HTTP/1.1\r\nHos", b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf")
# More than the server has threads, of each kind.
SLOW = 12


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """One process with as few threads as it can have."""
    with serving("tests.rvm.project.web_server.echo", tmp_path_factory.mktemp("web"), "--threads", "2") as port:
        yield port


def connected(port: int, sent: bytes = b"") -> socket.socket:
    client = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS)
    client.sendall(sent)
    return client


def request(port: int, method: str = "GET", path: str = "/", body: bytes | None = None) -> tuple[int, bytes]:
    with closing(HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)) as connection:
        connection.request(method, path, body)
        response = connection.getresponse()
        return response.status, response.read()


def all_of(client: socket.socket) -> bytes:
    return b"".join(iter(lambda: client.recv(65536), b""))


@pytest.mark.parametrize("half", HALVES, ids=["idle", "half a head", "half a body"])
def test_slow_clients_hold_no_thread(port: int, half: bytes) -> None:
    with ExitStack() as clients:
        for _ in range(SLOW):
            clients.enter_context(connected(port, half))
        assert [request(port, "POST", "/x", b"12345") for _ in range(5)] == [(200, b"POST /x 5")] * 5


def test_half_an_upload_leaves_a_thread_to_others(port: int) -> None:
    upload = b"POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 50000000\r\n\r\n" + b"x" * 100_000
    with ExitStack() as clients:
        for _ in range(SLOW):
            clients.enter_context(connected(port, upload))
        assert request(port) == (200, b"GET / 0")


def test_a_request_arrives_whole_in_any_pieces_and_so_do_those_behind_it(port: int) -> None:
    first = b"POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n12345"
    second = b"GET /2 HTTP/1.1\r\nHost: a\r\n\r\n"
    third = b"POST /3 HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 3\r\n\r\n123"
    with connected(port) as client:
        for byte in first:
            client.sendall(bytes([byte]))
        client.sendall(second + third[:20])
        client.sendall(third[20:])
        answers = all_of(client)
    assert [part in answers for part in (b"POST /1 5", b"GET /2 0", b"POST /3 3")] == [True, True, True]
    assert answers.count(b"200 OK") == 3


@pytest.mark.parametrize("size", [1_000_000, 9_000_000, 30_000_000])
def test_a_large_body_arrives_whole(port: int, size: int) -> None:
    assert request(port, "POST", "/", b"x" * size) == (200, b"POST / %d" % size)


def test_a_chunked_body_and_one_that_waits_to_be_asked_for_arrive(port: int) -> None:
    chunked = (
        b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n123\r\n0\r\n\r\n"
    )
    with connected(port, chunked) as client:
        assert b"POST / 3" in all_of(client)
    with connected(
        port, b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"
    ) as client:
        assert client.recv(1000).startswith(b"HTTP/1.1 100 Continue")
        client.sendall(b"123")
        assert b"POST / 3" in all_of(client)


def test_an_answer_before_the_body_was_read_arrives(port: int) -> None:
    assert request(port, "POST", "/unread", b"x" * 9_000_000) == (200, b"POST /unread 0")


def refused(port: int, sent: bytes) -> tuple[int, dict[str, str], dict[str, Any]]:
    """Status, headers and problem of the one answer, after which the connection is closed."""
    answer = b""
    # The end of the connection may overtake the answer.
    with connected(port, sent) as client, suppress(ConnectionResetError):
        answer = all_of(client)
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = dict(line.split(": ") for line in lines)
    assert int(headers["Content-Length"]) == len(body)
    return int(first.split()[1]), headers, json.loads(body)


LINE = b"GET / HTTP/1.1\r\nHost: a\r\n"


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        (b"\x16\x03\x01\x02\x00\x01\r\n\r\n", 400, "bad_request"),
        (b"get / HTTP/1.1\r\nHost: a\r\n\r\n", 400, "bad_request"),
        (b"GET / HTTP/9.9\r\nHost: a\r\n\r\n", 400, "bad_request"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, "bad_request"),
        (LINE + b"Content-Length: many\r\n\r\n", 400, "bad_request"),
        (LINE + b"Content-Length: -1\r\n\r\n", 400, "bad_request"),
        (LINE + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n12345", 400, "bad_request"),
        (LINE + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, "bad_request"),
        (LINE + b"Transfer-Encoding: gzip\r\n\r\n", 400, "bad_request"),
        (LINE + b"Expect: the-worst\r\n\r\n", 400, "bad_request"),
        (LINE + b"A header: x\r\n\r\n", 400, "bad_request"),
        (LINE + b"Folded: x\r\n y\r\n\r\n", 400, "bad_request"),
        (LINE + b"Authorization: Bearer a\r\nauthorization: Bearer b\r\n\r\n", 400, "bad_request"),
        (LINE + b"Idempotency-Key: a\r\nIdempotency-Key: a\r\n\r\n", 400, "bad_request"),
        (LINE + b"Content-Type: a/b\r\nContent-Type: text/plain\r\n\r\n", 400, "bad_request"),
        (LINE + b"Host: b\r\n\r\n", 400, "bad_request"),
        (b"GET /" + b"x" * 5000 + b" HTTP/1.1\r\n\r\n", 414, "uri_too_long"),
        (LINE + b"A: " + b"x" * 9000 + b"\r\n\r\n", 431, "headers_too_large"),
        (LINE + b"A: x\r\n" * 101 + b"\r\n", 431, "headers_too_large"),
        (LINE + b"A: " + b"x" * 100_000, 431, "headers_too_large"),
    ],
)
def test_what_is_no_request_is_refused_with_a_problem_and_its_connection_closed(
    port: int, sent: bytes, status: int, code: str
) -> None:
    told, headers, problem = refused(port, sent)
    assert (told, problem["status"], problem["code"]) == (status, status, code)
    assert headers["Content-Type"] == "application/problem+json" and headers["Cache-Control"] == "no-store"
    assert problem["request_id"] == headers["X-Request-Id"] != ""
    assert problem["type"].endswith(code) and problem["title"] and problem["detail"].endswith(".")
    assert request(port) == (200, b"GET / 0")


def test_each_refusal_has_an_id_of_its_own(port: int) -> None:
    assert len({refused(port, b"\r\n\r\nx\r\n\r\n")[2]["request_id"] for _ in range(5)}) == 5


def test_an_application_that_fails_is_a_problem_too(port: int) -> None:
    told, _, problem = refused(port, b"GET /broken HTTP/1.1\r\nHost: a\r\n\r\n")
    assert (told, problem["code"]) == (500, "internal_error")
