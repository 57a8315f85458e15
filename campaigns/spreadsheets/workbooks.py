"""The first sheet of an Excel workbook as rows of text, row by row, and no more of a hostile one than it may take.

The reader (openpyxl) is an extra. A workbook is a zip archive that has to be read from its end, so its bytes are held in memory.
"""

from __future__ import annotations

import io
import warnings
import zipfile
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, time
from itertools import islice
from typing import Any, TypeVar

from campaigns.spreadsheets.bounded_archive import MOST_IN_MEMORY, MOST_ROWS, BoundedArchive, too_large
from campaigns.spreadsheets.refusals import SheetRefused

MOST_PACKED = 50 * 1024 * 1024
MOST_UNPACKED = 400 * 1024 * 1024
# Sheets of real lists pack by 5 to 30; a run of noughts by 1000.
HIGHEST_RATIO = 200
_SMALL = 1024 * 1024
_BATCH = 1000

T = TypeVar("T")

_DAMAGED = (
    "This workbook cannot be opened, it is damaged or of another kind; save the list as CSV (UTF-8) and upload that."
)


def rows_of(chunks: Iterable[bytes]) -> Iterator[tuple[int, list[str]]]:
    """Yield (number, cells) of the first sheet that has any; cells as a person sees them, dates as ISO 8601. Raises SheetRefused."""
    packed = _collected(chunks)
    _check_archive(packed)
    try:
        import openpyxl  # noqa: F401 - whether it is there
    except ImportError:
        raise SheetRefused(
            "xlsx_not_installed",
            "This installation cannot read Excel workbooks: save the list as CSV (UTF-8) and upload that, "
            'or ask its administrator to install the extra "xlsx".',
        ) from None
    rows = _quietly(lambda: _first_sheet(_opened(packed)))
    while batch := _quietly(lambda: list(islice(rows, _BATCH))):
        yield from batch


def _quietly(step: Callable[[], T]) -> T:
    """openpyxl warns of what it leaves out, and repeats the cell's value, which may be a number; it raises whatever it meets."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return step()
    except SheetRefused:
        raise
    except Exception as error:
        if isinstance(error.__cause__, SheetRefused):
            raise error.__cause__ from None
        raise SheetRefused("xlsx_damaged", _DAMAGED) from error


def _opened(packed: io.BytesIO) -> Any:
    """As `openpyxl.load_workbook` does it, from an archive that is bounded."""
    from openpyxl.reader.excel import ExcelReader

    class Reader(ExcelReader):
        def __init__(self) -> None:
            super().__init__(packed, read_only=True, data_only=True, keep_links=False)
            self.archive = BoundedArchive(packed)

        def read_strings(self) -> None:
            super().read_strings()
            self.archive.texts_read = True

    reader = Reader()
    reader.read()
    return reader.wb


def _first_sheet(workbook: Any) -> Iterator[tuple[int, list[str]]]:
    """The rows that are not blank of the first sheet that has one."""
    for sheet in workbook.worksheets:
        # What the file says of its own size is often wrong, and would hide rows.
        sheet.reset_dimensions()
        found = False
        for number, cells in enumerate(sheet.iter_rows(values_only=True), start=1):
            # A row that says a number of its own is preceded by as many empty ones.
            if number > MOST_ROWS:
                raise too_large()
            shown = [_shown(cell) for cell in cells]
            if any(map(str.strip, shown)):
                found = True
                yield number, shown
        if found:
            return
    raise SheetRefused("empty", "There is nothing in this workbook; export the list again with its rows.")


def _shown(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        # 17 digits are all that a float has; a number that is whole is shown as such, never as 4.15555E+09.
        return str(int(value)) if value.is_integer() else repr(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(sep=" ", timespec="seconds")
    if isinstance(value, date | time):
        return value.isoformat()
    return str(value)


def _collected(chunks: Iterable[bytes]) -> io.BytesIO:
    packed = io.BytesIO()
    for chunk in chunks:
        if packed.write(chunk) and packed.tell() > MOST_PACKED:
            raise too_large()
    return packed


def _check_archive(packed: io.BytesIO) -> None:
    """By what its directory says: zipfile reads no more of a part than that. Raises SheetRefused."""
    try:
        with zipfile.ZipFile(packed) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError) as error:
        raise SheetRefused("xlsx_damaged", _DAMAGED) from error
    unpacked = sum(part.file_size for part in parts)
    in_memory = sum(part.file_size for part in parts if not part.filename.lower().startswith("xl/worksheets/"))
    swollen = any(part.file_size > max(_SMALL, part.compress_size * HIGHEST_RATIO) for part in parts)
    if unpacked > MOST_UNPACKED or in_memory > MOST_IN_MEMORY or swollen:
        raise too_large()
