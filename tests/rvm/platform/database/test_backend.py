"""Times come from the database as Django gives them, by a loader that is not Django's, and connections live."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection, connections
from django.db.backends.postgresql.psycopg_any import BaseTzLoader
from psycopg.pq import Format

from rvm.platform.database import sql

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "moment",
    [
        datetime(2026, 3, 8, 2, 30, tzinfo=timezone(timedelta(hours=-5))),
        datetime(2026, 11, 1, 5, 59, 59, 999_999, tzinfo=UTC),
        datetime(1, 1, 1, tzinfo=UTC),
    ],
)
def test_times_are_read_in_utc(moment: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::timestamptz", [moment])
        [(read,)] = cursor.fetchall()
    assert read == moment
    assert read.tzinfo is UTC


def test_a_connection_in_another_zone_reads_as_django_does(monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = timezone(timedelta(hours=-5))
    monkeypatch.setitem(vars(connections["default"]), "timezone", elsewhere)
    with connection.cursor() as cursor:
        loader = cursor.cursor.adapters.get_loader(1184, Format.TEXT)
    assert issubclass(loader, BaseTzLoader) and loader.timezone is elsewhere


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """When the connection was asked whether it lives, by a clock that the test sets; a new request has just begun."""
    clock = SimpleNamespace(now=1000.0)
    asked: list[float] = []

    def is_usable() -> bool:
        asked.append(clock.now)
        return True

    connection.ensure_connection()
    wrapper = connections["default"]
    monkeypatch.setattr("rvm.platform.database.backend.base.time.monotonic", lambda: clock.now)
    for name, value in {"is_usable": is_usable, "health_check_enabled": True, "clock": clock}.items():
        monkeypatch.setitem(vars(wrapper), name, value)
    monkeypatch.setitem(vars(wrapper), "_used_at", clock.now)
    yield asked


@pytest.mark.parametrize("run", [lambda: sql.run("SELECT 1", []), lambda: connection.cursor().execute("SELECT 1")])
@pytest.mark.parametrize(("later", "times"), [(0.9, 0), (1.1, 1)])
def test_a_connection_is_asked_whether_it_lives_if_it_was_not_used_for_a_while(
    asked: list[float], run: Callable[[], object], later: float, times: int
) -> None:
    wrapper: Any = connections["default"]
    wrapper.clock.now += later
    wrapper.health_check_done = False  # as when a request begins
    run()
    run()
    assert asked == [wrapper.clock.now] * times
