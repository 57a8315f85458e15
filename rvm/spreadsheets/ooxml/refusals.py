"""The refusals that any part of a workbook may cause."""

from __future__ import annotations

from rvm.spreadsheets.refusals import SheetInvalid

TOO_LARGE = "This workbook is too large to be read as it is; save the list as CSV (UTF-8) and upload that."
DAMAGED = (
    "This workbook cannot be opened, it is damaged or of another kind; save the list as CSV (UTF-8) and upload that."
)


def too_large() -> SheetInvalid:
    return SheetInvalid("xlsx_too_large", TOO_LARGE)


def damaged() -> SheetInvalid:
    return SheetInvalid("xlsx_damaged", DAMAGED)
