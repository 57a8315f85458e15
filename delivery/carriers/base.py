"""What a carrier adapter is: one class per vendor that turns our words into the vendor's and back.

An adapter holds no state and does no I/O: it builds requests and reads responses, so the engine alone decides when
something goes out. Subclasses implement the methods below; nothing else of the engine knows a vendor.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar
from uuid import UUID

from delivery.lifecycle.events import Report, Submission
from delivery.transport.interface import CarrierRequest, CarrierResponse


@dataclass(frozen=True, slots=True)
class DropRequest:
    """One attempt, in our words. `attempt_key` is the drop's id: the carrier's idempotency key and reference."""

    attempt_key: UUID
    recipient: str  # E.164
    sender: str  # E.164
    recording_url: str  # a short-lived link that serves exactly the validated MP3
    callback_url: str
    media_id: str = ""  # the vendor's name for the recording, at carriers that need it uploaded first


class UnknownToCarrier:
    """A look-up's answer: the carrier does not know the attempt key. Permits only a resubmission under the same key."""


@dataclass(frozen=True, slots=True)
class Credential:
    """One field of a setup's credentials, as the admin form and the API ask for it."""

    name: str
    label: str
    secret: bool = True
    help: str = ""
    required: bool = True


@dataclass(frozen=True, slots=True)
class Check:
    """What a carrier said to a question that reaches nobody. `detail` is a sentence for whoever set the account up."""

    ok: bool
    detail: str


class MediaRefused(ValueError):
    """The carrier will never take this recording; the message is the carrier's reason, for the person who looks."""


class MediaNotTaken(ValueError):
    """This upload failed and another may succeed; the message says why."""


@dataclass(frozen=True, slots=True)
class CallbackAnswer:
    """What a carrier gets back for a callback that was kept."""

    body: bytes = b""
    content_type: str = "text/plain"


class CallbackRejected(ValueError):
    """The callback does not prove that it comes from the carrier; the message says why and holds nothing secret."""


class CallbackMalformed(ValueError):
    """The callback is authentic and cannot be read; the message says where."""


class Carrier(ABC):
    """One vendor, bound to one setup's credentials."""

    name: ClassVar[str]
    label: ClassVar[str]
    credential_fields: ClassVar[tuple[Credential, ...]]
    # How long the vendor honours an attempt key; None where it has no such keys.
    idempotency_window: ClassVar[timedelta | None] = None
    # Whether `lookup_request` may be called.
    can_look_up: ClassVar[bool] = False
    # Whether `check_request` may be called: the vendor documents a request that proves the account and reaches nobody.
    can_check: ClassVar[bool] = False
    # Recordings are uploaded once, before the first drop, instead of being fetched from `DropRequest.recording_url`.
    needs_media: ClassVar[bool] = False
    # Drops to the sandbox numbers are allowed only where no person can be reached.
    simulated: ClassVar[bool] = False

    def __init__(self, credentials: Mapping[str, str]) -> None:
        self.credentials = credentials

    @abstractmethod
    def submit_request(self, drop: DropRequest) -> CarrierRequest: ...

    @abstractmethod
    def read_submission(self, response: CarrierResponse) -> Submission:
        """Never raises on what a vendor may send: garbage is `UNKNOWN`."""

    def lookup_request(self, attempt_key: UUID) -> CarrierRequest:
        raise NotImplementedError(f"{self.label} cannot look drops up")

    def read_lookup(self, response: CarrierResponse) -> Submission | Report | UnknownToCarrier | None:
        """None where the answer says nothing."""
        raise NotImplementedError(f"{self.label} cannot look drops up")

    def check_request(self) -> CarrierRequest:
        raise NotImplementedError(f"{self.label} has no request that reaches nobody")

    def read_check(self, response: CarrierResponse) -> Check:
        """Never raises on what a vendor may send."""
        raise NotImplementedError(f"{self.label} has no request that reaches nobody")

    def upload(self, name: str, mp3: bytes) -> Generator[CarrierRequest, CarrierResponse, str]:
        """The conversation that leaves a recording with the carrier: yields requests, is sent their answers, returns the media id.

        Does no I/O itself and may be begun again from the start. Raises MediaRefused, MediaNotTaken.
        """
        raise NotImplementedError(f"{self.label} takes no uploads")

    @abstractmethod
    def verify_callback(self, raw: bytes, headers: Mapping[str, str], now: datetime, url: str = "") -> None:
        """Raise CallbackRejected unless the raw bytes prove their origin. Header names are lower-case; `url` is our address as the
        vendor called it, with whatever query the adapter had put there."""

    @abstractmethod
    def parse_callback(self, raw: bytes, headers: Mapping[str, str], url: str = "") -> list[Report]:
        """The reports in a verified callback. Raises CallbackMalformed; unknown codes become Reason.UNKNOWN."""

    def answer_callback(self, raw: bytes, headers: Mapping[str, str], url: str = "") -> CallbackAnswer:
        """What the carrier is told once the reports are kept: nothing, unless it takes its next step from the answer. The same
        callback must get the same answer: carriers repeat themselves."""
        return CallbackAnswer()
