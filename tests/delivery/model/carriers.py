"""Simulated carriers of the model: five kinds of interface, and the ledger of what their accounts received and did.

The ledger decides whether a person was reached, independent of the platform's tables. An account honours an attempt key for its
window and then forgets it, as vendors do; an account without keys sends a message for each request.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

import orjson

from delivery.carriers import CARRIERS
from delivery.carriers.abilities import (
    Action,
    CallCommands,
    CallStep,
    Command,
    IdempotencyKeys,
    LookUp,
    MediaRejected,
    MediaUpload,
    MediaUploadFailed,
    ResultPoll,
    UnknownToCarrier,
)
from delivery.carriers.base import Callback, Carrier, Credential, DropRequest
from delivery.lifecycle.events import Outcome, Report, ReportStatus, Submission
from delivery.lifecycle.reasons import Reason
from delivery.transport.interface import CarrierRequest, CarrierResponse, Proof, TransportFailure

WINDOW = timedelta(hours=24)
# The longest time that a request is in transit, so that a key may be forgotten before a delayed request arrives.
MAX_WAY = timedelta(hours=1)


class _Modelled(Carrier):
    credential_fields = (Credential("account", "Account"),)

    def submit_request(self, drop: DropRequest) -> CarrierRequest:
        return self._request(
            "POST",
            {
                "key": str(drop.attempt_key),
                "to": drop.recipient,
                "from": drop.sender,
                "audio": drop.recording_url,
                "callback": drop.callback_url,
                "media": drop.media_id if isinstance(self, MediaUpload) else "",
            },
        )

    def read_submission(self, response: CarrierResponse) -> Submission:
        body = orjson.loads(response.body)
        if "outcome" not in body:  # the answer to a question
            return Submission(Outcome.UNKNOWN)
        reason = body.get("reason")
        return Submission(
            Outcome(body["outcome"]),
            carrier_reference=body.get("reference", ""),
            reason=Reason(reason) if reason else None,
            code=body["outcome"],
        )

    def verify(self, callback: Callback) -> bool:
        raise NotImplementedError("the model's reports come as they are parsed")

    def parse(self, callback: Callback) -> list[Report]:
        raise NotImplementedError("the model's reports come as they are parsed")

    def _request(self, method: str, body: dict[str, Any]) -> CarrierRequest:
        url = f"https://{self.credentials['account']}.example/drops"
        return CarrierRequest(method, url, (), orjson.dumps(body))


class Asked(IdempotencyKeys, LookUp, _Modelled):
    """Carrier that honours the attempt key, repeats it in reports, and supports look-ups."""

    name = "model_asked"
    label = "Asked"
    idempotency_window = WINDOW

    def lookup_request(self, attempt_key: UUID) -> CarrierRequest:
        return self._request("GET", {"key": str(attempt_key)})

    def read_lookup(self, response: CarrierResponse) -> Submission | Report | UnknownToCarrier | None:
        body = orjson.loads(response.body)
        if body["status"] == "never_seen":
            return UnknownToCarrier()
        if body["status"] == "accepted":
            return Submission(Outcome.ACCEPTED, carrier_reference=body["reference"])
        reason = body.get("reason")
        return Report(
            UUID(body["key"]),
            ReportStatus(body["status"]),
            None,
            carrier_reference=body["reference"],
            reason=Reason(reason) if reason else None,
        )


class Pushed(IdempotencyKeys, MediaUpload, _Modelled):
    """Carrier that honours the attempt key, has no look-ups and requires uploaded recordings.

    Its signed reports name the person and not the key."""

    name = "model_pushed"
    label = "Pushed"
    idempotency_window = WINDOW

    def upload(self, name: str, mp3: bytes) -> Generator[CarrierRequest, CarrierResponse, str]:
        answer = yield self._request("PUT", {"name": name})
        if answer.status == 422:
            raise MediaRejected("Too long.")
        if answer.status != 200:
            raise MediaUploadFailed("Not now.")
        return str(orjson.loads(answer.body)["media"])


class Bare(_Modelled):
    """Carrier without idempotency: each request is a message. Its reports repeat the attempt key."""

    name = "model_bare"
    label = "Bare"


class Polled(ResultPoll, _Modelled):
    """Carrier without idempotency whose unsigned callbacks prove nothing: it is asked for the result by its own id of the drop."""

    name = "model_polled"
    label = "Polled"
    one_reference = True

    def result_request(self, carrier_reference: str) -> CarrierRequest:
        return self._request("GET", {"reference": carrier_reference})

    def read_result(self, response: CarrierResponse, attempt_key: UUID) -> Report | None:
        body = orjson.loads(response.body)
        if body["status"] == "never_seen":
            return None
        reason = body["reason"]
        return Report(
            attempt_key,
            ReportStatus(body["status"]),
            None,
            event_id=body["event"],
            carrier_reference=body["reference"],
            reason=Reason(reason) if reason else None,
            recipient=body["to"],
        )


class Called(IdempotencyKeys, CallCommands, _Modelled):
    """Carrier that calls, and is told by commands when to play and to hang up. It honours keys for minutes, so that a request
    on a long way begins a second call of its drop."""

    name = "model_called"
    label = "Called"
    idempotency_window = command_window = timedelta(minutes=10)

    def step_after(self, callback: Callback) -> CallStep | None:
        raise NotImplementedError("the model's steps come as they are read")

    def command_request(self, command: Command) -> CarrierRequest:
        return self._request(
            "POST",
            {
                "key": str(command.attempt_key),
                "command": str(command.key),
                "action": command.action.value,
                "call": command.carrier_reference,
            },
        )

    def read_command(self, response: CarrierResponse) -> Outcome:
        return Outcome(orjson.loads(response.body)["outcome"])


KINDS: dict[str, type[_Modelled]] = {kind.name: kind for kind in (Asked, Pushed, Bare, Polled, Called)}


def window_of(kind: type[Carrier]) -> timedelta | None:
    """How long the carrier honours keys; None if it has none."""
    return kind.idempotency_window if issubclass(kind, IdempotencyKeys) else None


def known() -> dict[str, type[Carrier]]:
    """The installed carriers plus those of the model."""
    return {**CARRIERS, **KINDS}


class Answer(StrEnum):
    """Fate of a request. The sender cannot distinguish `lost`, `late` and `unheard`."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    OPTED_OUT = "opted_out"  # a refusal, because the person is on the carrier's list
    THROTTLED = "throttled"
    UNREACHABLE = "unreachable"
    LOST = "lost"  # on its way to the carrier
    LATE = "late"  # arrives after the sender's timeout
    UNHEARD = "unheard"  # arrives, and the response is lost
    GARBLED = "garbled"  # arrives, and the response is unreadable


ARRIVES = {Answer.ACCEPTED, Answer.UNHEARD, Answer.GARBLED}
_UNKNOWN = TransportFailure(Proof.UNKNOWN, "No whole response in time.")


@dataclass(slots=True)
class Call:
    """A call of an entry. `obeyed`: when it obeyed a PLAY with each key."""

    reference: str
    obeyed: dict[str, datetime] = field(default_factory=dict)
    is_over: bool = False


@dataclass(slots=True)
class Entry:
    """State of one attempt key at an account. `messages`: how many the person gets unless it fails; of calls, how many played."""

    key: UUID
    account: str
    to: str
    reference: str
    messages: int = 0
    first_at: datetime | None = None
    fate: ReportStatus | None = None
    reason: Reason | None = None
    denied: bool = False  # a report said that it failed ...
    denied_by_signature: bool = False  # ... and was signed
    is_mistaken: bool = False  # a signed report about another entry, without a key, may have been matched to it
    body: bytes = b""
    calls: list[Call] = field(default_factory=list)
    has_many_ends: bool = False  # each of its calls was reported on, as if it were the only one

    @property
    def reaches(self) -> int:
        """Number of messages that the person got or may still get. What was played was heard, whatever became of the call."""
        return 0 if self.fate is ReportStatus.FAILED and not self.calls else self.messages

    @property
    def was_lied_about(self) -> bool:
        return self.denied and self.fate is not ReportStatus.FAILED

    def end(self, failure: Reason | None) -> None:
        """Set the final status, unless it is already set. Its calls are over; those that played nothing have delivered nothing."""
        if self.calls and not self.messages:
            failure = failure or Reason.NO_ANSWER
        for call in self.calls:
            call.is_over = True
        if self.fate is None:
            self.fate, self.reason = (ReportStatus.FAILED, failure) if failure else (ReportStatus.DELIVERED, None)

    def deny(self, failed: bool, *, signed: bool) -> None:
        """Record a report that may say that it failed."""
        self.denied |= failed
        self.denied_by_signature |= failed and signed

    def mistake(self, failed: bool) -> None:
        """Record that reports of this entry and of another may have been exchanged."""
        self.is_mistaken = True
        self.deny(failed, signed=True)


@dataclass(slots=True)
class Ledger:
    """Entries of all accounts of all carriers. `kind_of` maps accounts to kinds of interface."""

    kind_of: dict[str, str] = field(default_factory=dict)
    entries: dict[UUID, list[Entry]] = field(default_factory=dict)
    on_the_way: list[tuple[CarrierRequest, datetime]] = field(default_factory=list)  # since when
    media: dict[str, set[str]] = field(default_factory=dict)  # of each account
    uploads: int = 0
    references: int = 0
    answers: int = 0

    def answer(self, request: CarrierRequest, answer: Answer, now: datetime) -> CarrierResponse | TransportFailure:
        """The result of a submission, which arrives or does not, as drawn."""
        if answer is Answer.LATE:
            self.on_the_way.append((request, now))
        if answer in ARRIVES:
            entry = self.arrive(request, now)
            if entry is None:  # a command to a call that is over
                answer = Answer.REFUSED
            return _UNKNOWN if answer is Answer.UNHEARD else _said(answer, entry.reference if entry else "")
        if answer is Answer.UNREACHABLE:
            return TransportFailure(Proof.NOT_SENT, "No connection to the carrier: refused or unreachable.")
        return _UNKNOWN if answer in (Answer.LOST, Answer.LATE) else _said(answer, "")

    def lose(self, now: datetime) -> None:
        """Discard requests that have been in transit for longer than MAX_WAY."""
        self.on_the_way = [(request, since) for request, since in self.on_the_way if now - since <= MAX_WAY]

    def arrive(self, request: CarrierRequest, now: datetime) -> Entry | None:
        """The entry of a request that arrives; None for a command to a call that is over, or of another account."""
        body = orjson.loads(request.body)
        account, key = account_of(request), UUID(body["key"])
        entry = self.of(key, account)
        if "command" in body:
            return entry if entry and self._obey(entry, body, now) else None
        if entry is None:
            self.references += 1
            entry = Entry(key, account, body["to"], f"{account}-{self.references}", body=request.body)
            self.entries.setdefault(key, []).append(entry)
        window = window_of(KINDS[self.kind_of[account]])
        if entry.first_at is None or window is None or now - entry.first_at > window:
            entry.first_at = now
            if self.kind_of[account] == Called.name:
                entry.calls.append(Call(f"{entry.reference}.{len(entry.calls)}" if entry.calls else entry.reference))
            else:
                entry.messages += 1
        return entry

    def _obey(self, entry: Entry, command: dict[str, Any], now: datetime) -> bool:
        """Whether the call goes on and has obeyed the command, now or under the same key before."""
        call = next((each for each in entry.calls if each.reference == command["call"]), None)
        if call is None or call.is_over:
            return False
        key = command["command"]
        if command["action"] == Action.HANG_UP:
            call.is_over = True
        elif key not in call.obeyed or now - call.obeyed[key] > Called.command_window:
            entry.messages += 1
            call.obeyed[key] = now
        return True

    def of(self, key: UUID, account: str) -> Entry | None:
        return next((each for each in self.entries.get(key, ()) if each.account == account), None)

    def all(self) -> Iterator[Entry]:
        for entries in self.entries.values():
            yield from entries

    def look_up(self, request: CarrierRequest) -> CarrierResponse:
        """The true state of a key at its account."""
        key = UUID(orjson.loads(request.body)["key"])
        entry = self.of(key, account_of(request))
        if entry is None:
            return response(status="never_seen")
        return self.about(entry, entry.fate or ReportStatus.ACCEPTED, entry.reason)

    def about(self, entry: Entry, status: str, reason: str | None) -> CarrierResponse:
        return response(key=str(entry.key), status=status, reference=entry.reference, reason=reason)

    def result(self, request: CarrierRequest) -> Entry | None:
        """The entry that is asked for by its reference."""
        reference, account = orjson.loads(request.body)["reference"], account_of(request)
        return next((each for each in self.all() if (each.reference, each.account) == (reference, account)), None)

    def told(self, entry: Entry | None, status: str, reason: str | None) -> tuple[str, CarrierResponse]:
        """The answer to a question for a result, and the id by which the model finds it again."""
        self.answers += 1
        event = f"answer-{self.answers}"
        if entry is None:
            return event, response(status="never_seen")
        return event, response(
            event=event, status=status, reference=entry.reference, reason=reason, to=entry.to.removeprefix("+")
        )

    def upload(self, request: CarrierRequest, answer: Answer) -> CarrierResponse | TransportFailure:
        """The result of an upload: taken, refused for good, put off, or its answer is lost."""
        if answer not in ARRIVES:
            return CarrierResponse(422 if answer is Answer.REFUSED else 503, b"{}")
        self.uploads += 1
        media = f"{account_of(request)}/{self.uploads}"
        self.media.setdefault(account_of(request), set()).add(media)
        return _UNKNOWN if answer is Answer.UNHEARD else response(media=media)


def account_of(request: CarrierRequest) -> str:
    return request.url.removeprefix("https://").partition(".")[0]


def response(**body: Any) -> CarrierResponse:
    return CarrierResponse(200, orjson.dumps(body))


_SAID = {
    Answer.ACCEPTED: (Outcome.ACCEPTED, None),
    Answer.REFUSED: (Outcome.REFUSED, Reason.REFUSED),
    Answer.OPTED_OUT: (Outcome.REFUSED, Reason.OPTED_OUT),
    Answer.THROTTLED: (Outcome.NOT_SENT, None),
    Answer.GARBLED: (Outcome.UNKNOWN, None),
}


def _said(answer: Answer, reference: str) -> CarrierResponse:
    outcome, reason = _SAID[answer]
    return response(outcome=outcome, reason=reason, reference=reference)
