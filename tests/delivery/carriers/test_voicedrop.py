"""VoiceDrop's adapter: what it sends, what each answer proves, and what an unsigned webhook at a drop's own address does."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import orjson
import pytest

from delivery.carriers.base import Callback, CallbackMalformed
from delivery.carriers.voicedrop import FAILURES, REASONS, VoiceDrop
from delivery.lifecycle.events import Outcome, ReportStatus, Submission
from delivery.lifecycle.reasons import REASONS as REASON_FACTS
from delivery.lifecycle.reasons import Reason
from delivery.models import CarrierReport, Drop
from delivery.transport.interface import CarrierResponse
from rvm.simulators.framework.schemas import FIXTURES, Schemas
from rvm.simulators.framework.service import running
from rvm.simulators.vendors.voicedrop import PROFILE, SEND, Simulator
from tests.delivery.carriers.contract import ATTEMPT, DROP, NOW, RECIPIENT, Contract, Documented
from tests.delivery.states import both
from tests.rvm.simulators.sandbox.harness import send

CREDENTIALS = {"auth_key": "the-key"}
CARRIER = VoiceDrop(CREDENTIALS)
PAYLOADS = orjson.loads(Path(FIXTURES, "voicedrop", "payloads.json").read_bytes())
JSON = {"content-type": "application/json"}


def answer(status: int, body: object, **headers: str) -> CarrierResponse:
    return CarrierResponse(status, orjson.dumps(body), headers)


def webhook(said: dict[str, Any] | bytes, drop_id: UUID | None = ATTEMPT) -> Callback:
    raw = said if isinstance(said, bytes) else orjson.dumps(said)
    return Callback(raw, JSON, "http://127.0.0.1:1/", NOW, drop_id)


ERROR = {"status": "error", "message": "No."}


class TestVoiceDrop(Contract):
    name = "voicedrop"
    credentials = CREDENTIALS
    answers = (
        *(Documented(answer(200, body), Outcome.ACCEPTED) for body in PAYLOADS["submissions"].values()),
        Documented(answer(401, ERROR), Outcome.NOT_SENT, Reason.CARRIER_ACCOUNT),
        Documented(answer(402, ERROR), Outcome.NOT_SENT, Reason.NO_FUNDS),
        Documented(answer(403, ERROR), Outcome.NOT_SENT, Reason.CARRIER_ACCOUNT),
        Documented(answer(429, ERROR), Outcome.NOT_SENT, Reason.NOT_SENT),
        # nothing is documented
        Documented(answer(200, ERROR), Outcome.UNKNOWN),
        Documented(answer(400, ERROR), Outcome.UNKNOWN),
        Documented(answer(422, ERROR), Outcome.UNKNOWN),
        Documented(answer(500, ERROR), Outcome.UNKNOWN),
        Documented(answer(201, PAYLOADS["submissions"]["accepted"]), Outcome.UNKNOWN),
    )
    throttled = answer(429, ERROR)
    codes = {
        "delivered": None,
        **FAILURES,
        **{word: reason for word, reason in REASONS.items() if word not in FAILURES},
    }

    def result(
        self,
        url: str,
        drop_id: UUID,
        code: str,
        *,
        at: datetime,
        said: datetime | None = None,
        event_id: str = "event-1",
    ) -> Callback:
        is_status = code == "delivered" or code in FAILURES
        event = {
            "voice_drop_id": "vd-1",
            "status": code if is_status else "not-delivered",
            "extra_status_info": "" if is_status else code,
            "sent_to": RECIPIENT[1:],
        }
        return Callback(orjson.dumps(event), JSON, url, at, drop_id)

    def test_an_unsigned_result_counts_because_no_better_one_follows(self, drop: Drop) -> None:
        self.posted(drop, "not-delivered")
        self.merged()
        assert both(drop)[:2] == ("failed", "voicemail_not_detected")
        report = CarrierReport.objects.get()
        assert (report.unsigned, report.recipient) == (False, None)

    @pytest.mark.parametrize(
        "changed",
        [{"sent_to": "2125550177"}, {"sent_to": "somebody"}, {"sent_to": ""}],
        ids=["another number", "no number", "nobody"],
    )
    def test_a_result_on_another_number_than_the_drops_proves_nothing(
        self, drop: Drop, changed: dict[str, str]
    ) -> None:
        genuine = self.result(self.address(drop), drop.id, "delivered", at=NOW)
        raw = orjson.dumps(genuine.json | changed)
        assert self.post(Callback(raw, JSON, genuine.url, NOW, drop.id)) in (400, 401)
        self.merged()
        assert both(drop) == ("accepted", "", "accepted", "")

    def test_the_vendors_id_may_not_change_between_the_events_of_a_drop(self, drop: Drop) -> None:
        genuine = self.result(self.address(drop), drop.id, "delivered", at=NOW)
        for voice_drop_id, status, heard in (
            ("vd-1", "scheduled", 200),
            ("vd-2", "delivered", 401),
            ("vd-1", "delivered", 200),
        ):
            raw = orjson.dumps(genuine.json | {"voice_drop_id": voice_drop_id, "status": status})
            assert self.post(Callback(raw, JSON, genuine.url, NOW, drop.id)) == heard
        self.merged()
        assert both(drop) == self.DELIVERED


# requests


@pytest.mark.parametrize(
    ("changed", "to", "validates"),
    [
        ({}, "5550010001", True),
        ({"number_format": "digits", "validate_recipient": "yes"}, "5550010001", True),
        ({"number_format": "e164", "validate_recipient": "no"}, "+15550010001", False),
    ],
)
def test_a_submission_is_one_request_with_the_drops_own_address(
    changed: dict[str, str], to: str, validates: bool
) -> None:
    request = VoiceDrop(CREDENTIALS | changed).submit_request(DROP)
    assert (request.method, request.url) == ("POST", "https://api.voicedrop.ai/v1/ringless_voicemail")
    assert "auth-key: the-key" in request.headers
    assert orjson.loads(request.body) == {
        "recording_url": DROP.recording_url,
        "to": to,
        "from": "2125550199" if not changed or changed["number_format"] == "digits" else "+12125550199",
        "validate_recipient_phone": validates,
        "send_status_to_webhook": DROP.callback_url,
    }


@pytest.mark.parametrize("number_format", ["digits", "e164"])
def test_every_request_fits_the_known_fields(number_format: str) -> None:
    carrier = VoiceDrop(CREDENTIALS | {"number_format": number_format})
    for operation, request in ((SEND, carrier.submit_request(DROP)), (PROFILE, carrier.check_request())):
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in request.headers)}
        body = orjson.loads(request.body) if request.body else None
        parts = {"headers": headers, "query": {}, "body": body}
        assert Schemas("voicedrop").violations(operation, parts) == []


@pytest.mark.parametrize("changed", [{"number_format": "national"}, {"validate_recipient": "maybe"}])
def test_a_setting_that_is_none_is_refused_with_those_there_are(changed: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"must be empty, \w+ or \w+\.$"):
        VoiceDrop(CREDENTIALS | changed)


def test_an_acceptance_names_no_job_and_one_that_comes_is_kept() -> None:
    without, with_id = (CARRIER.read_submission(answer(200, said)) for said in PAYLOADS["submissions"].values())
    assert without == Submission(Outcome.ACCEPTED)
    assert with_id == Submission(Outcome.ACCEPTED, carrier_reference="vd-1")


# webhooks


@pytest.mark.parametrize(
    ("name", "status", "reason"),
    [
        ("on its way", ReportStatus.ACCEPTED, None),
        ("delivered", ReportStatus.DELIVERED, None),
        ("not delivered", ReportStatus.FAILED, Reason.VOICEMAIL_NOT_DETECTED),
        ("not delivered for its network", ReportStatus.FAILED, Reason.CARRIER_DENIED),
        ("the network as a status", ReportStatus.FAILED, Reason.CARRIER_DENIED),
        ("skipped", ReportStatus.FAILED, Reason.NUMBER_NOT_SUPPORTED),
        ("failed", ReportStatus.FAILED, Reason.REFUSED),
        ("nobody knows", ReportStatus.ACCEPTED, None),
    ],
)
@pytest.mark.parametrize("as_form", [False, True], ids=["JSON", "form"])
def test_a_webhook_is_read_as_json_or_as_a_form(
    name: str, status: ReportStatus, reason: Reason | None, as_form: bool
) -> None:
    said = PAYLOADS["webhooks"][name]
    raw = urlencode({field: value or "" for field, value in said.items()}).encode() if as_form else orjson.dumps(said)
    (report,) = CARRIER.parse(webhook(raw))
    assert (report.attempt_key, report.status, report.reason) == (ATTEMPT, status, reason)
    assert (report.carrier_reference, report.recipient) == ("vd-1", "+15550010001")


@pytest.mark.parametrize("spelling", ["not-delivered", "not_delivered", "Not Delivered", " NOT-DELIVERED "])
def test_a_status_is_the_same_in_any_spelling(spelling: str) -> None:
    (report,) = CARRIER.parse(webhook({"status": spelling, "sent_to": "5550010001"}))
    assert (report.status, report.code) == (ReportStatus.FAILED, "not-delivered")


def test_a_status_that_begins_like_another_is_not_that_one() -> None:
    for status, read in (
        ("failed-over", ReportStatus.FAILED),
        ("failedover", ReportStatus.ACCEPTED),
        ("fast", ReportStatus.ACCEPTED),
    ):
        (report,) = CARRIER.parse(webhook({"status": status, "sent_to": "5550010001"}))
        assert report.status is read, status


def test_an_empty_body_is_a_probe_and_anything_without_status_or_number_no_webhook() -> None:
    assert CARRIER.parse(webhook(b"")) == []
    for said in ({}, {"status": "delivered"}, {"sent_to": "5550010001"}, {"status": 7, "sent_to": True}):
        with pytest.raises(CallbackMalformed, match=r"\.$"):
            CARRIER.parse(webhook(said))
    with pytest.raises(CallbackMalformed, match=r"\.$"):
        CARRIER.parse(webhook(PAYLOADS["webhooks"]["delivered"], None))


def test_no_result_suppresses_anybody() -> None:
    assert not any(REASON_FACTS[reason].suppresses for reason in (*FAILURES.values(), *REASONS.values()))


# the account, at the simulated vendor


def test_the_key_is_checked_without_reaching_anybody() -> None:
    with running(Simulator) as vendor:
        carrier, wrong = (VoiceDrop(vendor.credentials | changed) for changed in ({}, {"auth_key": "wrong"}))
        assert carrier.read_check(send(carrier.check_request())).ok
        assert "refuses the API key" in wrong.read_check(send(wrong.check_request())).detail
        assert wrong.read_submission(send(wrong.submit_request(DROP))).reason is Reason.CARRIER_ACCOUNT
        assert vendor.ledger.accepted == {}
    assert not CARRIER.read_check(answer(502, {})).ok
    assert not CARRIER.read_check(answer(200, [])).ok
    for said in (ERROR, {"error": "No."}):  # as a client saw them
        assert not CARRIER.read_check(answer(200, said)).ok
