"""What fails in the background of delivery is on the administrators' list, and leaves it when it succeeds."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.db import DatabaseError
from django_rq.workers import get_worker
from redis import Redis

from delivery.engine import circuit_breaker
from delivery.engine.claim import UNREADABLE, _put_off
from delivery.engine.lane_routes import UnusableSetup, route_of
from delivery.engine.scheduler import _record_lane, _record_setup
from delivery.lifecycle.invariants import TALLY
from delivery.lifecycle.reasons import Reason
from delivery.models import CarrierMedia
from delivery.runtime import wakeups
from delivery.worker import tick
from delivery.worker.rq_worker import Worker
from rvm.platform.database.clock import database_now
from rvm.platform.health.failed_work import notice
from rvm.platform.models import FailedWork, Tally
from tests import factories
from tests.delivery.states import NOW

pytestmark = pytest.mark.django_db


def failing() -> list[tuple[str, str, str, int]]:
    """What fails besides processes, which do not run in tests."""
    rows = FailedWork.objects.exclude(kind="process").order_by("kind", "subject")
    return list(rows.values_list("kind", "name", "reason", "count"))


def one() -> Worker:
    made: Worker = get_worker("imports", worker_class=Worker, serializer="rq.serializers.JSONSerializer")
    return made


def test_a_job_that_fails_is_listed_until_it_succeeds(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    ends: list[Exception | None] = [KeyError("2025550142"), DatabaseError("x"), None]

    def job() -> None:
        if end := ends.pop(0):
            raise end

    monkeypatch.setattr("campaigns.tasks.work_imports", job)
    worker = one()
    for seen in ([("A fault of the program (KeyError).", 1)], [("A fault of the program (DatabaseError).", 2)], []):
        wakeups.wake("imports")
        worker.work(burst=True, logging_level="CRITICAL")
        assert [(reason, count) for _, _, reason, count in failing()] == seen


def test_jobs_of_strangers_are_counted(redis: Redis) -> None:
    for _ in range(2):
        redis.hset("rq:job:x", "data", "2025550142")
        redis.rpush("rq:queue:imports", "x")
        one().work(burst=True, logging_level="CRITICAL")
    assert failing() == [("foreign_job", "Queue imports", "A record in Redis asked a worker for something else.", 2)]


@pytest.mark.django_db(transaction=True)
def test_a_step_of_the_tick_that_fails_is_listed_and_forgotten_once_it_succeeds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken_step(now: datetime) -> None:
        raise ValueError("2025550142")

    monkeypatch.setattr(tick, "STEPS", [broken_step, notice])
    for _ in range(3):
        tick.tick(database_now())
    assert failing() == [("tick_step", "Broken step", "A fault of the program (ValueError).", 3)]
    monkeypatch.setattr(tick, "STEPS", [notice])
    tick.tick(database_now() + timedelta(minutes=6))
    assert failing() == []


def test_a_setup_that_is_held_back_is_listed_with_its_reason_until_it_is_closed() -> None:
    setup = factories.make_setup()
    circuit_breaker.open_for_account(setup.pk, Reason.NO_FUNDS, NOW)
    notice(NOW)
    [(kind, name, reason, _)] = failing()
    assert (kind, name, reason) == ("breaker", setup.name, circuit_breaker.account_message(Reason.NO_FUNDS))
    assert FailedWork.objects.get(kind="breaker").workspace_id == setup.workspace_id
    circuit_breaker.close(setup.pk)
    notice(NOW)
    assert failing() == []


def test_recordings_that_a_carrier_refused_are_listed_by_setup() -> None:
    setup = factories.make_setup()
    for state, error in (("refused", "Too long."), ("failed", ""), ("ready", ""), ("wanted", "")):
        recording = factories.make_recording(setup.workspace)
        CarrierMedia.objects.create(setup=setup, recording=recording, state=state, error=error)
    notice(NOW)
    assert [(kind, reason) for kind, _, reason, _ in failing()] == [
        ("media", "2 recordings are not there, 1 of them refused for good. An error: Too long.")
    ]
    CarrierMedia.objects.update(state="ready")
    notice(NOW)
    assert failing() == []


def test_repairs_of_the_last_day_are_listed() -> None:
    Tally.add(TALLY, 3, NOW)
    notice(NOW + timedelta(hours=23))
    assert [kind for kind, *_ in failing()] == ["repair"]
    notice(NOW + timedelta(hours=25))
    assert failing() == []


def test_a_setup_and_a_lane_that_cannot_be_used_are_listed_in_their_workspace() -> None:
    voicemail = factories.make_voicemail()
    setup, lane = voicemail.setup, voicemail.lane
    _record_setup(UnusableSetup(setup.pk, "Undecryptable"))

    class Route:
        lane_id = lane.pk

    _record_lane(Route(), ValueError("2025550142"))  # type: ignore[arg-type]
    assert [(kind, name) for kind, name, *_ in failing()] == [("lane", "A lane"), ("setup", setup.name)]
    assert {row.workspace_id for row in FailedWork.objects.all()} == {voicemail.workspace_id}


def test_voicemails_that_cannot_be_prepared_are_counted_by_lane(
    django_capture_on_commit_callbacks: object,
) -> None:
    voicemail = factories.make_voicemail(not_before=NOW)
    route = route_of(voicemail.lane_id, failover=False, setup_id=voicemail.setup.pk, now=NOW)
    assert route is not None
    for _ in range(2):
        with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
            _put_off(route, [(voicemail.pk, UNREADABLE)], NOW)
    assert failing() == [("put_off", "Voicemails of a lane", UNREADABLE, 2)]
