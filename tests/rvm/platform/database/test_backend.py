"""Times come from the database as Django gives them, by a loader that is not Django's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from django.db import connection, connections
from django.db.backends.postgresql.psycopg_any import BaseTzLoader
from psycopg.pq import Format

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
