"""The platform's only wall clock: the database's. Clocks of other machines may be wrong and differ from each other.

Every time that is written to a row or compared with one comes from this clock; ruff forbids the others. There is one exception:
times from vendors are compared only with a tolerance of minutes.
"""

from __future__ import annotations

from datetime import datetime

from django.db import connection


def database_now() -> datetime:
    """The current time in UTC, which advances within a transaction too (`clock_timestamp`)."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        now: datetime = cursor.fetchone()[0]
    return now
