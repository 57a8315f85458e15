"""What each column is about: guessed from its name or its cells, or said by a person and checked."""

from __future__ import annotations

import re
from collections.abc import Sequence

from campaigns.spreadsheets.column_names import MAX_NAME_LENGTH, field_of, phone_rank
from campaigns.spreadsheets.phones import looks_like_phone
from campaigns.spreadsheets.refusals import ColumnsRefused
from campaigns.spreadsheets.trimming import folded, trimmed

# Every other name in a mapping is a merge field.
FIELDS = (
    "phone",
    "name",
    "first_name",
    "last_name",
    "time_zone",
    "postal_code",
    "state",
    "reference",
    "language",
    "consent",
    "consent_date",
    "consent_source",
)
MERGE_FIELD = re.compile(r"[a-z][a-z0-9_]{0,39}")


def guess_columns(header: Sequence[str] | None, rows: Sequence[Sequence[str]]) -> list[str | None]:
    """For each column a field of FIELDS, a merge field's name (`appointment_day`), or None: not read.

    `header` is None where the list has none; `rows` are about 20 of its first. `phone` is missing where no column looks like it.
    """
    names = [name[:MAX_NAME_LENGTH] for name in header or ()]
    names += [""] * (max(map(len, rows), default=0) - len(names))
    columns: list[str | None] = [None] * len(names)
    phone = _phone_column(names, rows)
    if phone is not None:
        columns[phone] = "phone"
    for at, name in enumerate(names):
        if columns[at] is None and (field := field_of(name)) and field not in columns:
            columns[at] = field
    taken = {*FIELDS}
    for at, name in enumerate(names):
        if columns[at] is None and trimmed(name):
            columns[at] = _merge_field(name, at, taken)
    return columns


def check_columns(columns: Sequence[str | None]) -> None:
    """Whether a mapping can be used: exactly one `phone`, no field twice, names well-formed. Raises ColumnsRefused."""
    named = [column for column in columns if column is not None]
    for column in named:
        if not MERGE_FIELD.fullmatch(column):
            raise ColumnsRefused(
                "column_name_malformed",
                "A merge field's name has a letter first, then at most 39 lower-case letters, digits and underscores.",
            )
        if named.count(column) > 1:
            raise ColumnsRefused(
                "column_twice", f"Two columns are mapped to {column}; map one of them to something else."
            )
    if "phone" not in named:
        raise ColumnsRefused(
            "phone_column_missing", "No column is mapped to phone; say which one holds the numbers to reach."
        )


def _phone_column(names: Sequence[str], rows: Sequence[Sequence[str]]) -> int | None:
    """The best named among the well-filled; where no name says phone, the column of which most cells look like numbers."""
    filled = [_share_of_phones([row[at] for row in rows if at < len(row)]) for at in range(len(names))]
    ranked = [(rank, at) for at, name in enumerate(names) if (rank := phone_rank(name)) is not None]
    # A column that is a quarter as full as another one is of no use, however well it is named.
    fullest = max((filled[at][1] for _, at in ranked), default=0)
    ranked = [(rank, at) for rank, at in ranked if filled[at][1] * 2 >= fullest]
    if ranked:
        return min(ranked, key=lambda each: (each[0], -filled[each[1]][1], each[1]))[1]
    unnamed = [at for at, name in enumerate(names) if filled[at][0] > 0.5 and _may_hold_phones(name)]
    return max(unnamed, key=lambda at: (filled[at][1], -at), default=None)


def _may_hold_phones(name: str) -> bool:
    """An account's or a provider's number may look like a phone number; a fax is one that nobody shall be reached at."""
    return field_of(name) is None and not {"fax", "npi", "account", "acct", "phone", "tel"} & set(folded(name).split())


def _share_of_phones(cells: Sequence[str]) -> tuple[float, int]:
    """Of the cells that are not empty, how many look like phones: the share and the count."""
    said = [cell for cell in cells if trimmed(cell)]
    count = sum(map(looks_like_phone, said))
    return (count / len(said) if said else 0.0), count


def _merge_field(name: str, at: int, taken: set[str]) -> str:
    """Its name as code can say it, and unlike all others; `taken` gains it."""
    slug = folded(name).replace(" ", "_")[:36].rstrip("_")
    if not slug or not slug[0].isalpha():
        slug = f"column_{slug or at + 1}"[:36]
    unique, count = slug, 2
    while unique in taken:
        unique, count = f"{slug}_{count}", count + 1
    taken.add(unique)
    return unique
