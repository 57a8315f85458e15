"""Twilio's adapter under the contract of all; what it shares with SignalWire's is in twiml/test_adapters.py."""

from __future__ import annotations

import orjson
import pytest

from delivery.lifecycle.reasons import Reason
from delivery.transport.interface import CarrierResponse
from tests.delivery.carriers.twiml import contract
from tests.delivery.carriers.twiml.vendors import TWILIO


class TestTwilio(contract.TwimlContract):
    vendor = TWILIO
    name = TWILIO.name
    credentials = TWILIO.credentials
    replaced = TWILIO.credentials | {"auth_token": "f" * 32}
    rotated = TWILIO.credentials | {"auth_token": f"{'f' * 32},{TWILIO.key}"}
    signature = TWILIO.header
    answers = contract.documented(TWILIO)


@pytest.mark.parametrize(
    ("changed", "ok", "words", "reason"),
    [
        ({}, True, "the account is active.", None),
        ({"type": "Trial"}, False, "verified numbers only", None),
        ({"status": "suspended"}, False, "the account is suspended; it cannot call", Reason.CARRIER_ACCOUNT),
    ],
)
def test_the_check_asks_for_the_state_of_the_account(
    changed: dict[str, object], ok: bool, words: str, reason: Reason | None
) -> None:
    told = orjson.dumps(TWILIO.fixture("answers", "account") | changed)
    found = TWILIO.carrier.read_check(CarrierResponse(200, told))
    assert (found.ok, found.reason) == (ok, reason)
    assert words in found.detail
