"""Reports come signed and in batches, and come again until somebody takes them."""

from __future__ import annotations

from datetime import UTC, datetime

import orjson
import pytest

from delivery.carriers.sandbox import Sandbox
from rvm.simulators.sandbox.callbacks import AT_A_TIME, BATCH
from tests.delivery.carriers.callback_security import came
from tests.rvm.simulators.sandbox import harness
from tests.rvm.simulators.sandbox.harness import KEY, SECRET, Receiver, sandbox, until


def adapter(secret: str = SECRET) -> Sandbox:
    return Sandbox({"base_url": "http://127.0.0.1:8800", "key": KEY, "signing_secret": secret})


def test_many_reports_travel_together_in_bounded_batches(receiver: Receiver):
    drops = BATCH + 50
    with sandbox(report_after_ms=300) as client:
        for number in range(drops):
            client.drop(f"k{number}", receiver.body(reference=f"r{number}"))
        until(lambda: len(receiver.events) == drops, "all reports")
        assert {event["reference"] for event in receiver.events} == {f"r{number}" for number in range(drops)}
        assert len(receiver.posts) < drops / 3
        assert max(len(orjson.loads(raw)["events"]) for _, raw in receiver.posts) <= BATCH


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_a_report_is_repeated_with_the_same_event_id_until_taken(receiver: Receiver, status: int):
    receiver.answers = [status, status]
    with sandbox() as client:
        client.drop("k1", receiver.body())
        assert until(lambda: client.ledger()["reported"], "the receipt") == 1
        assert len(receiver.posts) == 3
        assert len({event["event_id"] for event in receiver.events}) == 1
        for headers, raw in receiver.posts:
            adapter().verify(came(raw, headers, datetime.now(UTC)))


@pytest.mark.parametrize("status", [302, 400, 401, 404])
def test_a_report_refused_for_good_is_not_repeated(receiver: Receiver, status: int):
    receiver.answers = [status]
    with sandbox() as client:
        client.drop("k1", receiver.body())
        assert until(lambda: client.ledger()["lost"], "the loss") == 1
        assert (len(receiver.posts), client.ledger()["reported"]) == (1, 0)


def test_a_report_waits_for_a_receiver_that_is_down():
    with harness.receiver() as first:
        port, body = first.port, first.body()
    with sandbox() as client:
        client.drop("k1", body)
        until(lambda: client.find("reference")["status"] == "delivered", "the end")
        with harness.receiver(port) as second:
            until(lambda: second.events, "the report")
            assert until(lambda: client.ledger()["reported"], "the receipt") == 1


def test_a_slow_receiver_gets_a_few_posts_at_a_time_and_the_rest_later(receiver: Receiver):
    receiver.gate.clear()
    drops = AT_A_TIME + 3
    with sandbox() as client:
        for number in range(drops):
            client.drop(f"k{number}", receiver.body(reference=f"r{number}"))
            expected = min(number + 1, AT_A_TIME)
            until(lambda expected=expected: receiver.in_hand == expected, f"{expected} posts in hand")
            until(lambda number=number: client.find(f"r{number}")["status"] == "delivered", "the end")
        receiver.gate.set()
        until(lambda: client.ledger()["reported"] == drops, "all receipts")
        assert receiver.most_in_hand == AT_A_TIME
