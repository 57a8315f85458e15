"""A file's bytes as rows: streaming, at the speed of the csv module, and past every damaged row."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Generator, Iterable, Iterator
from typing import TYPE_CHECKING

from campaigns.spreadsheets import workbooks
from campaigns.spreadsheets.dialect import Dialect, is_mark
from campaigns.spreadsheets.refusals import SheetRefused

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

# Characters of a cell, and lines of a row: beyond them a quotation mark was opened and not closed.
LONGEST_CELL = 10_000
MOST_LINES = 50
# Characters of a line, its end included. What has as long ones is no list, and a line of delimiters costs eight times its length.
LONGEST_LINE = 1_000_000
csv.field_size_limit(LONGEST_CELL)  # one for the whole process

_BUFFER = 256 * 1024
# Stands for bytes that are no character: half of one, which no codec ever yields itself.
_BROKEN = "\udcff"
_END = "\udcfeend of the list"  # nor this

UNDECODABLE = "This row has bytes that are no text in the list's encoding; export the list again as CSV (UTF-8)."
TOO_LONG = (
    f"A cell of this row has more than {LONGEST_CELL:,} characters, so the lines that it fills were left out; "
    "shorten it, or close the quotation mark that was opened in it."
)
QUOTE_OPEN = (
    "A quotation mark in this row is not closed, so the lines below it were read as part of it, and left out; "
    f"close it, and keep a row under {MOST_LINES} lines."
)
LINE_TOO_LONG = (
    f"A line of this file has {LONGEST_LINE:,} characters or more, so it is no list of people; "
    "export the list again as CSV (UTF-8)."
)
WRONG = "This file has no byte order mark, so it is not in the chosen encoding; choose another one."


class DamagedRow(list[str]):
    """The cells of a row as far as they can be shown; the row is invalid by `code`, and `sentence` says why."""

    def __init__(self, cells: Iterable[str], code: str, sentence: str) -> None:
        super().__init__(cells)
        self.code = code
        self.sentence = sentence


# Whoever stops before the end closes it: a workbook is read by a process of its own.
Rows = Generator[tuple[int, list[str]], None, None]


def open_rows(chunks: Iterable[bytes], dialect: Dialect, notices: list[str] | None = None) -> Rows:
    """Yield every row below the header that is not blank, as (number, cells). Raises SheetRefused.

    `number` is what a spreadsheet program shows beside the row: the first row of the file is 1, blank rows count. Rows may be
    ragged. A row that cannot be read is a DamagedRow (`undecodable`, `cell_too_long`, `quote_open`) and the next one is read.
    At the end of a workbook `notices` is what a person should know of how it was read, in sentences.
    """
    rows = all_rows(chunks, dialect, notices)
    if dialect.has_header:
        next(rows, None)
    return rows


def all_rows(chunks: Iterable[bytes], dialect: Dialect, notices: list[str] | None = None) -> Rows:
    """As `open_rows`, with the header as the first row."""
    if dialect.format == "xlsx":
        return workbooks.rows_of(chunks, dialect.sheet, hidden_rows=dialect.hidden_rows, notices=notices)
    return _csv_rows(chunks, dialect)


def _csv_rows(chunks: Iterable[bytes], dialect: Dialect) -> Rows:
    # utf-8-sig reads UTF-8 with and without a mark.
    encoding = "utf-8-sig" if dialect.encoding == "utf-8" else dialect.encoding
    source = _Bytes(chunks, encoding)
    text = io.TextIOWrapper(io.BufferedReader(source, _BUFFER), encoding, errors="campaigns.broken", newline="")
    reader = csv.reader(_lines(text), delimiter=dialect.delimiter)
    number, line = 0, 0
    while True:
        try:
            for cells in reader:
                number += 1
                lines, line = reader.line_num - line, reader.line_num
                if lines > 1 and (lines > MOST_LINES or cells[-1].endswith(_END)):
                    yield number, DamagedRow(_shown(cells), "quote_open", QUOTE_OPEN)
                elif source.broken and any(_BROKEN in cell or "\0" in cell for cell in cells):
                    yield number, DamagedRow(_shown(cells), "undecodable", UNDECODABLE)
                elif not cells or (not cells[0].strip() and not "".join(cells).strip()):
                    continue
                elif number == 1 and is_mark(cells):
                    number = 0
                elif cells[0] == _END:
                    return
                else:
                    yield number, cells
            return
        except csv.Error:
            number, line = number + 1, reader.line_num
            yield number, DamagedRow((), "cell_too_long", TOO_LONG)
        except UnicodeError as error:
            raise SheetRefused("encoding_wrong", WRONG) from error


def _lines(text: io.TextIOWrapper) -> Iterator[str]:
    while line := text.readline(LONGEST_LINE):
        if len(line) == LONGEST_LINE:
            raise SheetRefused("line_too_long", LINE_TOO_LONG)
        yield line
    yield _END


def _shown(cells: Iterable[str]) -> list[str]:
    return [cell.replace(_BROKEN, "\N{REPLACEMENT CHARACTER}").replace("\0", "").removesuffix(_END) for cell in cells]


class _Bytes(io.RawIOBase):
    """Chunks as a raw stream, which says in `broken` whether any of them was not text; only then are rows searched for it."""

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
