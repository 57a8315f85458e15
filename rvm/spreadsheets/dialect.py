"""The dialect of a list: its format, encoding and delimiter, and which row names the columns."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Literal

from rvm.spreadsheets.cells.phones import looks_like_phone
from rvm.spreadsheets.encodings import guess_encoding
from rvm.spreadsheets.file_kinds import kind_of
from rvm.spreadsheets.refusals import SheetInvalid
from rvm.spreadsheets.trimming import trimmed

HEAD_BYTES = 256 * 1024
# The encodings that a user can choose instead of the guess, with their labels.
ENCODINGS = {
    "utf-8": "UTF-8",
    "utf-8-sig": "UTF-8 with a byte order mark",
    "utf-16": "UTF-16 with a byte order mark",
    "utf-16-le": "UTF-16, little endian",
    "utf-16-be": "UTF-16, big endian",
    "cp1252": "Windows (Western European)",
    "mac-roman": "Macintosh",
}
DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}
_SCORED_ROWS = 50


@dataclass(frozen=True)
class Dialect:
    """The settings by which a file is read. For an `xlsx`, `encoding` and `delimiter` are empty, and `sheet` is the name of the sheet
    to read; if it is empty, a sheet with rows is chosen.

    `header_row` is the number of the row that names the columns, as a spreadsheet program shows it, or 0 if there is none. Rows above
    it are titles. With `hidden_rows`, rows that a workbook hides or crosses out are read too.
    """

    format: Literal["csv", "xlsx"]
    encoding: str
    delimiter: str
    header_row: int = 0
    sheet: str = ""
    hidden_rows: bool = False


def guess(head: bytes, *, whole: bool, accents: bytes = b"") -> Dialect:
    """The dialect by the first HEAD_BYTES of a file; `whole` says whether these are the whole file. Raises SheetInvalid.

    `accents` are the bytes that `encodings.Accents` has kept. `header_row` stays 0; `preview.examine` finds the header.
    """
    if kind_of(head, whole=whole) == "xlsx":
        return Dialect("xlsx", "", "")
    encoding, text = guess_encoding(head, whole=whole, accents=accents)
    if not trimmed(text):
        raise SheetInvalid("empty", "There is nothing in this file; export the list again with its rows.")
    return Dialect("csv", encoding, _delimiter_said(text) or _delimiter(text, whole))


def is_mark(row: Sequence[str]) -> bool:
    """Whether a row is the line `sep=;`, by which a file tells spreadsheet programs its delimiter; they do not show it."""
    return len(row) == 2 and row[0].lstrip("\ufeff").lower() == "sep=" and not row[1]


def _delimiter_said(text: str) -> str | None:
    line = text[:8].splitlines()[0].lower()
    return line[4] if len(line) == 5 and line.startswith("sep=") and line[4] in DELIMITERS else None


def _delimiter(text: str, whole: bool) -> str:
    """The delimiter that best divides the rows into an equal number of cells and into phone numbers; a comma if none divides them."""
    scores = {delimiter: _score(_first_rows(text, delimiter, whole)) for delimiter in DELIMITERS}
    best = max(DELIMITERS, key=lambda delimiter: scores[delimiter])
    return best if scores[best] > (0, 0) else ","


def _score(rows: Sequence[Sequence[str]]) -> tuple[float, int]:
    (columns, count), *_ = Counter(map(len, rows)).most_common(1) or [(0, 0)]
    if columns < 2:
        return 0, 0
    # No cell has a tab, so a cell with one was not divided by the right delimiter, but for example by the comma of “Jan 5, 2026”.
    with_phone = sum(any(looks_like_phone(cell) for cell in row if "\t" not in cell) for row in rows)
    return (count + with_phone) / len(rows), columns


def _first_rows(text: str, delimiter: str, whole: bool) -> list[list[str]]:
    """Up to _SCORED_ROWS rows that are not blank, without a last row that the end of the head may have cut."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    rows: list[list[str]] = []
    try:
        rows.extend(islice((row for row in reader if any(map(str.strip, row)) and not is_mark(row)), _SCORED_ROWS + 1))
    except csv.Error:
        whole = True  # a cell is over the limit; the rows before it are complete
    return rows[:_SCORED_ROWS] if whole or len(rows) < 2 or len(rows) > _SCORED_ROWS else rows[:-1]
