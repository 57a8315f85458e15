"""Rows of a file from its bytes: streamed at the speed of the csv module, and continued after each damaged row."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing, suppress
from itertools import dropwhile
from typing import TYPE_CHECKING

from rvm.spreadsheets import workbooks
from rvm.spreadsheets.cells.answers import Answer, answer
from rvm.spreadsheets.cells.phones import looks_like_phone
from rvm.spreadsheets.dialect import Dialect, is_mark
from rvm.spreadsheets.refusals import SheetInvalid

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

# Characters of a cell, and lines of a row. If there are more, a quotation mark was opened and not closed.
MAX_CELL_LENGTH = 10_000
MAX_LINES = 50
# Characters of a line with its end. A file with longer lines is not a list, and the cells of a line of delimiters take eight times
# its length in memory.
MAX_LINE_LENGTH = 1_000_000
csv.field_size_limit(MAX_CELL_LENGTH)  # the csv module has one limit for the whole process

_ANSWERS = (Answer.YES, Answer.NO, Answer.PERMITS, Answer.FORBIDS)
_BUFFER = 256 * 1024
# The replacement of undecodable bytes: a lone surrogate, because no codec yields one itself.
_BROKEN = "\udcff"

UNDECODABLE = "This row has bytes that are no text in the list's encoding; export the list again as CSV (UTF-8)."
TOO_LONG = (
    f"A cell of this row has more than {MAX_CELL_LENGTH:,} characters, so the lines that it fills were left out; "
    "shorten it, or close the quotation mark that was opened in it."
)
QUOTE_OPEN = (
    "A quotation mark in this row is not closed, or has text behind it, so that it cannot be seen where its cells end; "
    f"close it, and keep a row under {MAX_LINES} lines."
)
LINE_TOO_LONG = (
    f"A line of this file has {MAX_LINE_LENGTH:,} characters or more, so it is no list of people; "
    "export the list again as CSV (UTF-8)."
)
WRONG = "This file has no byte order mark, so it is not in the chosen encoding; choose another one."


class DamagedRow(list[str]):
    """An invalid row with its cells as far as they can be shown; `code` and `message` say why it is invalid."""

    def __init__(self, cells: Iterable[str], code: str, message: str) -> None:
        super().__init__(cells)
        self.code = code
        self.message = message


# A caller that stops before the end must close it, because a child process reads a workbook.
Rows = Generator[tuple[int, list[str]], None, None]


def open_rows(chunks: Iterable[bytes], dialect: Dialect, notices: list[str] | None = None) -> Rows:
    """Yield every row below the header that is not blank, as (number, cells). Raises SheetInvalid.

    `number` is what a spreadsheet program shows beside the row: the first row of the file is 1, and blank rows count. Rows may be
    ragged. A row that cannot be read is a DamagedRow (`undecodable`, `cell_too_long`, `quote_open`), and reading continues.
    After the last row of a workbook, `notices` has what the user should know about the reading, in sentences.
    """
    with closing(all_rows(chunks, dialect, notices)) as rows:
        yield from dropwhile(lambda row: row[0] <= dialect.header_row, rows)


def all_rows(chunks: Iterable[bytes], dialect: Dialect, notices: list[str] | None = None) -> Rows:
    """Yield rows as `open_rows`, but with the header and the rows above it."""
    if dialect.format == "xlsx":
        return workbooks.rows_of(chunks, dialect.sheet, hidden_rows=dialect.hidden_rows, notices=notices)
    return _csv_rows(chunks, dialect)


def _csv_rows(chunks: Iterable[bytes], dialect: Dialect) -> Rows:
    # utf-8-sig reads UTF-8 with and without a byte order mark.
    encoding = "utf-8-sig" if dialect.encoding == "utf-8" else dialect.encoding
    source = _Bytes(chunks, encoding)
    text = io.TextIOWrapper(io.BufferedReader(source, _BUFFER), encoding, errors="campaigns.broken", newline="")
    number = 0
    try:
        for cells in _Lines(text, dialect.delimiter).rows():
            number += 1
            if source.broken and any(_BROKEN in cell or "\0" in cell for cell in cells):
                damaged = isinstance(cells, DamagedRow)
                yield number, cells if damaged else DamagedRow(_shown(cells), "undecodable", UNDECODABLE)
            elif isinstance(cells, DamagedRow):
                yield number, cells
            elif not cells or (not cells[0].strip() and not "".join(cells).strip()):
                continue
            elif number == 1 and is_mark(cells):
                number = 0
            else:
                yield number, cells
    except UnicodeError as error:
        raise SheetInvalid("encoding_wrong", WRONG) from error


class _Lines:
    """Rows from lines of text.

    If a quotation mark is not closed, its row is damaged, and the lines that it swallowed are read again as rows of their own. Of
    these, only rows as wide as the rows before them are trusted.
    """

    def __init__(self, text: io.TextIOWrapper, delimiter: str) -> None:
        self._text = text
        self._delimiter = delimiter
        self._taken: list[str] = []  # the lines of the current row
        self._again: deque[str] = deque()  # lines that a quotation mark had swallowed, to be read again
        self._is_again = False  # whether a line of the current row is read again
        self._width = 0
        # Some programs write a space in front of a quoted cell. In their files it is ignored from the first such row on.
        self._spaced = f'{delimiter} "'
        self._skips_spaces = False

    def rows(self) -> Iterator[list[str]]:
        taken = self._taken
        reader = self._reader()
        while True:
            try:
                for cells in reader:
                    spaced = not self._skips_spaces and self._spaced in taken[0]
                    if spaced:
                        cells = self._spaced_out(cells)
                    if self._is_again or len(taken) > 1:
                        yield self._doubted(cells)
                    else:
                        self._width = len(cells)
                        yield cells
                    if spaced and self._skips_spaces:
                        break
                    self._is_again = False
                    taken.clear()
                else:
                    return
            except csv.Error as error:
                yield self._broken(error)
            self._is_again = False
            taken.clear()
            reader = self._reader()

    def _spaced_out(self, cells: list[str]) -> list[str]:
        """The current row, read without the spaces in front of quotation marks; the rest of the file is then read in the same way.

        If this reading has two rows, or another width than `cells` while `cells` has the usual one, the row is damaged. If it fails,
        because a mark is not closed or has text behind it, the result is `cells` if it has the usual width, else a damaged row.
        """
        try:
            reader = csv.reader(self._taken, delimiter=self._delimiter, strict=True, skipinitialspace=True)
            read, more = next(reader), next(reader, None)
        except csv.Error:
            return cells if len(cells) == self._width or not self._width else self._open()
        if more is not None or (len(read) != len(cells) and len(cells) == self._width):
            return self._open()
        self._skips_spaces = True
        return read

    def _reader(self) -> Iterator[list[str]]:
        return self._read(self._lines(), strict=True)

    def _read(self, lines: Iterable[str], *, strict: bool) -> Iterator[list[str]]:
        return csv.reader(lines, delimiter=self._delimiter, strict=strict, skipinitialspace=self._skips_spaces)

    def _lines(self) -> Iterator[str]:
        taken, again, readline = self._taken, self._again, self._text.readline
        while True:
            if again:
                line = again.popleft()
                self._is_again = True
            elif not (line := readline(MAX_LINE_LENGTH)):
                return
            if len(line) == MAX_LINE_LENGTH:
                raise SheetInvalid("line_too_long", LINE_TOO_LONG)
            taken.append(line)
            yield line

    def _doubted(self, cells: list[str]) -> list[str]:
        """A row of several lines, or of lines that were swallowed: the row itself if it can be trusted, else a damaged row."""
        if not any(map(str.strip, cells)):
            return cells
        lines = len(self._taken)
        if self._is_again and len(cells) != self._width:
            return self._open()
        several = [cell for cell in cells if "\n" in cell or "\r" in cell]
        swallowed = lines > MAX_LINES or any(self._holds_cells(cell, alone=len(cells) == 1) for cell in several)
        return self._open() if lines > 1 and swallowed else cells

    def _holds_cells(self, cell: str, *, alone: bool) -> bool:
        """Whether a cell of several lines seems to have swallowed other cells: it has a phone, a yes or a no beside delimiters."""
        if alone or self._delimiter not in cell:
            return alone and any(map(looks_like_phone, cell.splitlines()))
        pieces = [piece for line in cell.splitlines() for piece in line.split(self._delimiter)]
        return any(looks_like_phone(piece) or answer(piece) in _ANSWERS for piece in pieces)

    def _broken(self, error: csv.Error) -> list[str]:
        """The current row if the csv module cannot divide it. It is damaged, unless there are only spaces between a closing quotation
        mark and the delimiter."""
        if "limit" in str(error):
            self._give_back()
            return DamagedRow((), "cell_too_long", TOO_LONG)
        if len(self._taken) == 1:
            fixed = re.sub(rf'" +(?=[{re.escape(self._delimiter)}\r\n]|$)', '"', self._taken[0])
            with suppress(csv.Error):
                return self._doubted(next(self._read([fixed], strict=True)))
        return self._open()

    def _open(self) -> DamagedRow:
        """A damaged row with the first line as far as it can be shown; the other lines are read again."""
        first = self._taken[0].rstrip("\r\n")
        self._give_back()
        cells: list[str] = []
        with suppress(csv.Error):
            cells = next(self._read([first], strict=False), cells)
        return DamagedRow(cells, "quote_open", QUOTE_OPEN)

    def _give_back(self) -> None:
        self._again.extendleft(reversed(self._taken[1:]))


def _shown(cells: Iterable[str]) -> list[str]:
    return [cell.replace(_BROKEN, "\N{REPLACEMENT CHARACTER}").replace("\0", "") for cell in cells]


class _Bytes(io.RawIOBase):
    """A raw stream of chunks. `broken` says whether one of them was not text, because only then rows are searched for bad bytes."""

    def __init__(self, chunks: Iterable[bytes], encoding: str) -> None:
        self._chunks = iter(chunks)
        self._left = memoryview(b"")
        self._decoder = codecs.getincrementaldecoder(encoding)()
        self.broken = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        target = memoryview(buffer)
        while not self._left:
            chunk = next(self._chunks, None)
            if chunk is None:
                self._look(b"", final=True)
                return 0
            self._look(chunk)
            self._left = memoryview(chunk)
        count = min(len(target), len(self._left))
        target[:count] = self._left[:count]
        self._left = self._left[count:]
        return count

    def _look(self, chunk: bytes, *, final: bool = False) -> None:
        if self.broken:
            return
        try:
            self.broken = "\0" in self._decoder.decode(chunk, final)
        except UnicodeError:
            self.broken = True


def _replaced(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return _BROKEN, error.end


codecs.register_error("campaigns.broken", _replaced)
