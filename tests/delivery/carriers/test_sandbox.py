"""The sandbox's adapter: what it sends, what each answer proves, and what a callback says."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import orjson
import pytest

from delivery.carriers.abilities import UnknownToCarrier
from delivery.carriers.base import Callback, CallbackMalformed, CallbackRejected, DropRequest
from delivery.carriers.sandbox import ANSWERS, REASONS, Sandbox
from delivery.lifecycle.events import Outcome, Report, ReportStatus, Submission
from delivery.lifecycle.reasons import Reason
from delivery.transport.interface import CarrierResponse
from rvm.simulators.sandbox.outcomes import CODES
from rvm.simulators.sandbox.signatures import signature
from tests.delivery.carriers.callback_security import FORGERIES, GENUINE, Signed, came
from tests.delivery.carriers.contract import RECIPIENT, Contract, Documented
from tests.rvm.simulators.sandbox.harness import KEY, SECRET, Client, receiver, sandbox, send, until

ATTEMPT = UUID("0190c0de-0000-7000-8000-000000000001")
CREDENTIALS = {"base_url": "http://127.0.0.1:8800/", "key": KEY, "signing_secret": SECRET}
CARRIER = Sandbox(CREDENTIALS)
CALLBACK = (
    b'{"events":[{"event_id":"evt_drop_1_failed","id":"drop_1","reference":"0190c0de-0000-7000-8000-000000000001",'
    b'"status":"failed","code":"busy","text":"The line was busy.","occurred_at":"2026-03-04T05:06:07.250Z"},'
    b'{"event_id":"evt_drop_2_delivered","id":"drop_2","reference":"0190c0de-0000-7000-8000-000000000002",'
    b'"status":"delivered","code":"delivered","text":"","occurred_at":"2026-03-04T05:06:08Z"}]}'
)


def request_for(carrier: Sandbox = CARRIER, **changed: str):
    fields = {"recipient": "+12125550101", "sender": "+12125550199", "recording_url": "http://127.0.0.1/a.mp3"}
    return carrier.submit_request(DropRequest(ATTEMPT, **(fields | {"callback_url": "http://127.0.0.1/c"} | changed)))


def answer(status: int, body: object, **headers: str) -> CarrierResponse:
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    return CarrierResponse(status, raw, {name.replace("_", "-"): value for name, value in headers.items()})


def event(**changed: object) -> bytes:
    value = orjson.loads(CALLBACK)["events"][0] | changed
    return orjson.dumps({"events": [value]})


def headers_with(secret: str, raw: bytes, timestamp: str) -> dict[str, str]:
    return {"x-sandbox-timestamp": timestamp, "x-sandbox-signature": signature(secret, timestamp, raw)}


class TestSandbox(Contract):
    name = "sandbox"
    credentials = CREDENTIALS
    replaced = CREDENTIALS | {"signing_secret": "another"}
    signature = "x-sandbox-signature"
    has_timestamp = True
    answers = (
        Documented(answer(202, {"id": "drop_1", "status": "accepted"}), Outcome.ACCEPTED),
        *(
            Documented(answer(status, {"code": code, "message": f"{RECIPIENT} is no good."}), outcome, reason)
            for (status, code), (outcome, reason) in ANSWERS.items()
        ),
        Documented(answer(422, {"code": "idempotency_conflict", "message": "Used."}), Outcome.UNKNOWN),
        Documented(answer(500, {"code": "internal", "message": ""}), Outcome.UNKNOWN),
    )
    throttled = answer(429, {"code": "throttled", "message": "Too many requests."})
    codes = {"delivered": None, **REASONS}

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
        said = said or at
        event = {
            "event_id": event_id,
            "id": "drop_1",
            "reference": str(drop_id),
            "status": "delivered" if code == "delivered" else "failed",
            "code": code,
            "text": f"This is about {RECIPIENT}.",
            "occurred_at": said.isoformat(),
        }
        raw = orjson.dumps({"events": [event]})
        return self.signed_anew(Callback(raw, {"content-type": "application/json"}, url, at), raw)

    def signed_anew(self, callback: Callback, raw: bytes) -> Callback:
        signed = headers_with(SECRET, raw, str(int(callback.at.timestamp())))
        return replace(callback, raw=raw, headers={**callback.headers, **signed})


# submissions


def test_a_submission_is_one_post_with_the_attempt_as_its_key_and_reference():
    request = request_for()
    assert (request.method, request.url) == ("POST", "http://127.0.0.1:8800/v1/drops")
    assert set(request.headers) == {
        f"Authorization: Bearer {KEY}",
        "Content-Type: application/json",
        f"Idempotency-Key: {ATTEMPT}",
    }
    assert orjson.loads(request.body) == {
        "to": "+12125550101",
        "from": "+12125550199",
        "audio_url": "http://127.0.0.1/a.mp3",
        "reference": str(ATTEMPT),
        "callback_url": "http://127.0.0.1/c",
    }


def test_acceptance_carries_the_vendors_id():
    accepted = CARRIER.read_submission(answer(202, {"id": "drop_1", "status": "accepted"}))
    assert accepted == Submission(Outcome.ACCEPTED, carrier_reference="drop_1")


@pytest.mark.parametrize(
    ("status", "code", "outcome", "reason"),
    [
        (400, "malformed", Outcome.REFUSED, Reason.REFUSED),
        (400, "invalid_key", Outcome.REFUSED, Reason.REFUSED),
        (413, "too_large", Outcome.REFUSED, Reason.REFUSED),
        (422, "invalid", Outcome.REFUSED, Reason.REFUSED),
        (422, "refused", Outcome.REFUSED, Reason.REFUSED),
        (401, "unauthorized", Outcome.NOT_SENT, Reason.CARRIER_ACCOUNT),
        (429, "throttled", Outcome.NOT_SENT, Reason.NOT_SENT),
        (503, "not_processed", Outcome.NOT_SENT, Reason.NOT_SENT),
    ],
)
def test_a_documented_refusal_proves_what_it_says(status: int, code: str, outcome: Outcome, reason: Reason):
    assert (status, code) in ANSWERS
    read = CARRIER.read_submission(answer(status, {"code": code, "message": "Because."}))
    assert read == Submission(outcome, reason=reason, code=code, text="Because.")


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (422, {"code": "idempotency_conflict", "message": "Used."}),
        (500, {"code": "internal", "message": ""}),
        (503, b"<html>Service Unavailable</html>"),
        (502, b""),
        (429, b"slow down"),
        (404, {"code": "no_such_route"}),
        (200, {"id": "drop_1", "status": "accepted"}),
        (202, {"id": "", "status": "accepted"}),
        (202, {"id": "drop_1"}),
        (202, []),
        (202, b"\xff\xfe"),
        (302, b""),
    ],
)
def test_whatever_is_not_documented_leaves_open_whether_it_was_sent(status: int, body: object):
    read = CARRIER.read_submission(answer(status, body))
    assert (read.outcome, read.carrier_reference, read.reason) == (Outcome.UNKNOWN, "", None)
    assert read.code


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7), (" 7 ", 7), ("0", 0), ("999999999999", 3600), ("", None), ("-1", None), ("٣", None), ("soon", None)],
)
def test_retry_after_is_read_as_seconds_up_to_an_hour(header: str, seconds: int | None):
    read = CARRIER.read_submission(answer(429, {"code": "throttled"}, retry_after=header))
    assert read.retry_after == (None if seconds is None else timedelta(seconds=seconds))


# codes


def test_every_code_of_the_vendor_has_a_reason():
    assert set(REASONS) == set(CODES) - {"delivered"}
    assert Reason.UNKNOWN not in REASONS.values()


@pytest.mark.parametrize(
    ("code", "kept"), [("gone_fishing", "gone_fishing"), (4711, "4711"), ("", ""), (None, ""), ("x" * 99, "x" * 64)]
)
def test_an_unknown_code_becomes_unknown_and_is_kept(code: object, kept: str):
    (report,) = CARRIER.parse(came(event(code=code), {}))
    assert (report.status, report.reason, report.code) == (ReportStatus.FAILED, Reason.UNKNOWN, kept)


# callbacks


def test_a_callback_is_read_field_by_field():
    assert CARRIER.parse(came(CALLBACK, {})) == [
        Report(
            attempt_key=ATTEMPT,
            status=ReportStatus.FAILED,
            occurred_at=datetime(2026, 3, 4, 5, 6, 7, 250_000, tzinfo=UTC),
            event_id="evt_drop_1_failed",
            carrier_reference="drop_1",
            reason=Reason.BUSY,
            code="busy",
            text="The line was busy.",
        ),
        Report(
            attempt_key=UUID("0190c0de-0000-7000-8000-000000000002"),
            status=ReportStatus.DELIVERED,
            occurred_at=datetime(2026, 3, 4, 5, 6, 8, tzinfo=UTC),
            event_id="evt_drop_2_delivered",
            carrier_reference="drop_2",
            code="delivered",
        ),
    ]


@pytest.mark.parametrize(
    "time", [None, 1772600767, "yesterday", "2026-03-04T05:06:07", "0001-01-01T00:00:00+14:00", "2026-13-01T00:00:00Z"]
)
def test_a_time_that_cannot_be_placed_is_none(time: object):
    (report,) = CARRIER.parse(came(event(occurred_at=time), {}))
    assert report.occurred_at is None


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "no JSON object"),
        (b"[]", "no JSON object"),
        (b'{"events": {}}', "no JSON object"),
        (b'{"events": [7]}', "Event 1 of 1 has a reference"),
        (event(reference="+12125550101"), "Event 1 of 1 has a reference"),
        (event(reference=None), "Event 1 of 1 has a reference"),
        (event(status="pending"), "Event 1 of 1 has a status"),
        (event(status=None), "Event 1 of 1 has a status"),
        (event(status=["failed"]), "Event 1 of 1 has a status"),
    ],
)
def test_a_callback_that_cannot_be_read_says_where_and_repeats_nothing(raw: bytes, message: str):
    with pytest.raises(CallbackMalformed, match=message) as caught:
        CARRIER.parse(came(raw, {}))
    assert "5550101" not in str(caught.value)


def test_a_text_is_cut_and_rid_of_what_postgresql_cannot_store():
    (report,) = CARRIER.parse(came(event(text="a\0b" + "x" * 1000), {}))
    assert (report.text[:3], len(report.text)) == ("abx", 499)


SIGNED = Signed(
    carrier=CARRIER,
    raw=CALLBACK,
    sign=lambda raw, timestamp: headers_with(SECRET, raw, timestamp),
    sign_wrongly=lambda raw, timestamp: headers_with("another", raw, timestamp),
    signature="x-sandbox-signature",
    timestamp="x-sandbox-timestamp",
)


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forged_callback_is_rejected(forgery: str):
    with pytest.raises(CallbackRejected) as caught:
        SIGNED.verify(FORGERIES[forgery](SIGNED))
    assert SECRET not in str(caught.value)
    assert SIGNED.genuine_signature() not in str(caught.value)


@pytest.mark.parametrize("genuine", GENUINE)
def test_a_genuine_callback_is_accepted(genuine: str):
    SIGNED.verify(GENUINE[genuine](SIGNED))


# look-ups


def test_a_look_up_asks_by_the_attempt_alone():
    request = CARRIER.lookup_request(ATTEMPT)
    assert (request.method, request.url, request.body) == (
        "GET",
        f"http://127.0.0.1:8800/v1/drops?reference={ATTEMPT}",
        b"",
    )
    assert request.headers == (f"Authorization: Bearer {KEY}",)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (404, {"code": "no_such_route"}),
        (404, b""),
        (401, {"code": "unauthorized"}),
        (500, b""),
        (200, b"garbage"),
        (200, {"status": "accepted"}),
    ],
)
def test_a_look_up_that_says_nothing_is_none(status: int, body: object):
    assert CARRIER.read_lookup(answer(status, body)) is None


# with the vendor itself


def attached(client: Client) -> Sandbox:
    return Sandbox(CREDENTIALS | {"base_url": f"http://127.0.0.1:{client.port}"})


def test_adapter_and_vendor_understand_each_other_from_submission_to_report():
    with receiver() as taker, sandbox(fetch_audio=True) as client:
        carrier = attached(client)
        assert isinstance(carrier.read_lookup(send(carrier.lookup_request(ATTEMPT))), UnknownToCarrier)
        request = request_for(carrier, recording_url=taker.audio_url, callback_url=taker.callback_url)
        submission = carrier.read_submission(send(request))
        assert submission.outcome is Outcome.ACCEPTED
        headers, raw = until(lambda: taker.posts, "the report")[0]
        carrier.verify(came(raw, headers, datetime.now(UTC)))
        (report,) = carrier.parse(came(raw, headers))
        assert (report.attempt_key, report.carrier_reference) == (ATTEMPT, submission.carrier_reference)
        assert report == carrier.read_lookup(send(carrier.lookup_request(ATTEMPT)))


def test_a_drop_that_waits_for_its_end_is_looked_up_as_accepted():
    with receiver() as taker, sandbox() as client:
        carrier = attached(client)
        request = request_for(carrier, recipient="+15550010010", callback_url=taker.callback_url)
        submission = carrier.read_submission(send(request))
        assert carrier.read_lookup(send(carrier.lookup_request(ATTEMPT))) == submission


@pytest.mark.parametrize(
    ("last4", "outcome", "code", "waits"),
    [
        ("0011", Outcome.REFUSED, "refused", None),
        ("0012", Outcome.NOT_SENT, "throttled", timedelta(seconds=1)),
        ("0013", Outcome.NOT_SENT, "not_processed", None),
        ("0017", Outcome.UNKNOWN, "http_200", None),
    ],
)
def test_the_odd_numbers_answers_prove_what_they_should(
    last4: str, outcome: Outcome, code: str, waits: timedelta | None
):
    with receiver() as taker, sandbox() as client:
        carrier = attached(client)
        request = request_for(carrier, recipient=f"+1555001{last4}", callback_url=taker.callback_url)
        read = carrier.read_submission(send(request))
        assert (read.outcome, read.code, read.retry_after) == (outcome, code, waits)


def test_a_wrong_account_key_proves_that_nothing_was_sent():
    with sandbox() as client:
        carrier = Sandbox(CREDENTIALS | {"base_url": f"http://127.0.0.1:{client.port}", "key": "wrong"})
        read = carrier.read_submission(send(request_for(carrier)))
        assert (read.outcome, read.reason) == (Outcome.NOT_SENT, Reason.CARRIER_ACCOUNT)
