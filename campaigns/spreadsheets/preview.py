"""The first look at a list: how it is written and what its first rows say, for a person to agree with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from campaigns.spreadsheets import workbooks
from campaigns.spreadsheets.bounds import MAX_COLUMNS as MOST_COLUMNS
from campaigns.spreadsheets.bounds import too_many_columns
from campaigns.spreadsheets.columns import guess_columns
from campaigns.spreadsheets.dialect import HEAD_BYTES, Dialect, guess, has_header
from campaigns.spreadsheets.rows import all_rows
from campaigns.spreadsheets.trimming import trimmed

PREVIEW_ROWS = 20


@dataclass(frozen=True)
class Preview:
    """`header` is None where the list has none; `rows` are (number, cells) as `open_rows` yields them.

    `columns` is a guessed mapping and `samples` the first cell of each column that is not empty; both are as wide as the widest row.
    Of a workbook there are its `sheets`, the one that was read, and what a person should know of how it was read.
    """

    header: list[str] | None
    rows: list[tuple[int, list[str]]]
    columns: list[str | None]
    samples: list[str]
    sheets: list[workbooks.Sheet] = field(default_factory=list)
    sheet: str = ""
    notices: list[str] = field(default_factory=list)


def examine(read: Callable[[], Iterable[bytes]]) -> tuple[Dialect, Preview]:
    """Guess a file's dialect and preview it by that; `read` opens the file from its start, each time anew. Raises SheetRefused."""
    head, whole = _head(read())
    dialect = guess(head, whole=whole)
    if dialect.format == "xlsx":
        sheets = workbooks.look(read(), PREVIEW_ROWS + 1)
        sheet = workbooks.chosen(sheets, "", _has_phones)
        dialect = replace(dialect, sheet=sheet.name, has_header=has_header([cells for _, cells in sheet.rows]))
        return dialect, _preview_of_sheet(sheets, sheet, dialect)
    return dialect, preview(read(), dialect)


def preview(chunks: Iterable[bytes], dialect: Dialect) -> Preview:
    """The header and the first PREVIEW_ROWS rows, read by the given dialect. Raises SheetRefused."""
    if dialect.format == "xlsx":
        sheets = workbooks.look(chunks, PREVIEW_ROWS + 1, hidden_rows=dialect.hidden_rows)
        return _preview_of_sheet(sheets, workbooks.chosen(sheets, dialect.sheet, _has_phones), dialect)
    return _preview(_first(chunks, dialect), dialect)


def _preview(rows: Sequence[tuple[int, list[str]]], dialect: Dialect) -> Preview:
    header = [trimmed(name) for name in rows[0][1]] if dialect.has_header and rows else None
    shown = list(rows[1:] if dialect.has_header else rows[:PREVIEW_ROWS])
    samples = [cells for _, cells in shown]
    # A person's row that somebody takes for a header would lend its words to the names of columns, which are kept in clear.
    columns = guess_columns(header if header and has_header([header]) else None, samples)
    firsts = [
        next((cells[at] for cells in samples if at < len(cells) and trimmed(cells[at])), "")
        for at in range(len(columns))
    ]
    return Preview(header, shown, columns, firsts)


def _preview_of_sheet(sheets: list[workbooks.Sheet], sheet: workbooks.Sheet, dialect: Dialect) -> Preview:
    return replace(_preview(sheet.rows, dialect), sheets=sheets, sheet=sheet.name, notices=sheet.notices)


def _has_phones(rows: Sequence[tuple[int, list[str]]]) -> bool:
    """Whether a sheet looks like a list of people."""
    cells = [cells for _, cells in rows]
    named = has_header(cells)
    return "phone" in guess_columns(cells[0] if named else None, cells[named:])


def _first(chunks: Iterable[bytes], dialect: Dialect) -> list[tuple[int, list[str]]]:
    return [(number, _within(cells)) for number, cells in islice(all_rows(chunks, dialect), PREVIEW_ROWS + 1)]


def _within(cells: list[str]) -> list[str]:
    if len(cells) <= MOST_COLUMNS:
        return cells
    if any(map(str.strip, cells[MOST_COLUMNS:])):
        raise too_many_columns()
    return cells[:MOST_COLUMNS]


def _head(chunks: Iterable[bytes]) -> tuple[bytes, bool]:
    """The first HEAD_BYTES, and whether that is the whole file."""
    head = bytearray()
    for chunk in chunks:
        head += chunk
        if len(head) > HEAD_BYTES:
            return bytes(head[:HEAD_BYTES]), False
    return bytes(head), True
