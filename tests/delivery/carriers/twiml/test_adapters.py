"""Twilio's and SignalWire's adapters: what they send, what each answer proves, and what the steps of a call say."""

from __future__ import annotations

import base64
import hashlib
import hmac
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery.carriers.abilities import (
    Action,
    CallAndDetect,
    CallStep,
    IdempotencyKeys,
    LookUp,
    Playable,
    rings,
)
from delivery.carriers.base import Callback, CallbackMalformed, CallbackRejected, CredentialMalformed, DropRequest
from delivery.carriers.signalwire import SignalWire
from delivery.carriers.twilio import ANSWERED_BY, ENDS, ERRORS, GREETING_OVER, NETWORK, Twilio
from delivery.engine.circuit_breaker import ACCOUNT_REASONS
from delivery.lifecycle.events import Outcome, Report, ReportStatus, Submission
from delivery.lifecycle.reasons import REASONS as REASON_FACTS
from delivery.lifecycle.reasons import Reason
from delivery.transport.interface import CarrierRequest, CarrierResponse
from rvm.simulators.framework.schemas import Schemas, fields
from tests.delivery.carriers.callback_security import NOW, came
from tests.delivery.carriers.twiml.vendors import SIGNALWIRE, TWILIO, VENDORS, Vendor

ATTEMPT = UUID("0190c0de-0000-7000-8000-000000000001")
ADDRESS = "https://rvm.example/carriers/setup/1/proof/"
DROP = DropRequest(ATTEMPT, "+12125550142", "+12125550199", "https://rvm.example/r.mp3", ADDRESS)
RECORDING = Playable("https://rvm.example/recordings/a&b.mp3", 27.5)
HANG_UP = b"<Response><Hangup/></Response>"

pytestmark = pytest.mark.parametrize("vendor", VENDORS, ids=lambda vendor: vendor.name)


def answer(status: int, body: object, **headers: str) -> CarrierResponse:
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    return CarrierResponse(status, raw, {name.replace("_", "-"): value for name, value in headers.items()})


def asked(vendor: Vendor, step: str, query: str = "", at: datetime = NOW, **changed: str | None) -> Callback:
    url = f"{ADDRESS}?step={step}{query}"
    raw = vendor.said(step, **changed)
    return came(raw, vendor.sign(url, raw), at, url, ATTEMPT)


def reported(vendor: Vendor, callback: Callback) -> Report:
    assert vendor.carrier.verify(callback) is True
    (report,) = vendor.carrier.parse(callback)
    return report


def redirect(body: bytes) -> str:
    after = body.decode().partition('<Redirect method="POST">')[2].partition("</Redirect>")[0]
    return after.replace("&amp;", "&")


# requests


def check(vendor: Vendor, operation: str, request: CarrierRequest) -> dict[str, Any]:
    """The body's fields of a request that fits the vendor's schema in every part."""
    headers = dict(line.split(": ", 1) for line in request.headers)
    body = fields(parse_qsl(request.body.decode(), keep_blank_values=True))
    query = fields(parse_qsl(urlsplit(request.url).query, keep_blank_values=True))
    parts = {"headers": {name.lower(): value for name, value in headers.items()}, "query": query, "body": body}
    assert Schemas(vendor.name).violations(operation, parts) == []
    return body


def test_a_call_is_one_request_that_fits_the_vendors_schema(vendor: Vendor) -> None:
    operation = {
        "twilio": "POST /2010-04-01/Accounts/{AccountSid}/Calls.json",
        "signalwire": "POST /api/laml/2010-04-01/Accounts/{AccountSid}/Calls",
    }[vendor.name]
    request = vendor.carrier.submit_request(DROP)
    body = check(vendor, operation, request)
    account = vendor.credentials.get("account_sid") or vendor.credentials["project_id"]
    method, path = operation.split()
    assert (request.method, urlsplit(request.url).path) == (method, path.replace("{AccountSid}", account))
    assert (body["To"], body["From"]) == (DROP.recipient, DROP.sender)
    assert body["MachineDetection"] == "DetectMessageEnd"
    assert (body["Url"], body["StatusCallback"]) == (f"{ADDRESS}?step=answered", f"{ADDRESS}?step=ended")
    assert ("TimeLimit" in body) == (vendor is TWILIO)
    assert request == vendor.carrier.submit_request(DROP)


def test_questions_fit_the_vendors_schema_and_go_to_its_published_address(vendor: Vendor) -> None:
    root, end = {"twilio": ("/2010-04-01", ".json"), "signalwire": ("/api/laml/2010-04-01", "")}[vendor.name]
    check(vendor, f"GET {root}/Accounts/{{AccountSid}}/Calls/{{Sid}}{end}", vendor.carrier.result_request("CA1"))
    checked = {"twilio": "Accounts/{Sid}.json", "signalwire": "Accounts/{AccountSid}/Calls"}[vendor.name]
    check(vendor, f"GET {root}/{checked}", vendor.carrier.check_request())
    host = {"twilio": "api.twilio.com", "signalwire": "example.signalwire.com"}[vendor.name]
    assert urlsplit(vendor.carrier.check_request().url)[:2] == ("https", host)
    assert not vendor.carrier.simulated


def test_a_reference_cannot_leave_its_place_in_the_address(vendor: Vendor) -> None:
    assert "/Calls/..%2F..%2FX%3Fy" in vendor.carrier.result_request("../../X?y").url


def test_it_rings_and_has_neither_keys_nor_a_look_up(vendor: Vendor) -> None:
    assert rings(vendor.adapter)
    assert issubclass(vendor.adapter, CallAndDetect)
    assert not issubclass(vendor.adapter, IdempotencyKeys | LookUp)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("account_sid", "AC123"),
        ("account_sid", "SK" + "0" * 32),
        ("auth_token", "short"),
        ("auth_token", "0" * 32 + ","),
        ("auth_token", ""),
        ("space", "example.signalwire.com"),
        ("space", "evil.example/"),
        ("space", "-x"),
        ("project_id", "x"),
        ("signing_key", ""),
        ("base_url", "http://elsewhere.example"),
    ],
)
def test_a_malformed_credential_is_refused_with_its_name_and_without_its_value(
    vendor: Vendor, name: str, value: str
) -> None:
    if name not in {each.name for each in vendor.adapter.credential_fields}:
        return
    with pytest.raises(CredentialMalformed, match=rf"^{vendor.adapter.label}'s .*\.$") as caught:
        vendor.adapter(vendor.credentials | {name: value})
    assert caught.value.name == name
    assert not value or value not in str(caught.value)


def test_the_first_of_several_tokens_sends_and_all_verify(vendor: Vendor) -> None:
    if vendor is TWILIO:
        second = "f" * 32
        both = vendor.adapter(vendor.credentials | {"auth_token": f"{vendor.key},{second}"})
        assert both.check_request() == vendor.carrier.check_request()
    else:
        second = "PSK-second"
        both = vendor.adapter(vendor.credentials | {"signing_key": f"{vendor.key},{second}"})
    url, raw = f"{ADDRESS}?step=ended", vendor.said("ended")
    for key in (vendor.key, second):
        assert both.verify(came(raw, vendor.sign(url, raw, key), url=url))
    with pytest.raises(CallbackRejected):
        both.verify(came(raw, vendor.sign(url, raw, "e" * 32), url=url))


# answers to a submission


def test_a_created_call_is_an_acceptance_that_carries_the_vendors_id(vendor: Vendor) -> None:
    call = vendor.fixture("answers", "call")
    assert vendor.carrier.read_submission(answer(201, call)) == Submission(
        Outcome.ACCEPTED, carrier_reference=call["sid"]
    )


@pytest.mark.parametrize(("code", "outcome"), ERRORS.items())
def test_each_documented_error_proves_that_no_call_exists(
    vendor: Vendor, code: str, outcome: tuple[Outcome, Reason]
) -> None:
    expected = vendor.adapter.errors[code]
    for body in ({"code": int(code), "message": "Not so.", "status": 400}, {"code": code, "message": "Not so."}):
        read = vendor.carrier.read_submission(answer(400, body))
        assert (read.outcome, read.reason, read.code, read.text) == (*expected, code, "Not so.")
    assert expected[0] in (Outcome.NOT_SENT, Outcome.REFUSED)
    assert outcome[1] is not Reason.UNKNOWN


def test_the_vendors_own_error_document_is_read_and_its_number_masked(vendor: Vendor) -> None:
    read = vendor.carrier.read_submission(answer(400, vendor.fixture("answers", "error")))
    assert (read.outcome, read.reason, read.code) == (Outcome.REFUSED, Reason.NUMBER_NOT_SUPPORTED, "21211")
    assert "+12125550142" not in read.text


@pytest.mark.parametrize(
    ("status", "body", "outcome", "reason"),
    [
        (401, {"code": 20003, "message": "Authenticate"}, Outcome.NOT_SENT, Reason.CARRIER_ACCOUNT),
        (401, b"", Outcome.NOT_SENT, Reason.CARRIER_ACCOUNT),
        (429, {"code": 20429, "message": "Too Many Requests"}, Outcome.NOT_SENT, Reason.NOT_SENT),
        (429, b"<html>", Outcome.NOT_SENT, Reason.NOT_SENT),
        (400, {"code": 29999, "message": "New"}, Outcome.REFUSED, Reason.REFUSED),
        (400, b"<html>Bad Request</html>", Outcome.UNKNOWN, None),
        (403, {"code": 29999}, Outcome.UNKNOWN, None),
        (404, b"", Outcome.UNKNOWN, None),
        (408, b"", Outcome.UNKNOWN, None),
        (500, {"code": 20003}, Outcome.UNKNOWN, None),
        (503, {"code": 20429}, Outcome.UNKNOWN, None),
        (302, b"", Outcome.UNKNOWN, None),
        (200, b"{}", Outcome.UNKNOWN, None),
        (201, {"sid": "CA1", "status": "odd"}, Outcome.UNKNOWN, None),
        (201, {"sid": 7, "status": "queued"}, Outcome.UNKNOWN, None),
        (201, {"status": "queued"}, Outcome.UNKNOWN, None),
        (201, b'{"sid": "CA1", "status": "que', Outcome.UNKNOWN, None),
        (201, b"\xff", Outcome.UNKNOWN, None),
    ],
)
def test_an_answer_proves_what_is_documented_and_nothing_else(
    vendor: Vendor, status: int, body: object, outcome: Outcome, reason: Reason | None
) -> None:
    read = vendor.carrier.read_submission(answer(status, body))
    assert (read.outcome, read.reason) == (outcome, reason)


def test_a_throttled_call_waits_as_long_as_the_vendor_says(vendor: Vendor) -> None:
    read = vendor.carrier.read_submission(answer(429, {"code": 20429}, retry_after="7"))
    assert read.retry_after == timedelta(seconds=7)
    assert vendor.carrier.read_submission(answer(503, b"", retry_after="7")).retry_after is None


@given(status=st.integers(100, 599), body=st.binary(), header=st.text())
def test_no_bytes_of_an_answer_raise_or_pass_for_an_acceptance(
    vendor: Vendor, status: int, body: bytes, header: str
) -> None:
    read = vendor.carrier.read_submission(answer(status, body, retry_after=header))
    assert read.outcome is (Outcome.NOT_SENT if status in (401, 402, 429) else Outcome.UNKNOWN)
    assert vendor.carrier.read_result(answer(status, body), ATTEMPT) is None
    assert vendor.carrier.read_check(answer(status, body)).ok is False


def test_no_code_is_unknown_and_none_suppresses(vendor: Vendor) -> None:
    reasons = {*ANSWERED_BY.values(), *ENDS.values(), *NETWORK.values()}
    reasons |= {reason for _, reason in vendor.adapter.errors.values()}
    assert Reason.UNKNOWN not in reasons
    assert not [reason for reason in reasons if REASON_FACTS[reason].suppresses]


def test_only_what_concerns_the_whole_account_opens_the_breaker(vendor: Vendor) -> None:
    account = {code for code, (_, reason) in ERRORS.items() if reason is Reason.CARRIER_ACCOUNT}
    assert account == {"10001", "10002", "10005", "20003", "20005", "20006", "20008", "20010", "21219"}
    assert {ERRORS[code][0] for code in account} == {Outcome.NOT_SENT}


# steps of a call


@pytest.mark.parametrize("answered_by", sorted(GREETING_OVER))
def test_a_machine_is_played_to_once_its_greeting_is_over(vendor: Vendor, answered_by: str) -> None:
    callback = asked(vendor, "answered", AnsweredBy=answered_by)
    report = reported(vendor, callback)
    assert (report.attempt_key, report.status, report.reason) == (ATTEMPT, ReportStatus.ACCEPTED, None)
    assert report.carrier_reference == vendor.fixture("callbacks", "answered")["CallSid"]
    assert vendor.carrier.step_after(callback) == CallStep(ATTEMPT, Action.PLAY, report.carrier_reference)
    response = vendor.carrier.respond(callback, RECORDING)
    assert response.content_type == "text/xml"
    assert response.body.startswith(b"<Response><Play>https://rvm.example/recordings/a&amp;b.mp3</Play><Redirect")
    assert redirect(response.body) == f"{ADDRESS}?step=played&began={int(NOW.timestamp())}&seconds=27.5"


@pytest.mark.parametrize(
    ("answered_by", "reason"),
    [
        *ANSWERED_BY.items(),
        (None, Reason.VOICEMAIL_NOT_DETECTED),
        ("", Reason.VOICEMAIL_NOT_DETECTED),
        ("machine", Reason.VOICEMAIL_NOT_DETECTED),
        ("machine_end_new", Reason.VOICEMAIL_NOT_DETECTED),
    ],
)
def test_whoever_else_answers_is_hung_up_on_at_once(vendor: Vendor, answered_by: str | None, reason: Reason) -> None:
    callback = asked(vendor, "answered", AnsweredBy=answered_by)
    report = reported(vendor, callback)
    assert (report.status, report.reason) == (ReportStatus.FAILED, reason)
    assert vendor.carrier.step_after(callback) == CallStep(ATTEMPT, Action.HANG_UP, report.carrier_reference)
    assert vendor.carrier.respond(callback, RECORDING).body == HANG_UP


def test_a_call_whose_drop_is_over_is_hung_up_on(vendor: Vendor) -> None:
    assert vendor.carrier.respond(asked(vendor, "answered"), None).body == HANG_UP


PLAYED = f"&began={int(NOW.timestamp())}&seconds=27.5"


def test_a_message_that_was_played_whole_is_delivered(vendor: Vendor) -> None:
    callback = asked(vendor, "played", PLAYED, NOW + timedelta(seconds=28))
    report = reported(vendor, callback)
    assert (report.status, report.reason) == (ReportStatus.DELIVERED, None)
    assert not vendor.carrier.says_played
    assert vendor.carrier.step_after(callback) is None
    assert vendor.carrier.respond(callback, RECORDING).body == HANG_UP


@pytest.mark.parametrize(
    ("query", "seconds", "status"),
    [
        (PLAYED, 28, "completed"),  # asked for though the other side has hung up
        (PLAYED, 28, None),
        (PLAYED, 2, "in-progress"),  # the recording could not be fetched, and the call went on
        ("", 28, "in-progress"),
        ("&began=now&seconds=27.5", 28, "in-progress"),
        ("&began=0&seconds=nan", 28, "in-progress"),
    ],
)
def test_a_message_that_may_not_have_been_played_whole_is_a_guess(
    vendor: Vendor, query: str, seconds: int, status: str | None
) -> None:
    report = reported(vendor, asked(vendor, "played", query, NOW + timedelta(seconds=seconds), CallStatus=status))
    assert (report.status, report.reason) == (ReportStatus.FAILED, Reason.UNREPORTED)


def test_a_simulators_seconds_are_not_ours(vendor: Vendor, settings: Any) -> None:
    settings.RVM_SANDBOX_HOSTS = ["127.0.0.1:8800"]
    carrier = vendor.adapter(vendor.credentials | {"base_url": "http://127.0.0.1:8800"})
    (report,) = carrier.parse(asked(vendor, "played", PLAYED))
    assert (carrier.simulated, report.status) == (True, ReportStatus.DELIVERED)


@pytest.mark.parametrize(
    ("status", "answered_by", "network", "reason"),
    [
        ("busy", None, None, Reason.BUSY),
        ("no-answer", None, "487", Reason.NO_ANSWER),
        ("canceled", None, None, Reason.REFUSED),
        ("failed", None, None, Reason.UNREACHABLE),
        ("failed", None, "404", Reason.UNREACHABLE),
        *(("failed", None, network, reason) for network, reason in NETWORK.items()),
        ("completed", None, "200", Reason.UNREPORTED),
        ("completed", "machine_end_beep", "200", Reason.UNREPORTED),
        ("completed", "machine", "200", Reason.UNREPORTED),
        ("completed", "human", "200", Reason.HUMAN_ANSWERED),
        ("completed", "fax", "200", Reason.HUMAN_ANSWERED),
        ("completed", "unknown", "200", Reason.VOICEMAIL_NOT_DETECTED),
        ("odd", None, None, Reason.UNKNOWN),
        (None, None, None, Reason.UNKNOWN),
    ],
)
def test_the_end_of_a_call_ends_what_was_never_played(
    vendor: Vendor, status: str | None, answered_by: str | None, network: str | None, reason: Reason
) -> None:
    code = {"SipResponseCode" if vendor is TWILIO else "SipResultCode": network}
    report = reported(vendor, asked(vendor, "ended", "", NOW, CallStatus=status, AnsweredBy=answered_by, **code))
    assert (report.status, report.reason) == (ReportStatus.FAILED, reason)
    assert report.code == " ".join(filter(None, (status, answered_by, network)))
    assert report.occurred_at == datetime(2026, 3, 4, 5, 6, tzinfo=UTC)


@pytest.mark.parametrize("status", ["queued", "initiated", "ringing", "in-progress"])
def test_a_call_under_way_is_no_end(vendor: Vendor, status: str) -> None:
    assert reported(vendor, asked(vendor, "ended", CallStatus=status)).status is ReportStatus.ACCEPTED


def test_a_callback_without_drop_call_or_step_is_malformed(vendor: Vendor) -> None:
    fixed = came(vendor.said("ended"), url=f"{ADDRESS}?step=ended")
    for callback in (
        fixed,
        asked(vendor, "ended", CallSid=None),
        came(vendor.said("ended"), url=ADDRESS, drop_id=ATTEMPT),
    ):
        with pytest.raises(CallbackMalformed, match=r"^It .*\.$"):
            vendor.carrier.parse(callback)


@given(raw=st.binary(), step=st.sampled_from(["answered", "played", "ended", "other", ""]))
def test_no_bytes_of_a_callback_raise_anything_else(vendor: Vendor, raw: bytes, step: str) -> None:
    callback = came(raw, url=f"{ADDRESS}?step={step}", drop_id=ATTEMPT)
    with suppress(CallbackMalformed):
        assert vendor.carrier.parse(callback)[0].status is not ReportStatus.DELIVERED
    assert vendor.carrier.respond(callback, None).body == HANG_UP


# results that are asked for


@pytest.mark.parametrize(
    ("status", "answered_by", "reason"),
    [
        *((status, None, reason) for status, reason in ENDS.items()),
        ("completed", "human", Reason.HUMAN_ANSWERED),
        ("completed", "unknown", Reason.VOICEMAIL_NOT_DETECTED),
        ("completed", "machine_end_beep", Reason.UNREPORTED),  # never more than is known: not that it was played
        ("completed", "machine", Reason.UNREPORTED),
        ("completed", "machine_start", Reason.UNREPORTED),
        ("completed", None, Reason.UNREPORTED),
    ],
)
def test_a_call_that_is_asked_for_proves_no_more_than_its_end(
    vendor: Vendor, status: str, answered_by: str | None, reason: Reason
) -> None:
    call = vendor.fixture("answers", "call") | {"status": status, "answered_by": answered_by}
    report = vendor.carrier.read_result(answer(200, call), ATTEMPT)
    assert report is not None
    assert (report.attempt_key, report.status, report.reason) == (ATTEMPT, ReportStatus.FAILED, reason)
    assert report.carrier_reference == call["sid"]


@pytest.mark.parametrize("status", ["queued", "ringing", "in-progress", "odd", None, 7])
def test_a_call_that_has_not_ended_has_no_result(vendor: Vendor, status: object) -> None:
    assert (
        vendor.carrier.read_result(answer(200, vendor.fixture("answers", "call") | {"status": status}), ATTEMPT) is None
    )


# the account


@pytest.mark.parametrize(
    ("status", "changed", "ok", "words"),
    [
        (200, {}, True, "takes the"),
        (200, {"status": None, "calls": None}, False, "without what it was asked for"),
        (401, {}, False, "refuses the credentials (HTTP 401)"),
        (403, {"code": 20008}, False, "test credentials, which call nobody"),
        (404, {}, False, "refuses the credentials (HTTP 404)"),
        (503, {}, False, "HTTP 503"),
    ],
)
def test_the_state_of_the_account_is_a_sentence(
    vendor: Vendor, status: int, changed: dict[str, object], ok: bool, words: str
) -> None:
    told = {"twilio": "account", "signalwire": "calls"}[vendor.name]
    found = vendor.carrier.read_check(answer(status, vendor.fixture("answers", told) | changed))
    assert found.ok is ok
    assert words in found.detail
    assert found.detail.endswith(".")
    assert (found.reason is Reason.CARRIER_ACCOUNT) is any(
        each in found.detail for each in ("refuses the credentials", "cannot call", "call nobody")
    )


@pytest.mark.parametrize("status", [400, 401, 402, 403, 422])
def test_a_known_code_decides_under_any_status_with_which_a_request_is_refused(vendor: Vendor, status: int) -> None:
    for code, known in vendor.adapter.errors.items():
        refusal = answer(status, {"code": int(code), "message": "No.", "status": status})
        read = vendor.carrier.read_submission(refusal)
        assert (read.outcome, read.reason) == known, code
        if known[1] in ACCOUNT_REASONS:
            assert vendor.carrier.read_check(refusal).reason is known[1], code


def test_an_account_without_funds_is_told_as_such(vendor: Vendor) -> None:
    unpaid = answer(402, b"")
    read, check = vendor.carrier.read_submission(unpaid), vendor.carrier.read_check(unpaid)
    assert (read.outcome, read.reason) == (Outcome.NOT_SENT, Reason.NO_FUNDS)
    assert (check.ok, check.reason) == (False, Reason.NO_FUNDS)
    assert check.detail == f"The carrier account has no funds left. Add funds at {vendor.adapter.label}."


# signatures


URL = f"{ADDRESS}?step=ended"


@pytest.mark.parametrize(
    "forgery",
    [
        "no signature",
        "empty signature",
        "another key",
        "another address",
        "another step",
        "a field more",
        "a field less",
        "a value changed",
        "another header",
        "signature cut",
        "signature of odd characters",
        "signature in hexadecimal digits",
    ],
)
def test_a_callback_that_is_not_the_vendors_is_rejected(vendor: Vendor, forgery: str) -> None:
    raw = vendor.said("ended")
    signed = vendor.sign(URL, raw)
    given = signed[vendor.header]
    digest = base64.b64decode(given).hex()
    forged = {
        "no signature": came(raw, {}, url=URL),
        "empty signature": came(raw, {vendor.header: ""}, url=URL),
        "another key": came(raw, vendor.sign(URL, raw, "0" * 32), url=URL),
        "another address": came(raw, signed, url=URL.replace("proof", "prooF")),
        "another step": came(raw, signed, url=URL.replace("ended", "played")),
        "a field more": came(raw + b"&AnsweredBy=human", signed, url=URL),
        "a field less": came(vendor.said("ended", Timestamp=None), signed, url=URL),
        "a value changed": came(vendor.said("ended", CallStatus="busy"), signed, url=URL),
        "another header": came(raw, {"x-signature": given}, url=URL),
        "signature cut": came(raw, {vendor.header: given[:-1]}, url=URL),
        "signature of odd characters": came(raw, {vendor.header: "\udcff\u00e9"}, url=URL),
        "signature in hexadecimal digits": came(raw, {vendor.header: digest}, url=URL),
    }[forgery]
    with pytest.raises(CallbackRejected, match=r"^X-.*\.$") as rejected:
        vendor.carrier.verify(forged)
    assert vendor.key not in str(rejected.value)


def test_fields_may_come_in_any_order_and_empty(vendor: Vendor) -> None:
    raw = b"CallSid=CA1&B=&A=2&a=1"
    assert vendor.carrier.verify(came(b"a=1&A=2&B=&CallSid=CA1", vendor.sign(URL, raw), url=URL))


@pytest.mark.parametrize(
    ("signed", "called"),
    [
        ("https://rvm.example:443/c/?step=ended", "https://rvm.example/c/?step=ended"),
        ("https://rvm.example/c/?step=ended", "https://rvm.example:443/c/?step=ended"),
        ("https://rvm.example/c/?step=ended", "https://rvm.example:8443/c/?step=ended"),
        ("http://rvm.example:80/c/?step=ended", "http://rvm.example/c/?step=ended"),
    ],
)
def test_the_address_may_be_signed_with_and_without_its_port(vendor: Vendor, signed: str, called: str) -> None:
    raw = vendor.said("ended")
    assert vendor.carrier.verify(came(raw, vendor.sign(signed, raw), url=called))


def test_a_body_that_is_no_form_is_signed_by_its_hash_in_the_address(vendor: Vendor) -> None:
    raw = b'{"CallSid": "CA1"}'
    url = f"{ADDRESS}?step=ended&bodySHA256={hashlib.sha256(raw).hexdigest()}"
    assert vendor.carrier.verify(came(raw, vendor.sign(url, b""), url=url))
    with pytest.raises(CallbackRejected):
        vendor.carrier.verify(came(raw + b" ", vendor.sign(url, b""), url=url))


def test_signalwires_own_signature_of_the_raw_body_is_taken_from_signalwire_alone(vendor: Vendor) -> None:
    raw = vendor.said("ended")
    digest = hmac.new(vendor.key.encode(), URL.encode() + raw, hashlib.sha1).hexdigest()
    callback = came(raw, {vendor.header: digest}, url=URL)
    if vendor is SIGNALWIRE:
        assert vendor.carrier.verify(callback)
    else:
        with pytest.raises(CallbackRejected):
            vendor.carrier.verify(callback)


def test_the_two_are_one_code(vendor: Vendor) -> None:
    assert issubclass(SignalWire, Twilio)
    assert vendor.adapter.parse is Twilio.parse
