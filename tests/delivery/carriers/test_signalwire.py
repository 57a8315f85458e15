"""SignalWire's adapter under the contract of all; what it shares with Twilio's is in twiml/test_adapters.py."""

from __future__ import annotations

from tests.delivery.carriers.twiml import contract
from tests.delivery.carriers.twiml.vendors import SIGNALWIRE


class TestSignalWire(contract.TwimlContract):
    vendor = SIGNALWIRE
    name = SIGNALWIRE.name
    credentials = SIGNALWIRE.credentials
    replaced = SIGNALWIRE.credentials | {"signing_key": "PSK-other"}
    rotated = SIGNALWIRE.credentials | {"signing_key": f"PSK-other,{SIGNALWIRE.key}"}
    signature = SIGNALWIRE.header
    answers = contract.documented(SIGNALWIRE)
