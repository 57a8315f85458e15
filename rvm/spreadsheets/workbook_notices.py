"""Notices for the user about the reading of a workbook: sentences with counts, letters of columns and names of sheets, no cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rvm.spreadsheets.columns.headings import keeps_out
from rvm.spreadsheets.ooxml.rows import NOT_AVAILABLE
from rvm.spreadsheets.ooxml.sheets import Noticed

_MAX_NAMED = 10


def notices_of(noticed: Noticed, *, whole: bool) -> list[str]:
    """The notices about the sheet that is read; `whole` says whether all its rows were seen."""
    said = list[str]()
    for count, how in ((noticed.hidden_rows, "hidden"), (noticed.crossed_out_rows, "crossed out")):
        if count:
            rows = "row is" if count == 1 else "rows are"
            said.append(
                f"{_counted(count, whole)} {rows} {how} in the workbook and left out. "
                "If these people are meant too, have hidden rows read."
            )
    if noticed.hidden_columns:
        columns = "is" if len(noticed.hidden_columns) == 1 else "are"
        said.append(
            f"{_capital(_columns(noticed.hidden_columns))} {columns} hidden in the workbook, and read all the same."
        )
    for cells, what in (
        (
            noticed.formulas,
            f"formulas whose results are not saved in the workbook ({NOT_AVAILABLE}). "
            "Open it in Excel, save it, and upload it again.",
        ),
        (noticed.errors, "errors of formulas. Correct them in Excel, save it, and upload it again."),
        (
            noticed.crossed_out,
            "text that is crossed out, in whole or in part. Such a number is not reached, and nobody whose name, appointment or "
            "answer it is, unless hidden rows are read.",
        ),
        (
            noticed.coloured,
            "a colour that other people's do not have. Colours are not read; take out whom they say not to call.",
        ),
        (noticed.comments, "a comment, which is not read unless it says that somebody must not be reached."),
        (noticed.formats, "a number format that is not applied here; they are read as they are stored."),
    ):
        if count := sum(cells.values()):
            hold = "cell of {} holds" if count == 1 else "cells of {} hold"
            said.append(f"{_counted(count, whole)} {hold.format(_columns(list(cells)))} {what}")
    return said


def other_sheets(sheets: Sequence[Mapping[str, Any]], read: str) -> list[str]:
    """The notices about sheets that are not read. `sheets` are as in `RecipientImport.sheets`; `read` is the name of the one read."""
    others = [sheet for sheet in sheets if sheet["has_rows"] and sheet["name"] != read]
    shown = [sheet["name"] for sheet in others if sheet["visibility"] == "visible"]
    hidden = [sheet["name"] for sheet in others if sheet["visibility"] != "visible"]
    said = list[str]()
    if keeping_out := [sheet["name"] for sheet in others if keeps_out(sheet["name"])]:
        one = len(keeping_out) == 1
        named = "is named like a list" if one else "are named like lists"
        said.append(
            f"{quoted(keeping_out)} {named} of people who must not be reached, and not read. Upload {'it' if one else 'them'} "
            "first, as a list of opt-outs or of canceled appointments."
        )
    if shown:
        said.append(f"Only the sheet “{read}” is read. There are rows in {quoted(shown)} as well.")
    if hidden:
        said.append(f"Hidden in the workbook and not read: {quoted(hidden)}.")
    return said


def quoted(names: Sequence[str]) -> str:
    named = [f"“{name}”" for name in names]
    return (
        _joined(named)
        if len(named) <= _MAX_NAMED
        else f"{', '.join(named[:_MAX_NAMED])} and {len(named) - _MAX_NAMED} more"
    )


def _counted(count: int, whole: bool) -> str:
    return f"{count:,}" if whole else f"At least {count:,}"


def _columns(letters: Sequence[str]) -> str:
    if len(letters) > _MAX_NAMED:
        return f"{len(letters)} columns"
    return f"column {letters[0]}" if len(letters) == 1 else f"columns {_joined(letters)}"


def _joined(names: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
