"""The vendor's API over real HTTP: acceptance, idempotency, look-up, errors, recordings, and the odd numbers."""

from __future__ import annotations

import http.client
from typing import Any

import orjson
import pytest

from delivery.transport.interface import CarrierRequest
from rvm.simulators.sandbox.outcomes import Mix
from tests.rvm.simulators.sandbox.harness import FRAME, NUMBER, Client, Receiver, sandbox, send, until

GIVE_UP = (TimeoutError, http.client.RemoteDisconnected, ConnectionResetError)


def settled(client: Client, reference: str) -> dict[str, Any]:
    def found() -> dict[str, Any] | None:
        drop = client.find(reference)
        return drop if drop.get("status") != "accepted" else None

    return until(found, f"the end of {reference}")


def test_a_drop_is_accepted_found_reported_and_counted(receiver: Receiver):
    with sandbox() as client:
        answer = client.drop("k1", receiver.body())
        assert answer.status == 202
        assert orjson.loads(answer.body)["status"] == "accepted"
        assert "idempotent-replayed" not in answer.headers
        (event,) = until(lambda: receiver.events, "the report")
        assert event == settled(client, "reference")
        assert (event["status"], event["code"], event["reference"]) == ("delivered", "delivered", "reference")
        assert until(lambda: client.ledger()["reported"], "the receipt") == 1
        assert client.ledger()["by_status"] == {"delivered": 1}


def test_the_same_key_and_body_get_the_same_answer_and_nothing_is_sent_again(receiver: Receiver):
    with sandbox() as client:
        first, second = client.drop("k1", receiver.body()), client.drop("k1", receiver.body())
        assert (second.status, second.body) == (202, first.body)
        assert second.headers["idempotent-replayed"] == "true"
        until(lambda: client.ledger()["reported"], "the receipt")
        assert len(receiver.events) == 1
        ledger = client.ledger()
        assert (ledger["honoured"], ledger["replays"]) == (1, 1)


def test_the_same_key_with_another_body_is_a_conflict(receiver: Receiver):
    with sandbox() as client:
        client.drop("k1", receiver.body())
        answer = client.drop("k1", receiver.body(to="+12125550102"))
        assert (answer.status, orjson.loads(answer.body)["code"]) == (422, "idempotency_conflict")
        ledger = client.ledger()
        assert (ledger["honoured"], ledger["conflicts"]) == (1, 1)


@pytest.mark.parametrize(
    ("changed", "status", "code"),
    [
        ({"to": "12125550101"}, 422, "invalid"),
        ({"to": 12125550101}, 422, "invalid"),
        ({"from": ""}, 422, "invalid"),
        ({"reference": None}, 422, "invalid"),
        ({"audio_url": "file:///etc/passwd"}, 422, "invalid"),
        ({"audio_url": "http://[::1"}, 422, "invalid"),
        ({"callback_url": "http://203.0.113.1/x"}, 422, "invalid"),
        ({"callback_url": "http://example.com/x"}, 422, "invalid"),
        ({"metadata": "x" * 20_000}, 413, "too_large"),
    ],
)
def test_a_wrong_body_is_refused(receiver: Receiver, changed: dict[str, Any], status: int, code: str):
    with sandbox() as client:
        answer = client.drop("k1", receiver.body(**changed))
        assert (answer.status, orjson.loads(answer.body)["code"]) == (status, code)
        assert NUMBER not in answer.body.decode()
        assert client.ledger()["honoured"] == 0


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"\xff\xfe", b"null"])
def test_a_body_that_is_no_json_object_is_malformed(raw: bytes):
    with sandbox() as client:
        answer = client.drop("k1", raw)
        assert (answer.status, orjson.loads(answer.body)["code"]) == (400, "malformed")


@pytest.mark.parametrize(
    "headers", [(), ("Idempotency-Key: ",), ("Idempotency-Key: a b",), ("Idempotency-Key: " + "k" * 256,)]
)
def test_a_missing_or_odd_idempotency_key_is_refused(receiver: Receiver, headers: tuple[str, ...]):
    with sandbox() as client:
        answer = client.call("POST", "/v1/drops", receiver.body(), headers)
        assert (answer.status, orjson.loads(answer.body)["code"]) == (400, "invalid_key")


@pytest.mark.parametrize("path", ["/v1/drops?reference=x", "/v1/ledger", "/v1/faults"])
def test_every_route_wants_the_accounts_key(path: str):
    with sandbox() as client:
        assert Client(client.port, key="wrong").call("GET", path).status == 401
        assert send(CarrierRequest("GET", f"http://127.0.0.1:{client.port}{path}")).status == 401
        assert send(CarrierRequest("GET", f"http://127.0.0.1:{client.port}/livez")).status == 200


def test_an_unknown_route_and_an_unknown_reference_are_told_apart():
    with sandbox() as client:
        assert client.json("GET", "/v2/drops")["code"] == "no_such_route"
        assert client.find("nothing")["code"] == "never_seen"


def test_a_configured_mix_decides_about_ordinary_numbers(receiver: Receiver):
    with sandbox(outcomes=Mix.of({"mailbox_full": 1})) as client:
        client.drop("k1", receiver.body())
        end = settled(client, "reference")
        assert (end["status"], end["code"]) == ("failed", "mailbox_full")


# the odd numbers


@pytest.mark.parametrize(("number", "status", "code"), [("0012", 429, "throttled"), ("0013", 503, "not_processed")])
def test_a_number_is_turned_away_twice_then_accepted_then_twice_again(
    receiver: Receiver, number: str, status: int, code: str
):
    body = receiver.body(to=f"+1555001{number}")
    with sandbox() as client:
        answers = [client.drop(f"k{attempt}", body) for attempt in range(6)]
        assert [answer.status for answer in answers] == [status, status, 202, status, status, 202]
        assert orjson.loads(answers[0].body)["code"] == code
        assert ("retry-after" in answers[0].headers) is (status == 429)
        assert client.drop("k2", body).headers["idempotent-replayed"] == "true"
        ledger = client.ledger()
        assert (ledger["honoured"], ledger["refused"]) == (2, {code: 4})


def test_number_0011_is_refused_for_good(receiver: Receiver):
    with sandbox() as client:
        answers = [client.drop(f"k{attempt}", receiver.body(to="+15550010011")) for attempt in range(4)]
        assert {(answer.status, orjson.loads(answer.body)["code"]) for answer in answers} == {(422, "refused")}
        assert client.ledger()["honoured"] == 0


def test_number_0010_stays_accepted_and_is_never_reported(receiver: Receiver):
    with sandbox() as client:
        client.drop("k1", receiver.body(to="+15550010010"))
        client.drop("k2", receiver.body(reference="other"))
        until(lambda: receiver.events, "the other drop's report")
        assert {event["reference"] for event in receiver.events} == {"other"}
        assert client.find("reference")["status"] == "accepted"


def test_number_0014_never_answers_and_is_found_by_look_up_alone(receiver: Receiver):
    body = receiver.body(to="+15550010014")
    with sandbox() as client:
        headers = (f"Authorization: Bearer {client.key}", "Idempotency-Key: k1")
        url = f"http://127.0.0.1:{client.port}/v1/drops"
        with pytest.raises(GIVE_UP):
            send(CarrierRequest("POST", url, headers, orjson.dumps(body)), timeout=0.3)
        assert settled(client, "reference")["status"] == "delivered"
        assert client.drop("k1", body).headers["idempotent-replayed"] == "true"
        assert receiver.events == []


def test_number_0015_reports_late_and_twice(receiver: Receiver):
    with sandbox() as client:
        client.drop("k1", receiver.body(to="+15550010015"))
        until(lambda: len(receiver.events) == 3, "three reports")
        first, late, again = receiver.events
        assert [first["status"], late["status"]] == ["delivered", "accepted"]
        assert again == first
        assert late["occurred_at"] <= first["occurred_at"]
        assert late["event_id"] != first["event_id"]


def test_number_0017_answers_garbage_and_is_reported(receiver: Receiver):
    with sandbox() as client:
        answer = client.drop("k1", receiver.body(to="+15550010017"))
        assert answer.status == 200
        with pytest.raises(orjson.JSONDecodeError):
            orjson.loads(answer.body)
        until(lambda: receiver.events, "the report")
        assert receiver.events[0]["status"] == "delivered"


# recordings


def test_a_recording_is_fetched_once_for_many_drops(receiver: Receiver):
    with sandbox(fetch_audio=True) as client:
        for number in range(20):
            client.drop(f"k{number}", receiver.body(reference=f"r{number}"))
        until(lambda: len(receiver.events) == 20, "twenty reports")
        assert {event["code"] for event in receiver.events} == {"delivered"}
        assert receiver.recordings_served == 1


@pytest.mark.parametrize("recording", [b"not found", FRAME * 100], ids=["no MP3", "4 s"])
def test_a_drop_with_an_unusable_recording_fails(receiver: Receiver, recording: bytes):
    receiver.recording = recording
    with sandbox(fetch_audio=True) as client:
        client.drop("k1", receiver.body())
        assert settled(client, "reference")["code"] == "audio_unusable"


def test_a_recording_that_is_to_be_had_at_the_second_try_is_used(receiver: Receiver):
    receiver.recording_answers = [503]
    with sandbox(fetch_audio=True) as client:
        client.drop("k1", receiver.body())
        assert settled(client, "reference")["status"] == "delivered"
        assert receiver.recordings_served == 2


def test_a_recording_that_could_not_be_fetched_is_tried_again_for_the_next_drop(receiver: Receiver):
    receiver.recording_answers = [404]
    with sandbox(fetch_audio=True, audio_tries=1) as client:
        client.drop("k1", receiver.body(reference="r1"))
        assert settled(client, "r1")["code"] == "audio_unusable"
        client.drop("k2", receiver.body(reference="r2"))
        assert settled(client, "r2")["status"] == "delivered"
