"""The adapter for the console, the smallest complete one: docs/contribute/adding-a-carrier.md makes a package of its own of it.

Its vendor is imaginary, a simulator that writes to its console in place of calling, so it is in no list of carriers.
"""

from __future__ import annotations

import orjson

from delivery.carriers.base import Callback, CallbackMalformed, Carrier, Credential, DropRequest
from delivery.carriers.parsing import json_object, parse_attempt_key, parse_text, parse_time, retry_after
from delivery.carriers.signatures import check_signature
from delivery.lifecycle.events import Outcome, Report, ReportStatus, Submission
from delivery.lifecycle.reasons import Reason
from delivery.transport.interface import CarrierRequest, CarrierResponse

# By the status and `error` of an answer other than 202. Any other leaves open whether the vendor has the drop.
ANSWERS: dict[tuple[int, str], tuple[Outcome, Reason]] = {
    (401, "unauthorized"): (Outcome.NOT_SENT, Reason.CARRIER_ACCOUNT),  # the drop waits until the key is put right
    (422, "bad_request"): (Outcome.REFUSED, Reason.REFUSED),
    (429, "too_many_requests"): (Outcome.NOT_SENT, Reason.NOT_SENT),
}
# By the `result` of a callback.
RESULTS: dict[str, Reason | None] = {
    "delivered": None,
    "no_answer": Reason.NO_ANSWER,
    "busy": Reason.BUSY,
    "no_mailbox": Reason.VOICEMAIL_NOT_DETECTED,
    "stop": Reason.OPTED_OUT,  # suppresses the number for good
}


class Console(Carrier):
    name = "console"
    label = "Console"
    credential_fields = (
        Credential("base_url", "Address", secret=False, help="Where the simulator listens"),
        Credential("key", "Key", help="The simulator shows it at its start"),
    )

    def submit_request(self, drop: DropRequest) -> CarrierRequest:
        headers = (f"Authorization: Bearer {self.credentials['key']}", "Content-Type: application/json")
        body = {"to": drop.recipient, "from": drop.sender, "audio": drop.recording_url}
        body |= {"report_to": drop.callback_url, "reference": str(drop.attempt_key)}
        return CarrierRequest("POST", f"{self.base_url}/drops", headers, orjson.dumps(body))

    def read_submission(self, response: CarrierResponse) -> Submission:
        body = json_object(response.body)
        if response.status == 202 and (reference := parse_text(body.get("id"), 100)):
            return Submission(Outcome.ACCEPTED, carrier_reference=reference)
        code = parse_text(body.get("error"), 40)
        outcome, reason = ANSWERS.get((response.status, code), (Outcome.UNKNOWN, None))
        return Submission(outcome, reason=reason, code=code, retry_after=retry_after(response.headers))

    def verify(self, callback: Callback) -> bool:
        secret = self.credentials["key"].encode()
        check_signature(callback, secrets=[secret], signature="X-Signature", timestamp="X-Timestamp")
        return True

    def parse(self, callback: Callback) -> list[Report]:
        body = callback.json
        attempt_key, code = parse_attempt_key(body.get("reference")), parse_text(body.get("result"), 40)
        if attempt_key is None or not code:
            raise CallbackMalformed("The callback has no reference that is an attempt key, or no result.")
        reason = RESULTS.get(code, Reason.UNKNOWN)
        status = ReportStatus.FAILED if reason else ReportStatus.DELIVERED
        return [Report(attempt_key, status, parse_time(body.get("at")), reason=reason, code=code)]
