"""What one cell says, by the field of its column. Everything here raises CellRefused, and nothing else, for any text."""

from __future__ import annotations


def phone(text: str, region: str = "US") -> str:
    """Return the number in a cell as E.164; whether it may be reached is for usecases.numbers. Raises CellRefused.

    `region` is where a number without a country code is dialled. Codes: phone_missing, excel_damaged, has_extension, two_numbers,
    has_letters, not_a_phone.
    """
    raise NotImplementedError


def time_zone(text: str) -> tuple[str, ...]:
    """The zones that a cell names (`America/Chicago`, `Central`, `EST`), empty for an empty cell. Raises CellRefused."""
    raise NotImplementedError


def state(text: str) -> tuple[str, ...]:
    """The zones of a state, territory or province, by name or postal abbreviation; empty for an empty cell. Raises CellRefused."""
    raise NotImplementedError


def postal_code(text: str) -> tuple[str, ...]:
    """The zones of the state or province that a ZIP or Canadian postal code lies in; empty for an empty cell. Raises CellRefused."""
    raise NotImplementedError


def consent(text: str) -> bool | None:
    """Whether a cell says yes or no; None for an empty cell. Raises CellRefused."""
    raise NotImplementedError
