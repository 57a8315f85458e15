"""The adapter for the sandbox carrier: the simulated vendor of `rvm/simulators/sandbox`, used over HTTP like any other.

Its API is described in that package's docstring; nothing of the package is imported.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson

from delivery.carriers.abilities import AccountCheck, Check, IdempotencyKeys, LookUp, UnknownToCarrier
from delivery.carriers.base import Callback, CallbackMalformed, Carrier, Credential, DropRequest
from delivery.carriers.parsing import MAX_CODE_LENGTH, MAX_ID_LENGTH, json_object, parse_text, parse_time, retry_after
from delivery.carriers.signatures import check_signature
from delivery.lifecycle.events import Outcome, Report, ReportStatus, Submission
from delivery.lifecycle.reasons import Reason
from delivery.transport.interface import CarrierRequest, CarrierResponse

# Codes of a failed drop.
REASONS: dict[str, Reason] = {
    "voicemail_not_detected": Reason.VOICEMAIL_NOT_DETECTED,
    "no_answer": Reason.NO_ANSWER,
    "busy": Reason.BUSY,
    "unreachable": Reason.UNREACHABLE,
    "mailbox_not_set_up": Reason.MAILBOX_NOT_SET_UP,
    "mailbox_full": Reason.MAILBOX_FULL,
    "human_answered": Reason.HUMAN_ANSWERED,
    "number_not_supported": Reason.NUMBER_NOT_SUPPORTED,
    "do_not_call": Reason.DO_NOT_CALL,
    "litigator": Reason.LITIGATOR,
    "number_reassigned": Reason.NUMBER_REASSIGNED,
    "too_many_attempts": Reason.TOO_MANY_ATTEMPTS,
    "opted_out": Reason.OPTED_OUT,
    "spam": Reason.SPAM_BLOCKED,
    "carrier_denied": Reason.CARRIER_DENIED,
    "audio_unusable": Reason.RECORDING_REFUSED,
}
# Responses to a submission, by status and code. Every other response leaves open whether the drop was accepted; so does
# 422 idempotency_conflict, because a drop exists under that key.
ANSWERS: dict[tuple[int, str], tuple[Outcome, Reason]] = {
    (400, "malformed"): (Outcome.REFUSED, Reason.REFUSED),
    (400, "invalid_key"): (Outcome.REFUSED, Reason.REFUSED),
    (413, "too_large"): (Outcome.REFUSED, Reason.REFUSED),
    (422, "invalid"): (Outcome.REFUSED, Reason.REFUSED),
    (422, "refused"): (Outcome.REFUSED, Reason.REFUSED),
    # nothing is wrong with the drop: it waits until the account is put right
    (401, "unauthorized"): (Outcome.NOT_SENT, Reason.CARRIER_ACCOUNT),
    (429, "throttled"): (Outcome.NOT_SENT, Reason.NOT_SENT),
    (503, "not_processed"): (Outcome.NOT_SENT, Reason.NOT_SENT),
}


class Sandbox(IdempotencyKeys, LookUp, AccountCheck, Carrier):
    name = "sandbox"
    label = "Sandbox"
    credential_fields = (
        Credential(
            "base_url", "Address", secret=False, help="Where the sandbox listens, such as http://127.0.0.1:8800"
        ),
        Credential("key", "Account key", help="RVM_SANDBOX_KEY of the sandbox"),
        Credential("signing_secret", "Signing secret", help="RVM_SANDBOX_SIGNING_SECRET of the sandbox"),
    )
    idempotency_window = timedelta(hours=24)
    max_delivery_delay = timedelta()

    def __init__(self, credentials: Mapping[str, str]) -> None:
        super().__init__(credentials)
        self._drops_url = f"{self.base_url}/v1/drops"
        self._faults_url = f"{self.base_url}/v1/faults"
        self._authorization = f"Authorization: Bearer {credentials['key']}"
        self._secret = credentials["signing_secret"].encode()

    def submit_request(self, drop: DropRequest) -> CarrierRequest:
        key = str(drop.attempt_key)
        body = {
            "to": drop.recipient,
            "from": drop.sender,
            "audio_url": drop.recording_url,
            "reference": key,
            "callback_url": drop.callback_url,
        }
        headers = (self._authorization, "Content-Type: application/json", f"Idempotency-Key: {key}")
        return CarrierRequest("POST", self._drops_url, headers, orjson.dumps(body))

    def read_submission(self, response: CarrierResponse) -> Submission:
        body = json_object(response.body)
        code, message = parse_text(body.get("code"), MAX_CODE_LENGTH), parse_text(body.get("message"))
        if (
            response.status == 202
            and body.get("status") == "accepted"
            and (reference := parse_text(body.get("id"), MAX_ID_LENGTH))
        ):
            return Submission(Outcome.ACCEPTED, carrier_reference=reference)
        known = ANSWERS.get((response.status, code))
        if known is None:
            return Submission(Outcome.UNKNOWN, code=code or f"http_{response.status}", text=message)
        outcome, reason = known
        return Submission(outcome, reason=reason, code=code, text=message, retry_after=retry_after(response.headers))

    def lookup_request(self, attempt_key: UUID) -> CarrierRequest:
        return CarrierRequest("GET", f"{self._drops_url}?reference={attempt_key}", (self._authorization,))

    def read_lookup(self, response: CarrierResponse) -> Submission | Report | UnknownToCarrier | None:
        body = json_object(response.body)
        if response.status == 404 and body.get("code") == "never_seen":
            return UnknownToCarrier()
        if response.status != 200:
            return None
        try:
            report = _report(body)
        except ValueError:
            return None
        if report.status is ReportStatus.ACCEPTED:
            return Submission(Outcome.ACCEPTED, carrier_reference=report.carrier_reference)
        return report

    def check_request(self) -> CarrierRequest:
        """A request for the configured faults, a short response that requires the account's key."""
        return CarrierRequest("GET", self._faults_url, (self._authorization,))

    def read_check(self, response: CarrierResponse) -> Check:
        if response.status == 200 and json_object(response.body):
            return Check(True, "The sandbox answers and takes the account key.")
        if response.status == 401:
            return Check(
                False,
                "The sandbox answers and refuses the account key; it is RVM_SANDBOX_KEY of its process.",
                Reason.CARRIER_ACCOUNT,
            )
        return Check(False, f"Something answers with HTTP {response.status}, and it is not the sandbox.")

    def verify(self, callback: Callback) -> bool:
        check_signature(
            callback, secrets=(self._secret,), signature="X-Sandbox-Signature", timestamp="X-Sandbox-Timestamp"
        )
        return True

    def parse(self, callback: Callback) -> list[Report]:
        events = callback.json.get("events")
        if not isinstance(events, list):
            raise CallbackMalformed("The callback is no JSON object with a list of events.")
        reports = []
        for number, event in enumerate(events, start=1):
            try:
                reports.append(_report(event if isinstance(event, dict) else {}))
            except ValueError as error:
                raise CallbackMalformed(f"Event {number} of {len(events)} {error}.") from None
        return reports


def _report(event: dict[str, Any]) -> Report:
    """The report of an event. Raises ValueError, whose message continues the sentence "Event 1 of 2"."""
    try:
        attempt_key = UUID(event.get("reference"))
    except (ValueError, TypeError, AttributeError):
        raise ValueError("has a reference that is not one of our attempt keys") from None
    try:
        status = ReportStatus(event.get("status", ""))
    except ValueError:
        raise ValueError("has a status other than accepted, delivered and failed") from None
    code = parse_text(event.get("code"), MAX_CODE_LENGTH)
    return Report(
        attempt_key=attempt_key,
        status=status,
        occurred_at=parse_time(event.get("occurred_at")),
        event_id=parse_text(event.get("event_id"), MAX_ID_LENGTH),
        carrier_reference=parse_text(event.get("id"), MAX_ID_LENGTH),
        reason=REASONS.get(code, Reason.UNKNOWN) if status is ReportStatus.FAILED else None,
        code=code,
        text=parse_text(event.get("text")),
    )
