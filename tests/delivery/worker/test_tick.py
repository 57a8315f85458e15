"""The clock: every step every second, whatever became of the others, and two clocks do no harm."""

from __future__ import annotations

from datetime import datetime, timedelta
from threading import Barrier, Thread

import pytest
from django.db import DatabaseError, connection
from django_rq import get_queue

from delivery.models import LaneCount, LaneDelta
from delivery.runtime import shutdown
from delivery.worker import tick
from rvm.platform.api.idempotency import purge_idempotency_keys
from rvm.platform.models import Heartbeat, IdempotencyKey
from tests import factories
from tests.delivery.states import NOW, both, counter_totals, make_submitted, row_counts

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(hours=25)


@pytest.fixture(autouse=True)
def _empty_redis() -> None:
    get_queue("dispatch").connection.flushdb()


def test_a_tick_ends_leases_and_horizons_folds_counts_and_beats() -> None:
    ended = make_submitted("sending", drop={"status": "sending", "created_at": LATER, "due_at": LATER})
    silent = make_submitted("accepted")
    lost = make_submitted("uncertain")
    tick.tick(LATER)
    assert both(ended) == ("uncertain", "", "uncertain", "")
    assert both(silent) == ("failed", "unreported", "failed", "unreported")
    assert both(lost) == ("failed", "unconfirmed", "failed", "unconfirmed")
    assert LaneDelta.objects.count() == 0
    assert Heartbeat.objects.get(name="tick").at == LATER


def test_answers_to_repeated_posts_are_forgotten_after_a_day_within_a_minute(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tick, "STEPS", (tick.Throttled(purge_idempotency_keys, tick.MINUTE),))
    workspace = factories.make_workspace()
    user = factories.make_user(workspace=workspace)

    def kept(hours: float, seconds: float) -> int:
        """What is left of an answer of that age once the tick has run at that second."""
        now = NOW + timedelta(seconds=seconds)
        key = IdempotencyKey.objects.create(
            workspace=workspace, user=user, key=f"{seconds}", fingerprint=b"", status=201, answer=b"", created_at=now
        )
        IdempotencyKey.objects.filter(pk=key.pk).update(created_at=now - timedelta(hours=hours))
        tick.tick(now)
        return IdempotencyKey.objects.filter(pk=key.pk).count()

    assert kept(25, 0) == 0
    assert kept(23, 60) == 1
    assert kept(25, 119) == 1  # less than a minute after the last look
    assert kept(25, 120) == 0 and IdempotencyKey.objects.count() == 1


def test_nothing_ends_before_its_time() -> None:
    drops = [make_submitted(status) for status in ("sending", "accepted", "uncertain")]
    tick.tick(NOW + timedelta(seconds=44))
    assert [both(drop)[0] for drop in drops] == ["sending", "accepted", "uncertain"]


@pytest.mark.parametrize(
    ("due", "queues"),
    [
        ({}, {"dispatch": 0, "reports": 0}),
        ({"status": "queued"}, {"dispatch": 1, "reports": 0}),
        ({"status": "queued", "not_before": LATER}, {"dispatch": 0, "reports": 0}),
        ({"status": "uncertain"}, {"dispatch": 0, "reports": 1}),
    ],
)
def test_it_rings_for_what_is_due_and_for_nothing_else(due: dict[str, object], queues: dict[str, int]) -> None:
    if due:
        make_submitted(
            **{"not_before": NOW, **due}, drop={"status": "uncertain" if "uncertain" in due.values() else "failed"}
        )
    tick.tick(NOW + timedelta(minutes=1))
    assert {queue: get_queue(queue).count for queue in queues} == queues


def test_a_held_lane_rings_for_nobody() -> None:
    factories.make_voicemail(lane=factories.make_lane(held=True), not_before=NOW)
    tick.tick(NOW)
    assert get_queue("dispatch").count == 0


@pytest.mark.parametrize("error", [DatabaseError("gone"), ValueError("a bug"), KeyError("another")])
@pytest.mark.parametrize("place", range(len(tick.STEPS)))
def test_a_step_that_fails_does_not_stop_the_others(
    monkeypatch: pytest.MonkeyPatch, place: int, error: Exception
) -> None:
    done: list[int] = []

    def step(number: int) -> tick.Step:
        def run(now: datetime) -> None:
            if number == place:
                raise error
            done.append(number)

        return run

    monkeypatch.setattr(tick, "STEPS", tuple(step(number) for number in range(len(tick.STEPS))))
    tick.tick(NOW)
    assert done == [number for number in range(len(tick.STEPS)) if number != place]


@pytest.mark.django_db(transaction=True)
def test_two_ticks_at_once_do_everything_once() -> None:
    lane = factories.make_lane()
    drops = [make_submitted(status, lane=lane) for status in ("sending", "accepted", "uncertain") * 10]
    begin, errors = Barrier(2), []

    def work() -> None:
        try:
            begin.wait(10)
            for _ in range(3):
                tick.tick(LATER)
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
    assert counter_totals(lane.id) == row_counts(lane.id)
    assert row_counts(lane.id) == {("failed", "unreported"): 10, ("failed", "unconfirmed"): 20}
    assert LaneDelta.objects.count() == 0
    assert sum(LaneCount.objects.filter(lane=lane).values_list("count", flat=True)) == len(drops)


@pytest.mark.django_db(transaction=True)
def test_the_steps_after_a_lost_connection_get_a_new_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def lose(now: datetime) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    monkeypatch.setattr(tick, "STEPS", (lose, tick._write_heartbeat))
    tick.tick(NOW)
    assert Heartbeat.objects.get().at == NOW


@pytest.mark.django_db(transaction=True)
def test_it_ticks_until_it_is_asked_to_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    moments: list[datetime] = []

    def step(now: datetime) -> None:
        moments.append(now)
        if len(moments) == 3:
            shutdown.requested.set()

    monkeypatch.setattr(tick, "STEPS", (step,))
    monkeypatch.setattr(tick, "INTERVAL", 0.0)
    try:
        tick.run()
    finally:
        shutdown.requested.clear()
    assert moments == sorted(moments)
    assert len(moments) == 3
