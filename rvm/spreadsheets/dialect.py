"""How a list is written: its format, encoding and delimiter, and which row names the columns."""

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
# What may be chosen instead of the guess: codec and what a person calls it.
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
    """Of an `xlsx`, `encoding` and `delimiter` are empty; `sheet` is the one that is read, without a name the first with rows in it.

    `header_row` is the number of the row that names the columns, as a spreadsheet program shows it; 0 where none does. Rows above
    it are titles. `hidden_rows` has those read as well that a workbook hides or crosses out.
    """

    format: Literal["csv", "xlsx"]
    encoding: str
    delimiter: str
    header_row: int = 0
    sheet: str = ""
    hidden_rows: bool = False


def guess(head: bytes, *, whole: bool, accents: bytes = b"") -> Dialect:
    """Guess from the first up to HEAD_BYTES of a file; `whole` says that this is all of it. Raises SheetInvalid.

    `accents` are what `encodings.Accents` has seen behind the head. The header is found by `preview.examine`.
    """
    if kind_of(head, whole=whole) == "xlsx":
        return Dialect("xlsx", "", "")
    encoding, text = guess_encoding(head, whole=whole, accents=accents)
    if not trimmed(text):
        raise SheetInvalid("empty", "There is nothing in this file; export the list again with its rows.")
    return Dialect("csv", encoding, _delimiter_said(text) or _delimiter(text, whole))


def is_mark(row: Sequence[str]) -> bool:
    """Whether this is the line `sep=;`, by which a file tells spreadsheet programs its delimiter; they do not show it."""
    return len(row) == 2 and row[0].lstrip("\ufeff").lower() == "sep=" and not row[1]


def _delimiter_said(text: str) -> str | None:
    line = text[:8].splitlines()[0].lower()
    return line[4] if len(line) == 5 and line.startswith("sep=") and line[4] in DELIMITERS else None


def _delimiter(text: str, whole: bool) -> str:
    """By which the rows fall into the same number of columns, and into cells that are phone numbers; a comma for one column."""
    scores = {delimiter: _score(_first_rows(text, delimiter, whole)) for delimiter in DELIMITERS}
    best = max(DELIMITERS, key=lambda delimiter: scores[delimiter])
    return best if scores[best] > (0, 0) else ","


def _score(rows: Sequence[Sequence[str]]) -> tuple[float, int]:
    (columns, count), *_ = Counter(map(len, rows)).most_common(1) or [(0, 0)]
    if columns < 2:
        return 0, 0
    # A tab stands in no cell: what is left whole with one in it was not divided, as by the comma of “Jan 5, 2026”.
    with_phone = sum(any(looks_like_phone(cell) for cell in row if "\t" not in cell) for row in rows)
    return (count + with_phone) / len(rows), columns


def _first_rows(text: str, delimiter: str, whole: bool) -> list[list[str]]:
    """Up to _SCORED_ROWS rows that are not blank, without the one that the end of the head may have cut."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    rows: list[list[str]] = []
    try:
        rows.extend(islice((row for row in reader if any(map(str.strip, row)) and not is_mark(row)), _SCORED_ROWS + 1))
    except csv.Error:
        whole = True  # a cell over the limit: what came before it is complete
    return rows[:_SCORED_ROWS] if whole or len(rows) < 2 or len(rows) > _SCORED_ROWS else rows[:-1]
