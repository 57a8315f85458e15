"""The interface of carrier adapters: one class per vendor that translates between the platform's values and the vendor's API.

An adapter has no state and does no I/O: it builds requests and reads responses, so the engine alone decides when a request is
sent. Subclasses implement the methods below; the rest of the engine is independent of vendors.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import ClassVar
from uuid import UUID

from delivery.lifecycle.events import Report, Submission
from delivery.lifecycle.vendor_texts import safe_text
from delivery.transport.interface import CarrierRequest, CarrierResponse
from usecases.windows import USUAL_DELAY

# A resubmission uses only this share of the carrier's idempotency window, because the carrier's clock may differ.
WINDOW_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class DropRequest:
    """The values of one attempt. `attempt_key` is the drop's id, which the carrier gets as idempotency key and reference."""

    attempt_key: UUID
    recipient: str = field(repr=False)  # E.164
    sender: str  # E.164
    recording_url: str = field(repr=False)  # a link for this drop that serves exactly the validated MP3; a secret too
    callback_url: str = field(repr=False)  # with a proof for this drop, so it is a secret
    media_id: str = ""  # the vendor's id of the recording, for carriers with `needs_media`


class UnknownToCarrier:
    """A look-up's result: the carrier does not know the attempt key. It permits only a resubmission under the same key."""


@dataclass(frozen=True, slots=True)
class Credential:
    """One field of a setup's credentials, as in the admin form and the API."""

    name: str
    label: str
    secret: bool = True
    help: str = ""
    required: bool = True


@dataclass(frozen=True, slots=True)
class Check:
    """The result of a check request, which reaches no telephone. `detail` is a sentence for the administrator of the setup."""

    ok: bool
    detail: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "detail", safe_text(self.detail))


class CarrierError(ValueError):
    """An error whose message may repeat what a vendor said; it is masked."""

    def __init__(self, message: str = "") -> None:
        super().__init__(safe_text(message))


class MediaRejected(CarrierError):
    """The carrier refuses this recording permanently; the message is the carrier's reason, for the user."""


class MediaUploadFailed(CarrierError):
    """This upload failed, but another may succeed; the message gives the reason."""


@dataclass(frozen=True, slots=True)
class CallbackResponse:
    """The response to a callback whose reports were stored."""

    body: bytes = field(default=b"", repr=False)
    content_type: str = "text/plain"


class CallbackRejected(CarrierError):
    """The callback is not proved to come from the carrier; the message gives the reason and contains no secret."""


class CallbackMalformed(CarrierError):
    """The callback is authentic but malformed; the message names the place."""


class Carrier(ABC):
    """The adapter of one vendor, with one setup's credentials."""

    name: ClassVar[str]
    label: ClassVar[str]
    credential_fields: ClassVar[tuple[Credential, ...]]
    # How long the vendor honours an attempt key; None if it has no such keys.
    idempotency_window: ClassVar[timedelta | None] = None
    # Whether `lookup_request` may be called.
    can_look_up: ClassVar[bool] = False
    # Whether `check_request` may be called: the vendor documents a request that proves the account and reaches nobody.
    can_check: ClassVar[bool] = False
    # Recordings are uploaded once, before the first drop, instead of being fetched from `DropRequest.recording_url`.
    needs_media: ClassVar[bool] = False
    # The longest time, as far as known, between a submission and the voicemail in the box: calling windows close so much earlier. At
    # most a day.
    max_delivery_delay: ClassVar[timedelta] = USUAL_DELAY
    # How long after it took a drop the vendor may still fetch its recording. Links end then, whatever becomes of the drop.
    fetches_within: ClassVar[timedelta] = timedelta(hours=1)
    # Drops to the sandbox numbers are allowed only where no person can be reached.
    simulated: ClassVar[bool] = False

    def __init__(self, credentials: Mapping[str, str]) -> None:
        self.credentials = credentials

    @abstractmethod
    def submit_request(self, drop: DropRequest) -> CarrierRequest: ...

    @abstractmethod
    def read_submission(self, response: CarrierResponse) -> Submission:
        """The outcome of a submission. Never raises: an unreadable response is `UNKNOWN`."""

    def lookup_request(self, attempt_key: UUID) -> CarrierRequest:
        raise NotImplementedError(f"{self.label} cannot look drops up")

    def read_lookup(self, response: CarrierResponse) -> Submission | Report | UnknownToCarrier | None:
        """The result of a look-up; None if the response proves nothing."""
        raise NotImplementedError(f"{self.label} cannot look drops up")

    def check_request(self) -> CarrierRequest:
        raise NotImplementedError(f"{self.label} has no request that reaches nobody")

    def read_check(self, response: CarrierResponse) -> Check:
        """The result of a check request. Never raises for any response of a vendor."""
        raise NotImplementedError(f"{self.label} has no request that reaches nobody")

    def upload(self, name: str, mp3: bytes) -> Generator[CarrierRequest, CarrierResponse, str]:
        """A generator of the upload of a recording: it yields requests, receives their responses, and returns the media id.

        It does no I/O itself and may be restarted from the beginning. Raises MediaRejected, MediaUploadFailed.
        """
        raise NotImplementedError(f"{self.label} takes no uploads")

    @property
    def signs_results(self) -> bool:
        """Whether this setup's results come signed. If so, an unsigned one is provisional: it suppresses nobody, starts no other
        attempt and stops no setup. Overridden by adapters whose setups may have no signing secret."""
        return True

    @abstractmethod
    def verify_callback(self, raw: bytes, headers: Mapping[str, str], now: datetime, url: str = "") -> bool:
        """Whether a signature proves that the raw bytes come from the vendor. Raises CallbackRejected for what the vendor never
        sends: a wrong signature, or none where all callbacks are signed.

        An unsigned callback (False) counts only as a report on the drop with which its address was given; the caller sees to that.
        Header names are lower-case; `url` is the callback URL as called by the vendor, including the query that the adapter added.
        """

    @abstractmethod
    def parse_callback(self, raw: bytes, headers: Mapping[str, str], url: str = "") -> list[Report]:
        """The reports in a verified callback. Raises CallbackMalformed; unknown codes become Reason.UNKNOWN."""

    def respond_to_callback(self, raw: bytes, headers: Mapping[str, str], url: str = "") -> CallbackResponse:
        """The response once the reports are stored: empty, unless the carrier's next step depends on it.

        The same callback must get the same response, because carriers repeat callbacks.
        """
        return CallbackResponse()
