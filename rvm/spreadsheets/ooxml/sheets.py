"""A sheet as a user sees it: without hidden and crossed-out rows, and with counts of unusual cells."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from rvm.spreadsheets.bounds import MAX_COLUMNS
from rvm.spreadsheets.cells.phones import CROSSED_OUT
from rvm.spreadsheets.ooxml.colours import Colours
from rvm.spreadsheets.ooxml.comments import Comments, heard, read_comments
from rvm.spreadsheets.ooxml.package import Package, Sheet
from rvm.spreadsheets.ooxml.refusals import too_large
from rvm.spreadsheets.ooxml.rows import COLUMNS, LETTERS, Row, RowParser

# Characters of all rows together, because all cells may have one long shared text.
MAX_LENGTH = 400_000_000
MAX_MERGED = 100_000
# The maximum number of hidden rows above the first shown row that are read as its header, and the digits by which a cell may be a
# phone number.
_MAX_HEADINGS = 5
_DIGITS_OF_A_PHONE = 7

# The ranges of merged cells are behind the rows in the XML, but must be known before the rows are read.
_MERGED = re.compile(
    rb"<(?:[\w.-]{1,40}:)?mergeCell\s[^<>]{0,200}?\bref\s?=\s?[\"']([A-Z]{1,3})([0-9]{1,7}):[A-Z]{1,3}([0-9]{1,7})[\"']"
)
_LONGEST_MERGED = 400


@dataclass
class Noticed:
    """Counts of what was noticed: rows with content that were left out, and unusual cells of the others by the letters of columns."""

    hidden_rows: int = 0
    crossed_out_rows: int = 0
    hidden_columns: list[str] = field(default_factory=list)
    formulas: dict[str, int] = field(default_factory=dict)
    formats: dict[str, int] = field(default_factory=dict)
    errors: dict[str, int] = field(default_factory=dict)
    crossed_out: dict[str, int] = field(default_factory=dict)
    comments: dict[str, int] = field(default_factory=dict)
    coloured: dict[str, int] = field(default_factory=dict)

    @property
    def leaves_out(self) -> bool:
        return self.hidden_rows + self.crossed_out_rows > 0


class SheetReader:
    """A reader of one sheet. `batches` raises SheetInvalid. `noticed()` and `bytes_read` are about the rows that were read so far."""

    def __init__(self, package: Package, sheet: Sheet, *, hidden_rows: bool) -> None:
        """Prepare the reading; with `hidden_rows`, rows that are hidden or crossed out are read too."""
        self._noticed = Noticed()
        self.bytes_read = 0
        self._package, self._sheet = package, sheet
        self._archive, self._part = package.archive, sheet.part
        self._parser = RowParser(package)
        self._with_hidden = hidden_rows
        self._comments: Comments = {}
        self._merged = _Merged()
        self._colours = Colours()
        self._length = self._width = self._headings = 0
        self._shown = False

    def noticed(self) -> Noticed:
        self._noticed.coloured = self._colours.own()
        return self._noticed

    def batches(self) -> Iterator[list[Row]]:
        """Yield the rows that are not blank in batches, in rising order of their numbers. A batch may be empty."""
        self._merged = _Merged(self._archive.chunks(self._part))
        if (comments := self._package.comments_of(self._sheet)) is not None:
            self._comments = read_comments(self._archive, comments)
        for chunk in self._archive.chunks(self._part):
            self._parser.feed(chunk)
            self.bytes_read += len(chunk)
            yield [row for row in self._parser.taken() if self._is_read(row)]
        self._parser.close()

    def _is_read(self, row: Row) -> bool:
        self._merged.fill(row)
        if _is_blank(row.cells) or not self._is_shown(row):
            return False
        if self._comments:
            self._hear(row)
        self._notice(row)
        if row.oddities and not self._with_hidden:
            _mark(row)
        return True

    def _hear(self, row: Row) -> None:
        """Add the comments that say no to the texts of their cells, and count the others."""
        for column, text in sorted(self._comments.get(row.number, {}).items()):
            if column >= MAX_COLUMNS:
                continue
            if said := heard(text):
                cells = row.cells
                cells += [""] * (column + 1 - len(cells))
                cells[column] = f"{cells[column]} {said}".strip()
            else:
                self._noticed.comments[LETTERS[column]] = self._noticed.comments.get(LETTERS[column], 0) + 1

    def _is_shown(self, row: Row) -> bool:
        crossed_out = bool(row.oddities) and _is_crossed_out(row)
        if self._with_hidden or not (row.hidden or crossed_out):
            self._shown = True
            return True
        if not self._shown and self._headings < _MAX_HEADINGS and not any(map(_may_be_a_phone, row.cells)):
            # The row may be the header, whose names tell which columns may say no.
            self._headings += 1
            return True
        self._noticed.hidden_rows += row.hidden
        self._noticed.crossed_out_rows += not row.hidden
        return False

    def _notice(self, row: Row) -> None:
        if len(row.cells) > self._width:
            self._width = len(row.cells)
            hidden = sorted(self._parser.hidden_columns)
            self._noticed.hidden_columns = [LETTERS[at] for at in hidden if at < self._width]
        self._length += row.length
        if self._length > MAX_LENGTH:
            raise too_large()
        if any(map(_may_be_a_phone, row.cells)):
            self._colours.meet(row.number, row.cells, row.colours)
        for what, column in row.oddities:
            counted: dict[str, int] = getattr(self._noticed, what)
            counted[LETTERS[column]] = counted.get(LETTERS[column], 0) + 1


class _Merged:
    """The cells that are merged downwards. Each of their rows gets the text of the first."""

    def __init__(self, chunks: Iterable[bytes] = ()) -> None:
        self._beginning: dict[int, list[tuple[int, int]]] = {}
        self._open: dict[int, tuple[int, str]] = {}  # by column: the last row of the merged cells, and their text
        before, count = b"", 0
        for chunk in chunks:
            searched = before + chunk
            if b"mergeCell" in searched:
                for match in _MERGED.finditer(searched):
                    if match.end() > len(before):
                        count += 1
                        self._add(match)
            if count > MAX_MERGED:
                raise too_large()
            before = searched[-_LONGEST_MERGED:]

    def _add(self, match: re.Match[bytes]) -> None:
        column, first, last = COLUMNS.get(match[1].decode(), MAX_COLUMNS), int(match[2]), int(match[3])
        if last > first and column < MAX_COLUMNS:
            self._beginning.setdefault(first, []).append((column, last))

    def fill(self, row: Row) -> None:
        if not self._beginning:
            return
        self._open = {column: merged for column, merged in self._open.items() if merged[0] >= row.number}
        cells = row.cells
        if self._open and not _is_blank(cells):
            for column, (_, text) in self._open.items():
                cells += [""] * (column + 1 - len(cells))
                cells[column] = cells[column] if cells[column].strip() else text
        for column, last in self._beginning.get(row.number, ()):
            if column < len(cells) and cells[column].strip():
                self._open[column] = last, cells[column]


def _is_blank(cells: list[str]) -> bool:
    return not (cells and (cells[0].strip() or any(map(str.strip, cells))))


def _is_crossed_out(row: Row) -> bool:
    crossed_out = {column for what, column in row.oddities if what == "crossed_out"}
    return all(at in crossed_out for at, cell in enumerate(row.cells) if cell.strip())


def _mark(row: Row) -> None:
    """Mark the crossed-out cells of a row with a phone by a suffix to their texts."""
    if not any(map(_may_be_a_phone, row.cells)):
        return
    for column in {column for what, column in row.oddities if what == "crossed_out"}:
        if column < len(row.cells) and row.cells[column].strip():
            row.cells[column] = f"{row.cells[column]} {CROSSED_OUT}"


def _may_be_a_phone(cell: str) -> bool:
    return sum(map(str.isdigit, cell)) >= _DIGITS_OF_A_PHONE
