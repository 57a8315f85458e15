"""SignalWire's adapter under the contract of all; what it shares with Twilio's is in test_twiml.py."""

from __future__ import annotations

from tests.delivery.carriers import twiml_contract
from tests.delivery.carriers.twiml import SIGNALWIRE


class TestSignalWire(twiml_contract.TwimlContract):
    vendor = SIGNALWIRE
    name = SIGNALWIRE.name
    credentials = SIGNALWIRE.credentials
    replaced = SIGNALWIRE.credentials | {"signing_key": "PSK-other"}
    rotated = SIGNALWIRE.credentials | {"signing_key": f"PSK-other,{SIGNALWIRE.key}"}
    signature = SIGNALWIRE.header
    answers = twiml_contract.documented(SIGNALWIRE)
