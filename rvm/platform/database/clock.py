"""The one wall clock of the platform: the database's. Every machine's own may be wrong, and no two agree.

What is written in a row, or compared with one, is a time of this clock; ruff forbids the others. Django's sessions keep their own
(a cookie's life of days may be off by as much as a host's clock), and so do vendors, whose times are compared with nothing but a
tolerance of minutes.
"""

from __future__ import annotations

from datetime import datetime

from django.db import connection


def database_now() -> datetime:
    """The time at this moment, in UTC, also in the middle of a transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        now: datetime = cursor.fetchone()[0]
    return now
