"""What every simulated vendor shares, shown on a small one that rings and asks for its next step."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiohttp import web

from delivery.transport.interface import CarrierRequest
from rvm.simulators.framework.calls import Call, CallingVendor, Played, Step
from rvm.simulators.framework.outbound import is_loopback
from rvm.simulators.framework.service import running
from rvm.simulators.framework.vendor import Handler, Request
from tests.rvm.simulators.sandbox.harness import Receiver, send, until

CALL = "POST /calls/{account}"
SCHEMA = {
    "operations": {
        CALL: {
            "headers": {"type": "object", "required": ["authorization"]},
            "body": {
                "type": "object",
                "additionalProperties": False,
                "required": ["to", "play", "callback"],
                "properties": {
                    "to": {"type": "string", "pattern": r"^\+1\d{10}$"},
                    "play": {"type": "string"},
                    "callback": {"type": "string"},
                },
            },
        }
    }
}


class Small(CallingVendor):
    name = "small"

    def __init__(self, options: Any) -> None:
        super().__init__(options)
        self.told: list[Step] = []
        self.plays_to_anybody = False

    @property
    def operations(self) -> dict[str, Handler]:
        return {CALL: self._call}

    @property
    def credentials(self) -> dict[str, str]:
        return {"key": self.secret("key"), "base_url": self.base_url}

    def unauthorized(self, request: Request) -> web.Response | None:
        return None if request.headers.get("authorization") == self.credentials["key"] else self.problem(401)

    def malformed(self, request: Request, violations: list[str]) -> web.Response:
        return web.json_response({"wrong": violations}, status=400)

    def problem(self, status: int) -> web.Response:
        return web.Response(status=status)

    async def _call(self, request: Request) -> web.Response:
        body = request.body
        plan = self.plan(body["to"])
        if (refusal := self.refusal(body["to"], plan)) is not None:
            return self.problem(refusal.status)
        call = Call(f"call-{len(self.calls)}", body["to"], "", plan, self.phone(plan), body)
        self.place(call)
        return await self.answer(request, plan, web.Response(status=201))

    async def tell(self, call: Call, step: Step) -> None:
        self.told.append(step)
        await self.outbound.deliver("step", call.fields["callback"], b"{}", lambda attempt: {}, waits=(1,))

    async def direct(self, call: Call) -> None:
        if call.step is Step.GREETING_ENDED or self.plays_to_anybody:
            await self.play(call, call.fields["play"])


@pytest.fixture
def requests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "small").mkdir()
    (tmp_path / "small" / "requests.json").write_bytes(orjson.dumps(SCHEMA))
    monkeypatch.setattr(Small, "fixtures", tmp_path)


pytestmark = pytest.mark.usefixtures("requests")


def request(vendor: Small, receiver: Receiver, last4: str, **changed: object) -> CarrierRequest:
    body = {"to": f"+1555001{last4}", "play": receiver.audio_url, "callback": receiver.callback_url} | changed
    raw = orjson.dumps({name: value for name, value in body.items() if value is not None})
    headers = (f"Authorization: {vendor.credentials['key']}", "Content-Type: application/json")
    return CarrierRequest("POST", f"{vendor.base_url}/calls/1", headers, raw)


def ended(vendor: Small) -> None:
    until(lambda: vendor.ledger.accepted and not vendor.pending, "the end of the call")


REACHED = [Step.INITIATED, Step.RINGING, Step.ANSWERED, Step.DETECTED]
WHOLE = [*REACHED, Step.GREETING_ENDED, Step.ENDED]


@pytest.mark.parametrize(
    ("last4", "told", "left"),
    [
        ("0001", WHOLE, 1),
        ("0002", [*REACHED, Step.ENDED], 0),
        ("0004", [Step.INITIATED, Step.RINGING, Step.ENDED], 0),
        ("0005", [Step.INITIATED, Step.ENDED], 0),
        ("0010", [], 0),
        ("0015", [*WHOLE, Step.INITIATED, Step.ENDED], 1),
        ("0016", WHOLE, 1),
        ("0017", WHOLE, 1),
        ("0020", [*REACHED, Step.ENDED], 0),
        ("0021", [*REACHED, Step.ENDED], 0),
        ("0022", WHOLE, 0),
        ("0098", [Step.INITIATED, Step.ENDED], 0),
    ],
)
def test_a_call_goes_the_steps_of_its_number(receiver: Receiver, last4: str, told: list[Step], left: int) -> None:
    with running(Small) as vendor:
        answer = send(request(vendor, receiver, last4))
        assert answer.status == (200 if last4 == "0017" else 201)
        ended(vendor)
        assert vendor.told == told
        assert vendor.ledger.reports == [("step", 204)] * len(told)
        assert vendor.ledger.left.total() == left
        assert (vendor.ledger.overheard, vendor.ledger.violations) == ({}, [])


def test_a_call_that_is_never_answered_for_is_made_and_told(receiver: Receiver) -> None:
    with running(Small) as vendor:
        with pytest.raises(TimeoutError):
            send(request(vendor, receiver, "0014"), timeout=0.1)
        ended(vendor)
        assert (vendor.told, vendor.ledger.left.total()) == (WHOLE, 1)


@pytest.mark.parametrize(("last4", "status"), [("0012", 429), ("0013", 503)])
def test_a_number_is_refused_twice_then_called(receiver: Receiver, last4: str, status: int) -> None:
    with running(Small) as vendor:
        assert [send(request(vendor, receiver, last4)).status for _ in range(4)] == [status, status, 201, status]
        ended(vendor)
        assert vendor.ledger.left.total() == 1


def test_what_a_person_is_played_is_told_apart(receiver: Receiver) -> None:
    with running(Small) as vendor:
        vendor.plays_to_anybody = True
        send(request(vendor, receiver, "0020"))
        ended(vendor)
        assert (vendor.ledger.overheard.total(), vendor.ledger.left.total()) == (1, 0)


def test_a_recording_that_cannot_be_had_is_left_to_nobody(receiver: Receiver) -> None:
    receiver.recording_answers = [404]
    with running(Small) as vendor:
        send(request(vendor, receiver, "0001"))
        ended(vendor)
        assert [each.played for each in vendor.calls.values()] == [Played.UNUSABLE]
        assert (vendor.ledger.left, vendor.ledger.fetches) == ({}, {("GET", 404): 1})


@pytest.mark.parametrize(
    ("changed", "violation"),
    [
        ({"to": "12125550123"}, "body.to: pattern"),
        ({"to": 7}, "body.to: type"),
        ({"play": None}, "body.play: missing"),
        ({"loop": "forever"}, "body.loop: unknown"),
    ],
)
def test_a_field_that_the_vendor_does_not_document_is_answered_and_kept_without_its_value(
    receiver: Receiver, changed: Mapping[str, object], violation: str
) -> None:
    with running(Small) as vendor:
        assert send(request(vendor, receiver, "0001", **changed)).status == 400
        assert vendor.ledger.violations == [f"{CALL} {violation}"]
        assert vendor.ledger.accepted == {}


def test_an_unknown_path_is_a_violation_and_a_wrong_key_is_not(receiver: Receiver) -> None:
    with running(Small) as vendor:
        url = vendor.base_url
        assert send(CarrierRequest("POST", f"{url}/calls/1", ("Authorization: wrong",), b"{}")).status == 401
        assert vendor.ledger.violations == []
        assert send(CarrierRequest("GET", f"{url}/calls/1")).status == 404
        assert vendor.ledger.violations == ["GET: unknown path"]


def test_an_answer_is_replaced_before_or_after_the_request_is_honoured(receiver: Receiver) -> None:
    with running(Small) as vendor:
        vendor.answers[CALL], vendor.answers_after[CALL] = [502], [500]
        assert [send(request(vendor, receiver, "0001")).status for _ in range(3)] == [502, 500, 201]
        ended(vendor)
        assert vendor.ledger.accepted == {"+15550010001": 2}
        assert vendor.ledger.summary()["reached_more_than_once"] == 1


def test_the_sums_are_shown_to_the_holder_of_the_key_without_numbers(receiver: Receiver) -> None:
    with running(Small, key="one secret") as vendor:
        send(request(vendor, receiver, "0001"))
        ended(vendor)
        ask = CarrierRequest("GET", f"{vendor.base_url}/ledger", ("Authorization: Bearer one secret",))
        answer = send(ask)
        assert (answer.status, send(CarrierRequest("GET", ask.url)).status) == (200, 401)
        shown = orjson.loads(answer.body)
        assert (shown["left"], shown["rang"], shown["pending"]) == (1, 1, 0)
        assert b"555001" not in answer.body


def test_operations_and_schemas_name_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Small, "operations", {CALL: None, "GET /profile": None})
    with pytest.raises(ValueError, match=r"differ in GET /profile\."), running(Small):
        pass


@pytest.mark.parametrize(
    ("url", "loopback"),
    [
        ("http://127.0.0.1:8000/x", True),
        ("https://localhost/x", True),
        ("http://[::1]/x", True),
        ("http://203.0.113.1/x", False),
        ("http://example.com/x", False),
        ("file:///etc/passwd", False),
        ("http://[::1", False),
    ],
)
def test_a_simulator_calls_this_machine_alone(url: str, loopback: bool) -> None:
    assert is_loopback(url) is loopback
