"""The interface of carrier adapters: one class per vendor that translates between the platform's values and the vendor's API.

An adapter has no state and does no I/O: it builds requests and reads responses, so the engine alone decides when a request is
sent. What only some vendors can do is in `delivery/carriers/abilities.py`. The rest of the engine is independent of vendors.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

from delivery.carriers.hosts import check_address
from delivery.carriers.parsing import json_object
from delivery.lifecycle.events import Outcome, Report, Submission
from delivery.lifecycle.reasons import Reason
from delivery.lifecycle.vendor_texts import safe_text
from delivery.transport.interface import CarrierRequest, CarrierResponse
from usecases.callbacks.addresses import drop_address, recording_address
from usecases.callbacks.proofs import CallbackKey
from usecases.windows import USUAL_DELAY

# What a credential may hold unless its field says more: no space, and nothing that could begin another header.
VISIBLE = re.compile(r"[!-~]+")

# Statuses with which vendors refuse the account, whatever was asked: credentials, funds and rights. Nothing was done (RFC 9110,
# 15.5.2 to 15.5.4); 402 is no more than a name there, Payment Required, and vendors mean it (developers.telnyx.com/api/errors/20100).
REFUSED_ACCESS: dict[int, Reason] = {
    401: Reason.CARRIER_ACCOUNT,
    402: Reason.NO_FUNDS,
    403: Reason.CARRIER_ACCOUNT,
}


@dataclass(frozen=True, slots=True)
class DropRequest:
    """The values of one attempt. `attempt_key` is the drop's id, which the carrier gets as idempotency key and reference."""

    attempt_key: UUID
    recipient: str = field(repr=False)  # E.164
    sender: str  # E.164
    recording_url: str = field(repr=False)  # a link for this drop that serves exactly the validated MP3; a secret too
    callback_url: str = field(repr=False)  # with a proof for this drop, so it is a secret
    media_id: str = ""  # the vendor's id of the recording, for carriers with `MediaUpload`


def drop_request(drop_id: UUID, *, key: CallbackKey, recipient: str, sender: str, media_id: str) -> DropRequest:
    """The request for a drop: equal arguments give equal requests at any time and in any process, so that a resubmission is identical
    to the first request. Both of its addresses carry a proof that was made for this drop alone."""
    return DropRequest(
        attempt_key=drop_id,
        recipient=recipient,
        sender=sender,
        recording_url=recording_address(key, drop_id),
        callback_url=drop_address(key, drop_id),
        media_id=media_id,
    )


@dataclass(frozen=True)
class Callback:
    """What a vendor sent to one of our addresses, as it came.

    Header names are lower-case; `url` is the address as the vendor called it, with the query that the adapter added; `at` is when it
    came. `drop_id` is the drop with which the address was given, whose proof was checked; None at the setup's fixed address.
    """

    raw: bytes = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    url: str = field(repr=False)
    at: datetime
    drop_id: UUID | None = None

    @cached_property
    def json(self) -> dict[str, Any]:
        """The body as a JSON object; empty for anything else."""
        return json_object(self.raw)

    @cached_property
    def form(self) -> dict[str, str]:
        """The body's form fields, the last one of repeated names; empty for anything else."""
        return dict(self.fields)

    @cached_property
    def fields(self) -> list[tuple[str, str]]:
        """The body's form fields in their order, empty ones too; none if it is no form."""
        try:
            return parse_qsl(self.raw.decode(), keep_blank_values=True, max_num_fields=1000)
        except ValueError:
            return []

    @cached_property
    def query(self) -> dict[str, str]:
        """The fields of the address's query."""
        return dict(parse_qsl(urlsplit(self.url).query))


@dataclass(frozen=True, slots=True)
class Credential:
    """One field of a setup's credentials, as in the admin form and the API.

    `pattern` is what a value must match as a whole, and `form` says so as the end of the sentence "… must be".
    """

    name: str
    label: str
    secret: bool = True
    help: str = ""
    required: bool = True
    pattern: re.Pattern[str] = VISIBLE
    form: str = "printable ASCII characters without spaces"


def address(vendor_url: str) -> Credential:
    """The credential with which a setup goes to a simulator in place of the vendor."""
    help = f"Empty for {vendor_url}; a simulator's, such as http://127.0.0.1:8801, reaches nobody."
    return Credential("base_url", "Address", secret=False, required=False, help=help)


class CredentialMalformed(ValueError):
    """A credential is missing or cannot be used. The message is a sentence without its value; `name` is the field's."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


class CarrierError(ValueError):
    """An error whose message may repeat what a vendor said; it is masked."""

    def __init__(self, message: str = "") -> None:
        super().__init__(safe_text(message))


@dataclass(frozen=True, slots=True)
class CallbackResponse:
    """The response to a callback whose reports were stored."""

    body: bytes = field(default=b"", repr=False)
    content_type: str = "text/plain"


NOTHING = CallbackResponse()


class CallbackRejected(CarrierError):
    """The callback is not proved to come from the carrier; the message gives the reason and contains no secret."""


class CallbackMalformed(CarrierError):
    """The callback is authentic but malformed; the message names the place."""


class Carrier(ABC):
    """The adapter of one vendor, with one setup's credentials."""

    name: ClassVar[str]
    label: ClassVar[str]
    credential_fields: ClassVar[tuple[Credential, ...]]
    # The vendor's published address, https and without a slash at the end; empty if the setup's credentials name it.
    vendor_url: ClassVar[str] = ""
    # The domain of a vendor that has an address for each account, or one more of its domains: none of its hosts is a simulator's.
    vendor_domain: ClassVar[str] = ""
    # The longest time, as far as known, between a submission and the voicemail in the box: calling windows close so much earlier. At
    # most a day.
    max_delivery_delay: ClassVar[timedelta] = USUAL_DELAY
    # How long after it took a drop the vendor may still fetch its recording. Links end then, whatever becomes of the drop.
    fetches_within: ClassVar[timedelta] = timedelta(hours=1)
    # Whether the vendor names a drop by one id throughout, in its response (if that holds an id) and in all callbacks: an unsigned
    # callback with another id is turned away.
    one_reference: ClassVar[bool] = False
    # What the vendor takes as the sign that its callback was heard, beside the status 200.
    acknowledgement: ClassVar[CallbackResponse] = NOTHING
    # The vendor's codes of errors that mean the same whatever was asked, and under whatever status they come.
    errors: ClassVar[Mapping[str, tuple[Outcome, Reason]]] = {}

    def __init__(self, credentials: Mapping[str, str]) -> None:
        """Raises CredentialMalformed, whose message contains no value."""
        self.credentials = credentials
        for each in self.credential_fields:
            value = credentials.get(each.name) or ""
            if not value and each.required:
                raise CredentialMalformed(each.name, f"{self.label}'s {each.label} is missing.")
            if value and not each.pattern.fullmatch(value):
                raise CredentialMalformed(each.name, f"{self.label}'s {each.label} must be {each.form}.")
        published = self.published_address()
        # Where requests go, without a slash at the end.
        self.base_url = (credentials.get("base_url") or published).rstrip("/")
        if self.base_url != published:
            try:
                check_address(self.base_url, f"{self.label}'s", published=published)
            except ValueError as error:
                raise CredentialMalformed("base_url", str(error)) from None

    def published_address(self) -> str:
        """`vendor_url`, unless the vendor has an address for each account."""
        return self.vendor_url

    @property
    def simulated(self) -> bool:
        """Whether nobody can be reached: requests go to a simulator, which is told by its address alone."""
        return self.base_url != self.published_address()

    @abstractmethod
    def submit_request(self, drop: DropRequest) -> CarrierRequest: ...

    @abstractmethod
    def read_submission(self, response: CarrierResponse) -> Submission:
        """The outcome of a submission. Never raises: an unreadable response is `UNKNOWN`."""

    def read_refusal(self, response: CarrierResponse) -> Submission | None:
        """What an answer to any other request of ours says against the account: the vendor's words are those to a submission. None
        for an answer that is no refusal of the account for certain. Never raises."""
        if not response.refused:
            return None
        said = self.read_submission(response)
        known = response.status in REFUSED_ACCESS or said.code in self.errors
        return said if known and said.reason in REFUSED_ACCESS.values() else None

    @property
    def signs_results(self) -> bool:
        """Whether this setup's results come signed. If so, an unsigned one is provisional: it suppresses nobody, starts no other
        attempt and stops no setup. Overridden by adapters whose setups may have no signing secret."""
        return True

    @abstractmethod
    def verify(self, callback: Callback) -> bool:
        """Whether a signature proves that the raw bytes come from the vendor. Raises CallbackRejected for what the vendor never
        sends: a wrong signature, or none where all callbacks are signed.

        An unsigned callback (False) counts only as a report on the drop with which its address was given; the caller sees to that.
        """

    @abstractmethod
    def parse(self, callback: Callback) -> list[Report]:
        """The reports in a verified callback. Raises CallbackMalformed; unknown codes become Reason.UNKNOWN."""
