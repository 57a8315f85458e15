"""Twilio's adapter under the contract of all; what it shares with SignalWire's is in twiml/test_adapters.py."""

from __future__ import annotations

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
