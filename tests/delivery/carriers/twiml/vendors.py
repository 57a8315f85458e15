"""Twilio and SignalWire as the tests speak for them: their payloads, signed as they sign."""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import orjson

from delivery.carriers.signalwire import SignalWire
from delivery.carriers.twilio import Twilio
from tests.delivery.carriers.examples import EXAMPLES

FIXTURES = Path(__file__).resolve().parents[4] / "fixtures" / "carriers"
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Vendor:
    adapter: type[Twilio]
    header: str
    key: str  # of the signature

    @property
    def name(self) -> str:
        return self.adapter.name

    @property
    def credentials(self) -> dict[str, str]:
        return EXAMPLES[self.name]

    @property
    def carrier(self) -> Twilio:
        return self.adapter(self.credentials)

    def fixture(self, file: str, part: str) -> dict[str, Any]:
        found: dict[str, Any] = orjson.loads((FIXTURES / self.name / f"{file}.json").read_bytes())[part]
        return found

    def said(self, step: str, **changed: str | None) -> bytes:
        """The body of a callback; a field that is None is left out."""
        fields = self.fixture("callbacks", step) | changed
        return urlencode({name: value for name, value in fields.items() if value is not None}).encode()

    def sign(self, url: str, raw: bytes, key: str = "") -> dict[str, str]:
        fields = "".join(name + value for name, value in sorted(set(parse_qsl(raw.decode(), keep_blank_values=True))))
        digest = hmac.digest((key or self.key).encode(), (url + fields).encode(), hashlib.sha1)
        return {self.header: base64.b64encode(digest).decode()}


TWILIO = Vendor(Twilio, "x-twilio-signature", EXAMPLES["twilio"]["auth_token"])
SIGNALWIRE = Vendor(SignalWire, "x-signalwire-signature", EXAMPLES["signalwire"]["signing_key"])
VENDORS = (TWILIO, SIGNALWIRE)
