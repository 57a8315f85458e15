"""The client repeats what may pass by itself, under one Idempotency-Key, for as long as its bounds allow."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from rvm_client import (
    Blocked,
    Client,
    Conflict,
    ConnectionFailed,
    NotFound,
    RateLimited,
    Retries,
    ServerFault,
    Unavailable,
    UnexpectedAnswer,
)
from rvm_client.http.retries import retry_after_of
from rvm_client.http.transport import Call, Transport

from tests.clients.fake_server import DROP, KEY, WORKSPACE, Answer, FakeServer, problem

QUEUED = Answer(201, {"id": "v1", "status": "queued"})
NUMBER = "+15550010001"


def send(client: Client) -> object:
    return client.voicemails.send(to=NUMBER, use_case_id="u1", recording_id="r1")


def paused(server: FakeServer, retries: Retries, chance: float = 1.0) -> tuple[Transport, list[float]]:
    pauses: list[float] = []
    http = httpx.Client(base_url=server.url, trust_env=False)
    return Transport(http, retries, sleep=pauses.append, chance=lambda: chance), pauses


@pytest.mark.parametrize(
    "failure",
    [
        DROP,
        problem(429, "rate_limited", headers={"Retry-After": "0"}),
        problem(503, "unavailable"),
        problem(500, "internal_error"),
        problem(409, "idempotency_key_in_use", headers={"Retry-After": "0"}),
        Answer(502, b"<html>", {"Content-Type": "text/html"}),
    ],
    ids=["dropped", "429", "503", "500", "in use", "a proxy's 502"],
)
def test_a_post_is_repeated_under_the_same_key_with_the_same_body(
    server: FakeServer, client: Client, failure: Answer
) -> None:
    server.answers = [failure, failure, QUEUED]
    assert send(client) == {"id": "v1", "status": "queued"}
    assert len(server.asked) == 3 and len(set(server.keys)) == 1 and server.keys[0]
    assert len({asked.content for asked in server.asked}) == 1


def test_two_calls_have_two_keys_unless_the_program_names_one(server: FakeServer, client: Client) -> None:
    server.answers = [QUEUED]
    send(client), send(client)
    client.voicemails.send(to=NUMBER, use_case_id="u1", recording_id="r1", idempotency_key="mine")
    first, second, named = server.keys
    assert first != second and named == "mine"


def test_a_file_is_sent_whole_at_each_attempt(server: FakeServer, client: Client, tmp_path: Path) -> None:
    file = tmp_path / "reminder.mp3"
    file.write_bytes(b"sound" * 1000)
    server.answers = [DROP, problem(503, "unavailable"), Answer(201, {"id": "r1"})]
    client.recordings.upload(file, name="Reminder")
    assert [asked.content.count(b"sound") for asked in server.asked] == [1000] * 3
    assert len(set(server.keys)) == 1
    assert all(int(asked.headers["Content-Length"]) == len(asked.content) for asked in server.asked)


@pytest.mark.parametrize(
    ("refusal", "kind"),
    [
        (problem(404, "use_case_not_found"), NotFound),
        (problem(409, "reference_used", voicemail_id="v0"), Conflict),
        (problem(422, "blocked.suppressed"), Blocked),
        (problem(429, "number_questions_used_up", retry_at="2026-12-01T00:00:00Z"), RateLimited),
        (problem(429, "rate_limited", headers={"Retry-After": "3600"}), RateLimited),
        (Answer(301, None, {"Location": "http://127.0.0.1/elsewhere"}), UnexpectedAnswer),
        (Answer(200, b"<html>", {"Content-Type": "text/html"}), UnexpectedAnswer),
    ],
)
def test_what_does_not_pass_soon_is_asked_once(
    server: FakeServer, client: Client, refusal: Answer, kind: type[Exception]
) -> None:
    server.answers = [refusal]
    with pytest.raises(kind):
        send(client)
    assert len(server.asked) == 1


def test_attempts_are_bounded_and_the_last_failure_is_told(server: FakeServer) -> None:
    retries = Retries(attempts=3, first_pause=0)
    with Client(server.api, KEY, retries=retries) as client:
        for answer, kind in (
            (problem(503, "unavailable"), Unavailable),
            (problem(500, "internal_error"), ServerFault),
            (DROP, ConnectionFailed),
        ):
            server.asked.clear()
            server.answers = [answer]
            with pytest.raises(kind) as failure:
                send(client)
            assert len(server.asked) == 3
            assert NUMBER not in str(failure.value)


def test_nobody_at_the_address_is_no_answer() -> None:
    twice = Retries(attempts=2, first_pause=0)
    with (
        Client(f"http://127.0.0.1:1/v1/{WORKSPACE}", KEY, retries=twice) as client,
        pytest.raises(ConnectionFailed) as failure,
    ):
        client.caller()
    assert "http://127.0.0.1:1 (connection refused)" in str(failure.value)


def test_pauses_double_with_jitter_and_a_retry_after_is_kept_at_least(server: FakeServer) -> None:
    server.answers = [
        problem(503, "unavailable"),
        problem(503, "unavailable"),
        problem(429, "rate_limited", headers={"Retry-After": "7"}),
        QUEUED,
    ]
    transport, pauses = paused(server, Retries(first_pause=1))
    transport.json(Call("POST", "/x", body={}))
    assert pauses == [1, 2, 9]
    transport.close()
    server.answers = [problem(503, "unavailable"), QUEUED]
    transport, pauses = paused(server, Retries(first_pause=1), chance=0)
    transport.json(Call("POST", "/x", body={}))
    assert pauses == [0.5]
    transport.close()


def test_the_pauses_of_one_call_have_a_bound(server: FakeServer) -> None:
    server.answers = [problem(429, "rate_limited", headers={"Retry-After": "50"})]
    transport, pauses = paused(server, Retries(attempts=100, first_pause=0, total_pause=120))
    with pytest.raises(RateLimited) as failure:
        transport.json(Call("GET", "/x"))
    assert pauses == [50, 50] and failure.value.retry_after == 50
    transport.close()


def test_a_deletion_that_was_not_answered_is_done_when_nothing_is_there(server: FakeServer, client: Client) -> None:
    server.answers = [DROP, problem(404, "not_found")]
    client.recordings.delete("r1")
    assert len(server.asked) == 2
    with pytest.raises(NotFound):
        client.recordings.delete("r1")


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7),
        ({"Retry-After": "Mon, 30 Nov 2026 10:00:09 GMT", "Date": "Mon, 30 Nov 2026 10:00:00 GMT"}, 9),
        ({"Retry-After": "Mon, 30 Nov 2026 10:00:00 GMT", "Date": "Mon, 30 Nov 2026 10:00:09 GMT"}, 0),
        ({"Retry-After": "Mon, 30 Nov 2026 10:00:09 GMT"}, None),
        ({"Retry-After": "soon", "Date": "Mon, 30 Nov 2026 10:00:00 GMT"}, None),
        ({"Retry-After": "-1", "Date": "Mon, 30 Nov 2026 10:00:00 GMT"}, None),
        ({}, None),
    ],
)
def test_retry_after_is_read_in_both_forms(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after_of(headers) == seconds
