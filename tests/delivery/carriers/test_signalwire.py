"""SignalWire's adapter under the contract of all; what it shares with Twilio's is in twiml/test_adapters.py."""

from __future__ import annotations

from collections.abc import Iterator

import orjson
import pytest

from delivery.carriers.signalwire import SignalWire
from delivery.lifecycle.events import Outcome
from delivery.lifecycle.reasons import Reason
from delivery.transport.interface import CarrierRequest, CarrierResponse
from rvm.simulators.framework.service import running
from rvm.simulators.vendors.signalwire import ACCOUNT, Simulator
from tests.delivery.carriers.contract import DROP
from tests.delivery.carriers.twiml import contract
from tests.delivery.carriers.twiml.vendors import SIGNALWIRE
from tests.rvm.simulators.sandbox.harness import send


class TestSignalWire(contract.TwimlContract):
    vendor = SIGNALWIRE
    name = SIGNALWIRE.name
    credentials = SIGNALWIRE.credentials
    replaced = SIGNALWIRE.credentials | {"signing_key": "PSK-other"}
    rotated = SIGNALWIRE.credentials | {"signing_key": f"PSK-other,{SIGNALWIRE.key}"}
    signature = SIGNALWIRE.header
    answers = contract.documented(SIGNALWIRE)


# The scopes of a token, at the simulated vendor.


@pytest.fixture
def vendor() -> Iterator[Simulator]:
    with running(Simulator) as simulator:
        yield simulator


def test_a_token_that_may_call_and_no_more_passes_the_check(vendor: Simulator) -> None:
    carrier = SignalWire(vendor.credentials)
    found = carrier.read_check(send(carrier.check_request()))
    assert (found.ok, found.reason) == (True, None)
    assert "first voicemail only" in found.detail
    assert carrier.read_submission(send(carrier.submit_request(DROP))).outcome is Outcome.ACCEPTED
    assert carrier.read_check(send(carrier.check_request())) == found  # with a call to show
    account = carrier.check_request().url.partition("/Calls")[0]
    headers = carrier.check_request().headers
    assert send(CarrierRequest("GET", account, headers)).status == 401, "the account itself is not the token's to see"
    vendor.scopes = {"Management"}
    assert send(CarrierRequest("GET", account, headers)).status == 200
    assert (vendor.ledger.requests[ACCOUNT], vendor.ledger.violations) == (2, [])


def test_a_token_that_may_not_call_is_told_what_it_lacks(vendor: Simulator) -> None:
    vendor.scopes = {"Management", "Messaging"}
    carrier = SignalWire(vendor.credentials)
    found = carrier.read_check(send(carrier.check_request()))
    assert (found.ok, found.reason) == (False, Reason.CARRIER_ACCOUNT)
    assert found.detail == "SignalWire refuses the credentials (HTTP 401), or the token lacks the scope Voice."
    assert carrier.read_submission(send(carrier.submit_request(DROP))).reason is Reason.CARRIER_ACCOUNT


def test_an_account_in_place_of_its_calls_is_no_answer_to_the_check() -> None:
    account = orjson.dumps(SIGNALWIRE.fixture("answers", "account"))
    assert not SIGNALWIRE.carrier.read_check(CarrierResponse(200, account)).ok


def test_too_many_calls_at_once_are_no_wrong_project_though_their_code_is_one() -> None:
    carrier = SignalWire(SIGNALWIRE.credentials)
    answer = CarrierResponse(429, b'{"code": 10004, "message": "Call concurrency limit exceeded"}')
    said = carrier.read_submission(answer)
    assert (said.outcome, said.reason) == (Outcome.NOT_SENT, Reason.NOT_SENT)
    assert carrier.read_refusal(answer) is None
