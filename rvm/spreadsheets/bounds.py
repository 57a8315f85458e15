"""The maximum width of a list."""

from __future__ import annotations

from rvm.spreadsheets.refusals import SheetInvalid

# As many as can be named through the API; spreadsheet programs leave long tails of empty ones.
MAX_COLUMNS = 500


def too_many_columns() -> SheetInvalid:
    return SheetInvalid(
        "too_many_columns",
        f"The list has more than {MAX_COLUMNS} columns, the most that are read; leave out those that are not needed.",
    )
