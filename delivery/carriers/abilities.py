"""Abilities that only some vendors have, as mixins of `Carrier`; the engine asks for them with isinstance.

An adapter lists its abilities among its bases and must then implement all of their methods, which do no I/O either.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from delivery.carriers.base import NOTHING, Callback, CallbackResponse, Carrier, CarrierError
from delivery.lifecycle.events import Outcome, Report, Submission
from delivery.lifecycle.reasons import Reason
from delivery.lifecycle.vendor_texts import safe_text
from delivery.transport.interface import CarrierRequest, CarrierResponse

# A resubmission uses only this share of the carrier's idempotency window, because the carrier's clock may differ.
WINDOW_SHARE = 0.5


class IdempotencyKeys:
    """The vendor acts once on requests with the same attempt key, so an uncertain drop may be submitted again under its key."""

    idempotency_window: ClassVar[timedelta]  # how long the vendor honours a key


class UnknownToCarrier:
    """A look-up's result: the carrier does not know the attempt key. It permits only a resubmission under the same key."""


class LookUp(ABC):
    """The vendor tells what became of an attempt key, so that an uncertain drop can be settled."""

    @abstractmethod
    def lookup_request(self, attempt_key: UUID) -> CarrierRequest: ...

    @abstractmethod
    def read_lookup(self, response: CarrierResponse) -> Submission | Report | UnknownToCarrier | None:
        """The result of a look-up; None if the response proves nothing."""


class ResultPoll(ABC):
    """The vendor tells the result of a drop that it took, by its own id of the drop: the only proof where its callbacks are unsigned,
    and the way to results whose callbacks were lost."""

    @abstractmethod
    def result_request(self, carrier_reference: str) -> CarrierRequest: ...

    @abstractmethod
    def read_result(self, response: CarrierResponse, attempt_key: UUID) -> Report | None:
        """The result as a report on the attempt key; None if there is none yet, or the response proves nothing. Never raises."""


@dataclass(frozen=True, slots=True)
class Check:
    """The result of a check request, which reaches no telephone. `detail` is a sentence for the administrator of the setup. `reason`:
    CARRIER_ACCOUNT or NO_FUNDS where the vendor refuses the account, so that nothing is sent through it."""

    ok: bool
    detail: str
    reason: Reason | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "detail", safe_text(self.detail))


class AccountCheck(ABC):
    """The vendor documents a request that proves the account and reaches nobody."""

    @abstractmethod
    def check_request(self) -> CarrierRequest: ...

    @abstractmethod
    def read_check(self, response: CarrierResponse) -> Check:
        """The result of a check request. Never raises for any response of a vendor."""


class MediaRejected(CarrierError):
    """The carrier refuses this recording permanently; the message is the carrier's reason, for the user."""


class MediaUploadFailed(CarrierError):
    """This upload failed, but another may succeed; the message gives the reason. `refused` as `Check.reason`: the vendor refuses the
    account, so that nothing is sent through it. `retry_after`: how long the vendor asks to wait at least."""

    def __init__(self, message: str = "", refused: Reason | None = None, retry_after: timedelta | None = None) -> None:
        super().__init__(message)
        self.refused, self.retry_after = refused, retry_after


class MediaUpload(ABC):
    """Recordings are uploaded once, before the first drop, in place of being fetched from `DropRequest.recording_url`."""

    @abstractmethod
    def upload(self, name: str, mp3: bytes) -> Generator[CarrierRequest, CarrierResponse, str]:
        """A generator of the upload of a recording: it yields requests, receives their responses, and returns the media id.

        It does no I/O itself and may be restarted from the beginning. Raises MediaRejected, MediaUploadFailed.
        """


@dataclass(frozen=True, slots=True)
class Playable:
    """What may be played in the call of a drop: the link to its recording, and how many seconds it lasts."""

    url: str = field(repr=False)
    seconds: float


class Action(StrEnum):
    """A step of a call that is under way."""

    PLAY = "play"
    HANG_UP = "hang_up"


@dataclass(frozen=True, slots=True)
class CallStep:
    """What a call must be told, because of a callback about it."""

    attempt_key: UUID
    action: Action
    carrier_reference: str  # the vendor's id of the call


class CallAndDetect(ABC):
    """The vendor calls, and rings: it detects what answered, and learns from us what to do in the call, here from the response to its
    callback.

    It names a call by one id throughout, in its answer to the submission and in every report: what is said of another call of a drop
    does not end the drop.
    """

    # Whether the vendor itself says that a recording was played to its end. Where it does not, a report of it counts only if the
    # vendor was given the whole recording by the drop's own link.
    says_played: ClassVar[bool] = True

    @abstractmethod
    def step_after(self, callback: Callback) -> CallStep | None:
        """What the call must be told because of a verified callback; None if nothing."""

    @abstractmethod
    def respond(self, callback: Callback, playable: Playable | None) -> CallbackResponse:
        """The response to a callback, which may hold the call's next step. The same callback gets the same response, because
        vendors repeat callbacks.

        `playable` is None where nothing is to be played: `step_after` asks for nothing of the kind, or the drop is over, so that a
        call that goes on is to be ended.
        """


@dataclass(frozen=True, slots=True)
class Command:
    """A step that a call is told by a request of its own. `key` is the vendor's key for it: repeated, it is obeyed once."""

    key: UUID
    action: Action
    carrier_reference: str  # the vendor's id of the call
    attempt_key: UUID
    recording_url: str = field(default="", repr=False)  # to be played


class CallCommands(CallAndDetect):
    """The vendor learns the next step of a call from requests of ours that follow its callbacks within a second."""

    # How long the vendor obeys commands with the same key once. None if it knows no keys: then no PLAY is repeated.
    command_window: ClassVar[timedelta | None] = None

    @abstractmethod
    def command_request(self, command: Command) -> CarrierRequest: ...

    @abstractmethod
    def read_command(self, response: CarrierResponse) -> Outcome:
        """Whether the vendor took a command; NOT_SENT if it certainly did not act on it and may be asked again. Never raises."""

    def respond(self, callback: Callback, playable: Playable | None) -> CallbackResponse:
        return NOTHING


def rings(carrier: type[Carrier]) -> bool:
    """Whether the telephone rings before the message is left: a use case must allow it."""
    return issubclass(carrier, CallAndDetect)
