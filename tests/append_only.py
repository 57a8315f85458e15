"""Removal of rows that nobody may remove: tests run as a superuser of the database, who may disable triggers for a session."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

OFF, ON = "SET session_replication_role = replica", "SET session_replication_role = origin"


@contextmanager
def triggers_off() -> Iterator[None]:
    """What somebody can do who owns the database: in this session no trigger fires."""
    with connection.cursor() as cursor:
        cursor.execute(OFF)
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(ON)
