"""Reads what vendors send: plain values out of any bytes, never an exception.

An answer or a callback may hold anything; what cannot be read is empty, and the adapter decides what its absence means.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

MAX_CODE_LENGTH, MAX_TEXT_LENGTH, MAX_ID_LENGTH = 64, 500, 255
MAX_RETRY_AFTER = 3600  # seconds


def json_object(raw: bytes) -> dict[str, Any]:
    """A JSON object; empty for anything else."""
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}


def parse_text(value: object, longest: int = MAX_TEXT_LENGTH) -> str:
    """A vendor's text, cut. A number is kept as text; PostgreSQL stores no NUL."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)
    return value[:longest].replace("\0", "") if isinstance(value, str) else ""


def parse_time(value: object) -> datetime | None:
    """None for what is no time, has no zone, or lies outside the calendar."""
    try:
        parse_time = datetime.fromisoformat(value) if isinstance(value, str) else None
        return parse_time.astimezone(UTC) if parse_time is not None and parse_time.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


def time_of_milliseconds(value: object) -> datetime | None:
    """Milliseconds since 1970; None for anything else."""
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    try:
        return datetime.fromtimestamp(value / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def retry_after(headers: Mapping[str, str]) -> timedelta | None:
    """Whole seconds, up to an hour; None where the header is missing, a date or garbage."""
    value = headers.get("retry-after", "").strip()
    if not (value.isascii() and value.isdigit()):
        return None
    return timedelta(seconds=min(int(value[:9]), MAX_RETRY_AFTER))
