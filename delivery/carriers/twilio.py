"""The adapter for Twilio: it calls, detects the end of a machine's greeting, and asks back what to do in the call.

Written from twilio/twilio-oai at d50069b (spec/json/twilio_api_v2010.json), twilio/twilio-python (request_validator.py) and the pages
docs/voice/answering-machine-detection, docs/voice/api/call-resource, docs/voice/twiml/play and docs/api/errors of twilio.com; not
tested against the vendor's servers. These properties shape the adapter:

* Every step of a call is a request to the address that was given with its drop, whose query says which step it is. All are signed,
  the query too, and none repeats a reference of ours: the drop is known from the proof in the address.
* Synchronous detection: the address `Url` is asked once it is known who answered, of a machine once its greeting is over
  (`AnsweredBy=machine_end_*`). It is told to play the recording and then to ask for the step "played". The end of the call proves
  nothing; that question does, while the call is in progress and once the recording's length has passed.
* There are no idempotency keys and there is no look-up by a reference of ours: a lost response stays uncertain until a callback
  settles it. A call can be asked for by the vendor's id, which tells busy from unanswered, and never that a message was played.

UNVERIFIED, so both readings are allowed for: whether the status callback says `AnsweredBy` and `SipResponseCode`; whether
`<Redirect>` is followed though the recording could not be fetched or the other side has hung up.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from html import escape
from typing import ClassVar
from urllib.parse import quote, urlencode, urlsplit
from uuid import UUID

from delivery.carriers.abilities import AccountCheck, Action, CallAndDetect, CallStep, Check, Playable, ResultPoll
from delivery.carriers.base import (
    REFUSED_ACCESS,
    Callback,
    CallbackMalformed,
    CallbackRejected,
    CallbackResponse,
    Carrier,
    Credential,
    DropRequest,
    address,
)
from delivery.carriers.parsing import (
    MAX_CODE_LENGTH,
    MAX_ID_LENGTH,
    json_object,
    parse_mail_time,
    parse_text,
    retry_after,
)
from delivery.lifecycle.events import Outcome, Report, ReportStatus, Submission
from delivery.lifecycle.reasons import REASONS as REASON_FACTS
from delivery.lifecycle.reasons import Reason
from delivery.transport.interface import CarrierRequest, CarrierResponse

# The steps of a call, in the query of the address that is asked.
ANSWERED, PLAYED, ENDED = "answered", "played", "ended"
# `AnsweredBy` of a machine whose greeting is over, so that the message can be left.
GREETING_OVER = frozenset({"machine_end_beep", "machine_end_silence", "machine_end_other"})
# Any other `AnsweredBy`. They are hung up on at once, so nothing was played.
ANSWERED_BY: dict[str, Reason] = {
    "human": Reason.HUMAN_ANSWERED,
    "fax": Reason.HUMAN_ANSWERED,  # no person, but no box either: the number is answered by what is called there
    "machine_start": Reason.VOICEMAIL_NOT_DETECTED,  # comes with `MachineDetection=Enable` alone, while the greeting goes on
    "unknown": Reason.VOICEMAIL_NOT_DETECTED,  # the detection ran out of time, or heard nothing
}
# `CallStatus` of a call that has ended unanswered.
ENDS: dict[str, Reason] = {
    "busy": Reason.BUSY,
    "no-answer": Reason.NO_ANSWER,
    "canceled": Reason.REFUSED,  # somebody ended it at the vendor, before it was answered
    "failed": Reason.UNREACHABLE,  # the network's own code says more
}
COMPLETED = "completed"
UNDER_WAY = frozenset({"queued", "initiated", "ringing", "in-progress"})
# `SipResponseCode` of a failed call.
NETWORK: dict[str, Reason] = {
    "403": Reason.CARRIER_DENIED,
    "408": Reason.NO_ANSWER,
    "410": Reason.NUMBER_NOT_SUPPORTED,  # the number has changed
    "480": Reason.UNREACHABLE,
    "484": Reason.NUMBER_NOT_SUPPORTED,  # no whole number
    "486": Reason.BUSY,
    "487": Reason.NO_ANSWER,
    "600": Reason.BUSY,
    "603": Reason.CARRIER_DENIED,  # declined: by networks that block calls, and by some telephones
    "604": Reason.NUMBER_NOT_SUPPORTED,  # exists nowhere; 404 does not say so, because it stands for a missing route too
    "607": Reason.SPAM_BLOCKED,  # unwanted (RFC 8197)
    "608": Reason.SPAM_BLOCKED,  # rejected by an analysis of calls (RFC 8688)
}
# Errors of a submission by the vendor's code. With each of them no call exists.
ERRORS: dict[str, tuple[Outcome, Reason]] = {
    # nothing is wrong with the drop: it waits until the account is put right
    "10001": (Outcome.NOT_SENT, Reason.CARRIER_ACCOUNT),  # the account is not active
    "10002": (Outcome.NOT_SENT, Reason.CARRIER_ACCOUNT),  # not with a trial account
    "10005": (Outcome.NOT_SENT, Reason.CARRIER_ACCOUNT),  # calls are disabled for the account, which is under review
    "20003": (Outcome.NOT_SENT, Reason.CARRIER_ACCOUNT),  # wrong SID or token; also an account without funds or rights
    "20005": (Outcome.NOT_SENT, Reason.CARRIER_ACCOUNT),  # the account is not active
    "20006": (Outcome.NOT_SENT, Reason.CARRIER_ACCOUNT),  # access denied
    "20008": (Outcome.NOT_SENT, Reason.CARRIER_ACCOUNT),  # test credentials, with which nothing is allowed but trying
    "20010": (Outcome.NOT_SENT, Reason.CARRIER_ACCOUNT),  # the action is disabled for the account
    "21219": (Outcome.NOT_SENT, Reason.CARRIER_ACCOUNT),  # a trial account calls the numbers only that it has verified
    "10004": (Outcome.NOT_SENT, Reason.NOT_SENT),  # too many calls at a time
    "20429": (Outcome.NOT_SENT, Reason.NOT_SENT),  # too many requests
    # The sender, not the account: other senders of the setup may be in order, so its breaker stays closed.
    "21210": (Outcome.REFUSED, Reason.REFUSED),  # From is neither bought nor verified
    "21212": (Outcome.REFUSED, Reason.REFUSED),  # From is no number
    "21211": (Outcome.REFUSED, Reason.NUMBER_NOT_SUPPORTED),  # To is no number
    "21213": (Outcome.REFUSED, Reason.REFUSED),  # From is missing
    "21214": (Outcome.REFUSED, Reason.UNREACHABLE),  # To cannot be reached
    # Of this destination's country or prefix alone, so another carrier may reach it and the breaker stays closed.
    "21215": (Outcome.REFUSED, Reason.NUMBER_NOT_SUPPORTED),
    "21216": (Outcome.REFUSED, Reason.CARRIER_DENIED),  # the vendor blocks calls to this number
    "21217": (Outcome.REFUSED, Reason.NUMBER_NOT_SUPPORTED),  # To does not look like a number
}
# By status, for codes that are not above and for answers without one.
ANSWERS: dict[int, tuple[Outcome, Reason]] = {
    401: (Outcome.NOT_SENT, Reason.CARRIER_ACCOUNT),
    402: (Outcome.NOT_SENT, Reason.NO_FUNDS),
    429: (Outcome.NOT_SENT, Reason.NOT_SENT),
}
# Statuses that the vendor documents for a request that was not processed. With its error document in the body, of an unknown code,
# they are refusals of the request.
REFUSALS = frozenset({400, 422})
LONGEST_CALL = timedelta(minutes=4)  # a greeting of a minute, a recording of a minute, and room
RING_SECONDS = 60  # boxes answer after 15 to 45
DETECTION_SECONDS = 50  # greetings may be long; the vendor allows 59
CLOCK_ERROR = 1  # seconds by which an encoder's padding makes a recording longer than what is heard
_PORTS = {"http": 80, "https": 443}
_HANG_UP = CallbackResponse(b"<Response><Hangup/></Response>", "text/xml")
_TOKENS = re.compile(r"[0-9a-fA-F]{32}(,[0-9a-fA-F]{32})*")


class Twilio(CallAndDetect, ResultPoll, AccountCheck, Carrier):
    name = "twilio"
    label = "Twilio"
    vendor_url = "https://api.twilio.com"
    credential_fields: ClassVar[tuple[Credential, ...]] = (
        Credential(
            "account_sid",
            "Account SID",
            secret=False,
            help="Console > Account Dashboard > Account Info",
            pattern=re.compile(r"AC[0-9a-fA-F]{32}"),
            form="AC and 32 hexadecimal digits",
        ),
        Credential(
            "auth_token",
            "Auth token",
            help="Beside the Account SID; it signs callbacks too. Several with commas between while one is being replaced, the one "
            "to send with first",
            pattern=_TOKENS,
            form="32 hexadecimal digits, or several such with commas between",
        ),
        address(vendor_url),
    )
    # It asks what to do next, whatever became of the recording.
    says_played = False
    # The vendor fetches the recording when the box has answered, and calls within minutes.
    fetches_within = timedelta(minutes=30)
    # The API's path before the account's, and how the paths of its resources end.
    root: ClassVar[str] = "/2010-04-01"
    suffix: ClassVar[str] = ".json"
    errors = ERRORS
    # What else the credentials may lack where they are refused, as the end of a sentence.
    needed: ClassVar[str] = ""
    # The header of the signature.
    signature: ClassVar[str] = "X-Twilio-Signature"

    def __init__(self, credentials: Mapping[str, str]) -> None:
        super().__init__(credentials)
        user, password, keys = self._account()
        self._url = f"{self.base_url}{self.root}/Accounts/{quote(user, safe='')}"
        self._headers = (f"Authorization: Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}",)
        self._keys = tuple(key.encode() for key in keys.split(",") if key)

    def _account(self) -> tuple[str, str, str]:
        """User and password of a request, and the keys of signatures with commas between."""
        tokens = self.credentials["auth_token"]
        return self.credentials["account_sid"], tokens.partition(",")[0], tokens

    def submit_request(self, drop: DropRequest) -> CarrierRequest:
        fields = {
            "To": drop.recipient,
            "From": drop.sender,
            "Url": _step(drop.callback_url, ANSWERED),
            "Method": "POST",
            "StatusCallback": _step(drop.callback_url, ENDED),
            "StatusCallbackMethod": "POST",
            "Timeout": RING_SECONDS,
            "MachineDetection": "DetectMessageEnd",
            "MachineDetectionTimeout": DETECTION_SECONDS,
            **self.limits(),
        }
        headers = (*self._headers, "Content-Type: application/x-www-form-urlencoded")
        return CarrierRequest("POST", f"{self._url}/Calls{self.suffix}", headers, urlencode(fields).encode())

    def limits(self) -> dict[str, int]:
        """Fields that end a call in which nothing else does."""
        return {"TimeLimit": LONGEST_CALL // timedelta(seconds=1)}

    def read_submission(self, response: CarrierResponse) -> Submission:
        body = json_object(response.body)
        reference = _text(body, "sid", MAX_ID_LENGTH)
        if (
            response.status in (200, 201)
            and reference
            and _text(body, "status") in UNDER_WAY | ENDS.keys() | {COMPLETED}
        ):
            return Submission(Outcome.ACCEPTED, carrier_reference=reference)
        code, text = self._error(body)
        outcome, reason = self._outcome(response, code)
        wait = retry_after(response.headers) if outcome is Outcome.NOT_SENT else None
        return Submission(outcome, reason=reason, code=code or f"http_{response.status}", text=text, retry_after=wait)

    def _error(self, body: Mapping[str, object]) -> tuple[str, str]:
        """Code and message of the vendor's error document, {code, message, more_info, status}; empty for anything else."""
        return parse_text(body.get("code"), MAX_CODE_LENGTH), parse_text(body.get("message"))

    def _outcome(self, response: CarrierResponse, code: str) -> tuple[Outcome, Reason | None]:
        if not response.refused:
            return Outcome.UNKNOWN, None
        # Too many calls at once have a code that SignalWire has for the wrong project too.
        if code in self.errors and response.status != 429:
            return self.errors[code]
        if response.status in ANSWERS:
            return ANSWERS[response.status]
        return (Outcome.REFUSED, Reason.REFUSED) if code and response.status in REFUSALS else (Outcome.UNKNOWN, None)

    # callbacks

    def verify(self, callback: Callback) -> bool:
        """True; anything unsigned is nothing that the vendor sends."""
        given = callback.headers.get(self.signature.lower(), "").encode(errors="replace")
        if not given:
            raise CallbackRejected(f"{self.signature} is missing.")
        if not any(
            [
                hmac.compare_digest(given, one)
                for key in self._keys
                for url in _with_and_without_port(callback.url)
                for one in self._signatures(key, url, callback)
            ]
        ):
            raise CallbackRejected(f"{self.signature} does not match the address and the body.")
        return True

    def _signatures(self, key: bytes, url: str, callback: Callback) -> Iterator[bytes]:
        """What a genuine callback to this address may be signed with: the address and the form's sorted fields, each name before its
        value. Of another body only the hash is signed, in the query."""
        fields = set(callback.fields)
        if given := callback.query.get("bodySHA256"):
            if not hmac.compare_digest(hashlib.sha256(callback.raw).hexdigest().encode(), given.encode()):
                return
            fields = set()
        said = url + "".join(name + value for name, value in sorted(fields))
        yield base64.b64encode(hmac.digest(key, said.encode(errors="replace"), hashlib.sha1))

    def parse(self, callback: Callback) -> list[Report]:
        if callback.drop_id is None:
            raise CallbackMalformed("It came to the setup's own address, and says nothing about which drop it is.")
        form, step = callback.form, callback.query.get("step")
        call, status = form.get("CallSid", ""), form.get("CallStatus", "")
        answered_by = form.get("AnsweredBy", "")
        network = form.get("SipResponseCode") or form.get("SipResultCode") or ""
        found: _Result
        if not call:
            raise CallbackMalformed("It names no call.")
        if step == ANSWERED:
            reason = None if answered_by in GREETING_OVER else _not_a_box(answered_by)
            found = (ReportStatus.FAILED, reason) if reason else (ReportStatus.ACCEPTED, None)
        elif step == PLAYED:
            whole = status == "in-progress" and self._played_whole(callback)
            found = (ReportStatus.DELIVERED, None) if whole else (ReportStatus.FAILED, Reason.UNREPORTED)
        elif step == ENDED:
            found = _result(status, answered_by, network)
        else:
            raise CallbackMalformed("It names no step that we asked for.")
        return [
            _report(
                callback.drop_id,
                found,
                call,
                said=(status, answered_by, network),
                event_id=f"{call}/{step}/{form.get('SequenceNumber', '')}",
                occurred_at=form.get("Timestamp", ""),
            )
        ]

    def step_after(self, callback: Callback) -> CallStep | None:
        call = parse_text(callback.form.get("CallSid"), MAX_ID_LENGTH)
        if callback.query.get("step") != ANSWERED or callback.drop_id is None or not call:
            return None
        over = callback.form.get("AnsweredBy") in GREETING_OVER
        return CallStep(callback.drop_id, Action.PLAY if over else Action.HANG_UP, call)

    def respond(self, callback: Callback, playable: Playable | None) -> CallbackResponse:
        asked = self.step_after(callback)
        if playable is None or asked is None or asked.action is not Action.PLAY:
            return _HANG_UP
        began = int(callback.at.timestamp())
        after = _step(callback.url.partition("?")[0], PLAYED, began=began, seconds=f"{playable.seconds:g}")
        actions = f'<Play>{escape(playable.url)}</Play><Redirect method="POST">{escape(after)}</Redirect>'
        return CallbackResponse(f"<Response>{actions}</Response>".encode(), "text/xml")

    def _played_whole(self, callback: Callback) -> bool:
        """Whether the recording's length has passed since it was to be played. Simulators have a clock of their own."""
        try:
            ends = int(callback.query["began"]) + float(callback.query["seconds"])
        except (KeyError, ValueError):
            return False
        return self.simulated or callback.at.timestamp() >= ends - CLOCK_ERROR

    # questions

    def result_request(self, carrier_reference: str) -> CarrierRequest:
        url = f"{self._url}/Calls/{quote(carrier_reference, safe='')}{self.suffix}"
        return CarrierRequest("GET", url, self._headers)

    def read_result(self, response: CarrierResponse, attempt_key: UUID) -> Report | None:
        """As the callback at the end of the call would have been read: a completed call is no proof of a message."""
        body = json_object(response.body)
        call, status = _text(body, "sid", MAX_ID_LENGTH), _text(body, "status")
        answered_by, network = _text(body, "answered_by"), _text(body, "sip_result_code")
        if response.status != 200 or not call or not (status in ENDS or status == COMPLETED):
            return None
        found = _result(status, answered_by, network)
        return _report(attempt_key, found, call, said=(status, answered_by, network))

    def check_request(self) -> CarrierRequest:
        return CarrierRequest("GET", f"{self._url}{self.suffix}", self._headers)

    def read_check(self, response: CarrierResponse) -> Check:
        body = json_object(response.body)
        found = self._account_of(body) if response.status == 200 else None
        if found is not None:
            return found
        code = self._error(body)[0]
        refused = self.read_refusal(response)
        reason = refused.reason if refused else (REFUSED_ACCESS | {404: Reason.CARRIER_ACCOUNT}).get(response.status)
        if code == "20008" and reason is not None:
            detail = f"These are {self.label}'s test credentials, which call nobody; take the live ones."
            return Check(False, detail, reason)
        if reason is Reason.NO_FUNDS:
            return Check(False, f"{REASON_FACTS[reason].detail} Add funds at {self.label}.", reason)
        if reason is not None:
            return Check(False, f"{self.label} refuses the credentials (HTTP {response.status}){self.needed}.", reason)
        return Check(False, f"{self.label} answers with HTTP {response.status} and without what it was asked for.")

    def _account_of(self, body: Mapping[str, object]) -> Check | None:
        """What a check's answer says of an account whose credentials are taken; None if it is not that answer."""
        status = _text(body, "status")
        if not status:
            return None
        if status != "active":
            detail = f"{self.label} takes the credentials, and the account is {status}; it cannot call."
            return Check(False, detail, Reason.CARRIER_ACCOUNT)
        trial = " It is a trial account, which calls verified numbers only." if _text(body, "type") == "Trial" else ""
        return Check(not trial, f"{self.label} takes the credentials, and the account is active.{trial}")


_Result = tuple[ReportStatus, Reason | None]


def _result(status: str, answered_by: str, network: str) -> _Result:
    """What the end of a call proves. Completed calls in which the message may have been played are a guess, because whether it was
    played whole is reported by the step "played", which corrects this."""
    if status in UNDER_WAY:
        return ReportStatus.ACCEPTED, None
    if status == "failed":
        return ReportStatus.FAILED, NETWORK.get(network, ENDS[status])
    if status in ENDS:
        return ReportStatus.FAILED, ENDS[status]
    if status == COMPLETED:
        # That a machine had begun to speak does not say how long it was listened to.
        known = "" if answered_by == "machine_start" else answered_by
        return ReportStatus.FAILED, ANSWERED_BY.get(known, Reason.UNREPORTED)
    return ReportStatus.FAILED, Reason.UNKNOWN


def _report(
    attempt_key: UUID,
    found: _Result,
    call: str,
    *,
    said: tuple[str, str, str],
    event_id: str = "",
    occurred_at: str = "",
) -> Report:
    """`said`: the vendor's own words, status, who answered and the network's code."""
    status, reason = found
    return Report(
        attempt_key,
        status,
        parse_mail_time(occurred_at),
        event_id=parse_text(event_id, MAX_ID_LENGTH),
        carrier_reference=parse_text(call, MAX_ID_LENGTH),
        reason=reason,
        code=parse_text(" ".join(filter(None, said)), MAX_CODE_LENGTH),
    )


def _not_a_box(answered_by: str) -> Reason:
    """Why nothing was played to who answered; silence about it counts as nobody known."""
    return ANSWERED_BY.get(answered_by, Reason.VOICEMAIL_NOT_DETECTED)


def _step(address: str, step: str, **more: object) -> str:
    return f"{address}?{urlencode({'step': step, **more})}"


def _text(body: Mapping[str, object], name: str, longest: int = MAX_CODE_LENGTH) -> str:
    value = body.get(name)
    return parse_text(value, longest) if isinstance(value, str) else ""


def _with_and_without_port(url: str) -> set[str]:
    """The address with and without the port of its scheme: it is not said which the vendor signs."""
    try:
        parts = urlsplit(url)
        host, port = parts.netloc.rpartition("@")[2].partition(":")[0], parts.port
    except ValueError:
        return {url}
    default = _PORTS.get(parts.scheme, 443)
    return {parts._replace(netloc=netloc).geturl() for netloc in (host, f"{host}:{port or default}")}
