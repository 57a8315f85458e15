"""The jobs behind the bells keep their connection from one to the next, and outlive it."""

from __future__ import annotations

import os
from collections import Counter
from datetime import datetime
from threading import Event, current_thread, main_thread

import psycopg
import pytest
from django.conf import settings
from django.db import OperationalError, connection

from delivery import tasks
from delivery.models import CarrierReport
from delivery.reports import merge
from delivery.tasks import merge_reports
from rvm.platform.clock import database_now
from rvm.platform.ids import uuid7
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
