"""The adapter for VoiceDrop.ai: one JSON request a drop, results by an unsigned webhook at the drop's own address, in the US alone.

The vendor hosts no public description of its API that we know of: this is written from others' copies of it and from public clients
[3P], and not tested against the vendor's servers. These properties shape the adapter:

* The answer names no job (a client saw a `voice_drop_id`, which is taken if it comes). What belongs to a drop is told by the address
  to which the webhook is sent: its proof cannot be guessed, and only the vendor is given it.
* The webhook is unsigned and there is no look-up, so nothing better than the address can be had: a result that came there, names the
  drop's own number and the same `voice_drop_id` as earlier events counts as the vendor's word. It can end a drop, and a failure that
  allows it is tried again. Whoever reads the vendor's data could do the same; where that matters, use a vendor that signs.
* No reply is documented but that to a success. Only what the standards of HTTP say was not done counts as not done (401, 402, 403,
  429); every other answer leaves the drop uncertain, and it is never sent again. So test a setup before it is used.
* An event with a status that nobody has described is kept and ends nothing, because it may be a step on the way.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import orjson

from delivery.carriers.abilities import AccountCheck, Check
from delivery.carriers.base import (
    REFUSED_ACCESS,
    Callback,
    CallbackMalformed,
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
    ten_digits,
    throttled_for,
    us_number,
)
from delivery.lifecycle.events import Outcome, Report, ReportStatus, Submission
from delivery.lifecycle.reasons import REASONS as REASON_FACTS
from delivery.lifecycle.reasons import Reason
from delivery.transport.interface import CarrierRequest, CarrierResponse

# `status` of a webhook, in lower case with hyphens: the reason where `extra_status_info` gives no other. Their meaning is [3P].
FAILURES: dict[str, Reason] = {
    "not-delivered": Reason.VOICEMAIL_NOT_DETECTED,  # no box, a full one, or nothing that answered properly
    "skipped": Reason.NUMBER_NOT_SUPPORTED,  # the number cannot receive voicemails, by the vendor's own check of it
    "failed": Reason.REFUSED,
    "fas": Reason.CARRIER_DENIED,  # sent as a status too
}
# `extra_status_info` of these, in the same form. Only "FAS" was seen; the others are the words in which public code speaks of it.
REASONS: dict[str, Reason] = {
    "fas": Reason.CARRIER_DENIED,  # answer supervision went wrong in the network: nobody knows what answered, so no other attempt
    "mailbox-full": Reason.MAILBOX_FULL,
    "voicemail-full": Reason.MAILBOX_FULL,
    "no-mailbox": Reason.MAILBOX_NOT_SET_UP,
    "no-voicemail": Reason.VOICEMAIL_NOT_DETECTED,
    "landline": Reason.NUMBER_NOT_SUPPORTED,
    "invalid-number": Reason.NUMBER_NOT_SUPPORTED,
}
NO_INFO = frozenset({"", "pending", "none", "null", "n-a"})
# The standards of HTTP say of these that the request was not carried out (RFC 9110, 15.5.2 to 15.5.4; RFC 6585, 4).
ANSWERS: dict[int, tuple[Outcome, Reason]] = {
    401: (Outcome.NOT_SENT, Reason.CARRIER_ACCOUNT),
    402: (Outcome.NOT_SENT, Reason.NO_FUNDS),
    403: (Outcome.NOT_SENT, Reason.CARRIER_ACCOUNT),
    429: (Outcome.NOT_SENT, Reason.NOT_SENT),
}
DIGITS, E164 = "digits", "e164"


class VoiceDrop(AccountCheck, Carrier):
    name = "voicedrop"
    label = "VoiceDrop"
    vendor_url = "https://api.voicedrop.ai"
    credential_fields = (
        Credential("auth_key", "API key", help="In the account's settings at voicedrop.ai, under API"),
        Credential(
            "number_format",
            "Form of numbers",
            secret=False,
            required=False,
            help="Empty or digits: ten digits, as in copies of the vendor's documents. e164: with +1, as some accounts need",
            pattern=re.compile(f"{DIGITS}|{E164}"),
            form=f"empty, {DIGITS} or {E164}",
        ),
        Credential(
            "validate_recipient",
            "Check of recipients",
            secret=False,
            required=False,
            help="Empty or yes: the vendor checks first whether the number can receive voicemails. no: it does not",
            pattern=re.compile("yes|no"),
            form="empty, yes or no",
        ),
        address(vendor_url),
    )
    one_reference = True

    def __init__(self, credentials: Mapping[str, str]) -> None:
        super().__init__(credentials)
        self._key = f"auth-key: {credentials['auth_key']}"
        self._validates = credentials.get("validate_recipient") != "no"
        self._e164 = credentials.get("number_format") == E164

    def submit_request(self, drop: DropRequest) -> CarrierRequest:
        body = {
            "recording_url": drop.recording_url,
            "to": self._number(drop.recipient),
            "from": self._number(drop.sender),
            "validate_recipient_phone": self._validates,
            "send_status_to_webhook": drop.callback_url,
        }
        headers = (self._key, "Content-Type: application/json", "Accept: application/json")
        return CarrierRequest("POST", f"{self.base_url}/v1/ringless_voicemail", headers, orjson.dumps(body))

    def read_submission(self, response: CarrierResponse) -> Submission:
        body = json_object(response.body)
        if response.status == 200 and body.get("status") == "success":
            reference = parse_text(body.get("voice_drop_id"), MAX_ID_LENGTH)
            return Submission(Outcome.ACCEPTED, carrier_reference=reference)
        outcome, reason = ANSWERS.get(response.status, (Outcome.UNKNOWN, None))
        text = parse_text(body.get("message")) or parse_text(body.get("error"))
        wait = throttled_for(response)
        return Submission(outcome, reason=reason, code=f"http_{response.status}", text=text, retry_after=wait)

    def check_request(self) -> CarrierRequest:
        return CarrierRequest("GET", f"{self.base_url}/v1/profile", (self._key, "Accept: application/json"))

    def read_check(self, response: CarrierResponse) -> Check:
        body = json_object(response.body)
        # A client saw errors under the status 200.
        if response.status == 200 and body and "error" not in (body.get("status"), *body):
            return Check(True, "VoiceDrop takes the API key. What the account may send is not checked.")
        reason = REFUSED_ACCESS.get(response.status)
        if reason is Reason.NO_FUNDS:
            return Check(False, f"{REASON_FACTS[reason].detail} Add funds at VoiceDrop.", reason)
        if reason is not None:
            detail = "VoiceDrop refuses the API key; copy it again from the account's settings."
            return Check(False, detail, reason)
        return Check(False, f"VoiceDrop answers with HTTP {response.status}, which says nothing about the API key.")

    @property
    def signs_results(self) -> bool:
        """False, so results count in full: nothing better follows. The address with its proof is all that they are proved by."""
        return False

    def verify(self, callback: Callback) -> bool:
        """False: the vendor signs nothing."""
        return False

    def parse(self, callback: Callback) -> list[Report]:
        """The event of a webhook, which is JSON, or a form as public receivers allow for; none in an empty body, which is a probe."""
        if callback.drop_id is None:
            raise CallbackMalformed("The webhook came to an address that was given with no drop.")
        if not callback.raw.strip():
            return []
        said: Mapping[str, object] = callback.json or callback.form
        status = _word(said.get("status"))
        recipient = us_number(parse_text(said.get("sent_to") or said.get("to"), 40))
        if not status or not recipient:
            raise CallbackMalformed("The webhook has no status, or does not say to which number it was sent.")
        failure = next((reason for word, reason in FAILURES.items() if f"{status}-".startswith(f"{word}-")), None)
        if failure is None:
            outcome = ReportStatus.DELIVERED if f"{status}-".startswith("delivered-") else ReportStatus.ACCEPTED
            reason = None
        else:
            info = _word(said.get("extra_status_info"))
            outcome = ReportStatus.FAILED
            reason = failure if info in NO_INFO else REASONS.get(info, Reason.UNKNOWN)
        return [
            Report(
                attempt_key=callback.drop_id,
                status=outcome,
                occurred_at=None,  # no event has a time
                carrier_reference=parse_text(said.get("voice_drop_id"), MAX_ID_LENGTH),
                reason=reason,
                code=status[:MAX_CODE_LENGTH],
                text=parse_text(said.get("extra_status_info")),
                recipient=recipient,
            )
        ]

    def _number(self, e164: str) -> str:
        return e164 if self._e164 else ten_digits(e164)


def _word(value: object) -> str:
    """A status in lower case, with hyphens for spaces and underscores."""
    return "-".join(re.split(r"[\s_-]+", parse_text(value).strip().lower()))
