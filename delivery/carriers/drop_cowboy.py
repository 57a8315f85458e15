"""The adapter for Drop Cowboy's API, version 2: recordings uploaded once, one request per drop, results by post-back and webhook.

Written from the vendor's public repository Drop-Cowboy/dropcowboy at a0e60aa (examples/api/CONTRACT.md, examples/api/fixtures/,
docs/concepts/, docs/troubleshooting.md); not tested against the vendor's servers. These properties shape the adapter:

* A 202 means that the request is queued unchecked: a wrong API key also gets a 202 and fails later, with code 3007.
* The result is sent once, unsigned, to the `callback_url` of the send (with `foreign_id`). If the customer has registered the setup's
  fixed callback address as a webhook, it is also sent signed, up to three times, without `foreign_id`. Both name the number: a
  result that names another than the drop's is nobody's.
* There is no look-up. An uncertain drop is resolved by a result, or by the same request under the same key, which the vendor
  documents for this purpose: keys are remembered for 24 hours and acted on once.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from datetime import datetime, timedelta
from typing import Any, TypeGuard
from urllib.parse import quote, urlsplit
from uuid import UUID

import orjson

from delivery.carriers.abilities import IdempotencyKeys, MediaRejected, MediaUpload, MediaUploadFailed
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
    parse_attempt_key,
    parse_text,
    parse_time,
    retry_after,
    time_of_milliseconds,
    title_and_detail,
)
from delivery.carriers.signatures import check_signature
from delivery.lifecycle.events import Outcome, Report, ReportStatus, Submission
from delivery.lifecycle.reasons import Reason
from delivery.transport.interface import CarrierRequest, CarrierResponse

DELIVERED = "0"

# `reason_code` of a failed send. The three thousands, 4001, 4002 and 4010 are explained in docs/concepts/send-results.md (3002
# and 3015 in CONTRACT.md), the others named in docs/concepts/test-numbers.md. Codes that only concern texts, synthetic speech or
# hosted audio are included, although the platform never causes them, so that they are not shown as "unknown".
REASONS: dict[str, Reason] = {
    "3000": Reason.NO_FUNDS,
    "3001": Reason.RECORDING_REFUSED,  # not audio, or a media_id of another account
    "3002": Reason.REFUSED,  # synthetic speech: voice and text do not go together
    "3007": Reason.CARRIER_ACCOUNT,  # wrong key or secret; on the post-back only
    "3014": Reason.CARRIER_ACCOUNT,  # hosted audio is not enabled
    "3015": Reason.REFUSED,  # as 3002
    "3021": Reason.REFUSED,  # synthetic speech: the text is too long
    # The key was used with another body: a send exists under it, and only its own result shows its outcome.
    "3027": Reason.UNCONFIRMED,
    "3028": Reason.REFUSED,  # the key is not 1 to 255 printable ASCII characters
    "3040": Reason.CARRIER_ACCOUNT,  # testing mode: the account reaches its test numbers only
    "4000": Reason.VOICEMAIL_NOT_DETECTED,
    "4001": Reason.MAILBOX_NOT_SET_UP,
    "4002": Reason.MAILBOX_FULL,
    "4004": Reason.UNREACHABLE,
    "4005": Reason.NO_ANSWER,
    "4006": Reason.BUSY,
    "4008": Reason.SPAM_BLOCKED,
    "4010": Reason.CARRIER_ACCOUNT,  # no phone line to send from
    "4011": Reason.REFUSED,  # texts outside calling hours; voicemails wait at the vendor instead
    "4013": Reason.TOO_MANY_ATTEMPTS,  # the vendor's own limit, 3 attempts in 3 days unless changed
    "4016": Reason.DO_NOT_CALL,
    "4017": Reason.LITIGATOR,
    "4019": Reason.NUMBER_REASSIGNED,
    "4021": Reason.REFUSED,  # the look-up of reassigned numbers failed, so nothing is known against the number
    "6000": Reason.CARRIER_DENIED,
    "6001": Reason.CARRIER_DENIED,  # suspended by the network
    "6002": Reason.CARRIER_DENIED,  # the number pool is suspended
    "6003": Reason.CARRIER_DENIED,  # the number pool is not ready
    # 6004, 6006 and 6011 say that the vendor lacks proof of consent, not that the person objected: no suppression.
    "6004": Reason.REFUSED,  # opt-in flagged
    "6005": Reason.OPTED_OUT,  # opt-in revoked
    "6006": Reason.REFUSED,  # opt-in pending
    "6011": Reason.REFUSED,  # opt-in missing
}
# Responses to a send other than 202, by status (docs/troubleshooting.md; 402 by its name). All are sent before the request is queued.
ANSWERS: dict[int, tuple[Outcome, Reason]] = {
    # nothing is wrong with the drop: it waits until the account is put right
    401: (Outcome.NOT_SENT, Reason.CARRIER_ACCOUNT),  # no credentials at all
    402: (Outcome.NOT_SENT, Reason.NO_FUNDS),
    403: (Outcome.NOT_SENT, Reason.CARRIER_ACCOUNT),  # the key lacks the scope
    429: (Outcome.NOT_SENT, Reason.NOT_SENT),
}
# None of these is documented for a send. With the vendor's error document in the body, they are refusals of the request.
REFUSALS = frozenset({400, 413, 415, 422})
STATUS_EVENT = "contact.rvm.status"


class DropCowboy(IdempotencyKeys, MediaUpload, Carrier):
    name = "drop_cowboy"
    label = "Drop Cowboy"
    vendor_url = "https://api-v2.dropcowboy.com"
    credential_fields = (
        Credential("key", "API key", help="Developers > API Keys; needs the scopes for sends and media:write"),
        Credential("secret", "API secret", help="Shown once, beside the key"),
        Credential(
            "phone_line_id",
            "Phone line",
            secret=False,
            required=False,
            help="Its id. The vendor then picks the caller number from this line. Empty where your own carrier is connected: the "
            "use case's sender number is the caller number then",
        ),
        Credential(
            "signing_secret",
            "Webhook signing secret",
            required=False,
            help="Of a webhook for contact.rvm.status to this setup's callback address; several with commas between, while one is "
            "being replaced. Without it a result that is not reported the first time is never learned",
        ),
        address(vendor_url),
    )
    idempotency_window = timedelta(hours=24)

    def __init__(self, credentials: Mapping[str, str]) -> None:
        super().__init__(credentials)
        self._scheme = urlsplit(self.base_url).scheme
        self._line = credentials.get("phone_line_id") or ""
        self._headers = (
            f"x-key: {credentials['key']}",
            f"x-secret: {credentials['secret']}",
            "Content-Type: application/json",
            "Accept: application/json",
        )
        secrets = (credentials.get("signing_secret") or "").split(",")
        self._secrets = tuple(secret.encode() for secret in secrets if secret)

    def submit_request(self, drop: DropRequest) -> CarrierRequest:
        key = str(drop.attempt_key)
        body = {
            "to": drop.recipient,
            **({"phone_line_id": self._line} if self._line else {"caller_id": drop.sender}),
            "media_id": drop.media_id,
            "foreign_id": key,
            "callback_url": drop.callback_url,
        }
        return CarrierRequest(
            "POST", f"{self.base_url}/rvm", (*self._headers, f"Idempotency-Key: {key}"), orjson.dumps(body)
        )

    def read_submission(self, response: CarrierResponse) -> Submission:
        body = json_object(response.body)
        if response.status == 202 and body.get("status") == "queued" and (reference := _id(body.get("message_id"))):
            return Submission(Outcome.ACCEPTED, carrier_reference=reference)
        outcome, reason = ANSWERS.get(response.status, (Outcome.UNKNOWN, None))
        if response.status in REFUSALS and body.get("status") == response.status and parse_text(body.get("title")):
            outcome, reason = Outcome.REFUSED, Reason.REFUSED
        wait = retry_after(response.headers) if outcome is Outcome.NOT_SENT else None
        return Submission(
            outcome, reason=reason, code=f"http_{response.status}", text=title_and_detail(body), retry_after=wait
        )

    def upload(self, name: str, mp3: bytes) -> Generator[CarrierRequest, CarrierResponse, str]:
        created = _response_data(
            (yield self._post("/media/public/media", {"name": name, "type": "rvm", "signed_upload": True}))
        )
        media_id = _id(created.get("media_id"))
        target = created.get("upload")
        target = target.get("mp3") if isinstance(target, dict) else None
        url, content_type = (
            (target.get("url"), target.get("content_type")) if isinstance(target, dict) else (None, None)
        )
        if not media_id or not _is_line(url) or not _is_line(content_type):
            raise MediaUploadFailed(
                "The carrier's answer to a new recording held no media id or no address for an MP3."
            )
        if not url.startswith(("https://", f"{self._scheme}://")):
            raise MediaUploadFailed("The carrier named an upload address without TLS.")
        # The address is signed together with the content type; a key or any other header would break it, and give the key away.
        _response_data((yield CarrierRequest("PUT", url, (f"Content-Type: {content_type}",), mp3)), storage=True)
        _response_data((yield self._post(f"/media/public/media/{quote(media_id, safe='')}/complete", {})))
        return media_id

    @property
    def signs_results(self) -> bool:
        return bool(self._secrets)

    def verify(self, callback: Callback) -> bool:
        """True for a webhook with a valid signature, False for a post-back, which is unsigned and has an attempt key."""
        if callback.headers.get("x-signature"):
            if callback.headers.get("x-signature-version", "v1") != "v1":
                raise CallbackRejected("X-Signature-Version is not v1.")
            if not self._secrets:
                raise CallbackRejected("A signed webhook came, and this setup has no webhook signing secret.")
            check_signature(callback, secrets=self._secrets, signature="X-Signature", timestamp="X-Timestamp")
            return True
        if parse_attempt_key(callback.json.get("foreign_id")) is None:
            raise CallbackRejected(
                "X-Signature is missing, and the body is no result that names one of our attempt keys."
            )
        return False

    def parse(self, callback: Callback) -> list[Report]:
        body = callback.json
        if callback.headers.get("x-signature"):
            return _webhook(body)
        attempt_key = parse_attempt_key(body.get("foreign_id"))
        if attempt_key is None:
            raise CallbackMalformed("The result has a foreign_id that is not one of our attempt keys.")
        return [
            _report(
                body,
                attempt_key=attempt_key,
                occurred_at=parse_time(body.get("attempt_date")),
                event_id=parse_text(body.get("log_id"), MAX_ID_LENGTH),
                recipient=parse_text(body.get("phone_number"), 40),
            )
        ]

    def _post(self, path: str, body: dict[str, Any]) -> CarrierRequest:
        return CarrierRequest("POST", f"{self.base_url}{path}", self._headers, orjson.dumps(body))


def _webhook(body: dict[str, Any]) -> list[Report]:
    """The reports of a webhook; none for receipts, which contain no result, and for sends from the vendor's own dashboard.

    Sends from the dashboard have a `campaign_id`. Raises CallbackMalformed.
    """
    data = body.get("data")
    if not isinstance(body.get("event"), str) or not isinstance(data, dict):
        raise CallbackMalformed("The webhook is no JSON object with an event and its data.")
    if body["event"] != STATUS_EVENT or data.get("campaign_id") is not None:
        return []
    occurred_at = time_of_milliseconds(body.get("event_at"))
    recipient, reference = parse_text(data.get("to"), 16), parse_text(data.get("drop_id"), MAX_ID_LENGTH)
    if occurred_at is None or not recipient or not reference:
        raise CallbackMalformed("The webhook lacks its time, its drop_id or whom it is about.")
    event_id = parse_text(body.get("event_id"), MAX_ID_LENGTH)
    return [_report(data, attempt_key=None, occurred_at=occurred_at, event_id=event_id, recipient=recipient)]


def _report(
    data: dict[str, Any],
    *,
    attempt_key: UUID | None,
    occurred_at: datetime | None,
    event_id: str,
    recipient: str,
) -> Report:
    """The report of a result. As the vendor advises, `reason_code` decides; `status` decides only for an unknown code.

    Raises CallbackMalformed.
    """
    code = parse_text(data.get("reason_code"), MAX_CODE_LENGTH)
    delivered = code == DELIVERED or (code not in REASONS and data.get("status") == "success")
    if not delivered and data.get("status") != "failure" and code not in REASONS:
        raise CallbackMalformed("The result has neither a status of success or failure nor a known reason_code.")
    return Report(
        attempt_key=attempt_key,
        status=ReportStatus.DELIVERED if delivered else ReportStatus.FAILED,
        occurred_at=occurred_at,
        event_id=event_id,
        carrier_reference=parse_text(data.get("drop_id"), MAX_ID_LENGTH),
        reason=None if delivered else REASONS.get(code, Reason.UNKNOWN),
        code=code,
        text=parse_text(data.get("reason")),
        recipient=recipient,
    )


def _response_data(response: CarrierResponse, storage: bool = False) -> dict[str, Any]:
    """The data of a successful response. Raises MediaRejected for a refusal by the API, otherwise MediaUploadFailed.

    A refusal by the storage may be temporary.
    """
    body = json_object(response.body)
    if 200 <= response.status < 300:
        data = body.get("data")
        return data if isinstance(data, dict) else {}
    message = f"The carrier answered {response.status} to the upload. {title_and_detail(body)}".strip()
    if response.status in REFUSALS and not storage:
        raise MediaRejected(message)
    # Of the storage it says that the address has ended, or another content type was sent.
    refused = None if storage else REFUSED_ACCESS.get(response.status)
    raise MediaUploadFailed(message, refused, retry_after(response.headers))


def _is_line(value: object) -> TypeGuard[str]:
    """Whether it can stand in a line of a request, and begins no other."""
    return isinstance(value, str) and value.isascii() and value.isprintable()


def _id(value: object) -> str:
    return parse_text(value, MAX_ID_LENGTH) if isinstance(value, str) else ""
