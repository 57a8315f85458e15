"""What a request needs before a thread takes it, and how long a client has to send it."""

from __future__ import annotations

import pytest

from rvm.project.web_server.arrivals import (
    HEAD_SECONDS,
    MAX_BODY_BYTES,
    MAX_HEAD_BYTES,
    SILENCE_SECONDS,
    Arrival,
    need_of,
)

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


def post(*headers: str) -> bytes:
    return "\r\n".join(["POST / HTTP/1.1", *headers, "", ""]).encode()


@pytest.mark.parametrize(
    ("sent", "body", "streams"),
    [
        (GET, 0, False),
        (post("Content-Length: 5"), 5, False),
        (post("A: b", "content-length :  7 "), 7, False),
        (post(f"Content-Length: {MAX_BODY_BYTES}"), MAX_BODY_BYTES, False),
        (post(f"Content-Length: {MAX_BODY_BYTES + 1}"), 0, True),
        (post("Transfer-Encoding: chunked"), 0, True),
        (post("Content-Length: 5", "Expect: 100-continue"), 0, True),
        (post("Content-Length: many"), 0, False),  # gunicorn refuses it
        (post("X: content-length: 9"), 0, False),
    ],
)
def test_a_thread_takes_a_request_with_its_body_unless_it_reads_that_itself(
    sent: bytes, body: int, streams: bool
) -> None:
    assert need_of(sent) == (len(sent) + body, streams)
    assert need_of(sent[:-1]) is None


def test_a_body_and_the_beginning_of_the_next_request_may_come_in_any_pieces() -> None:
    sent = post("Content-Length: 5") + b"12345" + GET
    arrival = Arrival(0.0, 1.0)
    whole = [arrival.is_whole]
    for byte in sent[: -len(GET)]:
        arrival.add(bytes([byte]), 0.0)
        whole.append(arrival.is_whole)
    assert whole.index(True) == len(sent) - len(GET)
    assert Arrival(0.0, 1.0, bytearray(sent)).is_whole


def test_a_head_has_its_time_however_often_a_byte_comes() -> None:
    arrival = Arrival(100.0, 75.0)
    assert arrival.deadline == 175.0
    for second, byte in enumerate(GET[:9]):
        arrival.add(bytes([byte]), 110.0 + second)
    assert arrival.deadline == 110.0 + HEAD_SECONDS


def test_a_body_has_its_time_by_its_bytes_and_no_long_silence() -> None:
    arrival = Arrival(0.0, 75.0)
    arrival.add(post("Content-Length: 1000000"), 0.0)
    assert 0 < arrival.deadline <= SILENCE_SECONDS
    arrival.add(b"x" * 500_000, 10.0)
    assert arrival.deadline == 10.0 + SILENCE_SECONDS
    for second in range(11, 60):
        arrival.add(b"x", float(second))
    assert arrival.deadline < 60.0


def test_a_head_without_an_end_is_endless() -> None:
    arrival = Arrival(0.0, 1.0, bytearray(b"GET / HTTP/1.1\r\nA: " + b"x" * MAX_HEAD_BYTES))
    assert arrival.is_endless and not arrival.is_whole
    assert not Arrival(0.0, 1.0, bytearray(post("Content-Length: 100000") + b"x" * 99_999)).is_endless
