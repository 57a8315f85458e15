"""The adapter for Telnyx Voice API: it rings, detects what answered, and is told to play and to hang up by commands.

Written from the vendor's documents: team-telnyx/openapi at a9b6e99 as generated into team-telnyx/telnyx-python 4.189.0 (`types/`,
`lib/webhook_verification.py`), and developers.telnyx.com (docs/voice/programmable-voice: receiving-webhooks, command-retries;
docs/voice/sip-trunking/troubleshooting/response-codes; development/api-fundamentals/api-errors), and support.telnyx.com (4409457,
"Telnyx SIP response codes", 6 May 2026: each code that begins with D). Not tested against the vendor's servers. These properties
shape the adapter:

* A dial is asynchronous: its answer says that the request was taken. Webhooks tell the rest, all of them signed, unordered, sometimes
  twice, one event in each. All go to the drop's address, and repeat the `client_state` of the latest command.
* The vendor ignores a command whose `command_id` it saw within the last 60 seconds, and a Dial with the same `command_id`. It advises
  to send an identical command again after 500 ms without an answer. How it answers the second one is not documented, so an answer
  without a call is read as unknown. Of the 60 seconds only a half is used.
* The message begins when the greeting has ended. With premium detection that event may come without one of detection, if the beep is
  heard first. Whoever is not clearly a machine is hung up on: a person is never played a message for a box.
* The `client_state` of PLAY marks what follows it, so a call that ends before is told from one that may have left a part.

UNVERIFIED, so a known code decides under any status with which a request is refused: the HTTP status of each error code but 20100's,
which is 402 (developers.telnyx.com/api/errors/20100). UNVERIFIED too: whether limits of concurrent calls (D1, D2, D3, D22) come as an
answer to the dial or as a rejected call; here an answer puts the drop off, and a rejected call fails it.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import quote
from uuid import UUID

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from delivery.carriers.abilities import AccountCheck, Action, CallCommands, CallStep, Check, Command, IdempotencyKeys
from delivery.carriers.base import (
    REFUSED_ACCESS,
    Callback,
    CallbackMalformed,
    CallbackRejected,
    Carrier,
    Credential,
    DropRequest,
    address,
)
from delivery.carriers.parsing import (
    MAX_CODE_LENGTH,
    MAX_ID_LENGTH,
    json_object,
    parse_text,
    parse_time,
    retry_after,
    title_and_detail,
)
from delivery.carriers.signatures import check_timestamp
from delivery.lifecycle.events import Outcome, Report, ReportStatus, Submission
from delivery.lifecycle.reasons import REASONS as REASON_FACTS
from delivery.lifecycle.reasons import Reason
from delivery.transport.interface import CarrierRequest, CarrierResponse

# Boxes answer within half a minute. A call has room for a greeting and a minute's message, and ends by itself without commands.
RING_SECONDS = 60
CALL_SECONDS = 240
SIGNATURE, TIMESTAMP = "telnyx-signature-ed25519", "telnyx-timestamp"

# `result` of an ended detection, premium and standard. None: a machine, whose greeting is waited for.
DETECTED: dict[str, Reason | None] = {
    "machine": None,
    "human": Reason.HUMAN_ANSWERED,
    "human_residence": Reason.HUMAN_ANSWERED,
    "human_business": Reason.HUMAN_ANSWERED,
    "fax_detected": Reason.HUMAN_ANSWERED,  # no person, but no box either: the number is answered by what is called there
    "silence": Reason.VOICEMAIL_NOT_DETECTED,  # nothing was said: a person who waits for us to speak, or a line that is open
    "not_sure": Reason.VOICEMAIL_NOT_DETECTED,  # it may be a person
}
# `result` of an ended greeting, premium and standard. None: now the machine records.
GREETED: dict[str, Reason | None] = {
    "beep_detected": None,
    "no_beep_detected": None,  # premium: the greeting ended without a beep
    "ended": None,  # standard: by silence
    "not_sure": Reason.VOICEMAIL_NOT_DETECTED,  # standard: the greeting may go on, and the message would be said into it
}
# `status` of an ended playback other than "completed". What may have left a part is not repeated.
PLAYED: dict[str, Reason] = {
    "file_not_found": Reason.RECORDING_REFUSED,
    "failed": Reason.RECORDING_REFUSED,
    "call_hangup": Reason.MAILBOX_FULL,  # the machine hung up during the message: it has no room for it
    "cancelled": Reason.UNREPORTED,  # stopped by a command, which this adapter does not send
    "cancelled_amd": Reason.UNREPORTED,  # stopped by the detection
    "unknown": Reason.UNREPORTED,
}
# `hangup_cause` of a call in which nothing was played.
HUNG_UP: dict[str, Reason] = {
    "normal_clearing": Reason.VOICEMAIL_NOT_DETECTED,  # either side hung up before the message
    "time_limit": Reason.VOICEMAIL_NOT_DETECTED,
    "user_busy": Reason.BUSY,
    "no_answer": Reason.NO_ANSWER,
    "timeout": Reason.NO_ANSWER,  # it rang for RING_SECONDS
    "originator_cancel": Reason.NO_ANSWER,  # hung up by command while it rang
    "not_found": Reason.UNREACHABLE,  # SIP 404: the number is not assigned
}
# `sip_hangup_cause` of a call that was rejected or ended without a cause. RFC 3261; 607 and 608 are RFC 8197 and RFC 8688.
SIP: dict[str, Reason] = {
    "404": Reason.UNREACHABLE,
    "408": Reason.NO_ANSWER,
    "410": Reason.UNREACHABLE,  # the number is gone
    "480": Reason.UNREACHABLE,  # the telephone is off
    "484": Reason.UNREACHABLE,
    "486": Reason.BUSY,
    "487": Reason.NO_ANSWER,
    "500": Reason.UNREACHABLE,
    "502": Reason.UNREACHABLE,
    "503": Reason.UNREACHABLE,
    "504": Reason.UNREACHABLE,
    "600": Reason.BUSY,
    "604": Reason.UNREACHABLE,
    "607": Reason.SPAM_BLOCKED,  # unwanted, says the person's network
    "608": Reason.SPAM_BLOCKED,  # rejected by analytics
}
# `errors[].code` of a dial, and codes that begin with D, which the vendor puts into the detail; they decide before the status.
ERRORS: dict[str, tuple[Outcome, Reason]] = {
    "10009": (Outcome.NOT_SENT, Reason.CARRIER_ACCOUNT),  # authentication failed
    "10011": (Outcome.NOT_SENT, Reason.NOT_SENT),  # too many requests
    "90103": (Outcome.NOT_SENT, Reason.NOT_SENT),  # too many dials
    "20001": (Outcome.NOT_SENT, Reason.CARRIER_ACCOUNT),  # 200xx: the key or the account is not active
    "20002": (Outcome.NOT_SENT, Reason.CARRIER_ACCOUNT),
    "20012": (Outcome.NOT_SENT, Reason.CARRIER_ACCOUNT),
    "20013": (Outcome.NOT_SENT, Reason.CARRIER_ACCOUNT),
    "20014": (Outcome.NOT_SENT, Reason.CARRIER_ACCOUNT),
    "20015": (Outcome.NOT_SENT, Reason.CARRIER_ACCOUNT),
    "20016": (Outcome.NOT_SENT, Reason.CARRIER_ACCOUNT),
    "20017": (Outcome.NOT_SENT, Reason.CARRIER_ACCOUNT),
    "20100": (Outcome.NOT_SENT, Reason.NO_FUNDS),
    "D1": (Outcome.NOT_SENT, Reason.NOT_SENT),  # as many calls at once as the account may have
    "D10": (Outcome.NOT_SENT, Reason.NOT_SENT),  # as D1
    "D2": (Outcome.NOT_SENT, Reason.NOT_SENT),  # of the outbound voice profile
    "D3": (Outcome.NOT_SENT, Reason.NOT_SENT),  # of the connection
    "D22": (Outcome.NOT_SENT, Reason.NOT_SENT),  # of the number, the connection or the profile
    "D19": (Outcome.NOT_SENT, Reason.NO_FUNDS),  # blocked for its bills
    "D38": (Outcome.NOT_SENT, Reason.CARRIER_ACCOUNT),  # the connection has no outbound voice profile
    # Of this destination alone, so another carrier may reach it and the breaker stays closed.
    "D9": (Outcome.REFUSED, Reason.CARRIER_DENIED),  # as many calls abroad as the account may make
    "D11": (Outcome.REFUSED, Reason.UNREACHABLE),  # the destination number is invalid
    "D12": (Outcome.REFUSED, Reason.NUMBER_NOT_SUPPORTED),  # not in the service plan
    "D13": (Outcome.REFUSED, Reason.NUMBER_NOT_SUPPORTED),  # of a country that the profile does not allow
    "D14": (Outcome.REFUSED, Reason.NUMBER_NOT_SUPPORTED),  # no valid number
    "D24": (Outcome.REFUSED, Reason.NUMBER_NOT_SUPPORTED),  # dearer than the profile allows
    "D37": (Outcome.REFUSED, Reason.NUMBER_NOT_SUPPORTED),  # an emergency number
    "D39": (Outcome.REFUSED, Reason.CARRIER_DENIED),  # the day's limit of spending abroad
    "D40": (Outcome.REFUSED, Reason.UNREACHABLE),  # no route
    "D41": (Outcome.REFUSED, Reason.CARRIER_DENIED),  # a prefix that the vendor forbids
    "D50": (Outcome.REFUSED, Reason.NUMBER_NOT_SUPPORTED),  # of North America and assigned to no network
    "D53": (Outcome.REFUSED, Reason.REFUSED),  # the caller's own number
    "D58": (Outcome.REFUSED, Reason.CARRIER_DENIED),  # restricted by the vendor
    "D59": (Outcome.REFUSED, Reason.NUMBER_NOT_SUPPORTED),  # a short or special number
    # Of this sender alone, so others of the setup may be in order.
    "D35": (Outcome.REFUSED, Reason.REFUSED),  # malformed
    "D36": (Outcome.REFUSED, Reason.REFUSED),  # another account's
    "D46": (Outcome.REFUSED, Reason.REFUSED),  # in the registry of numbers that never call
    "D49": (Outcome.REFUSED, Reason.REFUSED),  # assigned to no network
    "D51": (Outcome.REFUSED, Reason.REFUSED),  # not verified
    "D54": (Outcome.REFUSED, Reason.REFUSED),  # restricted for its reputation
    "D63": (Outcome.REFUSED, Reason.REFUSED),  # not ported yet
    "D64": (Outcome.REFUSED, Reason.REFUSED),  # its papers are not complete
}
# By status, for codes that are not above. None of these answers comes once the call was begun.
ANSWERS: dict[int, tuple[Outcome, Reason]] = {
    400: (Outcome.REFUSED, Reason.REFUSED),
    401: (Outcome.NOT_SENT, Reason.CARRIER_ACCOUNT),
    402: (Outcome.NOT_SENT, Reason.NO_FUNDS),
    403: (Outcome.NOT_SENT, Reason.CARRIER_ACCOUNT),
    404: (Outcome.NOT_SENT, Reason.CARRIER_ACCOUNT),  # the connection does not exist
    422: (Outcome.REFUSED, Reason.REFUSED),
    429: (Outcome.NOT_SENT, Reason.NOT_SENT),
}
CHANNELS = frozenset({"D1", "D10", "D2", "D3", "D22"})
# Until a channel is free: about a tenth of a call.
CHANNEL_PAUSE = timedelta(seconds=5)
_D_CODE = re.compile(r"\bD\d{1,2}\b")
_KEY = r"[A-Za-z0-9+/]{43}="


@dataclass(frozen=True, slots=True)
class _Event:
    """One event about a call. `attempt_key` is None for a call that is not ours; `played`: a PLAY had been taken before."""

    kind: str
    payload: Mapping[str, Any] = field(repr=False)
    attempt_key: UUID | None
    played: bool


class Telnyx(IdempotencyKeys, AccountCheck, CallCommands, Carrier):
    name = "telnyx"
    label = "Telnyx"
    vendor_url = "https://api.telnyx.com"
    credential_fields = (
        Credential("api_key", "API key", help="Mission Control > API Keys (version 2)"),
        Credential(
            "connection_id",
            "Connection",
            secret=False,
            help="The id of a Voice API application with an outbound voice profile: Real-Time Communications > Voice > Programmable"
            " Voice",
            pattern=re.compile(r"[0-9A-Za-z-]{1,64}"),
            form="the application's id, of digits, letters and hyphens",
        ),
        Credential(
            "public_key",
            "Public key",
            secret=False,
            help="Mission Control > Keys & Credentials > Public Key, with which webhooks are verified; two with a comma between while"
            " one is being replaced",
            pattern=re.compile(rf"{_KEY}(,{_KEY})*"),
            form="44 characters in base64, or several such keys with commas between",
        ),
        address(vendor_url),
    )
    idempotency_window = timedelta(seconds=60)
    command_window = timedelta(seconds=60)
    max_delivery_delay = timedelta(minutes=5)
    fetches_within = timedelta(minutes=10)
    errors = ERRORS

    def __init__(self, credentials: Mapping[str, str]) -> None:
        super().__init__(credentials)
        self._calls_url = f"{self.base_url}/v2/calls"
        self._connection = credentials["connection_id"]
        self._headers = (
            f"Authorization: Bearer {credentials['api_key']}",
            "Content-Type: application/json",
            "Accept: application/json",
        )
        keys = credentials["public_key"].split(",")
        self._public_keys = [Ed25519PublicKey.from_public_bytes(base64.b64decode(key)) for key in keys]

    def submit_request(self, drop: DropRequest) -> CarrierRequest:
        key = str(drop.attempt_key)
        body = {
            "connection_id": self._connection,
            "to": drop.recipient,
            "from": drop.sender,
            "answering_machine_detection": "premium",
            "client_state": _state(drop.attempt_key),
            "command_id": key,
            "webhook_url": drop.callback_url,
            "webhook_url_method": "POST",
            "timeout_secs": RING_SECONDS,
            "time_limit_secs": CALL_SECONDS,
        }
        return CarrierRequest("POST", self._calls_url, self._headers, orjson.dumps(body))

    def read_submission(self, response: CarrierResponse) -> Submission:
        body = json_object(response.body)
        reference = parse_text(_mapping(body.get("data")).get("call_control_id"), MAX_ID_LENGTH)
        error = _error(body)
        if response.status == 200 and reference and not error:
            return Submission(Outcome.ACCEPTED, carrier_reference=reference)
        code, text = _code(error), title_and_detail(error)
        outcome, reason = Outcome.UNKNOWN, None
        # Without the vendor's error document it may be a proxy's answer, and the call may be under way.
        if error and response.refused:
            outcome, reason = ERRORS.get(code) or ANSWERS.get(response.status) or (outcome, reason)
        wait = CHANNEL_PAUSE if code in CHANNELS else _wait(response)
        return Submission(
            outcome,
            reason=reason,
            code=code or f"http_{response.status}",
            text=text,
            retry_after=wait if outcome is Outcome.NOT_SENT else None,
        )

    def command_request(self, command: Command) -> CarrierRequest:
        url = f"{self._calls_url}/{quote(command.carrier_reference, safe=':')}/actions"
        body = {"command_id": str(command.key)}
        if command.action is Action.HANG_UP:
            return CarrierRequest("POST", f"{url}/hangup", self._headers, orjson.dumps(body))
        body |= {
            "audio_url": command.recording_url,
            "audio_type": "mp3",
            "client_state": _state(command.attempt_key, played=True),
        }
        return CarrierRequest("POST", f"{url}/playback_start", self._headers, orjson.dumps(body))

    def read_command(self, response: CarrierResponse) -> Outcome:
        if response.status == 200:
            return Outcome.ACCEPTED
        # The account may be put right while the call goes on.
        if response.status in (*REFUSED_ACCESS, 429) or self.read_refusal(response):
            return Outcome.NOT_SENT
        # The most frequent one is 422 with 90018: the call has ended.
        return Outcome.REFUSED if response.refused else Outcome.UNKNOWN

    def check_request(self) -> CarrierRequest:
        return CarrierRequest("GET", f"{self.base_url}/v2/balance", self._headers)

    def read_check(self, response: CarrierResponse) -> Check:
        body = json_object(response.body)
        data = _mapping(body.get("data"))
        credit, currency = parse_text(data.get("available_credit"), 32), parse_text(data.get("currency"), 8)
        if response.status == 200 and credit:
            if _is_used_up(credit):
                detail = "Telnyx takes the API key, and the account has no credit left; add funds there."
                return Check(False, detail, Reason.NO_FUNDS)
            unsure = "The connection is tried with the first voicemail only."
            return Check(True, f"Telnyx takes the API key; the account can spend {credit} {currency}. {unsure}")
        refused, said = self.read_refusal(response), title_and_detail(_error(body))
        reason = refused.reason if refused else REFUSED_ACCESS.get(response.status)
        if reason is Reason.NO_FUNDS:
            return Check(False, f"{REASON_FACTS[reason].detail} Add funds at Telnyx. {said}".strip(), reason)
        if reason is not None:
            detail = f"Telnyx refuses the API key, or the account is not active. {said}".strip()
            return Check(False, detail, reason)
        return Check(False, f"The answer has HTTP status {response.status} and is not Telnyx's; try again later.")

    def verify(self, callback: Callback) -> bool:
        signed = check_timestamp(callback, TIMESTAMP) + b"|" + callback.raw
        try:
            signature = base64.b64decode(callback.headers.get(SIGNATURE, ""), validate=True)
        except (binascii.Error, ValueError):
            signature = b""
        if not any([_fits(key, signature, signed) for key in self._public_keys]):
            raise CallbackRejected(f"{SIGNATURE} is missing or does not match the body.")
        return True

    def parse(self, callback: Callback) -> list[Report]:
        """The report of the callback's event, if it tells how the drop goes on. Of a call that is not ours it tells nothing."""
        event = _event(callback)
        if event.attempt_key is None:
            return []
        payload = event.payload
        match event.kind:
            case "call.initiated":
                return [self._report(callback, event, ReportStatus.ACCEPTED)]
            case "call.machine.detection.ended" | "call.machine.premium.detection.ended":
                return self._failures(callback, event, "result", DETECTED)
            case "call.machine.greeting.ended" | "call.machine.premium.greeting.ended":
                return self._failures(callback, event, "result", GREETED)
            case "call.playback.ended" if payload.get("status") == "completed":
                return [self._report(callback, event, ReportStatus.DELIVERED, code="completed")]
            case "call.playback.ended":
                return self._failures(callback, event, "status", PLAYED, unknown=Reason.UNREPORTED)
            case "call.hangup":
                return [self._hangup(callback, event)]
        return []

    def step_after(self, callback: Callback) -> CallStep | None:
        event = _event(callback)
        call = parse_text(event.payload.get("call_control_id"), MAX_ID_LENGTH)
        if event.attempt_key is None or not call:
            return None
        action = None
        match event.kind:
            case "call.machine.detection.ended" | "call.machine.premium.detection.ended":
                action = _after(event.payload.get("result"), DETECTED, machine=None)
            case "call.machine.greeting.ended" | "call.machine.premium.greeting.ended":
                action = _after(event.payload.get("result"), GREETED, machine=Action.PLAY)
            case "call.playback.ended" if event.payload.get("status") != "call_hangup":
                action = Action.HANG_UP
        return CallStep(event.attempt_key, action, call) if action else None

    def _failures(
        self,
        callback: Callback,
        event: _Event,
        name: str,
        table: Mapping[str, Reason | None],
        *,
        unknown: Reason | None = None,
    ) -> list[Report]:
        """A failure where the table has a reason; of a value that the vendor does not document, `unknown` or nothing."""
        value = parse_text(event.payload.get(name), MAX_CODE_LENGTH)
        reason = table.get(value, unknown)
        text = parse_text(event.payload.get("status_detail"))
        return [self._report(callback, event, ReportStatus.FAILED, reason, value, text)] if reason else []

    def _hangup(self, callback: Callback, event: _Event) -> Report:
        cause = parse_text(event.payload.get("hangup_cause"), MAX_CODE_LENGTH)
        sip = parse_text(event.payload.get("sip_hangup_cause"), 16)
        # Once a message was under way, only the end of its playback tells how much of it was left, and may come later.
        reason = Reason.UNREPORTED if event.played else HUNG_UP.get(cause)
        if reason is None:
            reason = SIP.get(sip, Reason.CARRIER_DENIED if cause == "call_rejected" else Reason.UNKNOWN)
        text = f"{cause}, SIP {sip}" if sip.isdigit() else ""
        return self._report(callback, event, ReportStatus.FAILED, reason, cause, text)

    def _report(
        self,
        callback: Callback,
        event: _Event,
        status: ReportStatus,
        reason: Reason | None = None,
        code: str = "",
        text: str = "",
    ) -> Report:
        data = callback.json["data"]
        return Report(
            attempt_key=event.attempt_key,
            status=status,
            occurred_at=parse_time(data.get("occurred_at")),
            event_id=parse_text(data.get("id"), MAX_ID_LENGTH),
            carrier_reference=parse_text(event.payload.get("call_control_id"), MAX_ID_LENGTH),
            reason=reason,
            code=code,
            text=text,
        )


def _event(callback: Callback) -> _Event:
    """The callback's event. Raises CallbackMalformed."""
    data = _mapping(callback.json.get("data"))
    kind, payload = data.get("event_type"), data.get("payload")
    if not isinstance(kind, str) or not isinstance(payload, dict):
        raise CallbackMalformed("The webhook is no JSON object with an event_type and a payload under data.")
    attempt_key, played = _read_state(payload.get("client_state"))
    return _Event(kind, payload, attempt_key or callback.drop_id, played)


def _state(attempt_key: UUID, *, played: bool = False) -> str:
    """The `client_state` of a command: the attempt key, and whether the command plays the message."""
    return base64.b64encode(f"{attempt_key}{' played' if played else ''}".encode()).decode()


def _read_state(state: object) -> tuple[UUID | None, bool]:
    try:
        text = base64.b64decode(state, validate=True).decode() if isinstance(state, str) else ""
        key, _, mark = text.partition(" ")
        return UUID(key), mark == "played"
    except ValueError:  # binascii.Error and UnicodeDecodeError too
        return None, False


def _after(result: object, table: Mapping[str, Reason | None], *, machine: Action | None) -> Action | None:
    """What follows a detection or a greeting; nothing for a result that the vendor does not document."""
    if not isinstance(result, str) or result not in table:
        return None
    return machine if table[result] is None else Action.HANG_UP


def _fits(key: Ed25519PublicKey, signature: bytes, signed: bytes) -> bool:
    try:
        key.verify(signature, signed)
    except InvalidSignature:
        return False
    return True


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _error(body: dict[str, Any]) -> dict[str, Any]:
    """The first error of the vendor's error document, {"errors": [{code, title, detail, source, meta}]}; empty if it is none."""
    errors = body.get("errors")
    return _mapping(errors[0]) if isinstance(errors, list) and errors else {}


def _code(error: dict[str, Any]) -> str:
    found = _D_CODE.search(f"{parse_text(error.get('title'))} {parse_text(error.get('detail'))}")
    return found[0] if found else parse_text(error.get("code"), MAX_CODE_LENGTH)


def _wait(response: CarrierResponse) -> timedelta | None:
    """Retry-After, or `x-ratelimit-reset`, the seconds until the vendor's limit is renewed."""
    reset = {"retry-after": response.headers.get("x-ratelimit-reset", "")}
    return retry_after(response.headers) or retry_after(reset)


def _is_used_up(credit: str) -> bool:
    try:
        return float(credit) <= 0
    except ValueError:
        return False
