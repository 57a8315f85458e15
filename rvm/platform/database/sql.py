"""Set-wise statements on Django's connection, with server-side parameters and prepared plans.

Django's cursors interpolate parameters into the statement, which is slow for arrays of hundreds of values. Arrays of ids, texts and
binaries are passed as literals built here, five times as fast as the driver's generic conversion.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from django.db import DEFAULT_DB_ALIAS, connections


def run(statement: str, parameters: Sequence[Any] | Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Execute in the current transaction, if any, and return all rows. Raises Django's database errors."""
    own = connections[DEFAULT_DB_ALIAS]
    own.close_if_health_check_failed()
    own.ensure_connection()
    with own.wrap_database_errors, psycopg.Cursor(own.connection) as cursor:
        cursor.execute(statement, parameters, prepare=True)
        result = cursor.pgresult
        return cursor.fetchall() if result is not None and result.nfields else []


def ids(values: Iterable[UUID | None]) -> str:
    """A `uuid[]` literal."""
    return "{" + ",".join(["NULL" if value is None else value.hex for value in values]) + "}"


def binaries(values: Iterable[bytes | None]) -> str:
    """A `bytea[]` literal."""
    return "{" + ",".join(["NULL" if value is None else f'"\\\\x{value.hex()}"' for value in values]) + "}"


def numbers(values: Iterable[int | None]) -> str:
    """A `bigint[]` literal."""
    return "{" + ",".join(["NULL" if value is None else str(value) for value in values]) + "}"


def texts(values: Iterable[str]) -> str:
    """A `text[]` literal. NUL characters are removed, because PostgreSQL's text cannot hold them and a vendor may send one."""
    values = list(values)
    joined = '","'.join(values)
    if "\\" in joined or "\x00" in joined or joined.count('"') != 2 * max(len(values) - 1, 0):
        joined = '","'.join([_quoted(value) for value in values])
    return f'{{"{joined}"}}' if values else "{}"


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\x00", "")


def literals(values: Iterable[str]) -> str:
    """A list of literals behind IN, of statuses and reasons of ours."""
    return "('" + "', '".join(sorted(values)) + "')"


def times(values: Iterable[datetime | None]) -> str:
    """A `timestamptz[]` literal."""
    return "{" + ",".join(["NULL" if value is None else value.isoformat() for value in values]) + "}"
