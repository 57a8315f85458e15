"""Slybroadcast's adapter: what it sends, what each answer proves, and that only the vendor's own answer ends a drop."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
import pytest
from django.test import Client
from django.utils import timezone

from delivery.carriers.base import REFUSED_ACCESS, Callback, CallbackMalformed
from delivery.carriers.slybroadcast import REASONS, Slybroadcast, eastern_time
from delivery.lifecycle.events import Outcome, Report, ReportStatus, Submission
from delivery.lifecycle.reasons import REASONS as REASON_FACTS
from delivery.lifecycle.reasons import Reason
from delivery.models import Drop
from delivery.reports.inbox import merge
from delivery.transport.interface import CarrierResponse
from rvm.simulators.framework.schemas import FIXTURES, Schemas
from rvm.simulators.framework.service import running
from rvm.simulators.vendors.slybroadcast import GATEWAY, Simulator
from tests.delivery.carriers.contract import ATTEMPT, DROP, NOW, RECIPIENT, Contract, Documented
from tests.delivery.carriers.end_to_end import runs
from tests.rvm.simulators.sandbox.harness import send

CREDENTIALS = {"c_uid": "drops@clinic.example", "c_password": "the-password"}
CARRIER = Slybroadcast(CREDENTIALS)
PAYLOADS = orjson.loads(Path(FIXTURES, "slybroadcast", "payloads.json").read_bytes())
EASTERN = ZoneInfo("America/New_York")
SESSION = "1084205519"


def answer(body: object, status: int = 200, **headers: str) -> CarrierResponse:
    raw = body.encode() if isinstance(body, str) else orjson.dumps(body)
    return CarrierResponse(status, raw, {name.replace("_", "-"): value for name, value in headers.items()})


def post_back(fields: dict[str, str], drop_id: UUID | None = ATTEMPT) -> Callback:
    raw = urlencode(fields).encode()
    return Callback(raw, {"content-type": "application/x-www-form-urlencoded"}, "http://127.0.0.1:1/", NOW, drop_id)


def var(session: str, phone: str, status: str, reason: str, at: datetime) -> dict[str, str]:
    time = at.astimezone(EASTERN).strftime("%Y-%m-%d %H:%M:%S")
    return {"var": "|".join(f'"{value}"' for value in (session, phone, status, reason, time, "Example Wireless"))}


# What each error of the payloads proves, under whatever status it comes; the vendor documents none.
ERRORS = {
    "a field is missing": (Outcome.REFUSED, Reason.REFUSED),
    "a field is missing, as JSON": (Outcome.REFUSED, Reason.REFUSED),
    "the login is missing": (Outcome.NOT_SENT, Reason.CARRIER_ACCOUNT),
    "the login is wrong": (Outcome.NOT_SENT, Reason.CARRIER_ACCOUNT),
    "nothing is left": (Outcome.NOT_SENT, Reason.NO_FUNDS),
}
REFUSALS = (400, 401, 402, 403, 404, 422)


class TestSlybroadcast(Contract):
    name = "slybroadcast"
    credentials = CREDENTIALS
    answers = (
        *(Documented(answer(body), Outcome.ACCEPTED) for body in PAYLOADS["submissions"].values()),
        *(
            Documented(answer(PAYLOADS["errors"][name], status), outcome, reason)
            for name, (outcome, reason) in ERRORS.items()
            for status in (200, *REFUSALS)
        ),
        *(
            Documented(answer(said, status), Outcome.NOT_SENT, reason)
            for status, reason in REFUSED_ACCESS.items()
            for said in ("", "<html>Forbidden</html>", "The gateway is busy.")
        ),
        *(
            Documented(answer(said, status), Outcome.UNKNOWN)
            for said in ("", "The gateway is busy.", PAYLOADS["submissions"]["accepted as JSON"])
            for status in (201, 301, 400, 404, 422)
        ),
        Documented(answer("slow down", 429), Outcome.NOT_SENT, Reason.NOT_SENT),
        Documented(answer("OK"), Outcome.UNKNOWN),  # nobody could ask for its result
        Documented(answer({"new_campaign": "OK"}), Outcome.UNKNOWN),
        Documented(answer({"new_campaign": "ERROR", "session_id": SESSION}), Outcome.UNKNOWN),
        Documented(answer("The gateway is busy."), Outcome.UNKNOWN),
        Documented(answer("1 message failed."), Outcome.UNKNOWN),
        # None says that anything is wrong, so the drop may be under way.
        Documented(answer("The campaign to c_phone is queued."), Outcome.UNKNOWN),
        Documented(answer("Your account is busy with another campaign."), Outcome.UNKNOWN),
        Documented(answer("Balance: 12"), Outcome.UNKNOWN),
        Documented(answer(PAYLOADS["submissions"]["accepted as JSON"], 500), Outcome.UNKNOWN),
    )
    throttled = answer("", 429)
    codes = {"ok": None, **REASONS}
    reference = SESSION

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
        """A post-back of the shape with one field."""
        fields = var(
            SESSION, RECIPIENT[2:], "OK" if code == "ok" else "Failure", "" if code == "ok" else code, said or at
        )
        return Callback(
            urlencode(fields).encode(), {"content-type": "application/x-www-form-urlencoded"}, url, at, drop_id
        )

    def answer_about(self, code: str) -> CarrierResponse:
        dial_status = "OK" if code == "ok" else "Failure"
        return answer([{"to phone": RECIPIENT[2:], "dial status": dial_status, "fail reason": code}])

    def test_the_post_back_alone_ends_nothing(self, drop: Drop) -> None:
        self.posted(drop, self.delivered)
        merge(timezone.now())
        assert runs.state(drop.voicemail) == ("accepted", "")
        self.merged()
        assert runs.state(drop.voicemail) == ("delivered", "")

    def test_the_post_back_is_acknowledged_by_ok_and_no_other_sessions_is(self, drop: Drop) -> None:
        url = self.address(drop)
        path = url.partition("//")[2].partition("/")[2]
        mine, another = (post_back(var(session, RECIPIENT[2:], "OK", "", NOW)) for session in (SESSION, "999"))
        content_type = "application/x-www-form-urlencoded"
        heard = Client().post(f"/{path}", mine.raw, content_type=content_type)
        assert (heard.status_code, heard.content) == (200, b"OK")
        assert Client().post(f"/{path}", another.raw, content_type=content_type).status_code == 401

    def test_the_session_of_a_drop_without_an_answer_is_learned_from_its_post_back(self, drop: Drop) -> None:
        Drop.objects.update(status="uncertain", carrier_reference="")
        drop.voicemail.status = "uncertain"
        drop.voicemail.save(update_fields=["status"])
        self.posted(drop, self.delivered)
        self.merged()
        drop.refresh_from_db()
        assert (drop.status, drop.carrier_reference) == ("delivered", SESSION)


# requests


def body_of(raw: bytes) -> dict[str, str]:
    return dict(parse_qsl(raw.decode(), keep_blank_values=True, strict_parsing=True))


def test_a_submission_is_one_campaign_to_one_number_now() -> None:
    request = CARRIER.submit_request(DROP)
    assert (request.method, request.url) == ("POST", "https://www.slybroadcast.com/gateway/vmb.json.php")
    assert body_of(request.body) == {
        **CREDENTIALS,
        "c_method": "new_campaign",
        "c_phone": "5550010001",
        "c_callerID": "2125550199",
        "c_date": "now",
        "c_url": DROP.recording_url,
        "c_audio": "mp3",
        "c_dispo_url": DROP.callback_url,
    }
    assert b"c_url=http%3A%2F%2F127.0.0.1" in request.body


@pytest.mark.parametrize(
    "request_",
    [CARRIER.submit_request(DROP), CARRIER.result_request(SESSION), CARRIER.check_request()],
    ids=["submission", "result", "check"],
)
def test_every_request_fits_the_published_fields(request_: Any) -> None:
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in request_.headers)}
    parts = {"headers": headers, "query": {}, "body": body_of(request_.body)}
    assert Schemas("slybroadcast").violations(GATEWAY, parts) == []
    assert all(len(values) == 1 for values in parse_qs(request_.body.decode()).values())


def test_the_login_is_an_e_mail_address() -> None:
    with pytest.raises(ValueError, match=r"^Slybroadcast's Login e-mail address must be an e-mail address\.$"):
        Slybroadcast(CREDENTIALS | {"c_uid": "drops"})


# submissions


@pytest.mark.parametrize("said", PAYLOADS["submissions"].values(), ids=PAYLOADS["submissions"])
def test_an_acceptance_is_read_in_each_form_and_names_the_session(said: object) -> None:
    assert CARRIER.read_submission(answer(said)) == Submission(Outcome.ACCEPTED, carrier_reference=SESSION)


def test_an_error_keeps_the_vendors_words_and_a_page_none() -> None:
    read = CARRIER.read_submission(answer("Missing\n variables:  c_phone"))
    assert (read.code, read.text) == ("error", "Missing variables: c_phone")
    assert CARRIER.read_submission(answer("<html>Invalid login</html>")).text == ""
    assert CARRIER.read_submission(answer("Missing c_phone. " * 100)).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize("status", [408, 500, 503])
def test_an_error_in_a_servers_own_trouble_proves_nothing(status: int) -> None:
    for said in PAYLOADS["errors"].values():
        assert CARRIER.read_submission(answer(said, status)).outcome is Outcome.UNKNOWN
        assert CARRIER.read_check(answer(said, status)).reason is None


# results


def read(said: object) -> Report | None:
    return CARRIER.read_result(answer(said), ATTEMPT)


def test_a_result_is_read_field_by_field() -> None:
    report = read(PAYLOADS["results"]["failed"])
    assert report is not None
    assert (report.attempt_key, report.status, report.reason) == (
        ATTEMPT,
        ReportStatus.FAILED,
        Reason.VOICEMAIL_NOT_DETECTED,
    )
    assert (report.code, report.text) == ("unable to detect voicemail", "Unable to Detect Voicemail")
    assert (report.recipient, report.unsigned) == ("+15550010001", False)
    assert report.occurred_at == datetime.fromisoformat("2026-03-20T15:04:05+00:00")


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("delivered", ReportStatus.DELIVERED),
        ("failed", ReportStatus.FAILED),
        ("failed, with underscores", ReportStatus.FAILED),
        ("under way", None),
        ("of two numbers", None),
        ("none yet", None),
    ],
)
def test_a_result_is_found_in_whatever_it_is_wrapped_and_is_the_only_one(
    name: str, status: ReportStatus | None
) -> None:
    report = read(PAYLOADS["results"][name])
    assert (report.status if report else None) is status


@pytest.mark.parametrize(
    "said",
    [
        "<html></html>",
        "OK",
        "",
        None,
        7,
        {"error": "Invalid session_id"},
        [{"dial status": "OK"}],
        [[[[[{"dial status": "OK"}]]]]],
    ],
)
def test_any_other_answer_is_no_result(said: object) -> None:
    assert read(said) is None
    assert CARRIER.read_result(answer(PAYLOADS["results"]["delivered"], 500), ATTEMPT) is None


def test_a_row_that_names_another_session_or_no_number_of_ours_says_so() -> None:
    row = {"dial status": "OK", "to phone": "617-555", "session id": "7"}
    report = read([row])
    assert report is not None
    assert (report.carrier_reference, report.recipient) == ("7", "617-555")


def test_a_reason_that_nobody_knows_is_kept_and_never_tried_again() -> None:
    report = read([{"session id": SESSION, "dial status": "Failure", "fail reason": "Carrier said no"}])
    assert report is not None
    assert (report.reason, report.code, report.text) == (Reason.UNKNOWN, "carrier said no", "Carrier said no")
    assert not any(REASON_FACTS[reason].suppresses for reason in REASONS.values())


# times


@pytest.mark.parametrize(
    ("said", "utc"),
    [
        ("2026-01-15 09:00:00", "2026-01-15T14:00:00+00:00"),
        ("2026-07-15 09:00:00", "2026-07-15T13:00:00+00:00"),
        ("2026-11-01 00:59:59", "2026-11-01T04:59:59+00:00"),
        ("2026-11-01 01:30:00", "2026-11-01T05:30:00+00:00"),  # comes twice: the first
        ("2026-11-01 02:00:00", "2026-11-01T07:00:00+00:00"),
        ("2026-03-08 02:30:00", "2026-03-08T07:30:00+00:00"),  # is skipped: half an hour after two
        ("03/20/2026 11:04:05", "2026-03-20T15:04:05+00:00"),
        ("03/20/2026 11:04:05 PM", "2026-03-21T03:04:05+00:00"),
        ("2026-03-20 11:04", "2026-03-20T15:04:00+00:00"),
    ],
)
def test_times_are_eastern(said: str, utc: str) -> None:
    assert eastern_time(said) == datetime.fromisoformat(utc)


@pytest.mark.parametrize("said", ["", "now", "2026-02-30 00:00:00", "9999-12-31 23:59:59"])
def test_no_time_is_none(said: str) -> None:
    assert eastern_time(said) is None


# post-backs


@pytest.mark.parametrize(
    ("name", "session", "status"),
    [
        ("one field", SESSION, ReportStatus.FAILED),
        ("one field without quotes", SESSION, ReportStatus.FAILED),
        ("one field, the number first", "108420551", ReportStatus.DELIVERED),
        ("a field each", SESSION, ReportStatus.FAILED),
        ("a field each, by other names", SESSION, ReportStatus.DELIVERED),
    ],
)
def test_a_post_back_is_read_in_each_shape(name: str, session: str, status: ReportStatus) -> None:
    (report,) = CARRIER.parse(post_back(PAYLOADS["post_backs"][name]))
    assert (report.attempt_key, report.carrier_reference, report.status) == (ATTEMPT, session, status)
    assert report.recipient == "+15550010001"
    assert report.reason is (Reason.VOICEMAIL_NOT_DETECTED if status is ReportStatus.FAILED else None)


@pytest.mark.parametrize("fields", [{}, {"x": "y"}, {"var": ""}, {"var": "||||"}, {"c_dispo": ""}])
def test_what_says_nothing_is_no_post_back(fields: dict[str, str]) -> None:
    with pytest.raises(CallbackMalformed, match=r"\.$"):
        CARRIER.parse(post_back(fields))


def test_a_post_back_is_about_the_drop_of_its_address_alone() -> None:
    with pytest.raises(CallbackMalformed, match=r"\.$"):
        CARRIER.parse(post_back(PAYLOADS["post_backs"]["one field"], None))


# the account


@pytest.mark.parametrize(
    ("said", "ok", "sentence"),
    [
        ({"remain_message": 250}, True, "messages left in the account: 250"),
        ("OK\n250", True, "250"),
        ("250", True, "250"),
        ({"remaining": "0"}, False, "no funds left"),
        ("Not enough messages in your account.", False, "no funds left"),
        ("Invalid login or password (5).", False, "refuses the login"),
        ("<html>250</html>", False, "no number of messages"),
        ("OK", False, "no number of messages"),
        ("", False, "no number of messages"),
    ],
)
def test_a_check_says_whether_the_account_can_send(said: object, ok: bool, sentence: str) -> None:
    check = CARRIER.read_check(answer(said))
    assert check.ok is ok
    assert sentence in check.detail
    assert not CARRIER.read_check(answer(said, 503)).ok


@pytest.mark.parametrize("status", REFUSALS)
def test_a_check_reads_an_error_under_any_status_with_which_a_request_is_refused(status: int) -> None:
    for name, (_, reason) in ERRORS.items():
        check = CARRIER.read_check(answer(PAYLOADS["errors"][name], status))
        assert (check.ok, check.reason) == (False, reason if reason is not Reason.REFUSED else None)
        assert check.detail.endswith((".", "c_phone"))
    assert not CARRIER.read_check(answer("250", status)).ok
    assert CARRIER.read_check(answer("<html>", status)).reason is REFUSED_ACCESS.get(status)


# against the simulated vendor


@pytest.fixture
def vendor() -> Iterator[Simulator]:
    with running(Simulator) as simulator:
        yield simulator


@pytest.mark.parametrize("error_status", [200, 400, 401, 403])
def test_the_simulated_vendor_takes_the_login_and_refuses_a_wrong_one(vendor: Simulator, error_status: int) -> None:
    vendor.error_status = error_status
    carrier, wrong = (Slybroadcast(vendor.credentials | changed) for changed in ({}, {"c_password": "wrong"}))
    assert carrier.read_check(send(carrier.check_request())).ok
    refused = wrong.read_check(send(wrong.check_request()))
    assert (refused.ok, "refuses the login" in refused.detail) == (False, True)
    assert wrong.read_submission(send(wrong.submit_request(DROP))).reason is Reason.CARRIER_ACCOUNT
    vendor.messages_left = 0
    assert not carrier.read_check(send(carrier.check_request())).ok
    unpaid = carrier.read_submission(send(carrier.submit_request(DROP)))
    assert (unpaid.outcome, unpaid.reason) == (Outcome.NOT_SENT, Reason.NO_FUNDS)
    assert vendor.ledger.accepted == {}


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("as_runtime")
@pytest.mark.parametrize("one_field", [True, False], ids=["one field", "a field each"])
def test_each_shape_of_post_backs_leads_to_the_vendors_answer(
    vendor: Simulator, one_field: bool, settings: Any, live_server: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs.surround(settings, live_server, tmp_path, monkeypatch)
    vendor.one_field = one_field
    use_case = runs.make_use_case(runs.make_setup(vendor))
    recording = runs.make_recording(use_case)
    voicemails = {last4: runs.queue(use_case, recording, last4) for last4 in ("0001", "0002", "0014")}
    runs.work(runs.all_ended(vendor))
    ends = {last4: runs.state(voicemail) for last4, voicemail in voicemails.items()}
    assert ends == {"0001": ("delivered", ""), "0002": ("failed", "voicemail_not_detected"), "0014": ("delivered", "")}
    assert vendor.ledger.violations == []
    assert set(vendor.ledger.accepted.values()) == {1}


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("as_runtime")
def test_a_lost_post_back_is_made_good_by_the_next_question(
    vendor: Simulator, settings: Any, live_server: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs.surround(settings, live_server, tmp_path, monkeypatch)
    vendor.loses_reports = True
    use_case = runs.make_use_case(runs.make_setup(vendor))
    voicemail = runs.queue(use_case, runs.make_recording(use_case), "0005")
    runs.work(lambda: runs.state(voicemail) == ("accepted", "") and not vendor.pending)
    runs.ask_for_results()
    runs.work(runs.all_ended(vendor))
    assert runs.state(voicemail) == ("failed", "busy")
    assert vendor.ledger.reports == []
