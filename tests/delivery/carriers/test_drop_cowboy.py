"""Drop Cowboy's adapter: what it sends, what each answer proves, how a recording is left there, and what a callback says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import orjson
import pytest

from delivery.carriers.abilities import MediaRejected, MediaUploadFailed
from delivery.carriers.base import Callback, CallbackMalformed, CallbackRejected, DropRequest
from delivery.carriers.drop_cowboy import ANSWERS, REASONS, REFUSALS, DropCowboy
from delivery.lifecycle.events import Outcome, Report, ReportStatus, Submission
from delivery.lifecycle.reasons import REASONS as REASON_FACTS
from delivery.lifecycle.reasons import Reason
from delivery.transport.interface import CarrierRequest, CarrierResponse
from rvm.simulators.framework.service import running
from rvm.simulators.vendors.drop_cowboy import SEND, SIMULATED, Simulator, signed
from tests.delivery.carriers.callback_security import FORGERIES, GENUINE, NOW, Signed, came
from tests.delivery.carriers.contract import CALLBACK, RECIPIENT, Contract, Documented
from tests.rvm.simulators.sandbox.harness import send

ATTEMPT = UUID("0190c0de-0000-7000-8000-000000000001")
CREDENTIALS = {"key": "the-key", "secret": "the-secret", "phone_line_id": "line-1", "signing_secret": "s-1,s-2"}
CARRIER = DropCowboy(CREDENTIALS)
DROP = DropRequest(
    ATTEMPT, "+15550010001", "+12125550199", "http://127.0.0.1:1/a", "http://127.0.0.1:1/c/", media_id="media-1"
)
POST_BACK = {
    "drop_id": "drop-1",
    "log_id": "log-1",
    "phone_number": "+12125550142",
    "caller_id": "+12125550100",
    "status": "failure",
    "reason": "User Busy",
    "reason_code": 4006,
    "dnc": False,
    "attempt_date": "2026-03-20T15:04:05.000Z",
    "foreign_id": str(ATTEMPT),
}
# The vendor's own test vector: examples/api/fixtures/signature-vectors.json.
VECTOR_SECRET = "e4b1c7a9-3f2d-4e8b-9a6c-5d1f8b2e7c30"
VECTOR_BODY = (
    b'{"event_id":"2694f968-93fd-44ca-9b92-2110ed1ee61e","event":"contact.rvm.status","event_at":1774041912000,"data":{"team_id":'
    b'"3f6c2a1e-8b4d-4c7a-9e2f-5a1b3c4d6e7f","contact_id":"5a4b3c2d-1e0f-4a9b-8c7d-6e5f4a3b2c1d","drop_id":"b3e7a1c9-8d5f-4b2e-9a6c'
    b'-1f4d7b3e8a52","campaign_id":null,"campaign_type":"rvm","status":"success","reason":"","reason_code":0,"to":"+13125550142",'
    b'"from":"+12125550100"}}'
)
VECTOR_HEADERS = {
    "x-timestamp": "1774041960",
    "x-signature": "sha256=e85f619d16c3a6ccdb54846a3d7fdf556fd9703c5d94b76740b7bb7470b1bebc",
}


def answer(status: int, body: object, **headers: str) -> CarrierResponse:
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    return CarrierResponse(status, raw, {name.replace("_", "-"): value for name, value in headers.items()})


def problem(status: int) -> dict[str, object]:
    return {"type": "about:blank", "title": "Not so", "status": status, "detail": "Because."}


def post_back(**changed: object) -> bytes:
    return orjson.dumps(POST_BACK | changed)


def webhook(event: str = "contact.rvm.status", **changed: object) -> bytes:
    body = orjson.loads(VECTOR_BODY)
    return orjson.dumps(body | {"event": event, "data": body["data"] | changed})


def parsed(raw: bytes, headers: dict[str, str] | None = None) -> Report:
    (report,) = CARRIER.parse(came(raw, headers or {}))
    return report


def lower(headers: dict[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


class TestDropCowboy(Contract):
    name = "drop_cowboy"
    credentials = CREDENTIALS
    replaced = CREDENTIALS | {"signing_secret": "s-3"}
    rotated = CREDENTIALS | {"signing_secret": "s-2,s-3"}
    signature = "x-signature"
    has_timestamp = True
    answers = (
        Documented(answer(202, {"status": "queued", "message_id": "m-1"}), Outcome.ACCEPTED),
        *(
            Documented(answer(status, problem(status)), outcome, reason)
            for status, (outcome, reason) in ANSWERS.items()
        ),
        *(Documented(answer(status, problem(status)), Outcome.REFUSED, Reason.REFUSED) for status in REFUSALS),
        Documented(answer(500, problem(500)), Outcome.UNKNOWN),
    )
    throttled = answer(429, problem(429))
    codes = {"0": None, **REASONS}

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
        """A post-back, which is unsigned."""
        raw = post_back(
            foreign_id=str(drop_id),
            phone_number=RECIPIENT,
            reason=f"About {RECIPIENT}",
            reason_code=int(code) if code.isdigit() else code,
            status="success" if code == "0" else "failure",
            attempt_date=(said or at).isoformat(),
            log_id=event_id,
        )
        return Callback(raw, {"content-type": "application/json"}, url, at, drop_id)

    def signed_result(self, at: datetime) -> Callback:
        """A webhook, which names no attempt."""
        raw = webhook(reason_code=0, to=RECIPIENT)
        headers = lower(signed(raw, str(int(at.timestamp())), "s-2"))
        return Callback(raw, headers, CALLBACK, at)


# credentials


def test_key_and_secret_are_enough_and_the_address_is_the_documented_one() -> None:
    request = DropCowboy({"key": "k", "secret": "s"}).submit_request(DROP)
    assert request.url == f"{DropCowboy.vendor_url}/rvm" == "https://api-v2.dropcowboy.com/rvm"


# submissions


def test_a_send_is_one_post_with_the_attempt_as_its_key_and_reference() -> None:
    request = CARRIER.submit_request(DROP)
    assert request.method == "POST"
    assert {"x-key: the-key", "x-secret: the-secret", f"Idempotency-Key: {ATTEMPT}"} <= set(request.headers)
    assert orjson.loads(request.body) == {
        "to": "+15550010001",
        "phone_line_id": "line-1",
        "media_id": "media-1",
        "foreign_id": str(ATTEMPT),
        "callback_url": "http://127.0.0.1:1/c/",
    }
    assert request == CARRIER.submit_request(DROP)


def test_without_a_phone_line_the_sender_is_the_caller_and_never_both() -> None:
    body = orjson.loads(DropCowboy(CREDENTIALS | {"phone_line_id": ""}).submit_request(DROP).body)
    assert body["caller_id"] == "+12125550199"
    assert "phone_line_id" not in body


def test_a_202_is_an_acceptance_that_carries_the_vendors_id() -> None:
    read = CARRIER.read_submission(answer(202, {"status": "queued", "message_id": "m-1"}))
    assert read == Submission(Outcome.ACCEPTED, carrier_reference="m-1")


@pytest.mark.parametrize(
    ("status", "body", "outcome", "reason"),
    [
        (401, problem(401), Outcome.NOT_SENT, Reason.CARRIER_ACCOUNT),
        (402, problem(402), Outcome.NOT_SENT, Reason.NO_FUNDS),
        (403, problem(403), Outcome.NOT_SENT, Reason.CARRIER_ACCOUNT),
        (429, b"slow down", Outcome.NOT_SENT, Reason.NOT_SENT),
        (400, problem(400), Outcome.REFUSED, Reason.REFUSED),
        (422, problem(422), Outcome.REFUSED, Reason.REFUSED),
        (400, b"<html>Bad Request</html>", Outcome.UNKNOWN, None),
        (422, problem(400), Outcome.UNKNOWN, None),
        (404, problem(404), Outcome.UNKNOWN, None),
        (408, problem(408), Outcome.UNKNOWN, None),
        (409, problem(409), Outcome.UNKNOWN, None),
        (500, problem(500), Outcome.UNKNOWN, None),
        (502, b"", Outcome.UNKNOWN, None),
        (503, problem(503), Outcome.UNKNOWN, None),
        (200, {"status": "queued", "message_id": "m-1"}, Outcome.UNKNOWN, None),
        (202, {"status": "queued"}, Outcome.UNKNOWN, None),
        (202, {"status": "queued", "message_id": 7}, Outcome.UNKNOWN, None),
        (202, b"\xff", Outcome.UNKNOWN, None),
        (302, b"", Outcome.UNKNOWN, None),
    ],
)
def test_an_answer_proves_what_is_documented_and_nothing_else(
    status: int, body: object, outcome: Outcome, reason: Reason | None
) -> None:
    read = CARRIER.read_submission(answer(status, body))
    assert (read.outcome, read.reason, read.code) == (outcome, reason, f"http_{status}")


def test_a_429_says_how_long_to_wait_and_an_error_explains_itself() -> None:
    read = CARRIER.read_submission(answer(429, problem(429), retry_after="7"))
    assert (read.retry_after, read.text) == (timedelta(seconds=7), "Not so: Because.")
    assert CARRIER.read_submission(answer(500, b"", retry_after="7")).retry_after is None


# codes


@pytest.mark.parametrize(("code", "reason"), REASONS.items())
@pytest.mark.parametrize("written", [int, str])
def test_a_failed_result_carries_the_reason_of_its_code(code: str, reason: Reason, written: type) -> None:
    report = parsed(post_back(reason_code=written(code), reason="Words"))
    assert (report.status, report.reason, report.code, report.text) == (ReportStatus.FAILED, reason, code, "Words")


def test_no_known_code_is_unknown_and_only_an_objection_or_a_list_suppresses() -> None:
    assert Reason.UNKNOWN not in REASONS.values()
    assert {code for code, reason in REASONS.items() if REASON_FACTS[reason].suppresses} == {
        "4016",
        "4017",
        "4019",
        "6005",
    }


def test_every_simulated_number_of_the_vendor_has_a_known_result() -> None:
    assert {str(code) for code, _ in SIMULATED.values()} <= REASONS.keys() | {"0"}


def test_a_reused_key_leaves_open_what_became_of_the_first_send() -> None:
    report = parsed(post_back(reason_code=3027))
    assert report.reason is not None
    assert REASON_FACTS[report.reason].may_have_reached


@pytest.mark.parametrize(
    ("code", "status", "expected", "reason"),
    [
        (0, "success", ReportStatus.DELIVERED, None),
        (0, "failure", ReportStatus.DELIVERED, None),  # the vendor: branch on the code
        (4006, "success", ReportStatus.FAILED, Reason.BUSY),
        (9999, "failure", ReportStatus.FAILED, Reason.UNKNOWN),
        (9999, "success", ReportStatus.DELIVERED, None),
        (None, "failure", ReportStatus.FAILED, Reason.UNKNOWN),
    ],
)
def test_the_code_decides_and_the_status_only_where_the_code_is_new(
    code: object, status: str, expected: ReportStatus, reason: Reason | None
) -> None:
    report = parsed(post_back(reason_code=code, status=status))
    assert (report.status, report.reason) == (expected, reason)
    assert report.code == ("" if code is None else str(code))


# callbacks


def test_a_post_back_is_read_field_by_field() -> None:
    assert parsed(post_back()) == Report(
        attempt_key=ATTEMPT,
        status=ReportStatus.FAILED,
        occurred_at=datetime(2026, 3, 20, 15, 4, 5, tzinfo=UTC),
        event_id="log-1",
        carrier_reference="drop-1",
        reason=Reason.BUSY,
        code="4006",
        text="User Busy",
        recipient="+12125550142",
    )


def test_results_are_signed_where_a_signing_secret_is_set_up_and_post_backs_never_are() -> None:
    bare = DropCowboy(CREDENTIALS | {"signing_secret": ""})
    assert (CARRIER.signs_results, bare.signs_results) == (True, False)
    assert [carrier.verify(came(post_back(), {}, NOW)) for carrier in (CARRIER, bare)] == [False, False]


def test_a_webhook_has_no_key_of_ours_and_says_whom_it_is_about() -> None:
    report = parsed(VECTOR_BODY, VECTOR_HEADERS)
    assert report == Report(
        attempt_key=None,
        status=ReportStatus.DELIVERED,
        occurred_at=datetime(2026, 3, 20, 21, 25, 12, tzinfo=UTC),
        event_id="2694f968-93fd-44ca-9b92-2110ed1ee61e",
        carrier_reference="b3e7a1c9-8d5f-4b2e-9a6c-1f4d7b3e8a52",
        code="0",
        recipient="+13125550142",
    )
    assert "+13125550142" not in repr(report)


@pytest.mark.parametrize(
    "raw",
    [webhook("contact.rvm.receipt"), webhook("contact.sms.status"), webhook(campaign_id="c-1")],
    ids=["a receipt", "another product", "a campaign of the vendor's dashboard"],
)
def test_webhooks_about_other_things_say_nothing(raw: bytes) -> None:
    assert CARRIER.parse(came(raw, VECTOR_HEADERS)) == []


@pytest.mark.parametrize(
    ("raw", "headers"),
    [
        (b"", {}),
        (b"[]", {}),
        (post_back(foreign_id=None), {}),
        (post_back(foreign_id="lead-7"), {}),
        (post_back(reason_code=None, status="pending"), {}),
        (b"{}", VECTOR_HEADERS),
        (b'{"event": 7, "data": {}}', VECTOR_HEADERS),
        (webhook(to=None), VECTOR_HEADERS),
        (webhook(drop_id=""), VECTOR_HEADERS),
        (webhook(reason_code="", status=""), VECTOR_HEADERS),
        (VECTOR_BODY.replace(b"1774041912000", b'"now"'), VECTOR_HEADERS),
        (VECTOR_BODY.replace(b"1774041912000", b"9" * 18), VECTOR_HEADERS),
        (post_back(), VECTOR_HEADERS),  # a signed body is never read as a post-back
    ],
)
def test_a_callback_that_cannot_be_read_is_malformed_and_repeats_nothing(raw: bytes, headers: dict[str, str]) -> None:
    with pytest.raises(CallbackMalformed, match=r"\.$") as caught:
        CARRIER.parse(came(raw, headers))
    assert "5550142" not in str(caught.value)


# proof


SIGNED = Signed(
    CARRIER,
    webhook(reason="delivered"),
    sign=lambda raw, timestamp: lower(signed(raw, timestamp, "s-2")),
    sign_wrongly=lambda raw, timestamp: lower(signed(raw, timestamp, "s-3")),
    signature="x-signature",
    timestamp="x-timestamp",
)


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forged_webhook_is_rejected(forgery: str) -> None:
    with pytest.raises(CallbackRejected, match=r"\.$"):
        SIGNED.verify(FORGERIES[forgery](SIGNED))


@pytest.mark.parametrize("genuine", GENUINE)
def test_a_genuine_webhook_is_taken_under_any_of_the_secrets(genuine: str) -> None:
    assert SIGNED.verify(GENUINE[genuine](SIGNED)) is True


def test_the_vendors_own_vector_verifies_and_not_a_second_too_late() -> None:
    carrier = DropCowboy(CREDENTIALS | {"signing_secret": VECTOR_SECRET})
    carrier.verify(came(VECTOR_BODY, VECTOR_HEADERS, datetime.fromtimestamp(1774041990, UTC)))
    with pytest.raises(CallbackRejected, match="300 seconds"):
        carrier.verify(came(VECTOR_BODY, VECTOR_HEADERS, datetime.fromtimestamp(1774042261, UTC)))


def test_another_version_of_signatures_is_rejected() -> None:
    with pytest.raises(CallbackRejected, match="Version"):
        CARRIER.verify(came(SIGNED.raw, SIGNED.at()[1] | {"x-signature-version": "v2"}, NOW))


def test_without_a_signing_secret_no_webhook_is_believed() -> None:
    carrier = DropCowboy(CREDENTIALS | {"signing_secret": ""})
    empty = lower(signed(SIGNED.raw, SIGNED.at()[1]["x-timestamp"], ""))
    with pytest.raises(CallbackRejected, match="no webhook signing secret"):
        carrier.verify(came(SIGNED.raw, empty, NOW))


def test_a_post_back_needs_an_attempt_key_and_a_stripped_webhook_is_none() -> None:
    CARRIER.verify(came(post_back(), {}, NOW))
    for raw in (post_back(foreign_id="1"), post_back(foreign_id=str(ATTEMPT).upper()), VECTOR_BODY, b""):
        with pytest.raises(CallbackRejected, match="X-Signature is missing"):
            CARRIER.verify(came(raw, {}, NOW))


# recordings


def upload(carrier: DropCowboy, answers: list[CarrierResponse]) -> tuple[list[CarrierRequest], str]:
    """Hold the conversation with prepared answers."""
    conversation, requests = carrier.upload("rec-1", b"mp3"), []
    request = next(conversation)
    try:
        for given_answer in answers:
            requests.append(request)
            request = conversation.send(given_answer)
    except StopIteration as end:
        return requests, end.value
    raise AssertionError("the conversation went on")


def created(url: str = "https://storage/1?s=x", content_type: str = "audio/mpeg") -> CarrierResponse:
    target = {"url": url, "content_type": content_type}
    return answer(200, {"data": {"media_id": "m/1", "upload": {"mp3": target, "wav": {}}}, "meta": {}})


def test_an_upload_is_created_put_and_completed_and_storage_sees_no_key() -> None:
    (create, put, complete), media_id = upload(CARRIER, [created(), answer(200, b""), answer(201, b"")])
    assert media_id == "m/1"
    assert orjson.loads(create.body) == {"name": "rec-1", "type": "rvm", "signed_upload": True}
    assert put == CarrierRequest("PUT", "https://storage/1?s=x", ("Content-Type: audio/mpeg",), b"mp3")
    assert (complete.url, complete.body) == (f"{DropCowboy.vendor_url}/media/public/media/m%2F1/complete", b"{}")
    assert "x-key: the-key" in create.headers
    assert "x-key: the-key" in complete.headers


@pytest.mark.parametrize(
    ("answers", "error"),
    [
        ([answer(422, problem(422))], MediaRejected),
        ([created(), answer(200, b""), answer(400, problem(400))], MediaRejected),
        ([answer(401, problem(401))], MediaUploadFailed),
        ([answer(429, b"")], MediaUploadFailed),
        ([answer(500, b"")], MediaUploadFailed),
        ([answer(200, b"garbage")], MediaUploadFailed),
        ([answer(200, {"data": {"media_id": "m", "upload": {"mp3": {"url": 7}}}})], MediaUploadFailed),
        ([created("http://storage/1")], MediaUploadFailed),  # never from TLS to none
        ([created("file:///etc/passwd")], MediaUploadFailed),
        ([created("https://storage/1\r\nX-Other: b")], MediaUploadFailed),
        ([created("https://storage/\u00e9")], MediaUploadFailed),
        ([created(content_type="audio/mpeg\r\nX-Other: b")], MediaUploadFailed),
        ([created(), answer(403, b"")], MediaUploadFailed),
        ([created(), answer(400, b"")], MediaUploadFailed),
        ([created(), answer(200, b""), answer(404, problem(404))], MediaUploadFailed),
    ],
)
def test_an_upload_that_fails_says_whether_another_may_succeed(
    answers: list[CarrierResponse], error: type[Exception]
) -> None:
    with pytest.raises(error, match=r"\.$"):
        upload(CARRIER, answers)


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (401, Reason.CARRIER_ACCOUNT),
        (402, Reason.NO_FUNDS),
        (403, Reason.CARRIER_ACCOUNT),
        (404, None),
        (429, None),
        (500, None),
    ],
)
def test_an_upload_says_whether_the_account_was_refused(status: int, reason: Reason | None) -> None:
    with pytest.raises(MediaUploadFailed) as caught:
        upload(CARRIER, [answer(status, problem(status))])
    assert caught.value.refused is reason
    with pytest.raises(MediaUploadFailed) as caught:  # of the storage it says nothing of the account
        upload(CARRIER, [created(), answer(status, problem(status))])
    assert caught.value.refused is None


@pytest.mark.parametrize("before", [[], [created()], [created(), answer(200, b"")]], ids=["create", "put", "complete"])
@pytest.mark.parametrize("status", [429, 503])
def test_an_upload_that_comes_too_soon_says_how_long_to_wait(before: list[CarrierResponse], status: int) -> None:
    with pytest.raises(MediaUploadFailed) as caught:
        upload(CARRIER, [*before, answer(status, problem(status), retry_after="90")])
    assert caught.value.retry_after == timedelta(seconds=90)


# against the simulated vendor


def attached(simulator: Simulator, **changed: str) -> DropCowboy:
    return DropCowboy(simulator.credentials | changed)


def leave(simulator: Simulator, carrier: DropCowboy, mp3: bytes = b"mp3") -> str:
    conversation = carrier.upload("rec-1", mp3)
    request = next(conversation)
    try:
        while True:
            request = conversation.send(send(request))
    except StopIteration as end:
        return end.value


def test_the_simulated_vendor_takes_a_recording_and_refuses_another_content_type() -> None:
    with running(Simulator) as simulator:
        media_id = leave(simulator, attached(simulator), b"frames")
        assert (simulator.media[media_id], simulator.ready, simulator.ledger.violations) == (b"frames", {media_id}, [])
        conversation = attached(simulator).upload("rec-1", b"mp3")
        put = conversation.send(send(next(conversation)))
        wrong = CarrierRequest(put.method, put.url, ("Content-Type: audio/mpeg; charset=utf-8",), put.body)
        with pytest.raises(MediaUploadFailed, match="403"):
            conversation.send(send(wrong))


def test_the_simulated_vendor_accepts_whatever_comes_and_sends_a_key_once() -> None:
    with running(Simulator) as simulator:
        carrier = attached(simulator)
        for _ in range(2):
            assert carrier.read_submission(send(carrier.submit_request(DROP))).outcome is Outcome.ACCEPTED
        assert (
            attached(simulator, key="wrong").read_submission(send(carrier.submit_request(DROP))).outcome
            is Outcome.ACCEPTED
        )
        assert simulator.ledger.accepted == {DROP.recipient: 1}
        simulator.answers[SEND] = [429, 500]
        reads = [carrier.read_submission(send(carrier.submit_request(DROP))) for _ in range(2)]
        assert [(read.outcome, read.retry_after) for read in reads] == [
            (Outcome.NOT_SENT, timedelta(seconds=1)),
            (Outcome.UNKNOWN, None),
        ]
