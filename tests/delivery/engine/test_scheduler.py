"""What may go wrong in a turn: it costs the lane, the drop or the moment it happens to, and nothing else."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier, Thread
from typing import Any
from uuid import UUID

import orjson
import pytest
from django.db import DatabaseError, connection
from django.utils import timezone
from django_rq import get_connection
from redis.exceptions import ConnectionError as RedisConnectionError

from delivery.carriers.base import DropRequest
from delivery.carriers.sandbox import Sandbox
from delivery.engine import scheduler
from delivery.engine.claim import claim
from delivery.engine.dispatcher import Dispatcher
from delivery.engine.lane_routes import SendRoute, active_routes
from delivery.engine.rate_limit import Permit, RateLimiter
from delivery.engine.scheduler import ClaimScheduler
from delivery.engine.shares import places
from delivery.models import Drop, Lane, Voicemail
from delivery.services.voicemails import cancel
from delivery.transport.interface import CarrierRequest, CarrierResponse
from delivery.worker.maintenance import expire
from rvm.platform.database.clock import database_now
from rvm.platform.encryption.crypto import BlindIndex, blind_index
from rvm.platform.encryption.keys import KeyRing
from rvm.platform.errors import ServiceError
from tests import factories
from tests.delivery.fake_carrier import FakeTransport, Inline, accepted
from tests.delivery.states import both, counter_totals, row_counts, state
from usecases.models import NumberAssignment, Suppression, TelephonySetup, UseCase

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _empty_redis() -> None:
    get_connection("dispatch").flushdb()


def dispatch(transport: FakeTransport, limiter: Any = None, seconds: float = 5, **options: Any) -> Dispatcher:
    limiter = limiter or RateLimiter(get_connection("dispatch"), "worker-1")
    dispatcher = Dispatcher(transport, limiter, **{"executor": Inline(), "http_timeout": 15, **options})
    dispatcher.run(seconds)
    return dispatcher


def make_lanes(number: int = 2) -> list[Lane]:
    """Lanes in the order in which the engine sees them, each with its own setup and one due voicemail."""
    lanes = [factories.make_lane() for _ in range(number)]
    for lane in lanes:
        factories.make_voicemail(lane=lane)
    return sorted(lanes, key=lambda lane: lane.id)


def only(lane: Lane) -> Voicemail:
    return Voicemail.objects.get(lane=lane)


def break_setup(lane: Lane, fault: str) -> None:
    connection.cursor().execute(f"UPDATE usecases_telephonysetup SET {fault} WHERE id = %s", [lane.use_case.setup_id])


class FailingOnce:
    """Stands before a function and fails at its second call."""

    def __init__(self, function: Callable[..., Any], error: Exception) -> None:
        self.function, self.error, self.calls = function, error, 0

    def __call__(self, *args: Any, **options: Any) -> Any:
        self.calls += 1
        if self.calls == 2:
            raise self.error
        return self.function(*args, **options)


@pytest.mark.parametrize("error", [DatabaseError("gone"), RedisConnectionError("gone")])
def test_what_one_lane_has_claimed_leaves_although_the_next_lane_fails(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    lanes = make_lanes()
    if isinstance(error, DatabaseError):
        monkeypatch.setattr(scheduler, "claim", FailingOnce(claim, error))
    limiter = RateLimiter(get_connection("dispatch"), "worker-1")
    if isinstance(error, RedisConnectionError):
        monkeypatch.setattr(limiter, "acquire", FailingOnce(limiter.acquire, error))
    monkeypatch.setattr(scheduler, "REDIS_WAIT", 0.01)
    transport = FakeTransport()
    dispatch(transport, limiter)
    assert [state(only(lane)) for lane in lanes] == [("accepted", "")] * 2
    assert len(transport.sent) == 2


FAULTS = ["carrier = 'gone'", "credentials = '\\x00'::bytea"]


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_lane_whose_setup_cannot_be_used_waits_and_stops_no_other(
    fault: str, place: int, caplog: pytest.LogCaptureFixture
) -> None:
    lanes = make_lanes(3)
    break_setup(lanes[place], fault)
    transport = FakeTransport()
    dispatch(transport)
    expected = ["queued" if number == place else "accepted" for number in range(3)]
    assert [state(only(lane))[0] for lane in lanes] == expected
    assert "setup_unusable" in caplog.text
    assert str(lanes[place].use_case.setup_id) in caplog.text
    assert "2025550142" not in caplog.text


@pytest.mark.parametrize("fault", FAULTS)
def test_a_voicemail_behind_an_unusable_setup_still_expires(fault: str) -> None:
    (lane,) = make_lanes(1)
    Voicemail.objects.update(expires_at=timezone.now())
    break_setup(lane, fault)
    dispatch(FakeTransport())
    expire(timezone.now())
    assert state(only(lane)) == ("expired", "expired")


def test_a_setup_that_is_put_right_sends_what_waited() -> None:
    (lane,) = make_lanes(1)
    break_setup(lane, FAULTS[0])
    dispatch(FakeTransport())
    break_setup(lane, "carrier = 'sandbox'")
    Voicemail.objects.update(not_before=timezone.now())
    dispatch(FakeTransport())
    assert state(only(lane))[0] == "accepted"


def test_a_test_lane_without_a_sandbox_never_takes_the_live_setup_and_still_expires() -> None:
    lane = factories.make_lane(live=False)
    waiting = factories.make_voicemail(lane=lane)
    ended = factories.make_voicemail(lane=lane, expires_at=timezone.now())
    TelephonySetup.objects.update(carrier="some-vendor")
    transport = FakeTransport()
    dispatch(transport)
    expire(timezone.now())
    assert transport.sent == []
    assert state(waiting) == ("queued", "")
    assert state(ended) == ("expired", "expired")


def test_a_recipient_that_does_not_decrypt_keeps_nobody_else_waiting(caplog: pytest.LogCaptureFixture) -> None:
    lane = factories.make_lane()
    bad, ended, good = (factories.make_voicemail(lane=lane) for _ in range(3))
    connection.cursor().execute(
        "UPDATE delivery_voicemail SET recipient = '\\x0102'::bytea WHERE id IN (%s, %s)", [bad.id, ended.id]
    )
    Voicemail.objects.filter(id=ended.id).update(expires_at=timezone.now())
    dispatch(FakeTransport())
    statuses = dict(Voicemail.objects.values_list("id", "status"))
    assert [statuses[row.id] for row in (bad, ended, good)] == ["queued", "expired", "accepted"]
    assert "recipient_unreadable" in caplog.text
    assert counter_totals(lane.id) == row_counts(lane.id)


@pytest.fixture
def rotated(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[BlindIndex]:
    """A new index key has become current; rows still carry the old one's indexes."""
    yield_ring = KeyRing(keys={**settings.RVM_INDEX_KEYS.keys, 2: bytes(32)}, current=2)
    settings.RVM_INDEX_KEYS = yield_ring
    blind_index.cache_clear()
    yield blind_index()
    blind_index.cache_clear()


@pytest.mark.parametrize("suppressed_after", [True, False])
def test_while_the_index_key_rotates_a_suppression_under_either_key_binds(
    suppressed_after: bool, request: pytest.FixtureRequest
) -> None:
    use_case = factories.make_use_case()
    if suppressed_after:
        factories.make_voicemail(use_case)
        request.getfixturevalue("rotated")
        factories.make_suppression(use_case.workspace)
    else:
        factories.make_suppression(use_case.workspace)
        request.getfixturevalue("rotated")
        factories.make_voicemail(use_case)
    assert Suppression.objects.get().index_key != Voicemail.objects.get().index_key
    transport = FakeTransport()
    dispatch(transport)
    assert state(Voicemail.objects.get()) == ("skipped", "suppressed")
    assert transport.sent == []


def test_a_request_that_cannot_be_built_is_not_sent_and_harms_no_other(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    lane = factories.make_lane()
    numbers = ["+12025550142", "+12025550143", "+12025550144"]
    rows = [factories.make_voicemail(lane=lane, recipient=number) for number in numbers]
    build = Sandbox.submit_request

    def submit_request(self: Sandbox, drop: DropRequest) -> CarrierRequest:
        if drop.recipient == numbers[1]:
            raise ValueError(f"cannot encode {drop.recipient}")
        return build(self, drop)

    monkeypatch.setattr(Sandbox, "submit_request", submit_request)
    dispatch(FakeTransport(), seconds=0.2)
    assert [state(row)[0] for row in rows] == ["accepted", "queued", "accepted"]
    assert {drop.status for drop in Drop.objects.filter(voicemail=rows[1])} == {"not_sent"}
    assert numbers[1].removeprefix("+") not in caplog.text
    assert counter_totals(lane.id) == row_counts(lane.id)


def test_an_answer_that_an_adapter_cannot_read_leaves_it_uncertain(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = (factories.make_voicemail() for _ in range(2))
    read = Sandbox.read_submission
    broken = iter([True, False])

    def read_submission(self: Sandbox, response: CarrierResponse) -> Any:
        if next(broken):
            raise KeyError("id")
        return read(self, response)

    monkeypatch.setattr(Sandbox, "read_submission", read_submission)
    dispatch(FakeTransport())
    assert sorted([state(first)[0], state(second)[0]]) == ["accepted", "uncertain"]


def test_a_worker_that_was_stopped_while_it_looked_sends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between reading the time and the claim: the lease in the row has ended before it was written."""
    voicemail = factories.make_voicemail()
    moment = 0.0

    def slow_routes(now: datetime, limit: int) -> list[SendRoute]:
        nonlocal moment
        moment += 600
        return active_routes(now, limit)

    monkeypatch.setattr(scheduler, "active_routes", slow_routes)
    transport = FakeTransport()
    dispatch(transport, clock=lambda: moment, seconds=500)
    assert transport.sent == []
    assert state(voicemail)[0] == "queued"


@pytest.mark.parametrize(("header", "pause"), [({"retry-after": "30"}, 30), ({}, 1)])
def test_a_throttling_carrier_is_left_alone_by_everybody(header: dict[str, str], pause: int) -> None:
    use_case = factories.make_use_case(setup=factories.make_setup(in_flight_cap=1))
    for _ in range(3):
        factories.make_voicemail(use_case)
    transport = FakeTransport(lambda _: CarrierResponse(429, b'{"code":"throttled"}', header))
    dispatch(transport, seconds=0.3)
    assert len(transport.sent) == 1
    left = get_connection("dispatch").pttl(f"rvm:pause:{use_case.setup_id}")
    assert (pause - 1) * 1000 < left <= pause * 1000
    assert {row.status for row in Voicemail.objects.all()} == {"queued"}


class Sparse(RateLimiter):
    """Permits one start in every so many turns."""

    def __init__(self, every: int) -> None:
        super().__init__(get_connection("dispatch"), "worker-1")
        self.every, self.turn, self.left = every, 0, 0

    def begin_turn(self) -> None:
        self.turn += 1
        self.left = int(self.turn % self.every == 0)

    def acquire(self, *_: Any, wanted: int, **__: Any) -> Permit:
        count, self.left = min(wanted, self.left), 0
        return Permit(count, 0.01)


def lanes_of_starts(turns: int, every: int = 1) -> list[UUID]:
    """The lanes of the drops that start in so many turns, in the order of the starts; one turn in `every` may start one."""
    limiter = Sparse(every)
    scheduler = ClaimScheduler(
        limiter, clock=time.monotonic, now=database_now, lease=timedelta(seconds=60), http_timeout=15
    )
    started = []
    for _ in range(turns):
        limiter.begin_turn()
        started += [claimed.claim.voicemail_id for claimed in scheduler.turn([], 8, {}).claimed]
    return [Voicemail.objects.get(pk=voicemail_id).lane_id for voicemail_id in started]


@pytest.mark.parametrize("api_lane_is_first", [True, False])
def test_a_full_lane_leaves_a_short_one_its_turns(api_lane_is_first: bool) -> None:
    use_case = factories.make_use_case()
    lanes = sorted((factories.make_lane(use_case) for _ in range(2)), key=lambda lane: lane.id)
    short, full = lanes if api_lane_is_first else lanes[::-1]
    recording = factories.make_recording(use_case.workspace)
    for _ in range(30):
        factories.make_voicemail(lane=full, recording=recording)
    for _ in range(5):
        factories.make_voicemail(lane=short, recording=recording)
    order = lanes_of_starts(turns=35)
    assert len(order) == 35
    assert [place for place, lane_id in enumerate(order) if lane_id == short.id][-1] < 12


def test_a_lane_of_higher_priority_goes_first_for_as_long_as_it_has_any() -> None:
    use_case = factories.make_use_case()
    low, high = factories.make_lane(use_case), factories.make_lane(use_case, priority=5)
    for lane in (low, high) * 4:
        factories.make_voicemail(lane=lane)
    assert lanes_of_starts(turns=8) == [high.id] * 4 + [low.id] * 4


@pytest.mark.parametrize("every", [1, 2, 3, 4])
def test_lanes_take_turns_however_many_turns_start_nothing(every: int) -> None:
    use_case = factories.make_use_case()
    first, second = (factories.make_lane(use_case) for _ in range(2))
    for lane in (first, second):
        for _ in range(4):
            factories.make_voicemail(lane=lane)
    lanes = lanes_of_starts(turns=8 * every, every=every)
    assert len(lanes) == 8 and all(lane != following for lane, following in itertools.pairwise(lanes))


class DeadRedis:
    def acquire(self, *_: Any, **__: Any) -> Permit:
        raise RedisConnectionError("refused")

    release = pause = acquire


def test_without_redis_nothing_is_claimed_and_nothing_is_lost() -> None:
    voicemail = factories.make_voicemail()
    transport = FakeTransport()
    dispatcher = Dispatcher(transport, DeadRedis(), Inline(), http_timeout=15)  # type: ignore[arg-type]
    assert dispatcher.run(0.2) is True
    assert transport.sent == []
    assert state(voicemail) == ("queued", "")
    assert not Drop.objects.exists()


def test_redis_that_dies_while_requests_are_open_loses_no_answer() -> None:
    use_case = factories.make_use_case()
    rows = [factories.make_voicemail(use_case) for _ in range(2)]
    limiter = RateLimiter(get_connection("dispatch"), "worker-1")

    def answer(request: CarrierRequest) -> Any:
        dead = DeadRedis()
        limiter.acquire, limiter.pause, limiter.release = dead.acquire, dead.pause, dead.release  # type: ignore[method-assign]
        return CarrierResponse(202, orjson.dumps({"id": "c", "status": "accepted"}), {"retry-after": "9"})

    dispatch(FakeTransport(answer), limiter, seconds=0.2)
    assert [state(row)[0] for row in rows] == ["accepted"] * 2


@pytest.mark.django_db(transaction=True)
def test_a_lost_connection_to_postgresql_costs_neither_answers_nor_the_rest_of_the_run() -> None:
    use_case = factories.make_use_case(setup=factories.make_setup(in_flight_cap=1))
    rows = [factories.make_voicemail(use_case) for _ in range(3)]
    killed = iter([True, False, False])

    def answer(request: CarrierRequest) -> Any:
        if next(killed):
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
                )
        return accepted(request)

    with ThreadPoolExecutor(1) as executor:
        transport = FakeTransport(answer)
        dispatch(transport, executor=executor, seconds=20)
        executor.submit(lambda: connection.close()).result()
    assert [state(row)[0] for row in rows] == ["accepted"] * 3
    assert len(transport.sent) == 3


def test_a_changed_setup_takes_what_is_queued_with_its_own_sender() -> None:
    use_case = factories.make_use_case()
    voicemail = factories.make_voicemail(use_case)
    old_sender = voicemail.sender
    new = factories.make_setup(use_case.workspace)
    number = factories.make_phone_number(new)
    NumberAssignment.objects.filter(use_case=use_case).delete()
    NumberAssignment.objects.create(use_case=use_case, phone_number=number)
    UseCase.objects.update(setup=new)
    dispatch(FakeTransport())
    drop = Drop.objects.get()
    assert both(drop)[0] == "accepted"
    assert (drop.setup_id, drop.sender) == (new.id, number.e164)
    assert drop.sender != old_sender
    assert state(voicemail)[0] == "accepted"
    assert voicemail.setup_id == use_case.setup_id  # in listings: the setup at creation


def test_a_setup_without_a_sender_skips_with_that_reason() -> None:
    use_case = factories.make_use_case()
    voicemail = factories.make_voicemail(use_case)
    UseCase.objects.update(setup=factories.make_setup(use_case.workspace))
    dispatch(FakeTransport())
    assert state(voicemail) == ("skipped", "no_sender")


@pytest.mark.django_db(transaction=True)
def test_a_cancel_that_races_a_claim_either_cancels_or_is_refused() -> None:
    lane = factories.make_lane()
    rows = [factories.make_voicemail(lane=lane, recipient=f"+120255501{number:02}") for number in range(24)]
    begin, canceled, errors = Barrier(2), set[UUID](), []
    (route,) = active_routes(timezone.now(), 100)

    def cancel_all() -> None:
        try:
            begin.wait(10)
            for row in rows:
                try:
                    cancel(row, actor=None, now=timezone.now())
                    canceled.add(row.id)
                except ServiceError as refused:
                    assert refused.code == "not_cancelable"
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    thread = Thread(target=cancel_all)
    thread.start()
    begin.wait(10)
    claimed = {
        one.voicemail_id for _ in range(30) for one in claim(route, 1, timezone.now(), timedelta(seconds=45)).claims
    }
    thread.join(30)
    assert not thread.is_alive()
    claimed |= {one.voicemail_id for one in claim(route, 100, timezone.now(), timedelta(seconds=45)).claims}
    assert errors == []
    assert claimed | canceled == {row.id for row in rows}
    assert not claimed & canceled
    assert counter_totals(lane.id) == row_counts(lane.id)
    assert Drop.objects.count() == len(claimed)


@pytest.mark.django_db(transaction=True)
def test_two_workers_never_claim_the_same_voicemail() -> None:
    lane = factories.make_lane()
    for number in range(40):
        factories.make_voicemail(lane=lane, recipient=f"+120255501{number:02}")
    (route,) = active_routes(timezone.now(), 100)
    begin, claimed, errors = Barrier(2), list[UUID](), []

    def work() -> None:
        try:
            begin.wait(10)
            for _ in range(60):
                claimed.extend(c.voicemail_id for c in claim(route, 3, timezone.now(), timedelta(seconds=45)).claims)
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()
    assert errors == []
    assert len(claimed) == len(set(claimed)) == 40
    assert Drop.objects.count() == 40


def test_a_setup_that_fills_the_places_leaves_some_to_who_comes_later() -> None:
    slow, later = make_lanes()
    for at in range(20):
        factories.make_voicemail(lane=slow, recipient=f"+120255501{at + 10:02}")
    held = {slow.use_case.setup_id: 16}
    limiter = RateLimiter(get_connection("dispatch"), "worker-1")
    found = ClaimScheduler(
        limiter, clock=time.monotonic, now=database_now, lease=timedelta(seconds=45), http_timeout=15
    ).turn([], places(16) - 16, held)
    assert [claimed.claim.route.lane_id for claimed in found.claimed] == [later.id]
    assert found.kept == places(16) - 17


class CountingTransport(FakeTransport):
    most = 0

    def submit(self, request: CarrierRequest, context: Any) -> None:
        super().submit(request, context)
        self.most = max(self.most, self.in_flight)


def test_a_setup_that_is_alone_fills_a_workers_concurrency_and_no_more() -> None:
    setup = factories.make_setup(pace_per_second=1000)
    lane = factories.make_lane(factories.make_use_case(setup=setup))
    for at in range(40):
        factories.make_voicemail(lane=lane, recipient=f"+120255501{at + 10:02}")
    transport = CountingTransport()
    dispatch(transport, concurrency=8)
    assert row_counts(lane.pk) == {("accepted", ""): 40}
    assert transport.most == 8
