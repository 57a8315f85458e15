"""Uncertain drops: asked about ever more rarely, given to the carrier again only under their own key, never by guess."""

from __future__ import annotations

from collections.abc import Callable, Generator
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import orjson
import pytest
from django.db import connection
from django_rq import get_connection

from delivery.carriers import CARRIERS
from delivery.carriers.abilities import IdempotencyKeys, LookUp, MediaUpload, UnknownToCarrier
from delivery.carriers.sandbox import Sandbox
from delivery.engine.dispatcher import Dispatcher
from delivery.engine.rate_limit import RateLimiter
from delivery.engine.recent_drops import RecentDrops, reached
from delivery.lifecycle.events import Outcome, Report, ReportStatus, Submission
from delivery.lifecycle.outcomes import LOOKUP_WAITS
from delivery.lifecycle.reasons import Reason
from delivery.models import CarrierMedia, Drop, KeptDecision, Lane, Voicemail
from delivery.reports import reconciliation
from delivery.reports.inbox import merge, receive
from delivery.reports.reconciliation import reconcile
from delivery.transport.interface import CarrierRequest, CarrierResponse, Proof, TransportFailure
from delivery.worker.maintenance import fail_unconfirmed
from rvm.platform.models import Workspace
from rvm.platform.sending_hold.service import hold, look, release
from tests import factories
from tests.delivery.carriers.lacking import lacking
from tests.delivery.fake_carrier import FakeTransport, timed_out
from tests.delivery.states import NOW, both, make_drop, make_submitted
from usecases.eligibility import Send, decide
from usecases.models import NumberAssignment, TelephonySetup, UseCase
from usecases.services.callback_secrets import rotate_callback_secret
from usecases.suppressions import is_suppressed

pytestmark = pytest.mark.django_db

Answer = CarrierResponse | TransportFailure
NEVER_SEEN = CarrierResponse(404, b'{"code":"never_seen"}')
TAKEN = CarrierResponse(202, b'{"id":"c-9","status":"accepted"}')


@pytest.fixture(autouse=True)
def _empty_redis() -> None:
    get_connection("dispatch").flushdb()


def uncertain(**fields: Any) -> Drop:
    drop: dict[str, Any] = {"status": "uncertain", "due_at": NOW, "created_at": NOW - timedelta(seconds=30)}
    expires = fields.pop("expires_at", NOW + timedelta(hours=72))
    return make_submitted("uncertain", drop=drop | fields, expires_at=expires)


def limiter() -> RateLimiter:
    return RateLimiter(get_connection("dispatch"), "settler")


def ask(answer: Callable[[CarrierRequest], Answer], seconds: float = 0) -> list[CarrierRequest]:
    """Settle once, that long after NOW, and merge what came of it; returns what was sent."""
    transport = FakeTransport(answer)
    reconcile(transport, limiter(), lambda: NOW + timedelta(seconds=seconds))
    while merge(NOW):
        pass
    return transport.sent


def known(status: str, **fields: str) -> Callable[[CarrierRequest], Answer]:
    def answer(request: CarrierRequest) -> Answer:
        reference = request.url.rpartition("=")[2]
        return CarrierResponse(200, orjson.dumps({"id": "c-9", "reference": reference, "status": status, **fields}))

    return answer


def never_seen(resubmission: Answer = TAKEN) -> Callable[[CarrierRequest], Answer]:
    return lambda request: NEVER_SEEN if request.method == "GET" else resubmission


def methods(sent: list[CarrierRequest]) -> list[str]:
    return [request.method for request in sent]


@pytest.mark.parametrize(
    ("answer", "end"),
    [
        (known("accepted"), ("accepted", "")),
        (known("delivered"), ("delivered", "")),
        (known("failed", code="busy"), ("failed", "busy")),
    ],
)
def test_what_the_carrier_knows_settles_it(answer: Callable[[CarrierRequest], Answer], end: tuple[str, str]) -> None:
    drop = uncertain()
    sent = ask(answer)
    assert methods(sent) == ["GET"]
    assert str(drop.id) in sent[0].url
    assert both(drop) == (*end, *end)


@pytest.mark.parametrize(
    "answer",
    [
        timed_out,
        lambda _: CarrierResponse(500, b"oops"),
        lambda _: CarrierResponse(200, b"garbage"),
        lambda _: CarrierResponse(404, b'{"code":"not_found"}'),
    ],
)
def test_an_answer_that_says_nothing_leaves_it_uncertain_until_the_next_time(
    answer: Callable[[CarrierRequest], Answer],
) -> None:
    drop = uncertain()
    assert methods(ask(answer)) == ["GET"]
    assert both(drop) == ("uncertain", "", "uncertain", "")
    assert ask(answer) == []
    drop.refresh_from_db()
    assert drop.due_at == NOW + LOOKUP_WAITS[1]


def test_a_look_up_that_refuses_the_account_opens_the_breaker_and_settles_nothing() -> None:
    drop = uncertain()
    ask(lambda _: CarrierResponse(401, b'{"code":"unauthorized","message":"The key is wrong."}'))
    setup = TelephonySetup.objects.get()
    assert setup.breaker_until is not None
    assert "It said: unauthorized The key is wrong." in setup.breaker_reason
    assert both(drop)[0] == "uncertain"


def test_what_the_carrier_says_about_another_drop_is_not_taken_for_this_one() -> None:
    drop, other = uncertain(), make_submitted("accepted")
    ask(lambda _: CarrierResponse(200, orjson.dumps({"id": "x", "reference": str(other.id), "status": "failed"})))
    assert both(drop) == ("uncertain", "", "uncertain", "")
    assert both(other) == ("accepted", "", "accepted", "")


def test_it_is_asked_about_ever_more_rarely() -> None:
    drop = uncertain()
    waits, moment = [], NOW
    for _ in range(len(LOOKUP_WAITS) + 1):
        assert len(ask(timed_out, (moment - NOW).total_seconds())) == 1
        drop.refresh_from_db()
        waits.append(drop.due_at - moment)
        moment = drop.due_at
    assert waits == [*LOOKUP_WAITS[1:], LOOKUP_WAITS[-1], LOOKUP_WAITS[-1]]
    assert drop.checks == len(waits)


def test_a_drop_that_the_carrier_never_saw_is_given_to_it_again_word_for_word() -> None:
    factories.make_voicemail()
    first = FakeTransport(timed_out)
    run_dispatcher(first)
    drop = Drop.objects.get()
    assert both(drop) == ("uncertain", "", "uncertain", "")
    transport = FakeTransport(never_seen())
    reconcile(transport, limiter(), lambda: drop.due_at)
    merge(NOW)
    assert methods(transport.sent) == ["GET", "POST"]
    assert transport.sent[1] == first.sent[0]
    assert both(drop) == ("accepted", "", "accepted", "")
    drop.refresh_from_db()
    assert drop.carrier_reference == "c-9"
    assert Drop.objects.count() == 1


def test_a_rotation_in_between_changes_no_word_of_it() -> None:
    factories.make_voicemail()
    first = FakeTransport(timed_out)
    run_dispatcher(first)
    drop = Drop.objects.get()
    setup = drop.setup
    assert f"/carriers/{setup.pk}/1/".encode() in first.sent[0].body
    rotate_callback_secret(setup=setup, actor=None)
    transport = FakeTransport(never_seen())
    reconcile(transport, limiter(), lambda: drop.due_at)
    assert methods(transport.sent) == ["GET", "POST"]
    assert transport.sent[1] == first.sent[0]
    # What is given to the carrier for the first time has an address of the new version.
    factories.make_voicemail(lane=Lane.objects.get(), recipient="+12025550199")
    second = FakeTransport(timed_out)
    run_dispatcher(second)
    assert f"/carriers/{setup.pk}/2/".encode() in second.sent[0].body


def run_dispatcher(transport: FakeTransport) -> None:
    from tests.delivery.engine.test_dispatcher import dispatch

    assert isinstance(dispatch(transport), Dispatcher)


@pytest.mark.parametrize(
    ("answer", "end"),
    [
        (TAKEN, ("accepted", "", "accepted", "")),
        # Of the first request it says nothing.
        (CarrierResponse(422, b'{"code":"refused"}'), ("failed", "unconfirmed", "failed", "unconfirmed")),
        (CarrierResponse(422, b'{"code":"idempotency_conflict"}'), ("uncertain", "", "uncertain", "")),
        (CarrierResponse(500, b""), ("uncertain", "", "uncertain", "")),
        (CarrierResponse(429, b'{"code":"throttled"}'), ("uncertain", "", "uncertain", "")),
        (TransportFailure(Proof.UNKNOWN, "late"), ("uncertain", "", "uncertain", "")),
        (TransportFailure(Proof.NOT_SENT, "down"), ("uncertain", "", "uncertain", "")),
    ],
)
def test_only_a_definite_answer_to_the_resubmission_settles_it(answer: Answer, end: tuple[str, ...]) -> None:
    drop = uncertain()
    assert methods(ask(never_seen(answer))) == ["GET", "POST"]
    assert both(drop) == end


def test_the_first_request_may_arrive_after_the_second_one_was_refused() -> None:
    drop = uncertain()
    ask(never_seen(CarrierResponse(422, b'{"code":"refused"}')))
    receive(drop.setup_id, b"", [Report(drop.id, ReportStatus.DELIVERED, NOW)])
    merge(NOW)
    assert both(drop) == ("delivered", "", "delivered", "")


def test_a_refusal_of_the_second_request_that_speaks_of_the_person_suppresses_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    refused = Submission(Outcome.REFUSED, reason=Reason.OPTED_OUT, code="opted_out")
    monkeypatch.setattr(Sandbox, "read_submission", lambda self, response: refused)
    drop = uncertain()
    ask(never_seen(CarrierResponse(422, b"{}")))
    assert both(drop) == ("failed", "unconfirmed", "failed", "unconfirmed")
    drop.refresh_from_db()
    assert drop.carrier_code == "opted_out"
    assert is_suppressed(drop.workspace_id, factories.RECIPIENT)


def test_it_is_given_again_to_a_setup_that_drains() -> None:
    drop = uncertain()
    TelephonySetup.objects.update(draining=True)
    assert methods(ask(never_seen())) == ["GET", "POST"]
    assert both(drop) == ("accepted", "", "accepted", "")


@pytest.mark.parametrize(("age", "sends"), [(timedelta(hours=11), True), (timedelta(hours=13), False)])
def test_it_is_given_again_only_well_inside_the_carriers_window(age: timedelta, sends: bool) -> None:
    assert Sandbox.idempotency_window == timedelta(hours=24)
    uncertain(created_at=NOW - age)
    assert methods(ask(never_seen())) == (["GET", "POST"] if sends else ["GET"])


def _suppress(drop: Drop) -> None:
    factories.make_suppression(drop.workspace)


OTHER_ACCOUNT = {**factories.SANDBOX_CREDENTIALS, "key": "another"}
FORBIDDEN: dict[str, Callable[[Drop], object]] = {
    "suppressed": _suppress,
    "no consent": lambda drop: UseCase.objects.update(consent_required="recorded"),
    "expired": lambda drop: Voicemail.objects.update(expires_at=NOW),
    "workspace stopped": lambda drop: Workspace.objects.update(sending_enabled=False),
    "use case stopped": lambda drop: UseCase.objects.update(sending_enabled=False),
    "use case deleted": lambda drop: UseCase.objects.update(deleted_at=NOW),
    "setup stopped": lambda drop: TelephonySetup.objects.update(enabled=False),
    "setup deleted": lambda drop: TelephonySetup.objects.update(deleted_at=NOW),
    "credentials changed": lambda drop: TelephonySetup.objects.update(
        credentials=factories.encrypted(drop.setup, "credentials", OTHER_ACCOUNT)
    ),
    "version of the credentials not known": lambda drop: Drop.objects.update(credentials_version=None),
    "sender unassigned": lambda drop: NumberAssignment.objects.all().delete(),
    "use case moved to another setup": lambda drop: UseCase.objects.update(setup=factories.make_setup(drop.workspace)),
    "breaker open": lambda drop: TelephonySetup.objects.update(breaker_until=NOW + timedelta(hours=1)),
    "lane held": lambda drop: Lane.objects.update(held=True),
    "carrier paused": lambda drop: limiter().pause(drop.setup_id, timedelta(minutes=1)),
    # by an earlier drop's report, while this one is uncertain
    "voicemail delivered": lambda drop: Voicemail.objects.update(status="delivered"),
    "settled": lambda drop: Drop.objects.update(status="accepted"),
    "retried by a person": lambda drop: make_drop(Voicemail.objects.get()),
    "asked about by another worker": lambda drop: Drop.objects.update(checks=9),
}


@pytest.mark.parametrize("happened", list(FORBIDDEN))
@pytest.mark.parametrize("meanwhile", [False, True], ids=["before", "while the carrier is asked"])
def test_nothing_is_given_again_where_it_may_not_be_sent(happened: str, meanwhile: bool) -> None:
    drop = uncertain()
    if not meanwhile and happened not in ("settled", "asked about by another worker"):
        FORBIDDEN[happened](drop)

    def answer(request: CarrierRequest) -> Answer:
        if meanwhile or happened in ("settled", "asked about by another worker"):
            FORBIDDEN[happened](drop)
        return NEVER_SEEN

    assert methods(ask(answer)) == ["GET"]


def test_a_process_that_was_stopped_before_the_resubmission_sends_nothing() -> None:
    uncertain()
    transport, moments = FakeTransport(never_seen()), iter([0.0, 600.0])
    reconcile(transport, limiter(), lambda: NOW, clock=lambda: next(moments))
    assert methods(transport.sent) == ["GET"]


@pytest.mark.parametrize(
    ("lease", "exchange", "window", "seconds"),
    [
        (45, 15, 86_400, 22.5),
        (600, 15, 86_400, 300),
        (45, 15, 60, 15),
        (600, 15, 60, 15),
        (45, 5, 60, 22.5),
        (60, 25, 60, 5),
    ],
)
def test_a_stall_before_the_resubmission_outlasts_neither_the_facts_nor_the_carriers_window(
    lease: int, exchange: int, window: int, seconds: float, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The exchange may take its whole time on top, and a key that is forgotten by then would have the person called twice."""
    settings.RVM_LEASE_SECONDS, settings.RVM_CARRIER_TIMEOUT_SECONDS = lease, exchange
    monkeypatch.setattr(Sandbox, "idempotency_window", timedelta(seconds=window))
    uncertain(created_at=NOW - timedelta(seconds=window) / 2)
    for stalled, expected in ((seconds, ["GET"]), (seconds - 0.1, ["GET", "POST"])):
        Drop.objects.update(due_at=NOW)
        transport, moments = FakeTransport(never_seen()), iter([0.0, stalled])
        reconcile(transport, limiter(), lambda: NOW, clock=partial(next, moments))
        assert methods(transport.sent) == expected


def test_nothing_is_given_again_where_one_exchange_outlasts_the_carriers_window(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.RVM_LEASE_SECONDS, settings.RVM_CARRIER_TIMEOUT_SECONDS = 60, 30
    monkeypatch.setattr(Sandbox, "idempotency_window", timedelta(seconds=60))
    uncertain()
    assert methods(ask(never_seen())) == ["GET"]


def test_the_calling_window_holds_for_a_resubmission_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Sandbox, "simulated", False)
    uncertain()
    night = 14 * 3600  # 05:00 the next morning in UTC, midnight at the recipient
    assert methods(ask(never_seen(), seconds=night)) == ["GET"]


def other_drop_to_the_same_number(use_case: UseCase, at: datetime) -> None:
    """One that a claim has just made and counted."""
    drop = make_drop(factories.make_voicemail(use_case, status="sending"), created_at=at)
    recent = RecentDrops(use_case.workspace.organisation_id, at).look([factories.RECIPIENT])
    recent.add(factories.RECIPIENT, drop.pk)
    assert recent.write() == {drop.pk}


def test_a_drop_is_given_again_only_while_sending_is_not_held() -> None:
    drop = uncertain()
    hold(None, "A snapshot is restored.")
    assert methods(ask(never_seen())) == ["GET"]
    Drop.objects.update(due_at=NOW)
    release(None, str(look().seen), "It was not.")
    assert methods(ask(never_seen(), seconds=60)) == ["GET", "POST"]
    assert both(drop) == ("accepted", "", "accepted", "")


def test_a_drop_is_given_again_only_while_the_caps_allow_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Sandbox, "simulated", False)
    drop = uncertain()
    use_case = drop.voicemail.use_case
    UseCase.objects.update(max_per_day=1)
    other_drop_to_the_same_number(use_case, NOW)
    assert methods(ask(never_seen())) == ["GET"]
    UseCase.objects.update(max_per_day=2)
    assert methods(ask(never_seen(), seconds=60)) == ["GET", "POST"]


def test_a_drop_that_is_given_again_counts_once_and_by_its_latest_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Sandbox, "simulated", False)
    drop = uncertain()
    organisation_id = drop.workspace.organisation_id
    UseCase.objects.update(max_per_day=1)
    later = NOW + timedelta(seconds=60)
    for seconds in (0, 60):
        Drop.objects.update(due_at=NOW)
        assert methods(ask(never_seen(timed_out(None)), seconds=seconds)) == ["GET", "POST"]
    assert reached(organisation_id, factories.RECIPIENT, later) == (later,)


def test_a_drop_is_not_given_again_if_another_to_the_number_was_counted_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Sandbox, "simulated", False)
    drop = uncertain()
    UseCase.objects.update(max_per_day=1)
    may = reconciliation._may_resubmit

    def counted_meanwhile(*arguments: Any) -> bool:
        allowed = may(*arguments)
        other_drop_to_the_same_number(drop.voicemail.use_case, NOW)
        return allowed

    monkeypatch.setattr(reconciliation, "_may_resubmit", counted_meanwhile)
    assert methods(ask(never_seen())) == ["GET"]


def test_a_carrier_without_look_up_is_asked_by_the_same_request_under_the_same_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(CARRIERS, "sandbox", lacking(LookUp))
    drop = uncertain()
    (again,) = ask(lambda _: TAKEN)
    assert f"Idempotency-Key: {drop.id}" in again.headers
    assert both(drop) == ("accepted", "", "accepted", "")


def test_a_carrier_with_neither_look_up_nor_keys_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CARRIERS, "sandbox", lacking(LookUp, IdempotencyKeys))
    drop = uncertain()
    assert ask(timed_out) == []
    assert both(drop) == ("uncertain", "", "uncertain", "")


class Uploading(MediaUpload, lacking(LookUp)):  # type: ignore[misc]
    def upload(self, name: str, mp3: bytes) -> Generator[CarrierRequest, CarrierResponse, str]:
        raise NotImplementedError


@pytest.mark.parametrize("uploaded", [True, False])
def test_a_drop_is_given_again_only_with_the_upload_that_it_was_sent_with(
    monkeypatch: pytest.MonkeyPatch, uploaded: bool
) -> None:
    """Uploads are forgotten when credentials change; under the same credentials there is one."""
    monkeypatch.setitem(CARRIERS, "sandbox", Uploading)
    drop = uncertain()
    if uploaded:
        recording_id = drop.voicemail.recording_id
        CarrierMedia.objects.create(setup=drop.setup, recording_id=recording_id, state="ready", media_id="m-1")
    assert len(ask(lambda _: TAKEN)) == uploaded


def test_a_carrier_that_honours_no_keys_is_never_given_a_drop_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CARRIERS, "sandbox", lacking(IdempotencyKeys))
    uncertain()
    assert methods(ask(never_seen())) == ["GET"]


def test_two_settles_at_once_ask_once() -> None:
    uncertain()
    inner: list[CarrierRequest] = []

    def answer(request: CarrierRequest) -> Answer:
        inner.extend(ask(timed_out))
        return NEVER_SEEN if request.method == "GET" else TAKEN

    assert methods(ask(answer)) == ["GET", "POST"]
    assert inner == []


def test_nobody_asks_again_while_a_resubmission_is_under_way() -> None:
    drop = uncertain()
    inner: list[CarrierRequest] = []

    def answer(request: CarrierRequest) -> Answer:
        if request.method == "POST":
            inner.extend(ask(never_seen(), seconds=29))
        return NEVER_SEEN if request.method == "GET" else TAKEN

    assert methods(ask(answer)) == ["GET", "POST"]
    assert inner == []
    assert both(drop)[0] == "accepted"


def test_the_horizon_ends_it_and_nothing_is_asked_any_more() -> None:
    drop = uncertain(created_at=NOW - timedelta(hours=24))
    assert fail_unconfirmed(NOW) == 1
    assert both(drop) == ("failed", "unconfirmed", "failed", "unconfirmed")
    assert ask(never_seen()) == []


@pytest.mark.parametrize("broken", [{"carrier": "gone"}, {"credentials": {}}])
def test_a_setup_that_cannot_be_used_does_not_stop_the_others(broken: dict[str, Any]) -> None:
    bad, good = uncertain(), uncertain()
    for name, value in broken.items():
        setattr(bad.setup, name, value)
    bad.setup.save(update_fields=broken)
    assert len(ask(known("delivered"))) == 1
    assert both(good)[0] == "delivered"
    assert both(bad)[0] == "uncertain"


def test_credentials_that_do_not_open_do_not_stop_the_other_setups() -> None:
    bad, good = uncertain(), uncertain()
    connection.cursor().execute(
        "UPDATE usecases_telephonysetup SET credentials = '\\x00'::bytea WHERE id = %s", [bad.setup_id]
    )
    ask(known("delivered"))
    assert both(good)[0] == "delivered"


def test_a_throttled_resubmission_pauses_the_setup_for_everybody() -> None:
    drop = uncertain()
    ask(never_seen(CarrierResponse(429, b'{"code":"throttled"}', {"retry-after": "30"})))
    permit = limiter().acquire(drop.setup_id, wanted=1, pace=50, cap=64, in_flight=0)
    assert permit.count == 0
    assert permit.wait > 25


def test_resubmissions_keep_the_setups_pace_and_give_their_slots_back() -> None:
    use_case = factories.make_use_case(setup=factories.make_setup(pace_per_second=0.1, in_flight_cap=64))
    for number in range(5):
        voicemail = factories.make_voicemail(use_case, recipient=f"+120255501{number:02}", status="uncertain")
        make_drop(voicemail, "uncertain", due_at=NOW, created_at=NOW)
    assert methods(ask(never_seen())).count("POST") == 1  # the next one is ten seconds away
    assert get_connection("dispatch").hgetall(f"rvm:slots:{use_case.setup_id}") == {}


def crowd(count: int, *, lane: Lane | None = None, **setup: Any) -> list[Drop]:
    """That many uncertain drops of one setup, due now."""
    lane = lane or factories.make_lane(factories.make_use_case(setup=factories.make_setup(**setup)))
    recording = factories.make_recording(lane.workspace)
    drops = []
    for number in range(count):
        fields = {"lane": lane, "recording": recording, "recipient": f"+1202555{100 + number:04}"}
        drop = {"status": "uncertain", "due_at": NOW, "created_at": NOW - timedelta(seconds=30)}
        drops.append(make_submitted("uncertain", drop=drop, expires_at=NOW + timedelta(hours=72), **fields))
    return drops


def test_resubmissions_keep_the_lanes_pace_too() -> None:
    use_case = factories.make_use_case()
    crowd(5, lane=factories.make_lane(use_case, pace_per_second=0.1))
    crowd(3, lane=factories.make_lane(use_case))
    assert methods(ask(never_seen())).count("POST") == 1 + 3


def test_a_drop_for_which_there_was_no_start_is_thought_of_again_soon_where_nobody_was_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(CARRIERS, "sandbox", lacking(LookUp))
    crowd(2, pace_per_second=0.1)
    Drop.objects.update(checks=9)
    assert methods(ask(lambda _: TAKEN)) == ["POST"]
    waiting = Drop.objects.get(status="uncertain")
    assert waiting.checks == 9
    assert timedelta(seconds=5) <= waiting.due_at - NOW <= timedelta(seconds=10)


def test_starts_of_drops_that_may_not_go_again_are_given_back() -> None:
    blocked = crowd(5, pace_per_second=0.5)
    Voicemail.objects.update(expires_at=NOW)
    ask(never_seen())
    assert limiter().acquire(blocked[0].setup_id, wanted=1, pace=0.5, cap=1, in_flight=0).count == 1


def test_a_half_open_breaker_lets_one_resubmission_try_and_its_answer_decides() -> None:
    drops = crowd(4)
    TelephonySetup.objects.update(breaker_until=NOW - timedelta(seconds=1), breaker_reason="It failed.")
    assert methods(ask(never_seen())).count("POST") == 1
    assert TelephonySetup.objects.get().breaker_until is None
    assert sorted(both(drop)[0] for drop in drops) == ["accepted", "uncertain", "uncertain", "uncertain"]


def test_a_resubmission_that_fails_keeps_a_half_open_breaker_from_closing() -> None:
    crowd(2)
    TelephonySetup.objects.update(breaker_until=NOW - timedelta(seconds=1), breaker_reason="It failed.")
    assert methods(ask(never_seen(CarrierResponse(500, b"")))).count("POST") == 1
    assert TelephonySetup.objects.get().breaker_until > NOW


def test_failing_resubmissions_open_the_breaker_like_first_requests() -> None:
    crowd(30, pace_per_second=10_000)
    ask(never_seen(TransportFailure(Proof.UNKNOWN, "late")))
    assert TelephonySetup.objects.get().breaker_until > NOW


def test_look_ups_keep_a_pace_of_their_own_and_each_setup_has_its_share() -> None:
    crowd(80, pace_per_second=20)
    few = crowd(2, pace_per_second=20)
    sent = ask(timed_out)
    assert methods(sent) == ["GET"] * (21 + 2)  # a second's worth at once, and one
    assert all(any(str(drop.id) in request.url for request in sent) for drop in few)
    untouched = Drop.objects.filter(due_at=NOW, checks=0)
    assert untouched.count() == 59


def test_a_setup_with_thousands_of_uncertain_drops_leaves_the_others_their_turn() -> None:
    for _ in range(5):
        crowd(60, pace_per_second=10_000)
    sent = ask(timed_out)
    assert len(sent) == 200
    asked = Drop.objects.filter(checks=1).values_list("setup_id", flat=True)
    assert {list(asked).count(setup_id) for setup_id in asked} == {40}


def test_a_carrier_that_throttles_look_ups_is_not_asked_for_a_while_and_still_gets_drops() -> None:
    drop = uncertain()
    ask(lambda _: CarrierResponse(429, b'{"code":"throttled"}', {"retry-after": "30"}))
    Drop.objects.update(due_at=NOW)
    assert ask(timed_out) == []
    assert limiter().acquire(drop.setup_id, wanted=1, pace=50, cap=64, in_flight=0).count == 1


SPOILT = {
    "a number that does not open": "UPDATE delivery_voicemail SET recipient = '\\x00'::bytea WHERE id = %s",
    "fields that do not open": "UPDATE delivery_voicemail SET merge_fields = '\\x00'::bytea WHERE id = %s",
    "a time that is no time": "UPDATE delivery_voicemail SET expires_at = 'infinity' WHERE id = %s",
    "a time before the calendar": "UPDATE delivery_voicemail SET created_at = '-infinity' WHERE id = %s",
    "a zone that does not exist": "UPDATE delivery_voicemail SET zones = '{Mars/Phobos}' WHERE id = %s",
}


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("spoilt", list(SPOILT))
def test_a_drop_that_cannot_be_read_keeps_no_other_from_being_settled(
    spoilt: str, place: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(Sandbox, "simulated", False)
    drops = [uncertain() for _ in range(3)]
    connection.cursor().execute(SPOILT[spoilt], [drops[place].voicemail_id])
    requests = ask(never_seen())
    repeatable = spoilt == "fields that do not open"  # nothing of them is needed
    assert methods(requests).count("POST") == 2 + repeatable
    statuses = dict(Drop.objects.values_list("id", "status"))
    expected = ["uncertain" if each == place and not repeatable else "accepted" for each in range(3)]
    assert [statuses[drop.id] for drop in drops] == expected
    if not repeatable:
        assert "drop_not_settled" in caplog.text
        assert str(drops[place].id) in caplog.text


@pytest.mark.parametrize("method", ["lookup_request", "read_lookup", "submit_request", "read_submission"])
def test_an_adapter_that_fails_with_one_drop_settles_the_others(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    drops = [uncertain() for _ in range(3)]
    original, fails = getattr(Sandbox, method), iter([True])

    def failing(self: Sandbox, given: Any) -> Any:
        if next(fails, False):
            raise KeyError("id")
        return original(self, given)

    monkeypatch.setattr(Sandbox, method, failing)
    ask(never_seen())
    assert sorted(both(drop)[0] for drop in drops) == ["accepted", "accepted", "uncertain"]


def test_a_drop_that_has_been_looked_up_more_often_than_it_could_be_counted_once_is_looked_up() -> None:
    drop = uncertain(checks=32_766)
    for _ in range(2):
        Drop.objects.update(due_at=NOW)
        assert len(ask(timed_out)) == 1
    drop.refresh_from_db()
    assert drop.checks == 32_768


def test_a_look_up_that_only_says_never_seen_is_no_report() -> None:
    assert isinstance(Sandbox(factories.SANDBOX_CREDENTIALS).read_lookup(NEVER_SEEN), UnknownToCarrier)


@pytest.mark.parametrize("suppressed", [False, True])
def test_a_withheld_resubmission_keeps_why(monkeypatch: pytest.MonkeyPatch, suppressed: bool) -> None:
    drop = uncertain()
    if suppressed:
        listed = factories.make_suppression(Workspace.objects.get(pk=drop.workspace_id))
    else:
        monkeypatch.setattr(Sandbox, "simulated", False)
        UseCase.objects.update(days=[NOW.isoweekday() % 7 + 1])
    assert methods(ask(never_seen())) == ["GET"]
    kept = KeptDecision.objects.get(voicemail_id=drop.voicemail_id)
    assert (kept.step, kept.reason) == ("resubmission", "suppressed" if suppressed else "off_day")
    assert not isinstance(decide(kept.all_facts, kept.decided_at), Send)
    assert kept.all_facts.suppressions == ((str(listed.pk),) if suppressed else ())
