"""What every adapter must do, whatever its vendor: a test class that each adapter's tests inherit with the vendor's own data.

`tests/delivery/carriers/test_<carrier>.py` has a class `Test…(Contract)`; `test_registry.py` fails for an adapter without one.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from dataclasses import fields as dataclass_fields
from datetime import datetime, timedelta
from pathlib import Path
from ssl import SSLContext
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlencode, urlsplit
from uuid import UUID

import orjson
import pytest
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from django_rq import get_connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from delivery.carriers import CARRIERS
from delivery.carriers.abilities import (
    AccountCheck,
    CallAndDetect,
    CallCommands,
    IdempotencyKeys,
    LookUp,
    MediaUpload,
    ResultPoll,
    UnknownToCarrier,
)
from delivery.carriers.base import (
    Callback,
    CallbackMalformed,
    CallbackRejected,
    Carrier,
    CarrierError,
    CredentialMalformed,
    DropRequest,
)
from delivery.engine.circuit_breaker import ACCOUNT_REASONS
from delivery.engine.rate_limit import RateLimiter
from delivery.lifecycle.events import Outcome, Report, ReportStatus, Submission
from delivery.lifecycle.reasons import GUESSES, REASONS, Reason
from delivery.models import CarrierReport, Drop
from delivery.reports.inbox import merge
from delivery.reports.result_polls import poll_results
from delivery.transport.curl import CurlTransport
from delivery.transport.interface import CarrierRequest, CarrierResponse, Proof, TransportFailure
from tests import factories
from tests.delivery.exchanges import end_of, say
from tests.delivery.fake_carrier import FakeTransport
from tests.delivery.states import both, counter_totals, make_drop, row_counts
from tests.delivery.transport.wire_server import Heard, WireServer
from usecases.callbacks.addresses import drop_address

NOW = datetime.fromisoformat("2026-03-04T05:06:07+00:00")
ATTEMPT = UUID("0190c0de-0000-7000-8000-000000000001")
RECIPIENT, SENDER = "+15550010001", "+12125550199"
RECORDING, CALLBACK = "http://127.0.0.1:1/recordings/s3cret.mp3", "http://127.0.0.1:1/carriers/s3cret/"
DROP = DropRequest(ATTEMPT, RECIPIENT, SENDER, RECORDING, CALLBACK, media_id="media-1")
OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
HTML = b"<html><body>It works!</body></html>"
CENTURY = timedelta(days=36525)
ALDER = "Ana Alder"  # a name that is in no message


@dataclass(frozen=True)
class Documented:
    """An answer that the vendor documents to a submission, and what it proves."""

    response: CarrierResponse
    outcome: Outcome
    reason: Reason | None = None


def _page(status: str, body: bytes = HTML, *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", "Content-Type: text/html", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def hang(heard: Heard) -> None:
    """Keeps the connection open and says nothing more."""


# Answers of whatever stands between us and the vendor: none proves anything.
WIRE: Mapping[str, Callable[[Heard], None]] = {
    "no answer": hang,
    "closed after reading": Heard.close,
    "reset after reading": Heard.reset,
    "half a status line": say(b"HTTP/1.1 20"),
    "half a body": say(OK + b'Content-Length: 500\r\n\r\n{"status', then=Heard.close),
    "a huge body": say(OK + b"Content-Length: 9000000\r\n\r\n"),
    "an endless body": say(
        OK + b"Transfer-Encoding: chunked\r\n\r\n" + b"1000\r\n" + b"x" * 4096 + b"\r\nFFFF\r\n" + b"x" * 65535
    ),
    "no HTTP": say(b"220 mail.example ESMTP\r\n\r\n", then=Heard.close),
    **{f"HTML with {status}": say(_page(f"{status} What")) for status in (200, 201, 202, 500, 502, 503, 504)},
    **{f"nothing with {status}": say(_page(f"{status} What", b"")) for status in (200, 201, 202, 500, 503)},
    "JSON null": say(_page("200 OK", b"null")),
    "a JSON list": say(_page("201 Created", b"[]")),
    "nested JSON": say(_page("202 Accepted", b"[" * 3000 + b"]" * 3000)),
    **{
        f"a redirect with {status}": say(_page(f"{status} Elsewhere", b"", "Location: http://127.0.0.1:1/elsewhere"))
        for status in (301, 302, 303, 307, 308)
    },
}


def _with_each_replaced(value: Any, by: Callable[[Any], Any]) -> Iterator[Any]:
    """The JSON value with each of its values, and of theirs, replaced in turn."""
    yield by(value)
    if isinstance(value, dict):
        yield from ({**value, name: new} for name, each in value.items() for new in _with_each_replaced(each, by))
    elif isinstance(value, list):
        for n, each in enumerate(value):
            yield from ([*value[:n], new, *value[n + 1 :]] for new in _with_each_replaced(each, by))


# Each adapter's class runs the same functions. Beside what the profile suppresses, which a list of its own would replace.
drawn = settings(suppress_health_check=[*settings().suppress_health_check, HealthCheck.differing_executors])


class Contract:
    """The data of one vendor. `credentials` are complete and go to the vendor's published address, if it has one."""

    name: ClassVar[str]
    credentials: ClassVar[Mapping[str, str]]
    replaced: ClassVar[Mapping[str, str]] = {}  # credentials with another signing secret; empty if nothing is signed
    rotated: ClassVar[
        Mapping[str, str]
    ] = {}  # credentials that take `credentials`' signatures beside others; empty if none can
    signature: ClassVar[str] = ""  # the header's name in lower case; empty if nothing is signed
    has_timestamp: ClassVar[bool] = False  # whether the signature ends after minutes
    answers: ClassVar[Sequence[Documented]]  # all that are documented, an acceptance among them
    throttled: ClassVar[CarrierResponse | None] = (
        None  # the documented answer to too many requests, without Retry-After
    )
    codes: ClassVar[Mapping[str, Reason | None]]  # every code that a result can have; None: delivered
    unknown_code: ClassVar[str] = "gone_fishing"  # a failure with a code of no table
    reference: ClassVar[str] = ""  # the vendor's id of the drop in `result`, where it is asked for the result

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
        """The vendor's genuine callback at the drop's address, sent and signed at `at`: the drop ended so at `said`."""
        raise NotImplementedError

    def answer_about(self, code: str) -> CarrierResponse:
        """The vendor's answer to the question for the result of a drop that ended so. Only where an unsigned result has it asked."""
        raise NotImplementedError

    def signed_result(self, at: datetime) -> Callback:
        """A signed result on ATTEMPT; the same as `result`, unless the vendor has an unsigned kind of result."""
        return self.result(CALLBACK, ATTEMPT, self.delivered, at=at)

    def carrier(self, **changed: str) -> Carrier:
        return CARRIERS[self.name]({**self.credentials, **changed})

    @property
    def delivered(self) -> str:
        return next(code for code, reason in self.codes.items() if reason is None)

    @property
    def failed(self) -> str:
        """A code that ends a drop for good."""
        final = (c for c, r in self.codes.items() if r and r not in GUESSES and not REASONS[r].retryable)
        return next(final)

    @property
    def secrets(self) -> list[str]:
        """What may stand in no log, message or representation."""
        names = {field.name for field in CARRIERS[self.name].credential_fields if field.secret}
        return [RECIPIENT, RECIPIENT[1:], "s3cret", *(v for n, v in self.credentials.items() if n in names)]

    def hidden(self, *shown: object) -> None:
        """Fail if any of the texts or representations shows a secret or a number."""
        for each in shown:
            for text in (str(each), repr(each)):
                assert not [secret for secret in self.secrets if secret in text], type(each)

    # credentials

    def test_a_missing_credential_is_refused_by_its_name(self) -> None:
        for field in CARRIERS[self.name].credential_fields:
            if field.required:
                with pytest.raises(CredentialMalformed, match=r"\.$") as caught:
                    self.carrier(**{field.name: ""})
                assert caught.value.name == field.name
                self.hidden(caught.value)

    @pytest.mark.parametrize("ending", ["\r\nX-Other: b", " b", "\0", "\u00e9", "\ud800"])
    def test_a_malformed_credential_is_refused_by_its_name_without_its_value(self, ending: str) -> None:
        for field in CARRIERS[self.name].credential_fields:
            value = self.credentials.get(field.name) or "http://127.0.0.1:8800"
            with pytest.raises(CredentialMalformed, match=r"\.$") as caught:
                self.carrier(**{field.name: value + ending})
            assert caught.value.name == field.name
            self.hidden(caught.value)

    def test_only_a_listed_host_that_is_not_the_vendors_makes_it_simulated(self, settings: Any) -> None:
        settings.RVM_SANDBOX_HOSTS = ["127.0.0.1", "listed.example"]
        carrier = self.carrier(base_url="http://127.0.0.1:8801")
        assert carrier.simulated
        assert urlsplit(carrier.submit_request(DROP).url).netloc == "127.0.0.1:8801"
        for elsewhere in ("https://other.example", "http://10.0.0.1", "ftp://127.0.0.1", "http://user@127.0.0.1"):
            with pytest.raises(CredentialMalformed):
                self.carrier(base_url=elsewhere)
        published = carrier.published_address()
        if published:
            real = CARRIERS[self.name]({n: v for n, v in self.credentials.items() if n != "base_url"})
            assert not real.simulated
            assert urlsplit(real.submit_request(DROP).url).scheme == "https"

    # submissions

    def test_a_request_is_the_same_for_the_same_attempt_and_shows_nothing(self) -> None:
        carrier = self.carrier()
        request = carrier.submit_request(DROP)
        assert request == carrier.submit_request(replace(DROP))
        self.sendable(request)
        self.hidden(DROP)

    def sendable(self, request: CarrierRequest) -> None:
        """Fail unless each line is one line, and neither the request's representation nor its address tells anything."""
        assert all(line.isascii() and line.isprintable() for line in request.headers)
        assert request.url.isascii()
        self.hidden(request, request.url)

    def test_every_documented_answer_proves_what_it_says(self) -> None:
        assert Outcome.ACCEPTED in {answer.outcome for answer in self.answers}
        for answer in self.answers:
            read = self.carrier().read_submission(answer.response)
            assert (read.outcome, read.reason) == (answer.outcome, answer.reason), answer.response.body
            assert len(read.code) <= 64
            self.hidden(read)

    def test_an_answer_that_refuses_the_account_does_so_whatever_was_asked(self) -> None:
        refused = [answer for answer in self.answers if answer.reason in ACCOUNT_REASONS]
        assert refused
        for answer in refused:
            read = self.carrier().read_refusal(answer.response)
            assert read is None or read.reason is answer.reason
        assert any(self.carrier().read_refusal(answer.response) for answer in refused)
        for answer in self.answers:
            if answer.reason not in ACCOUNT_REASONS:
                read = self.carrier().read_refusal(answer.response)
                assert read is None or read.reason not in ACCOUNT_REASONS

    def test_an_answer_that_refuses_the_account_is_its_reason_in_a_check_too(self) -> None:
        carrier = self.carrier()
        if isinstance(carrier, AccountCheck):
            for answer in self.answers:
                if carrier.read_refusal(answer.response) and answer.reason in ACCOUNT_REASONS:
                    check = carrier.read_check(answer.response)
                    assert (check.ok, check.reason) == (False, answer.reason), answer.response.body

    @pytest.mark.parametrize(
        "status", [100, 204, 301, 302, 304, 400, 401, 403, 404, 408, 409, 422, 429, 500, 502, 503, 504]
    )
    def test_the_body_of_an_acceptance_proves_none_under_another_status(self, status: int) -> None:
        for answer in self.answers:
            if answer.outcome is Outcome.ACCEPTED:
                read = self.carrier().read_submission(replace(answer.response, status=status))
                assert read.outcome is not Outcome.ACCEPTED
                assert not read.carrier_reference

    def test_a_retry_after_is_kept_where_nothing_was_sent(self) -> None:
        if self.throttled is None:
            return
        at = {"date": "Sun, 06 Nov 1994 08:49:37 GMT"}
        for headers, wait in (
            ({}, None),
            ({"retry-after": "7"}, timedelta(seconds=7)),
            ({"retry-after": "soon"}, None),
            # A date in each form of HTTP, measured from the answer's own.
            ({**at, "retry-after": "Sun, 06 Nov 1994 08:49:47 GMT"}, timedelta(seconds=10)),
            ({**at, "retry-after": "Sunday, 06-Nov-94 08:49:47 GMT"}, timedelta(seconds=10)),
            ({**at, "retry-after": "Sun Nov  6 08:49:47 1994"}, timedelta(seconds=10)),
            ({**at, "retry-after": "Mon, 07 Nov 1994 08:49:47 GMT"}, timedelta(hours=1)),
            ({"retry-after": "Sun, 06 Nov 1994 08:49:47 GMT"}, None),
            ({**at, "retry-after": "Sun, 06 Nov 1994"}, None),
            ({**at, "retry-after": "Sun, 99 Nov 1994 08:49:47 GMT"}, None),
        ):
            read = self.carrier().read_submission(
                replace(self.throttled, headers={**self.throttled.headers, **headers})
            )
            assert read.outcome is Outcome.NOT_SENT
            assert read.retry_after == wait or (wait is None and read.retry_after is not None)

    @pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
    def test_a_servers_fault_leaves_open_what_became_of_the_drop(self, status: int) -> None:
        documented = {answer.response.status for answer in self.answers if answer.outcome is not Outcome.UNKNOWN}
        for answer in () if status in documented else self.answers:
            read = self.carrier().read_submission(replace(answer.response, status=status))
            assert (read.outcome, read.retry_after) == (Outcome.UNKNOWN, None), answer.response.body

    @drawn
    @given(status=st.integers(0, 999), body=st.binary(), header=st.text())
    def test_no_bytes_of_an_answer_raise_or_pass_for_an_acceptance(self, status: int, body: bytes, header: str) -> None:
        response = CarrierResponse(status, body, {"retry-after": header, "content-type": header})
        assert self.carrier().read_submission(response).outcome is not Outcome.ACCEPTED

    @drawn
    @given(
        value=st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
            max_leaves=8,
        ),
        data=st.data(),
    )
    def test_no_value_in_a_documented_answer_raises(self, value: object, data: st.DataObject) -> None:
        """A documented JSON answer with any value in place of one of its fields."""
        shaped = [a.response for a in self.answers if a.response.body[:1] == b"{"]
        if not shaped:
            return
        response = data.draw(st.sampled_from(shaped))
        body = orjson.loads(response.body)
        name = data.draw(st.sampled_from(sorted(body)))
        raw = (
            orjson.dumps({**body, name: value}, default=str, option=orjson.OPT_NON_STR_KEYS) if _fits(value) else b"{}"
        )
        carrier = self.carrier()
        for changed in (replace(response, body=raw), replace(response, body=raw, status=200)):
            carrier.read_submission(changed)
            self.read_everything(carrier, changed)

    @drawn
    @given(status=st.integers(100, 599), body=st.binary())
    def test_no_bytes_raise_in_any_of_its_abilities(self, status: int, body: bytes) -> None:
        self.read_everything(self.carrier(), CarrierResponse(status, body))

    def read_everything(self, carrier: Carrier, response: CarrierResponse) -> None:
        """Whatever comes back proves no delivery and permits no other request, and raises nothing."""
        if isinstance(carrier, LookUp):
            found = carrier.read_lookup(response)
            assert not isinstance(found, UnknownToCarrier)
            assert not (isinstance(found, Report) and found.status is ReportStatus.DELIVERED)
        if isinstance(carrier, ResultPoll):
            result = carrier.read_result(response, ATTEMPT)
            assert result is None or result.status is not ReportStatus.DELIVERED
        if isinstance(carrier, AccountCheck):
            self.hidden(carrier.read_check(response))
        if isinstance(carrier, CallCommands):
            read = carrier.read_command(response)
            assert read is not Outcome.NOT_SENT or response.status < 500
        if isinstance(carrier, MediaUpload):
            conversation = carrier.upload("rec-1", b"mp3")
            next(conversation)
            try:
                conversation.send(response)
            except (CarrierError, StopIteration):
                return

    # the wire

    @pytest.mark.parametrize("answer", WIRE)
    def test_no_answer_of_something_in_between_proves_anything(self, answer: str) -> None:
        with WireServer(WIRE[answer]) as server:
            end = self.submitted(f"http://127.0.0.1:{server.port}", total_timeout=0.3, body_limit=50_000)
            assert len(server.heard) == 1
        assert end.outcome is Outcome.UNKNOWN
        assert not end.carrier_reference

    def test_nothing_was_sent_where_nothing_listens(self) -> None:
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            port = closed.getsockname()[1]
        assert self.submitted(f"http://127.0.0.1:{port}").outcome is Outcome.NOT_SENT

    def test_nothing_was_sent_to_a_name_that_leads_nowhere(self, settings: Any) -> None:
        settings.RVM_SANDBOX_HOSTS = ["carrier.invalid"]
        assert self.submitted("http://carrier.invalid").outcome is Outcome.NOT_SENT

    def test_nothing_was_sent_under_a_certificate_that_is_not_trusted(self, tls_files: tuple[Path, SSLContext]) -> None:
        with WireServer(tls=tls_files[1]) as server:
            assert self.submitted(f"https://127.0.0.1:{server.port}").outcome is Outcome.NOT_SENT
        assert server.heard == []

    def test_nothing_was_sent_to_a_server_that_never_shakes_hands(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            end = self.submitted(f"https://127.0.0.1:{silent.getsockname()[1]}", connect_timeout=0.2)
        assert end.outcome is Outcome.NOT_SENT

    def submitted(self, base_url: str, **limits: float) -> Submission:
        """What a submission over the real transport comes to."""
        carrier = self.carrier(base_url=base_url)
        transport: CurlTransport[object] = CurlTransport(**{"connect_timeout": 5, "total_timeout": 5, **limits})  # type: ignore[arg-type]
        try:
            end = end_of(transport, carrier.submit_request(DROP))
        finally:
            transport.close()
        if isinstance(end, TransportFailure):
            self.hidden(end)
            return Submission(Outcome.NOT_SENT if end.proof is Proof.NOT_SENT else Outcome.UNKNOWN)
        return carrier.read_submission(end)

    # results

    def test_every_code_comes_to_its_reason_and_an_unknown_one_is_kept(self) -> None:
        carrier = self.carrier()
        for code, reason in {**self.codes, self.unknown_code: Reason.UNKNOWN}.items():
            callback = self.result(CALLBACK, ATTEMPT, code, at=NOW)
            carrier.verify(callback)
            ends = [report for report in carrier.parse(callback) if report.status is not ReportStatus.ACCEPTED]
            assert [(r.status, r.reason) for r in ends] == [
                (ReportStatus.FAILED if reason else ReportStatus.DELIVERED, reason)
            ], code
            assert {report.attempt_key for report in ends} == {ATTEMPT}
            self.hidden(*ends, callback)

    @drawn
    @given(raw=st.binary(), headers=st.booleans())
    def test_no_bytes_of_a_callback_raise_anything_but_that_they_are_no_callback(
        self, raw: bytes, headers: bool
    ) -> None:
        genuine = self.result(CALLBACK, ATTEMPT, self.delivered, at=NOW)
        callback = replace(genuine, raw=raw, headers=genuine.headers if headers else {})
        try:
            reports = self.carrier().parse(callback)
        except CallbackMalformed as error:
            self.hidden(error)
        else:
            assert ReportStatus.DELIVERED not in {report.status for report in reports}
        try:
            self.carrier().verify(callback)
        except CallbackRejected as error:
            self.hidden(error)

    def garbled(self) -> Iterator[bytes]:
        """Bodies that a vendor could send by a fault of its own: cut short, and with a person's name in place of each value."""
        raw = self.result(CALLBACK, ATTEMPT, self.delivered, at=NOW).raw
        yield from (raw[:length] + ALDER.encode() for length in range(0, len(raw), max(1, len(raw) // 20)))
        yield from _changed(raw, lambda _: ALDER)

    def test_a_callback_that_cannot_be_read_is_refused_without_its_text(self) -> None:
        genuine = self.result(CALLBACK, ATTEMPT, self.delivered, at=NOW)
        refusals = 0
        for raw in self.garbled():
            try:
                self.carrier().parse(replace(genuine, raw=raw))
            except CallbackMalformed as error:
                refusals += 1
                assert ALDER not in f"{error} {error!r}", raw
        assert refusals

    def test_no_value_of_an_answer_or_a_callback_keeps_what_cannot_be_stored(self) -> None:
        carrier = self.carrier()
        said: list[Submission | Report] = []
        for answer in self.answers:
            said += [
                carrier.read_submission(replace(answer.response, body=raw))
                for raw in (*_changed(answer.response.body, _with_nuls), answer.response.body.replace(b"1", b"1\0"))
            ]
        for code in (self.delivered, self.failed):
            genuine = self.result(CALLBACK, ATTEMPT, code, at=NOW)
            for raw in _changed(genuine.raw, _with_nuls):
                with suppress(CallbackMalformed):
                    said += carrier.parse(replace(genuine, raw=raw))
        assert any(isinstance(each, Report) for each in said)
        for each in said:
            kept = (getattr(each, field.name) for field in dataclass_fields(each))
            assert not [value for value in kept if isinstance(value, str) and "\0" in value]

    # signatures

    def signed_anew(self, callback: Callback, raw: bytes) -> Callback:
        """The callback with another body, as genuine as before."""
        if self.signature in callback.headers:
            raise NotImplementedError
        return replace(callback, raw=raw)

    def forgeries(self) -> Iterator[tuple[str, Carrier, Callback]]:
        genuine = self.signed_result(NOW)
        signature, raw = genuine.headers[self.signature], genuine.raw
        carrier = self.carrier()

        def with_signature(value: str | None) -> Callback:
            headers = {name: each for name, each in genuine.headers.items() if name != self.signature}
            return replace(genuine, headers=headers if value is None else {**headers, self.signature: value})

        yield "another secret", CARRIERS[self.name](self.replaced), genuine
        yield "no signature", carrier, with_signature(None)
        yield "an empty signature", carrier, with_signature("")
        yield "a signature cut short", carrier, with_signature(signature[:-2])
        yield "a longer signature", carrier, with_signature(signature + "0A")
        yield "a signature twice", carrier, with_signature(f"{signature},{signature}")
        yield "a signature of odd characters", carrier, with_signature("sha256=\udcff\u00e9")
        yield "an endless signature", carrier, with_signature("A" * 100_000)
        yield "a body with one bit changed", carrier, replace(genuine, raw=bytes([raw[0] ^ 1]) + raw[1:])
        yield "a longer body", carrier, replace(genuine, raw=raw + b"&x=1")
        yield "no body", carrier, replace(genuine, raw=b"")
        if self.has_timestamp:
            for offset in (timedelta(seconds=301), timedelta(seconds=-301), CENTURY):
                yield f"received {offset} late", carrier, replace(genuine, at=NOW + offset)

    def test_a_forgery_is_rejected_without_showing_what_is_right(self) -> None:
        if not self.signature:
            return
        assert self.carrier().verify(self.signed_result(NOW)) is True
        signature = self.signed_result(NOW).headers[self.signature]
        for forgery, carrier, callback in self.forgeries():
            with pytest.raises(CallbackRejected, match=r"\.$") as caught:
                # Without a signature it may pass as a callback of the unsigned kind, which proves nothing beyond its drop.
                assert carrier.verify(callback) is False, forgery
                raise CallbackRejected("Unsigned.")
            assert signature not in str(caught.value)
            self.hidden(caught.value)

    def test_while_a_secret_is_replaced_both_sign(self) -> None:
        if self.rotated:
            assert CARRIERS[self.name](self.rotated).verify(self.signed_result(NOW)) is True

    # a vendor that lies, through the real view and merge

    @pytest.fixture
    def drop(self, db: None) -> Drop:
        return self.make_drop()

    def make_drop(self, **fields: Any) -> Drop:
        use_case = factories.make_use_case(
            setup=factories.make_setup(carrier=self.name, credentials=dict(self.credentials), **fields), max_attempts=1
        )
        status = {"status": "accepted", "reason": ""}
        created = timezone.now() - timedelta(minutes=1)
        get_connection("dispatch").flushdb()
        voicemail = factories.make_voicemail(use_case, recipient=RECIPIENT, **status)
        given = voicemail.recording.size_bytes  # to the vendor, whole
        return make_drop(
            voicemail,
            **status,
            created_at=created,
            carrier_reference=self.reference,
            fetches=1,
            fetched_bytes=given,
        )

    @pytest.fixture(autouse=True)
    def _nothing_is_shown(self, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
        with capture_logs() as logs:
            yield
        self.hidden(caplog.text, logs)

    def address(self, drop: Drop) -> str:
        return drop_address(drop.setup.callback_secrets.get().callback_key, drop.id)

    def posted(self, drop: Drop, code: str, about: UUID | None = None, **said: Any) -> int:
        """The status of the answer to a genuine result at the drop's address."""
        return self.post(self.genuine(drop, code, about, **said))

    def genuine(self, drop: Drop, code: str, about: UUID | None = None, **said: Any) -> Callback:
        """A genuine result at the drop's address. What the vendor says when it is asked is the first that it told."""
        self.told = self.told or code
        return self.result(self.address(drop), about or drop.id, code, at=timezone.now(), **said)

    def post(self, callback: Callback) -> int:
        headers = {name: value for name, value in callback.headers.items() if name != "content-type"}
        path = callback.url.partition("//")[2].partition("/")[2]
        answer: HttpResponse = Client().post(
            f"/{path}", callback.raw, content_type=callback.headers["content-type"], headers=headers
        )
        self.hidden(answer.content.decode(errors="replace").replace(self.recording_links(answer), ""))
        return answer.status_code

    def recording_links(self, answer: HttpResponse) -> str:
        """What an answer may show that is otherwise secret: nothing, unless it holds the call's next step."""
        return ""

    def merged(self) -> None:
        """The inbox merged; where an unsigned result has the vendor asked, its answers too."""
        while merge(timezone.now()):
            pass
        if self.told and not self.signature and issubclass(CARRIERS[self.name], ResultPoll):
            asked = FakeTransport(lambda request: self.answer_about(self.told))
            poll_results(asked, RateLimiter(get_connection("dispatch"), "contract"), timezone.now)
            while merge(timezone.now()):
                pass

    told = ""  # the code that the vendor's results in this test began with
    DELIVERED: ClassVar = ("delivered", "", "delivered", "")

    def test_a_repeated_result_changes_nothing_more(self, drop: Drop) -> None:
        for _ in range(3):
            assert self.posted(drop, self.delivered) == 200
            self.merged()
        assert both(drop) == self.DELIVERED
        effects = CarrierReport.objects.filter(drop_id=drop.id, status="delivered").order_by("id")
        assert list(effects.values_list("effect", flat=True))[1:] == ["kept"] * (effects.count() - 1)
        lane = drop.voicemail.lane_id
        assert counter_totals(lane) == row_counts(lane)

    def test_what_was_delivered_stays_delivered(self, drop: Drop) -> None:
        self.posted(drop, self.delivered)
        self.merged()
        for number, code in enumerate(self.codes):
            self.posted(drop, code, event_id=f"event-{number}")
        self.merged()
        assert both(drop) == self.DELIVERED

    def test_what_failed_for_good_stays_failed(self, drop: Drop) -> None:
        reason = self.codes[self.failed]
        self.posted(drop, self.failed)
        self.merged()
        self.posted(drop, self.delivered, event_id="event-2")
        self.merged()
        assert both(drop) == ("failed", reason, "failed", reason)

    def test_of_two_ends_at_once_the_first_stands(self, drop: Drop) -> None:
        self.posted(drop, self.delivered)
        self.posted(drop, self.failed, event_id="event-2")
        self.merged()
        assert both(drop) == self.DELIVERED

    def test_the_drop_of_another_setup_is_not_the_vendors_to_end(self, drop: Drop) -> None:
        elsewhere = self.make_drop()
        beside = self.make_drop(workspace=drop.workspace)
        for other in (elsewhere, beside):
            assert self.posted(drop, self.delivered, about=other.id) in (200, 400, 401)
        self.merged()
        for other in (elsewhere, beside):
            assert both(other) == ("accepted", "", "accepted", "")

    def test_a_result_that_is_not_signed_ends_the_drop_of_its_address_alone(self, drop: Drop) -> None:
        voicemail = factories.make_voicemail(drop.voicemail.use_case, recipient=RECIPIENT, status="accepted")
        other = make_drop(voicemail, "accepted", created_at=drop.created_at)
        callback = self.genuine(drop, self.delivered, other.id)
        if not self.carrier().verify(callback):
            assert self.post(callback) in (200, 400, 401)
            self.merged()
            assert both(other) == ("accepted", "", "accepted", "")

    def test_a_result_that_is_not_signed_and_names_another_number_proves_nothing(self, drop: Drop) -> None:
        """Where an unsigned kind of result names a number at all."""
        genuine = self.genuine(drop, self.delivered)
        another = genuine.raw.replace(RECIPIENT[2:].encode(), b"2125550177")
        if another == genuine.raw or self.carrier().verify(genuine):
            return
        assert self.post(replace(genuine, raw=another)) == 401
        self.merged()
        assert both(drop) == ("accepted", "", "accepted", "")
        assert not CarrierReport.objects.exists()

    def test_an_unknown_drop_is_nobodys(self, drop: Drop) -> None:
        assert self.posted(drop, self.delivered, about=ATTEMPT) in (200, 400, 401)
        self.merged()
        assert not CarrierReport.objects.filter(effect="applied").exclude(drop_id=drop.id).exists()

    @pytest.mark.parametrize("away", [-CENTURY, timedelta(days=-2), timedelta(days=2), CENTURY], ids=str)
    def test_a_time_that_cannot_be_moves_nothing_but_the_end(self, drop: Drop, away: timedelta) -> None:
        before = timezone.now()
        assert self.posted(drop, self.delivered, said=before + away) == 200
        self.merged()
        assert both(drop) == self.DELIVERED
        assert drop.ended_at is not None
        assert before <= drop.ended_at <= timezone.now()

    def test_what_is_forged_is_answered_401_and_not_kept(self, drop: Drop) -> None:
        if not self.signature:
            return
        genuine = self.signed_result(timezone.now())
        wrong = replace(genuine, url=self.address(drop), raw=genuine.raw + b" ")
        assert self.post(wrong) == 401
        assert not CarrierReport.objects.exists()

    @pytest.mark.parametrize(
        ("first", "second"), [("failed", "failed"), ("failed", "delivered"), ("delivered", "failed")]
    )
    def test_two_bodies_in_one_end_the_drop_at_most_once(self, drop: Drop, first: str, second: str) -> None:
        one = self.genuine(drop, getattr(self, first))
        two = self.genuine(drop, getattr(self, second), event_id="event-2").raw
        understood = (200, 400) if self.signature in one.headers else (200, 400, 401)
        for between in (b"", b"\n", b"&"):
            assert self.post(self.signed_anew(one, one.raw + between + two)) in understood
        if two[:1] == b"{":  # a list of both, and an object with each name twice
            assert self.post(self.signed_anew(one, b"[%b,%b]" % (one.raw, two))) in understood
            assert self.post(self.signed_anew(one, one.raw[:-1] + b"," + two[1:])) in understood
        self.merged()
        status, reason, *of_drop = both(drop)
        assert (status, reason) == tuple(of_drop)
        assert status in ("accepted", "failed", "delivered")
        ends = CarrierReport.objects.filter(drop_id=drop.id, effect="applied", status__in=("failed", "delivered"))
        counts = ends.exclude(reason__in=GUESSES).count()  # what is known corrects a guess, once
        assert counts <= 1, list(ends.values_list("status", "reason"))
        assert counter_totals(drop.voicemail.lane_id) == row_counts(drop.voicemail.lane_id)

    def test_a_value_that_cannot_be_stored_is_no_error_of_ours(self, drop: Drop) -> None:
        genuine = self.genuine(drop, self.delivered)
        for raw in _changed(genuine.raw, _with_nuls):
            assert self.post(self.signed_anew(genuine, raw)) in (200, 400, 401)
        self.merged()

    # what it can do is told by its bases

    def test_what_it_promises_can_be_had(self) -> None:
        carrier = self.carrier()
        assert timedelta() <= carrier.max_delivery_delay <= timedelta(days=1)
        if isinstance(carrier, IdempotencyKeys):
            assert carrier.idempotency_window > timedelta()
            request = carrier.submit_request(DROP)
            assert str(ATTEMPT) in "\n".join((*request.headers, request.body.decode()))
        if isinstance(carrier, AccountCheck):
            self.sendable(carrier.check_request())
        if isinstance(carrier, LookUp):
            self.sendable(carrier.lookup_request(ATTEMPT))
        if isinstance(carrier, ResultPoll):
            self.sendable(carrier.result_request("../x?y#z"))
        if isinstance(carrier, CallAndDetect):
            over = carrier.respond(self.result(CALLBACK, ATTEMPT, self.delivered, at=NOW), None)
            assert RECORDING.encode() not in over.body
            self.hidden(over)


def _changed(raw: bytes, by: Callable[[Any], Any]) -> Iterator[bytes]:
    """The body, JSON or a form, with each of its values changed in turn."""
    try:
        values = orjson.loads(raw)
    except orjson.JSONDecodeError:
        fields = parse_qsl(raw.decode(errors="replace"), keep_blank_values=True)
        for n, (name, value) in enumerate(fields):
            yield urlencode([*fields[:n], (name, by(value)), *fields[n + 1 :]]).encode()
    else:
        yield from map(orjson.dumps, _with_each_replaced(values, by))


def _with_nuls(value: Any) -> Any:
    """A text with what PostgreSQL cannot store before, in and after it."""
    return f"\0{value[:3]}\0{value[3:]}\0" if isinstance(value, str) else value


def _fits(value: object) -> bool:
    """Whether orjson can write it: integers of 64 bits only."""
    if isinstance(value, int):
        return abs(value) < 2**63
    if isinstance(value, list):
        return all(map(_fits, value))
    return all(map(_fits, value.values())) if isinstance(value, dict) else True
