"""The jobs of the workers' queues: they keep their connection from one to the next and outlive it, keep deadlines, and take turns."""

from __future__ import annotations

import os
from collections import Counter
from datetime import datetime
from itertools import count
from threading import Event, current_thread, main_thread
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import OperationalError, connection
from django_rq import get_connection, get_queue

from delivery.engine import dispatcher
from delivery.models import CarrierReport
from delivery.recordings import carrier_media
from delivery.reports.inbox import merge
from delivery.runtime import wakeups
from delivery.runtime.deadlines import job_timeouts
from delivery.worker import tasks
from delivery.worker.tasks import merge_reports
from rvm.platform.database.clock import database_now
from rvm.platform.database.ids import uuid7
from tests import factories


@pytest.mark.django_db(transaction=True)
def test_reports_are_merged_by_a_worker_whose_connection_was_cut_between_two_jobs() -> None:
    report = CarrierReport.objects.create(
        setup=factories.make_setup(), drop_id=factories.make_workspace().id, status="accepted"
    )
    pid = connection.connection.info.backend_pid
    url = os.environ["DATABASE_URL"].rpartition("/")[0]
    with psycopg.connect(f"{url}/{settings.DATABASES['default']['NAME']}", autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    with pytest.raises(OperationalError):
        database_now()
    merge_reports()
    report.refresh_from_db()
    assert report.merged_at is not None


@pytest.mark.django_db(transaction=True)
def test_a_backlog_is_merged_by_two_at_once_to_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    setup = factories.make_setup()
    CarrierReport.objects.bulk_create(
        CarrierReport(setup=setup, drop_id=uuid7(), status="delivered") for _ in range(100)
    )
    batches: Counter[str] = Counter()
    second_came = Event()

    def merge_ten(now: datetime) -> int:
        mine = current_thread() is main_thread()
        merged = merge(now, limit=10)
        batches["first" if mine else "second"] += bool(merged)
        if not mine:
            second_came.set()
        elif batches["first"] > 1:
            assert second_came.wait(10)
        return merged

    monkeypatch.setattr(tasks, "merge", merge_ten)
    monkeypatch.setattr(tasks, "BATCH", 10)
    try:
        tasks._merge_inbox()
    finally:
        tasks._second_merger(os.getpid()).submit(lambda: connection.close()).result()
    assert not CarrierReport.objects.filter(merged_at=None).exists()
    assert batches["first"] + batches["second"] == 10
    assert batches["second"] > 0


@pytest.fixture
def turns(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the reports job does, in order, on a clock that goes on a second with each look: a backlog without end, and uploads."""
    clock, done = count(), list[str]()

    def merge_one(now: datetime) -> int:
        done.append("merge")
        return 1

    monkeypatch.setattr(tasks, "boot_clock", lambda: next(clock))
    monkeypatch.setattr(tasks, "merge", merge_one)
    monkeypatch.setattr(tasks, "reconcile", lambda transport, limiter: done.append("settle"))
    monkeypatch.setattr(tasks, "upload_one", lambda *given: done.append("upload"))
    get_connection("reports").flushdb()
    return done


@pytest.mark.django_db(transaction=True)
def test_reports_without_end_leave_a_turn_to_look_ups_and_uploads(turns: list[str], settings: Any) -> None:
    settings.RVM_DISPATCH_SECONDS = 5
    merge_reports()
    assert turns == ["merge"] * 4 + ["settle", "upload"]
    [ring] = get_queue("reports").jobs
    assert ring.func_name == "delivery.worker.tasks.merge_reports"


@pytest.mark.django_db(transaction=True)
def test_the_second_merger_keeps_the_deadline_too(turns: list[str], settings: Any) -> None:
    settings.RVM_DISPATCH_SECONDS = 5
    assert tasks._merge_until(5) is True
    assert turns == ["merge"] * 5


@pytest.mark.django_db(transaction=True)
def test_where_nothing_is_left_nobody_rings(turns: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "merge", lambda now: 0)
    merge_reports()
    assert (turns, get_queue("reports").count) == (["settle", "upload"], 0)


@pytest.mark.django_db(transaction=True)
def test_after_an_upload_it_looks_for_another(turns: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "merge", lambda now: 0)
    monkeypatch.setattr(tasks, "upload_one", lambda *given: True)
    merge_reports()
    assert get_queue("reports").count == 1


@pytest.mark.parametrize(("work", "exchange"), [(1, 1), (30, 15), (120, 120)])
def test_rq_ends_no_job_that_keeps_its_own_deadlines(work: int, exchange: int) -> None:
    """The largest of both and the patience with results were RQ's 300 seconds to the second."""
    allowed = job_timeouts(work=work, exchange=exchange)
    assert allowed["dispatch"] >= work + exchange + dispatcher.RECORD_PATIENCE + 30
    assert allowed["reports"] >= work + 2 * exchange + carrier_media.LEASE.total_seconds() + 30


def test_every_ring_carries_what_its_queue_allows() -> None:
    get_connection("dispatch").flushdb()
    work, exchange = settings.RVM_DISPATCH_SECONDS, settings.RVM_CARRIER_TIMEOUT_SECONDS
    allowed = job_timeouts(work=work, exchange=exchange)
    assert set(allowed) == set(wakeups.JOBS) == set(settings.RQ_QUEUES)
    for queue, seconds in allowed.items():
        wakeups.wake(queue)
        [job] = get_queue(queue).jobs
        assert job.timeout == seconds
