"""The first rows of a list as the page shows them: a choice above every column, and cells that hide whom they are about. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from campaigns.spreadsheets.columns import FIELDS, MERGE_FIELD
from campaigns.spreadsheets.phones import looks_like_phone

CALLED = {
    "phone": "Phone number",
    "name": "Full name",
    "first_name": "First name",
    "last_name": "Last name",
    "time_zone": "Time zone",
    "postal_code": "Postal code",
    "state": "State",
    "reference": "Reference",
    "language": "Language",
    "consent": "Consent",
    "consent_date": "Consent date",
    "consent_source": "Consent source",
}
_NOT_SLUG = re.compile(r"[^a-z0-9]+")
# Signs beside the letters may be letters too: of a list read in a wrong encoding they are two at a time.
_LETTER = re.compile(r"[A-Za-z]|[^\x00-\x7f\d]")
_DIGIT = re.compile(r"\d")


@dataclass(frozen=True, slots=True)
class Column:
    """`choices` are (value, words); `chosen` is "" where the column is not read."""

    position: int
    header: str
    chosen: str
    choices: list[tuple[str, str]]


def columns_shown(header: Sequence[str], columns: Sequence[str]) -> list[Column]:
    width = max(len(header), len(columns))
    names = [*header, *[""] * (width - len(header))]
    chosen = [*columns, *[""] * (width - len(columns))]
    return [
        Column(at, names[at], chosen[at], _choices(names[at], at, chosen[at])) for at in range(width)
    ]  # fmt: skip


def _choices(name: str, at: int, chosen: str) -> list[tuple[str, str]]:
    own = chosen if chosen and chosen not in FIELDS else merge_field(name, at)
    fields = [(field, CALLED[field]) for field in FIELDS]
    return [("", "Not read"), *fields, (own, f"Other: {own.replace('_', ' ')}")]


def merge_field(name: str, at: int) -> str:
    """What a column is called that is none of the fields we know: by its heading, else by its place."""
    slug = _NOT_SLUG.sub("_", name.lower()).strip("_")[:40]
    return slug if MERGE_FIELD.fullmatch(slug) and slug not in FIELDS else f"column_{at + 1}"


def hidden(cell: str) -> str:
    """The shape of what stands in a cell, for whoever may not see it: of a phone number the last four digits, else none."""
    if looks_like_phone(cell):
        digits = "".join(_DIGIT.findall(cell))
        return f"•••••••{digits[-4:]}" if len(digits) > 4 else "•••••••"
    return _DIGIT.sub("0", _LETTER.sub("x", cell))
