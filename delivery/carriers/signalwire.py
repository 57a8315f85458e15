"""The adapter for SignalWire's Compatibility API: Twilio's, with an address for each space, a signing key and codes of its own.

Written from signalwire/docs at 668371b (specs/compatibility-api; error-codes.mdx and webhook-security.mdx below
fern/products/compatibility-api/pages), signalwire/signalwire-solutions (code/answering_machine_detection/README.md: who answered
is said to the address `Url`) and the validator of the package signalwire 2.1.1; not tested against the vendor's servers. Unlike
Twilio's, a call cannot be limited in length, and the vendor's `Call` tells machine from human only. A token has scopes: calls need
Voice, and the account's own state needs Management (accounts/main.tsp), which no token should have that only calls. So the check
asks for a call, and says nothing of the account's funds. UNVERIFIED: that what the scopes do not allow gets a 401.

UNVERIFIED, so both readings are allowed for: signatures are Twilio's base64 over sorted fields, or the vendor's own hexadecimal
digits over the raw body; errors are one object or a list.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterator, Mapping

from delivery.carriers.abilities import Check
from delivery.carriers.base import Callback, Credential, address
from delivery.carriers.twilio import ERRORS, Twilio
from delivery.lifecycle.events import Outcome
from delivery.lifecycle.reasons import Reason
from delivery.transport.interface import CarrierRequest


class SignalWire(Twilio):
    name = "signalwire"
    label = "SignalWire"
    vendor_url = ""  # each space has its own
    vendor_domain = "signalwire.com"
    credential_fields = (
        Credential(
            "space",
            "Space",
            secret=False,
            help="The first part of your address at signalwire.com, such as “example”",
            pattern=re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"),
            form="small letters, digits and hyphens, without “.signalwire.com”",
        ),
        Credential(
            "project_id",
            "Project ID",
            secret=False,
            help="Dashboard > API Credentials",
            pattern=re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"),
            form="a UUID, such as 00000000-0000-0000-0000-000000000000",
        ),
        Credential("api_token", "API token", help="With the scope Voice"),
        Credential(
            "signing_key",
            "Signing key",
            help="Dashboard > API Credentials > Signing Key; several with commas between while one is being replaced",
        ),
        address("https://{space}.signalwire.com"),
    )
    root = "/api/laml/2010-04-01"
    suffix = ""
    signature = "X-SignalWire-Signature"
    needed = ", or the token lacks the scope Voice"
    errors = ERRORS | {
        "4001": (Outcome.NOT_SENT, Reason.NO_FUNDS),
        "10004": (Outcome.NOT_SENT, Reason.CARRIER_ACCOUNT),  # not Twilio's: the project is not the credentials'
    }

    def published_address(self) -> str:
        return f"https://{self.credentials['space']}.{self.vendor_domain}"

    def _account(self) -> tuple[str, str, str]:
        return self.credentials["project_id"], self.credentials["api_token"], self.credentials["signing_key"]

    def limits(self) -> dict[str, int]:
        return {}

    def check_request(self) -> CarrierRequest:
        return CarrierRequest("GET", f"{self._url}/Calls?PageSize=1", self._headers)

    def _account_of(self, body: Mapping[str, object]) -> Check | None:
        if not isinstance(body.get("calls"), list):
            return None
        unsure = "The account's funds and state are tried with the first voicemail only."
        return Check(True, f"SignalWire takes the project and the token, which may call. {unsure}")

    def _error(self, body: Mapping[str, object]) -> tuple[str, str]:
        errors = body.get("errors")
        first = errors[0] if isinstance(errors, list) and errors else body
        return super()._error(first if isinstance(first, dict) else {})

    def _signatures(self, key: bytes, url: str, callback: Callback) -> Iterator[bytes]:
        yield from super()._signatures(key, url, callback)
        yield hmac.new(key, url.encode(errors="replace") + callback.raw, hashlib.sha1).hexdigest().encode()
