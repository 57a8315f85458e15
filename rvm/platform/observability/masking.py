"""Masking of phone numbers: on pages, and in text that leaves the database, which is logs, error details and audit details.

In doubt, text is masked. Kept on purpose are the values that operators search for: UUIDs, digests, times, and runs of ten digits that
begin with 1, which are Unix times and not numbers of the North American plan.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

MASK = "[number]"
# Stands for what a reader may not see of a number.
DOTS = "•••••••"

_KEPT = r"""
    [0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}        # UUID
  | (?<![0-9a-z])(?:[0-9a-f]{32,}|(?=\d*[a-f])[0-9a-f]{20,})(?![0-9a-z])  # digest, UUID without dashes, an id of a vendor
  | \d{4}-\d\d-\d\d[T\ ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?  # RFC 3339
  | (?<![\d+])\d+\.\d{5,}(?!\d|[.\s-]\d)                             # a fraction, such as seconds
"""
# What stands between the digits of a number, also in an address or in HTML. Of the letters of an escape none is a digit.
_GAP = r"(?:[\s./()\-\u2010-\u2015\u2212\u00b7]|%(?:20|28|29|2d|2e|2f)|&nbsp;)"
_PHONE = rf"""
    (?:\+|%2B)\d{{8,15}}(?!\d)                                          # E.164, also within a query string
  | (?:\+|%2B){_GAP}{{0,2}}\d(?:{_GAP}{{0,2}}\d){{7,14}}(?!\d)            # international, formatted
  | (?<!\d)0(?:0|11)[1-9]\d{{7,13}}(?!\d)                              # international, as it is dialled
  | (?<!\d)(?:1[+]|1{_GAP}{{1,3}})?[2-9]\d\d[+]\d{{3}}[+]?\d{{4}}(?!\d)      # spaces of a query string
  | (?<!\d)(?:1{_GAP}{{0,3}})?(?:(?:\(|%28)[2-9]\d\d(?:\)|%29){_GAP}{{0,2}}|[2-9]\d\d{_GAP}{{1,3}})
        \d{{3}}{_GAP}{{0,3}}\d{{4}}(?!\d)                                 # (415) 555-0123, 415.555.0123
  | (?<!\d)[2-9]\d\d\d{{3}}{_GAP}\d{{4}}(?!\d)                          # 415555-0123
  | (?<!\d)(?:1{_GAP})?[2-9](?:{_GAP}\d){{9}}(?!\d)                     # 4 1 5 5 5 5 0 1 2 3
  | (?<![\d.])(?:1[2-9]\d{{9}}|[02-9]\d{{9,10}}|\d{{12}})(?!\d)          # bare digits
"""
# A plus and eight digits.
_SHORTEST = 9
_PATTERN = re.compile(rf"(?P<kept>{_KEPT})|(?P<phone>{_PHONE})", re.VERBOSE | re.IGNORECASE)


def number_ending(last4: str) -> str:
    """A number of which only the last four digits are shown: +•••••••0142."""
    return f"+{DOTS}{last4}"


def mask_numbers(text: str) -> str:
    """The text with everything that looks like a phone number replaced by `[number]`."""
    if len(text) < _SHORTEST or text.isalpha():
        return text
    return _PATTERN.sub(lambda match: match["kept"] or MASK, text)


def mask_value(value: Any) -> Any:
    """The value with phone numbers masked at every depth, also in keys.

    UUIDs, dates and times become strings; any value that is neither text, number nor container becomes its masked repr.
    """
    if value is None or isinstance(value, bool | UUID | datetime | date | time | timedelta):
        return value if value is None or isinstance(value, bool) else str(value)
    if isinstance(value, str):
        return mask_numbers(value)
    if isinstance(value, int | float | Decimal):
        return MASK if MASK in mask_numbers(str(value)) else value
    if isinstance(value, Mapping):
        return {mask_numbers(str(key)): mask_value(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [mask_value(entry) for entry in value]
    return mask_numbers(repr(value))
