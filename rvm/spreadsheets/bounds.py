"""The maximum width of a list."""

from __future__ import annotations

from rvm.spreadsheets.refusals import SheetInvalid

# A request to the API can name as many columns. More are ignored if they are empty: spreadsheet programs leave many of these.
MAX_COLUMNS = 500


def too_many_columns() -> SheetInvalid:
    return SheetInvalid(
        "too_many_columns",
        f"The list has more than {MAX_COLUMNS} columns, the most that are read; leave out those that are not needed.",
    )
