"""Refusals of a list, of a mapping of its columns, or of one of its cells: a stable code and a message for the user."""

from __future__ import annotations


class _Refused(ValueError):
    """A refusal. `code` is stable and documented; `message` says what is wrong and what to do, and never repeats a cell."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class SheetInvalid(_Refused):
    """The whole file cannot be read as a list."""


class ColumnsInvalid(_Refused):
    """The mapping of columns to fields cannot be used."""


class CellInvalid(_Refused):
    """A cell has no valid value of its column's kind; only its row is invalid."""


def sheet_unknown(name: str) -> SheetInvalid:
    return SheetInvalid("sheet_unknown", f"This workbook has no sheet “{name}”; choose one that it has.")


def empty_workbook() -> SheetInvalid:
    return SheetInvalid("empty", "There is nothing in this workbook; export the list again with its rows.")
