"""The preview of a list for the user to confirm: its dialect, the row that names the columns, and the kind of each column."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import chain, dropwhile, islice

from rvm.spreadsheets import workbooks
from rvm.spreadsheets.bounds import MAX_COLUMNS, too_many_columns
from rvm.spreadsheets.cells.phones import looks_like_phone
from rvm.spreadsheets.columns.headers import MAX_ROWS_ABOVE, Header, find_header, header_at
from rvm.spreadsheets.columns.headings import heading_at
from rvm.spreadsheets.columns.reading import Around, Column, holds_people, read_columns, read_patients
from rvm.spreadsheets.dialect import HEAD_BYTES, Dialect, guess
from rvm.spreadsheets.rows import DamagedRow, Rows, all_rows

# A function that reads the columns of a list by their names, if they have any, by their cells, and by what is around these.
ReadColumns = Callable[[Sequence[str] | None, Sequence[Sequence[str]], Around], list[Column]]
PREVIEW_ROWS = 20
# The rows by which columns are read: enough to have a mark that one of a hundred people has.
MAX_ROWS_READ = 200
_FIRST = MAX_ROWS_ABOVE + MAX_ROWS_READ


@dataclass(frozen=True)
class Preview:
    """The first rows of a list and their reading. `header` was found or set by a user, `rows` are the first (number, cells) below it
    as `open_rows` yields them, and `columns` are the readings of as many columns as the widest row has cells.

    A workbook has its `sheets`, the name of the `sheet` that was read, and `notices` about the reading, in sentences for the user.
    """

    header: Header
    rows: list[tuple[int, list[str]]] = field(repr=False)
    columns: list[Column]
    sheets: list[workbooks.Sheet] = field(default_factory=list)
    sheet: str = ""
    notices: list[str] = field(default_factory=list, repr=False)


def examine(
    read: Callable[[], Iterable[bytes]], *, accents: bytes = b"", columns: ReadColumns = read_patients
) -> tuple[Dialect, Preview]:
    """The guessed dialect of a file and its preview by that dialect. Raises SheetInvalid.

    `read` returns the file's bytes from its start, at each call; `accents` are as in `dialect.guess`.
    """
    head, whole = _head(read())
    dialect = guess(head, whole=whole, accents=accents)
    if dialect.format == "xlsx":
        sheets = workbooks.look(read(), _FIRST)
        sheet = workbooks.chosen(sheets, "", _is_list)
        header = find_header(sheet.rows)
        return replace(dialect, sheet=sheet.name, header_row=header.row), _preview_of_sheet(
            sheets, sheet, header, columns
        )
    rows = _first(read(), dialect)
    header = find_header(rows)
    return replace(dialect, header_row=header.row), _preview(header, rows, columns, of_csv=True)


def preview(chunks: Iterable[bytes], dialect: Dialect, columns: ReadColumns = read_patients) -> Preview:
    """The header and the first PREVIEW_ROWS rows, read by the given dialect. Raises SheetInvalid."""
    if dialect.format == "xlsx":
        sheets = workbooks.look(chunks, _FIRST, hidden_rows=dialect.hidden_rows)
        sheet = workbooks.chosen(sheets, dialect.sheet, _is_list)
        return _preview_of_sheet(sheets, sheet, header_at(sheet.rows, dialect.header_row), columns)
    rows = _first(chunks, dialect)
    return _preview(header_at(rows, dialect.header_row), rows, columns, of_csv=True)


def open_list(
    chunks: Iterable[bytes],
    dialect: Dialect,
    notices: list[str] | None = None,
    columns: ReadColumns = read_patients,
) -> tuple[Preview, Rows]:
    """The preview of a list and all rows below its header, from one pass over the file. `notices` is as in `open_rows`.

    The preview has no `sheets` and no notices. Raises SheetInvalid, also while the rows are read.
    """
    rows = all_rows(chunks, dialect, notices)
    first = list(islice(rows, _FIRST))
    header = header_at(first, dialect.header_row)
    return _preview(header, first, columns, of_csv=dialect.format == "csv"), _below(dialect.header_row, first, rows)


def _below(header_row: int, first: Sequence[tuple[int, list[str]]], rows: Rows) -> Rows:
    with closing(rows):
        yield from dropwhile(lambda row: row[0] <= header_row, chain(first, rows))


def width_of(header: Header, rows: Sequence[Sequence[str]]) -> int:
    """The number of cells of a CSV row: that of the header, or the usual one of the rows if it is larger."""
    usual = Counter(map(len, rows)).most_common(1)
    return max(len(header.names), *(width for width, _ in usual), 1)


def _preview(
    header: Header,
    rows: Sequence[tuple[int, list[str]]],
    columns: ReadColumns,
    *,
    of_csv: bool,
    sheet: workbooks.Sheet | None = None,
    beside: Sequence[str] = (),
) -> Preview:
    below = [(number, cells) for number, cells in rows if number > header.row]
    first = [cells for _, cells in below[:MAX_ROWS_READ]]
    if header.row:
        # Damaged rows and too wide rows of CSV may have cells in wrong columns; they are left out unless most rows are of this kind.
        width = width_of(header, first) if of_csv else MAX_COLUMNS
        whole = [cells for cells in first if not isinstance(cells, DamagedRow) and len(cells) <= width]
        whole = whole if len(whole) * 2 >= len(first) else first
        above = [list(cells) for _, cells in header.titles]
    else:
        above, whole = _parted(first)
        above = [cells for cells in above if heading_at(cells) is not None]  # the others may be people without a number
    # The names of columns are stored unencrypted. A row that may be a person's and not a header must not give such names.
    titles = list(chain.from_iterable(above))
    around = Around([*titles, sheet.name], sheet.marked, beside) if sheet is not None else Around(titles)
    return Preview(header, below[:PREVIEW_ROWS], columns(header.names if header.sure else None, whole, around))


def _parted(rows: list[list[str]]) -> tuple[list[list[str]], list[list[str]]]:
    """The rows before the first row with a phone, which say nothing about columns in a list without a header, and the others."""
    first = next((at for at, cells in enumerate(rows[:MAX_ROWS_ABOVE]) if any(map(looks_like_phone, cells))), 0)
    return rows[:first], rows[first:]


def _preview_of_sheet(
    sheets: list[workbooks.Sheet], sheet: workbooks.Sheet, header: Header, columns: ReadColumns
) -> Preview:
    return replace(
        _preview(
            header,
            sheet.rows,
            columns,
            of_csv=False,
            sheet=sheet,
            beside=[each.name for each in sheets if each is not sheet and each.holds_rows],
        ),
        sheets=sheets,
        sheet=sheet.name,
        notices=sheet.notices,
    )


def _is_list(rows: workbooks.Rows) -> bool:
    """Whether a sheet looks like a list of people."""
    return holds_people(_preview(find_header(rows), rows, read_columns, of_csv=False).columns)


def _first(chunks: Iterable[bytes], dialect: Dialect) -> list[tuple[int, list[str]]]:
    with closing(all_rows(chunks, dialect)) as rows:
        return [(number, _within(cells)) for number, cells in islice(rows, _FIRST)]


def _within(cells: list[str]) -> list[str]:
    if len(cells) <= MAX_COLUMNS:
        return cells
    if any(map(str.strip, cells[MAX_COLUMNS:])):
        raise too_many_columns()
    return cells[:MAX_COLUMNS]


def _head(chunks: Iterable[bytes]) -> tuple[bytes, bool]:
    """The first HEAD_BYTES, and whether they are the whole file."""
    head = bytearray()
    for chunk in chunks:
        head += chunk
        if len(head) > HEAD_BYTES:
            return bytes(head[:HEAD_BYTES]), False
    return bytes(head), True
