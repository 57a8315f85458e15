"""How a setup has fared, from a bounded sample, and what is open of it, by indexes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection

from delivery.models import Drop
from delivery.selectors import setup_stats
from delivery.selectors.setup_stats import OpenAttempts, SetupStats, open_attempts, stats_of
from rvm.platform.database.ids import uuid7_at
from tests.factories import make_setup, make_workspace
from usecases.models import TelephonySetup

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
SINCE = NOW - timedelta(hours=24)


def attempts(setup: TelephonySetup, count: int = 1, *, age: timedelta = timedelta(hours=2), **fields: Any) -> None:
    at = NOW - age
    workspace_id = setup.workspace_id
    Drop.objects.bulk_create(
        Drop(
            **{
                "id": uuid7_at(int(at.timestamp() * 1000)),
                "workspace_id": workspace_id,
                "voicemail_id": UUID(int=number),
                "setup": setup,
                "number": 1,
                "live": True,
                "sender": "+12125550100",
                "created_at": at,
                "due_at": at,
                **fields,
            }
        )
        for number in range(count)
    )


def reported(seconds: float, status: str = "delivered", **fields: Any) -> dict[str, Any]:
    accepted = NOW - timedelta(hours=2)
    return {"status": status, "accepted_at": accepted, "ended_at": accepted + timedelta(seconds=seconds), **fields}


def stats(setup: TelephonySetup) -> SetupStats:
    return stats_of([setup.pk], NOW)[setup.pk]


def test_the_rate_is_of_answered_requests_and_the_times_are_those_of_reports() -> None:
    setup = make_setup()
    for seconds in (10, 20, 30, 40):
        attempts(setup, **reported(seconds))
    attempts(setup, **reported(50, "failed", reason="busy"))
    attempts(setup, **reported(86_400, "failed", reason="unreported"))
    attempts(setup, status="accepted", accepted_at=NOW - timedelta(minutes=1))
    attempts(setup, status="failed", reason="refused", ended_at=NOW)
    attempts(setup, 2, status="not_sent", reason="not_sent", ended_at=NOW)
    attempts(setup, status="sending")
    attempts(setup, 5, status="uncertain")
    attempts(make_setup(), 7, **reported(1))
    assert stats(setup) == SetupStats(SINCE, 10, 0.7, 30.0, pytest.approx(48.0))


def test_only_the_last_day_counts_and_without_attempts_nothing_is_said() -> None:
    setup = make_setup()
    attempts(setup, age=timedelta(hours=25), **reported(10))
    assert stats(setup) == SetupStats(SINCE, 0, None, None, None)


def test_the_figures_of_a_setup_are_its_own_whatever_others_have_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """A campaign through another setup must not crowd out the few attempts of this one."""
    monkeypatch.setattr(setup_stats, "IN_SLICE", 3)
    busy, rare, unused = make_setup(), make_setup(), make_setup()
    attempts(busy, 1000, **reported(10))
    attempts(rare, 2, **reported(40))
    attempts(rare, 1, status="accepted", accepted_at=NOW - timedelta(hours=2))
    attempts(rare, 1, status="failed", reason="refused", ended_at=NOW, age=timedelta(hours=3))
    attempts(unused, 50, age=timedelta(days=90), **reported(10))
    found = stats_of([busy.pk, rare.pk, unused.pk], NOW)
    assert found[rare.pk] == stats(rare) == SetupStats(SINCE, 4, 0.75, 40.0, 40.0)
    assert (found[busy.pk].sampled, found[unused.pk].sampled) == (3, 0)


def test_of_more_than_are_read_those_that_wait_for_a_report_count_as_they_come(monkeypatch: pytest.MonkeyPatch) -> None:
    """Or the rate would be better the more reports are awaited: the refused have ended, and the accepted have not."""
    monkeypatch.setattr(setup_stats, "IN_SLICE", 20)
    setup = make_setup()
    for second in range(200):
        age = timedelta(hours=2) - timedelta(seconds=second)
        if second % 2:
            attempts(setup, status="accepted", accepted_at=NOW - age, age=age)
        else:
            attempts(setup, status="failed", reason="refused", ended_at=NOW - age, age=age)
    assert (stats(setup).sampled, stats(setup).accept_rate) == (20, 0.5)


def test_a_look_at_many_setups_reads_fewer_attempts_of_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setup_stats, "MAX_READ", 10 * setup_stats.SLICES)
    setups = [make_setup() for _ in range(5)]
    for setup in setups:
        attempts(setup, 30, **reported(10))
    assert {each.sampled for each in stats_of([setup.pk for setup in setups], NOW).values()} == {
        setup_stats.MIN_IN_SLICE
    }
    assert stats(setups[0]).sampled == 10


def test_many_attempts_are_a_sample_from_the_whole_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setup_stats, "IN_SLICE", 3)
    setup = make_setup()
    for hours in (1, 12, 23):
        attempts(setup, 10, age=timedelta(hours=hours), **reported(hours))
    found = stats(setup)
    assert (found.sampled, found.report_median) == (9, 12.0)


def test_open_attempts_are_counted_by_what_they_wait_for() -> None:
    setup = make_setup()
    attempts(setup, 1, status="sending")
    attempts(setup, 2, status="uncertain")
    attempts(setup, 3, status="accepted", accepted_at=NOW - timedelta(minutes=59))
    attempts(setup, 4, status="accepted", accepted_at=NOW - timedelta(minutes=61))
    attempts(setup, 5, **reported(1))
    other = make_setup()
    found = open_attempts([setup.pk, other.pk], NOW)
    assert found == {setup.pk: OpenAttempts(1, 2, 7, 4), other.pk: OpenAttempts(0, 0, 0, 0)}
    assert (found[setup.pk].total, found[other.pk].total) == (10, 0)


def test_neither_reads_the_history(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is asked, only ranges of the primary key and what is open are looked at."""
    setup = make_setup(make_workspace())
    attempts(setup, 3000, **reported(1))
    asked: list[tuple[str, Any]] = []
    run = setup_stats.sql.run
    monkeypatch.setattr(setup_stats.sql, "run", lambda *args: asked.append(args) or run(*args))
    stats_of([setup.pk], NOW)
    open_attempts([setup.pk], NOW)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE delivery_drop")
        for statement, parameters in asked:
            cursor.execute(f"EXPLAIN {statement}", parameters)
            scans = [line for (line,) in cursor.fetchall() if "Scan" in line and "delivery_drop" in line]
            assert scans
            assert not [line for line in scans if "Seq Scan" in line], scans
