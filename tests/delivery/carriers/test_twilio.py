"""Twilio's adapter under the contract of all; what it shares with SignalWire's is in test_twiml.py."""

from __future__ import annotations

from tests.delivery.carriers import twiml_contract
from tests.delivery.carriers.twiml import TWILIO


class TestTwilio(twiml_contract.TwimlContract):
    vendor = TWILIO
    name = TWILIO.name
    credentials = TWILIO.credentials
    replaced = TWILIO.credentials | {"auth_token": "f" * 32}
    rotated = TWILIO.credentials | {"auth_token": f"{'f' * 32},{TWILIO.key}"}
    signature = TWILIO.header
    answers = twiml_contract.documented(TWILIO)
