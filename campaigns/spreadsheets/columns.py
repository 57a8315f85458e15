"""What each column is about: guessed from its name or its cells, or said by a person and checked."""

from __future__ import annotations

from collections.abc import Sequence

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


def guess_columns(header: Sequence[str] | None, rows: Sequence[Sequence[str]]) -> list[str | None]:
    """For each column a field of FIELDS, a merge field's name (`appointment_day`), or None: not read.

    `header` is None where the list has none; `rows` are about 20 of its first. `phone` is missing where no column looks like it.
    """
    raise NotImplementedError


def check_columns(columns: Sequence[str | None]) -> None:
    """Whether a mapping can be used: exactly one `phone`, no field twice, names well-formed. Raises ColumnsRefused."""
    raise NotImplementedError
