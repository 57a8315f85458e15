"""Parsing of vendors' data: plain values from any bytes, without exceptions.

A response or a callback may contain anything. Unreadable values become empty, and the adapter decides what that means.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from uuid import UUID

import orjson

from delivery.transport.interface import CarrierResponse

_PUNCTUATION = re.compile(r"[ ().+-]")
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
    """A vendor's text, truncated to `longest` characters; numbers become text, and NUL, which PostgreSQL cannot store, is removed."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)
    return value[:longest].replace("\0", "") if isinstance(value, str) else ""


def title_and_detail(error: Mapping[str, Any]) -> str:
    """Title and detail of a vendor's error as one text, as in RFC 9457 and JSON:API, once if both say the same; empty where it has
    neither."""
    said = (parse_text(error.get("title"), 200), parse_text(error.get("detail"), 298))
    return ": ".join(dict.fromkeys(filter(None, said)))


def parse_time(value: object) -> datetime | None:
    """An ISO 8601 time in UTC; None if it is malformed, has no zone or is out of range."""
    try:
        parse_time = datetime.fromisoformat(value) if isinstance(value, str) else None
        return parse_time.astimezone(UTC) if parse_time is not None and parse_time.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


def parse_mail_time(value: object) -> datetime | None:
    """A time as in mail (RFC 2822), in UTC; None if it is malformed, has no zone or is out of range."""
    try:
        found = parsedate_to_datetime(value) if isinstance(value, str) and value.isascii() else None
        return found.astimezone(UTC) if found is not None and found.tzinfo is not None else None
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def time_of_milliseconds(value: object) -> datetime | None:
    """The UTC time of milliseconds since 1970; None for anything else."""
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    try:
        return datetime.fromtimestamp(value / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def us_number(text: str) -> str:
    """A US number in E.164 from its ten digits, with or without the country's and the usual punctuation. What is none is returned as
    it came, so that it is nobody's number and yet names somebody."""
    digits = _PUNCTUATION.sub("", text)
    national = digits[1:] if len(digits) == 11 and digits[0] == "1" else digits
    return f"+1{national}" if len(national) == 10 and national.isascii() and national.isdigit() else text


def ten_digits(number: str) -> str:
    """A US number in E.164 without the country's digit."""
    return number.removeprefix("+").removeprefix("1")


def retry_after(headers: Mapping[str, str]) -> timedelta | None:
    """The `Retry-After` header, at most an hour; None if it is missing or malformed. A date is measured from the answer's own `Date`,
    which every server with a clock sends (RFC 9110, 6.6.1): its clock may differ from ours."""
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return timedelta(seconds=min(int(value[:9]), MAX_RETRY_AFTER))
    until, now = _http_date(value), _http_date(headers.get("date", ""))
    return min(max(until - now, timedelta()), timedelta(seconds=MAX_RETRY_AFTER)) if until and now else None


def throttled_for(response: CarrierResponse) -> timedelta | None:
    """How long a response wants no further request: by its `Retry-After`, or a second if it has none; None unless it is a 429."""
    return (retry_after(response.headers) or timedelta(seconds=1)) if response.status == 429 else None


def _http_date(value: str) -> datetime | None:
    """A time in any of the three forms of HTTP (RFC 9110, 5.6.7), of which the last names no zone and means GMT too."""
    return parse_mail_time(value) or parse_mail_time(f"{value.strip()} GMT")


def parse_attempt_key(value: object) -> UUID | None:
    """An attempt key as we write it; None for anything else."""
    try:
        key = UUID(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return key if key is not None and str(key) == value else None
