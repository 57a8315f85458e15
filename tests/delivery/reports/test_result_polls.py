"""Results that the carrier is asked for: at once after an unsigned callback, ever more rarely after acceptance, never too much."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import orjson
import pytest
from django.test import Client
from django.utils import timezone
from django_rq import get_connection

from delivery.carriers import CARRIERS, sandbox
from delivery.carriers.abilities import ResultPoll
from delivery.carriers.base import Callback, Carrier
from delivery.carriers.sandbox import Sandbox
from delivery.engine.claim import claim
from delivery.engine.lane_routes import active_routes
from delivery.engine.rate_limit import RateLimiter
from delivery.engine.results import Result, record
from delivery.lifecycle.awaited_results import WAITS, expect
from delivery.lifecycle.events import Outcome, Report, ReportStatus, Submission
from delivery.models import AwaitedResult, CarrierReport, Drop
from delivery.reports.inbox import merge, receive
from delivery.reports.result_polls import poll_results
from delivery.transport.interface import CarrierRequest, CarrierResponse, Proof, TransportFailure
from delivery.worker.maintenance import fail_unreported, is_work_due
from rvm.platform.database.clock import database_now
from tests import factories
from tests.delivery.carriers.lacking import lacking
from tests.delivery.fake_carrier import FakeTransport, timed_out
from tests.delivery.states import NOW, both, make_submitted
from usecases.callbacks.addresses import drop_path
from usecases.models import CallbackSecret, TelephonySetup

pytestmark = pytest.mark.django_db

Answer = CarrierResponse | TransportFailure


def _polled() -> type[Carrier]:
    """The sandbox's adapter as of a vendor that signs no callback, names drops by one id and can be asked for a drop's result."""

    base: Any = lacking()

    class Polled(ResultPoll, base):
        one_reference = True

        def result_request(self, carrier_reference: str) -> CarrierRequest:
            return CarrierRequest("GET", f"{self.base_url}/results/{carrier_reference}")

        def read_result(self, response: CarrierResponse, attempt_key: Any) -> Report | None:
            said = orjson.loads(response.body) if response.body.startswith(b"{") else {}
            if said.get("status") not in ("accepted", "delivered", "failed"):
                return None
            read = sandbox._report({"reference": str(attempt_key)} | said)
            return Report(
                read.attempt_key,
                read.status,
                None,
                carrier_reference=read.carrier_reference,
                reason=read.reason,
                code=read.code,
                recipient=said.get("to", ""),
            )

        def verify(self, callback: Callback) -> bool:
            return "x-sandbox-signature" in callback.headers and Sandbox.verify(self, callback)

        def parse(self, callback: Callback) -> list[Report]:
            return [
                Report(**{f: getattr(each, f) for f in _FIELDS}, recipient=callback.json.get("to", ""))
                for each in Sandbox.parse(self, callback)
            ]

    return Polled


_FIELDS = ("attempt_key", "status", "occurred_at", "event_id", "carrier_reference", "reason", "code", "text")


@pytest.fixture(autouse=True)
def _carrier_that_can_be_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    get_connection("dispatch").flushdb()
    monkeypatch.setitem(CARRIERS, "sandbox", _polled())


def accepted(**fields: Any) -> Drop:
    drop = {"status": "accepted", "carrier_reference": "c-9", "created_at": NOW} | fields
    return make_submitted("accepted", drop=drop)


def awaited(**fields: Any) -> Drop:
    drop = accepted(**fields)
    expect([(drop.pk, drop.setup_id)], NOW)
    return drop


def limiter() -> RateLimiter:
    return RateLimiter(get_connection("dispatch"), "asker")


def ask(answer: Callable[[CarrierRequest], Answer], after: timedelta = timedelta()) -> list[CarrierRequest]:
    """Ask once, that long after NOW, and merge what came of it; returns what was asked."""
    transport = FakeTransport(answer)
    poll_results(transport, limiter(), lambda: NOW + after)
    while merge(NOW):
        pass
    return transport.sent


def says(**said: str) -> Callable[[CarrierRequest], Answer]:
    return lambda request: CarrierResponse(200, orjson.dumps({"id": "c-9", **said}))


def call_back(drop: Drop, status: str = "delivered", **said: str) -> int:
    """An unsigned callback at the drop's own address; returns the response's status."""
    key = CallbackSecret.objects.get(setup_id=drop.setup_id).callback_key
    event = {"reference": str(drop.pk), "status": status, "id": "c-9", **said}
    response = Client().post(
        drop_path(key, drop.pk), orjson.dumps({"events": [event], **said}), content_type="application/json"
    )
    return response.status_code


UNAUTHORIZED = CarrierResponse(401, b'{"code":"unauthorized","message":"The key is wrong."}')


def test_a_question_that_refuses_the_account_opens_the_breaker_in_the_carriers_words() -> None:
    drop = awaited()
    ask(lambda request: CarrierResponse(500, UNAUTHORIZED.body))
    ask(lambda request: CarrierResponse(401, b"<html>"), after=timedelta(days=1))
    assert TelephonySetup.objects.get().breaker_until is None
    ask(lambda request: UNAUTHORIZED, after=timedelta(days=2))
    setup = TelephonySetup.objects.get()
    assert setup.breaker_until is not None
    assert "It said: unauthorized The key is wrong." in setup.breaker_reason
    assert both(drop) == ("accepted", "", "accepted", "")


# what is written down


def test_an_accepted_drop_is_asked_about_five_minutes_later_and_any_other_is_not() -> None:
    factories.make_voicemail(not_before=NOW, expires_at=NOW + timedelta(hours=72))
    (route,) = active_routes(NOW, 10)
    (claimed,) = claim(route, 10, NOW, timedelta(seconds=45)).claims
    record([Result(claimed, Submission(Outcome.UNKNOWN))], NOW)
    assert not AwaitedResult.objects.exists()
    record([Result(claimed, Submission(Outcome.ACCEPTED, carrier_reference="c-9"))], NOW)
    row = AwaitedResult.objects.get()
    assert (row.drop_id, row.due_at, row.checks) == (claimed.drop_id, NOW + WAITS[0], 0)


def test_nothing_is_written_for_a_carrier_that_cannot_be_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CARRIERS, "sandbox", Sandbox)
    factories.make_voicemail(not_before=NOW, expires_at=NOW + timedelta(hours=72))
    (route,) = active_routes(NOW, 10)
    (claimed,) = claim(route, 10, NOW, timedelta(seconds=45)).claims
    record([Result(claimed, Submission(Outcome.ACCEPTED, carrier_reference="c-9"))], NOW)
    assert not AwaitedResult.objects.exists()


def test_a_question_that_is_due_earlier_stays_due() -> None:
    drop = awaited()
    expect([(drop.pk, drop.setup_id)], NOW + WAITS[0])
    assert AwaitedResult.objects.get().due_at == NOW


# what an answer does


@pytest.mark.parametrize(
    ("said", "end"),
    [
        ({"status": "delivered"}, ("delivered", "")),
        ({"status": "failed", "code": "mailbox_full"}, ("failed", "mailbox_full")),
    ],
)
def test_an_answer_ends_the_drop_like_a_signed_report(said: dict[str, str], end: tuple[str, str]) -> None:
    drop = awaited()
    (request,) = ask(says(to=factories.RECIPIENT, **said))
    assert request.url.endswith("/results/c-9")
    assert both(drop) == (*end, *end)
    report = CarrierReport.objects.get()
    assert (report.unsigned, report.recipient, report.effect) == (False, None, "applied")
    assert report.raw is not None


NOTHING: dict[str, Callable[[CarrierRequest], Answer]] = {
    "no answer": timed_out,
    "not reached": lambda _: TransportFailure(Proof.NOT_SENT, "down"),
    "a server error": lambda _: CarrierResponse(500, b"oops"),
    "a page": lambda _: CarrierResponse(200, b"<html>maintenance</html>"),
    "too many requests": lambda _: CarrierResponse(429, b"", {"retry-after": "60"}),
    "still under way": says(status="accepted"),
    "another drop's id": says(status="delivered", id="c-8"),
    "another person": says(status="delivered", to="+12025550177"),
    "no number": says(status="delivered", to="somebody"),
    "another attempt key": says(status="delivered", reference="0190c0de-0000-7000-8000-000000000001"),
    "what the adapter cannot read": lambda _: CarrierResponse(200, b"{"),
}


@pytest.mark.parametrize("answer", NOTHING.values(), ids=NOTHING)
def test_any_other_answer_leaves_it_as_it_is_until_the_next_time(answer: Callable[[CarrierRequest], Answer]) -> None:
    drop = awaited()
    assert len(ask(answer)) == 1
    assert both(drop) == ("accepted", "", "accepted", "")
    assert not CarrierReport.objects.exists()
    row = AwaitedResult.objects.get()
    assert (row.due_at, row.checks) == (NOW + WAITS[0], 1)
    assert ask(says(status="delivered")) == []


def test_a_throttled_question_pauses_the_setups_questions_and_not_its_drops() -> None:
    drop = awaited()
    ask(NOTHING["too many requests"])
    AwaitedResult.objects.update(due_at=NOW)
    assert ask(says(status="delivered")) == []
    assert limiter().acquire(drop.setup_id, wanted=1, pace=1, cap=5, in_flight=0).count == 1


def test_one_that_cannot_be_asked_about_does_not_delay_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    broken, well = awaited(carrier_reference="broken"), awaited()

    def answer(request: CarrierRequest) -> Answer:
        return CarrierResponse(200, b'{"id":"c-9","status":"delivered","code":7}')

    polled = CARRIERS["sandbox"]
    asked = polled.result_request  # type: ignore[attr-defined]

    def request(self: Carrier, reference: str) -> CarrierRequest:
        if reference == "broken":
            raise RuntimeError("an adapter's fault")
        made: CarrierRequest = asked(self, reference)
        return made

    monkeypatch.setattr(polled, "result_request", request)
    assert len(ask(answer)) == 1
    assert both(broken)[0] == "accepted"
    assert both(well)[0] == "delivered"


# when it is asked


def test_it_is_asked_about_ever_more_rarely_until_the_horizon() -> None:
    drop = awaited()
    TelephonySetup.objects.update(report_horizon_hours=24)
    moments, after = [], timedelta()
    while AwaitedResult.objects.exists():
        fail_unreported(NOW + after)
        if ask(timed_out, after):
            moments.append(after)
        after = (
            AwaitedResult.objects.values_list("due_at", flat=True)[0] - NOW if AwaitedResult.objects.exists() else after
        )
    minutes = [moment.total_seconds() / 60 for moment in moments]
    assert minutes == [0, 5, 20, 80, 440, 800, 1160]
    assert both(drop) == ("failed", "unreported", "failed", "unreported")


def unreported(**fields: Any) -> Drop:
    """A drop that ended for want of a report."""
    drop = accepted(accepted_at=NOW - timedelta(days=30), **fields)
    assert fail_unreported(NOW) == 1
    return drop


@pytest.mark.parametrize(
    ("said", "end"),
    [({"status": "delivered"}, ("delivered", "")), ({"status": "failed", "code": "busy"}, ("failed", "busy"))],
)
def test_a_callback_after_the_horizon_has_the_result_asked_for_that_corrects_the_guess(
    said: dict[str, str], end: tuple[str, str]
) -> None:
    drop = unreported()
    assert call_back(drop) == 200
    merge(NOW)
    assert both(drop) == ("failed", "unreported", "failed", "unreported")
    asked = FakeTransport(says(**said))
    assert poll_results(asked, limiter()) == 1
    merge(NOW)
    assert both(drop) == (*end, *end)
    assert poll_results(asked, limiter()) == 0


def test_a_late_callback_prompts_a_few_questions_and_no_more() -> None:
    drop = unreported()
    call_back(drop)
    merge(NOW)
    began = database_now()
    days = [began + timedelta(days=day) for day in range(6)]
    asked = [poll_results(FakeTransport(timed_out), limiter(), lambda day=day: day) for day in days]  # type: ignore[misc]
    assert asked == [1, 1, 1, 1, 0, 0]
    assert not AwaitedResult.objects.exists()
    assert both(drop) == ("failed", "unreported", "failed", "unreported")


def test_a_drop_whose_call_told_nothing_of_its_message_is_not_asked_about() -> None:
    awaited()
    Drop.objects.update(status="failed", reason="unreported", carrier_code="completed")
    assert ask(says(status="failed")) == []
    assert not AwaitedResult.objects.exists()


@pytest.mark.parametrize("status", ["delivered", "failed", "not_sent"])
def test_a_drop_that_has_ended_is_not_asked_about_and_forgotten(status: str) -> None:
    awaited()
    Drop.objects.update(status=status)
    assert ask(says(status="failed")) == []
    assert not AwaitedResult.objects.exists()


@pytest.mark.parametrize("guess", ["unreported", "unconfirmed"])
def test_a_callback_about_what_has_ended_by_a_guess_has_it_asked_about_once_more(guess: str) -> None:
    drop = {"status": "failed", "reason": guess, "carrier_reference": "c-9", "created_at": NOW}
    row = make_submitted("failed", guess, drop=drop)
    assert call_back(row) == 200
    AwaitedResult.objects.update(due_at=NOW)
    ask(says(status="delivered"))
    assert both(row) == ("delivered", "", "delivered", "")


def test_without_an_answer_it_is_asked_about_a_few_times_after_each_callback() -> None:
    row = make_submitted("failed", "unreported", drop={"status": "failed", "reason": "unreported"})
    Drop.objects.update(carrier_reference="c-9")
    for _ in range(2):
        assert call_back(row) == 200
        for _ in WAITS:
            AwaitedResult.objects.update(due_at=NOW)
            assert len(ask(timed_out)) == 1
        AwaitedResult.objects.update(due_at=NOW)
        assert ask(says(status="delivered")) == []
        assert not AwaitedResult.objects.exists()


def test_a_hosts_clock_does_not_decide_when_it_is_asked_about(monkeypatch: pytest.MonkeyPatch) -> None:
    drop, ahead = accepted(), database_now() + timedelta(hours=2)
    monkeypatch.setattr(timezone, "now", lambda: ahead)
    assert call_back(drop) == 200
    assert AwaitedResult.objects.get().due_at <= database_now()


def test_a_result_that_came_by_itself_ends_the_questions() -> None:
    drop = awaited()
    receive(drop.setup_id, b"", [Report(drop.pk, ReportStatus.DELIVERED, NOW)])
    merge(NOW)
    assert ask(says(status="failed", code="busy")) == []
    assert both(drop) == ("delivered", "", "delivered", "")


def test_a_setup_whose_carrier_is_gone_is_not_asked_and_its_row_goes_with_the_drop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    awaited()
    monkeypatch.delitem(CARRIERS, "sandbox")
    assert ask(says(status="delivered")) == []
    Drop.objects.update(status="failed")
    assert ask(says(status="delivered"), WAITS[0]) == []
    assert not AwaitedResult.objects.exists()


def test_a_due_question_is_work_for_the_reports_worker() -> None:
    drop = accepted()
    assert not is_work_due(NOW)["reports"]
    expect([(drop.pk, drop.setup_id)], NOW)
    assert is_work_due(NOW)["reports"]


def test_a_worker_that_died_in_between_has_it_asked_again() -> None:
    awaited()
    killed = FakeTransport(says(status="delivered"))
    killed.poll = _killed  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        poll_results(killed, limiter(), lambda: NOW)
    assert len(ask(says(status="delivered"), WAITS[0])) == 1


def _killed(seconds: float) -> list[Any]:
    raise KeyboardInterrupt


# callbacks


@pytest.mark.parametrize("status", ["delivered", "failed"])
def test_an_unsigned_end_only_prompts_the_question_and_its_answer_counts(status: str) -> None:
    drop = accepted()
    assert call_back(drop, status, code="opted_out") == 200
    merge(NOW)
    assert both(drop) == ("accepted", "", "accepted", "")
    assert AwaitedResult.objects.get().due_at <= database_now()
    transport = FakeTransport(says(status="failed", code="busy"))
    poll_results(transport, limiter())
    merge(NOW)
    assert both(drop) == ("failed", "busy", "failed", "busy")


def test_the_callbacks_own_words_are_kept_with_their_report() -> None:
    call_back(accepted(), "failed")
    report = CarrierReport.objects.get()
    assert (report.status, report.unsigned, report.reason) == ("accepted", True, "")
    assert report.raw is not None
    assert b'"failed"' in bytes(report.raw)


def test_a_callback_tells_of_a_drop_that_got_no_answer_and_it_is_asked_about() -> None:
    drop = make_submitted("uncertain", drop={"status": "uncertain", "created_at": NOW, "due_at": NOW})
    assert call_back(drop) == 200
    # Not before the report was merged: it has the carrier's id of the drop.
    assert poll_results(FakeTransport(says(status="delivered")), limiter()) == 0
    merge(NOW)
    assert both(drop) == ("accepted", "", "accepted", "")
    assert poll_results(FakeTransport(says(status="delivered")), limiter()) == 1
    merge(NOW)
    assert both(drop) == ("delivered", "", "delivered", "")


@pytest.mark.parametrize(
    "said", [{"id": "c-8"}, {"to": "+12025550177"}, {"to": "nobody"}], ids=["another id", "another person", "no number"]
)
def test_a_callback_that_contradicts_the_drop_is_turned_away_and_prompts_nothing(said: dict[str, str]) -> None:
    drop = accepted()
    assert call_back(drop, **said) == 401
    assert not CarrierReport.objects.exists()
    assert not AwaitedResult.objects.exists()


def test_the_carriers_id_may_not_change_between_callbacks() -> None:
    drop = accepted(carrier_reference="")
    assert call_back(drop, id="c-1") == 200
    assert call_back(drop, id="c-2") == 401
    assert call_back(drop, id="c-1", to=factories.RECIPIENT) == 200


def test_a_callback_that_names_the_drops_own_number_keeps_it_nowhere_in_the_clear() -> None:
    drop = accepted()
    assert call_back(drop, to=factories.RECIPIENT) == 200
    assert CarrierReport.objects.get().recipient is None


def test_many_callbacks_are_one_question() -> None:
    drop = accepted()
    for _ in range(3):
        call_back(drop)
    transport = FakeTransport(timed_out)
    poll_results(transport, limiter())
    assert len(transport.sent) == 1
