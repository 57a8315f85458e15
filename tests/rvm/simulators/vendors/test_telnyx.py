"""The simulated Telnyx: a call obeys each command once, says so when it is over, and tells what it heard."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from delivery.carriers.telnyx import Telnyx
from delivery.lifecycle.events import Outcome
from delivery.lifecycle.reasons import Reason
from delivery.transport.interface import CarrierRequest, CarrierResponse
from rvm.simulators.framework.service import running
from rvm.simulators.vendors.telnyx import Simulator
from tests.delivery.carriers.callback_security import came
from tests.delivery.carriers.contract import DROP
from tests.rvm.simulators.sandbox.harness import Receiver, send, until

Event = dict[str, Any]


@pytest.fixture
def vendor() -> Iterator[Simulator]:
    with running(Simulator) as simulator:
        yield simulator


def post(vendor: Simulator, path: str, **body: Any) -> CarrierResponse:
    headers = (f"Authorization: Bearer {vendor.credentials['api_key']}", "Content-Type: application/json")
    return send(CarrierRequest("POST", f"{vendor.base_url}/v2/calls{path}", headers, orjson.dumps(body)))


def dial(vendor: Simulator, receiver: Receiver, last4: str = "0001", **changed: Any) -> str:
    """Dial and return the call's id."""
    body = {"connection_id": vendor.credentials["connection_id"], "from": "+12125550199", "to": f"+1555001{last4}"}
    answer = post(vendor, "", **body, webhook_url=receiver.callback_url, client_state="c3RhdGU=", **changed)
    assert answer.status == 200
    call_id: str = orjson.loads(answer.body)["data"]["call_control_id"]
    return call_id


def command(vendor: Simulator, call: str, action: str, **body: Any) -> CarrierResponse:
    return post(vendor, f"/{call}/actions/{action}", **body)


def told(receiver: Receiver) -> dict[str, Event]:
    events = [orjson.loads(raw)["data"] for _, raw in list(receiver.posts)]
    return {event["event_type"]: event["payload"] for event in events}


def hears(receiver: Receiver, kind: str) -> Event:
    until(lambda: kind in told(receiver), kind)
    return told(receiver)[kind]


def test_a_message_is_left_once_however_often_its_command_comes(vendor: Simulator, receiver: Receiver) -> None:
    call = dial(vendor, receiver)
    assert hears(receiver, "call.machine.premium.greeting.ended")["result"] == "beep_detected"
    play = {"audio_url": receiver.audio_url, "command_id": "one", "client_state": "cGxheWVk"}
    for _ in range(3):
        assert command(vendor, call, "playback_start", **play).status == 200
    ended = hears(receiver, "call.playback.ended")
    assert (ended["status"], ended["client_state"]) == ("completed", "cGxheWVk")
    assert command(vendor, call, "hangup", command_id="two").status == 200
    assert hears(receiver, "call.hangup")["hangup_source"] == "caller"
    until(lambda: not vendor.pending, "the end")
    summary = vendor.ledger.summary()
    assert (summary["left"], summary["replays"], summary["violations"]) == (1, 2, [])
    assert set(summary["reaction_ms"]) == {"p50", "p99"}


def test_a_second_play_under_another_key_is_a_violation(vendor: Simulator, receiver: Receiver) -> None:
    call = dial(vendor, receiver)
    hears(receiver, "call.machine.premium.greeting.ended")
    for key in ("one", "two"):
        command(vendor, call, "playback_start", audio_url=receiver.audio_url, command_id=key)
    assert vendor.ledger.violations == ["a second PLAY to one call"]


def test_a_call_that_is_over_refuses_commands_and_an_unknown_one_is_not_found(
    vendor: Simulator, receiver: Receiver
) -> None:
    call = dial(vendor, receiver, "0005")
    assert hears(receiver, "call.hangup")["hangup_cause"] == "user_busy"
    refused = command(vendor, call, "hangup", command_id="late")
    assert (refused.status, orjson.loads(refused.body)["errors"][0]["code"]) == (422, "90018")
    assert command(vendor, "v3:nobody", "hangup").status == 404


def test_a_dial_with_a_known_key_makes_no_second_call(vendor: Simulator, receiver: Receiver) -> None:
    assert dial(vendor, receiver, command_id="one") == dial(vendor, receiver, command_id="one")
    assert (vendor.ledger.replays, sum(vendor.ledger.accepted.values())) == (1, 1)


def test_without_credit_nobody_is_called_and_the_account_is_told(vendor: Simulator) -> None:
    carrier = Telnyx(vendor.credentials)
    vendor.credit = "0.00"
    refused, check = carrier.read_submission(send(carrier.submit_request(DROP))), carrier.read_check
    assert (refused.outcome, refused.reason, refused.code) == (Outcome.NOT_SENT, Reason.NO_FUNDS, "20100")
    assert check(send(carrier.check_request())).reason is Reason.NO_FUNDS
    assert vendor.ledger.accepted == {}


def test_its_webhooks_are_signed_with_its_own_key(vendor: Simulator, receiver: Receiver) -> None:
    dial(vendor, receiver, "0005")
    hears(receiver, "call.initiated")
    headers, raw = receiver.posts[0]
    now = vendor.clock.now()
    lower = {name.lower(): value for name, value in headers.items()}
    assert Telnyx(vendor.credentials).verify(came(raw, lower, at=now)) is True


def test_without_its_key_and_with_fields_of_its_own_a_request_is_refused(vendor: Simulator, receiver: Receiver) -> None:
    unsigned = CarrierRequest("POST", f"{vendor.base_url}/v2/calls", ("Content-Type: application/json",), b"{}")
    assert send(unsigned).status == 401
    assert post(vendor, "", connection_id="1", to="5551234567").status == 422
    assert vendor.ledger.violations == ["POST /v2/calls body.from: missing", "POST /v2/calls body.to: pattern"]
