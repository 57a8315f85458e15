"""Each fault does what its name says, is seeded, and leaves the ledger honest."""

from __future__ import annotations

import http.client
from pathlib import Path
from random import Random

import orjson
import pytest

from rvm.simulators.sandbox.faults import NONE, Faults
from rvm.simulators.sandbox.ledger import read_ledger
from tests.rvm.simulators.sandbox.harness import Receiver, sandbox, until


@pytest.mark.parametrize(
    ("fault", "status", "code"), [("refuse", 503, "not_processed"), ("throttle", 429, "throttled")]
)
def test_a_fault_before_acceptance_accepts_nothing(receiver: Receiver, fault: str, status: int, code: str):
    with sandbox() as client:
        client.faults(**{fault: 1, "retry_after_s": 7})
        answer = client.drop("k1", receiver.body())
        assert (answer.status, orjson.loads(answer.body)["code"]) == (status, code)
        assert answer.headers.get("retry-after") == ("7" if status == 429 else None)
        client.faults()
        assert client.drop("k1", receiver.body()).status == 202
        ledger = client.ledger()
        assert (ledger["honoured"], ledger["refused"]) == (1, {code: 1})


@pytest.mark.parametrize(("fault", "status"), [("error", 500), ("garbage", 200)])
def test_a_fault_after_acceptance_has_accepted_and_the_key_still_holds(receiver: Receiver, fault: str, status: int):
    with sandbox() as client:
        client.faults(**{fault: 1})
        assert client.drop("k1", receiver.body()).status == status
        client.faults()
        assert client.drop("k1", receiver.body()).headers["idempotent-replayed"] == "true"
        assert client.ledger()["honoured"] == 1


def test_a_cut_answer_has_accepted(receiver: Receiver):
    with sandbox() as client:
        client.faults(cut=1)
        with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
            client.drop("k1", receiver.body())
        assert client.ledger()["honoured"] == 1


def test_a_slow_answer_comes_late(receiver: Receiver):
    with sandbox() as client:
        client.faults(slow=1, slow_ms=80)
        assert client.drop("k1", receiver.body()).status == 202
        assert client.find("reference")["status"] == "delivered"


def test_a_lost_report_never_comes_and_the_ledger_says_so(receiver: Receiver):
    with sandbox() as client:
        client.faults(callback_lose=1)
        client.drop("k1", receiver.body(reference="lost"))
        until(lambda: client.ledger()["lost"], "the loss")
        client.faults()
        client.drop("k2", receiver.body(reference="told"))
        until(lambda: receiver.events, "the other report")
        assert [event["reference"] for event in receiver.events] == ["told"]


def test_a_duplicated_report_comes_twice_with_one_event_id(receiver: Receiver):
    with sandbox() as client:
        client.faults(callback_duplicate=1)
        client.drop("k1", receiver.body())
        until(lambda: len(receiver.events) == 2, "two reports")
        assert receiver.events[0] == receiver.events[1]


def test_a_reordered_report_is_followed_by_the_older_one(receiver: Receiver):
    with sandbox() as client:
        client.faults(callback_reorder=1)
        client.drop("k1", receiver.body())
        until(lambda: len(receiver.events) == 2, "two reports")
        assert [event["status"] for event in receiver.events] == ["delivered", "accepted"]


def test_a_delayed_report_comes_after_the_end_is_known(receiver: Receiver):
    with sandbox() as client:
        client.faults(callback_delay=1, callback_delay_ms=200)
        client.drop("k1", receiver.body())
        until(lambda: client.find("reference")["status"] == "delivered", "the end")
        assert receiver.events == []
        until(lambda: receiver.events, "the report")


def test_faults_are_replaced_whole_and_shown():
    with sandbox(faults=Faults(error=0.5)) as client:
        assert client.json("GET", "/v1/faults")["error"] == 0.5
        shown = client.faults(hang=0.25)
        assert (shown["hang"], shown["error"]) == (0.25, 0)


@pytest.mark.parametrize(
    "values",
    [
        {"explode": 1},
        {"hang": 2},
        {"hang": -0.1},
        {"hang": "1"},
        {"hang": True},
        {"hang": 0.6, "cut": 0.6},
        {"slow_ms": 1e9},
    ],
)
def test_an_impossible_fault_is_refused_and_changes_nothing(values: dict[str, object]):
    with sandbox() as client:
        answer = client.call("POST", "/v1/faults", values)
        assert (answer.status, orjson.loads(answer.body)["code"]) == (422, "invalid")
        assert client.json("GET", "/v1/faults") == NONE.as_dict()


def test_shares_are_kept_and_the_same_seed_strikes_the_same_requests():
    faults = Faults.of({"refuse": 0.2, "throttle": 0.1, "hang": 0.3})
    first, second = Random(7), Random(7)
    struck = [faults.before(first) for _ in range(5000)]
    assert struck == [faults.before(second) for _ in range(5000)]
    assert 900 < struck.count("refuse") < 1100
    assert 400 < struck.count("throttle") < 600
    assert {faults.after(first) for _ in range(100)} == {"hang", None}


def test_with_every_fault_at_once_the_ledger_honours_each_key_once(receiver: Receiver, tmp_path: Path):
    faults = Faults(
        refuse=0.1, throttle=0.1, cut=0.2, error=0.2, garbage=0.1, callback_duplicate=0.3, callback_reorder=0.3
    )
    keys = 60
    with sandbox(faults=faults, ledger=tmp_path / "ledger") as client:
        for number in range(keys):
            answer = 0
            while answer != 202:
                try:
                    answer = client.drop(f"k{number}", receiver.body(reference=f"r{number}")).status
                except (http.client.RemoteDisconnected, ConnectionResetError):
                    continue
        until(lambda: client.ledger()["reported"] == keys, "all receipts")
    ledger = read_ledger(tmp_path / "ledger")
    assert set(ledger.honoured.values()) == {1}
    assert len(ledger.honoured) == keys
    assert ledger.replays > 0
    assert len(ledger.reported) == keys
