"""A workbook's archive that gives out no more XML than its reader may hold.

The reader (openpyxl) makes trees: of a sheet it lets go row by row, of everything else never. An element of five bytes costs it a
hundred and more, so it is elements that are counted, as they are read and whatever the part is called.
"""

from __future__ import annotations

import zipfile
from typing import IO, Any
from xml.parsers import expat

from campaigns.spreadsheets.refusals import SheetRefused

# Bytes of a part that is kept as a whole; the largest has all distinct texts of the workbook.
MOST_IN_MEMORY = 64 * 1024 * 1024
# Elements of a part that becomes a tree, and of one row: the widest has 16,384 cells of three.
MOST_IN_TREE = 150_000
# Two to four are a distinct text.
MOST_IN_TEXTS = 4_000_000
# Bytes between the ends of two rows, and rows of a sheet: that of Excel has 1,048,576.
LONGEST_ROW = 8 * 1024 * 1024
MOST_ROWS = 1_048_576
_ROW = "http://schemas.openxmlformats.org/spreadsheetml/2006/main}row"

TOO_LARGE = "This workbook is too large to be read as it is; save the list as CSV (UTF-8) and upload that."


def too_large() -> SheetRefused:
    return SheetRefused("xlsx_too_large", TOO_LARGE)


class BoundedArchive(zipfile.ZipFile):
    """Raises SheetRefused while a part is read. What is opened is the distinct texts, then, once `texts_read` is set, sheets."""

    texts_read = False

    def read(self, name: str | zipfile.ZipInfo, pwd: bytes | None = None) -> bytes:
        with self._part(name, MOST_IN_TREE, whole=True) as part:
            return part.read()

    def open(self, name: str | zipfile.ZipInfo, *options: Any, **named: Any) -> IO[bytes]:
        if self.texts_read:
            return self._part(name, MOST_IN_TREE, whole=False)
        return self._part(name, MOST_IN_TEXTS, whole=True)

    def _part(self, name: str | zipfile.ZipInfo, elements: int, *, whole: bool) -> IO[bytes]:
        part = name if isinstance(name, zipfile.ZipInfo) else self.getinfo(name)
        if whole and part.file_size > MOST_IN_MEMORY:
            raise too_large()
        return _Counted(super().open(part), elements, by_row=not whole)  # type: ignore[return-value]


class _Counted:
    """What a reader of XML needs of a file."""

    def __init__(self, part: IO[bytes], elements: int, *, by_row: bool) -> None:
        self._part, self._most, self._by_row = part, elements, by_row
        self._elements = self._bytes = self._rows = 0
        self._parser = expat.ParserCreate(namespace_separator="}")
        self._parser.StartElementHandler = self._begin
        self._parser.EndElementHandler = self._end if by_row else None
        self._parser.StartDoctypeDeclHandler = self._damaged  # of entities: no workbook declares any

    def read(self, size: int = -1) -> bytes:
        data = self._part.read(size)
        self._bytes += len(data)
        self._parser.Parse(data, not data)
        if self._by_row and self._bytes > LONGEST_ROW:
            raise too_large()
        return data

    def close(self) -> None:
        self._part.close()

    def __enter__(self) -> _Counted:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _begin(self, _name: str, _attributes: object) -> None:
        self._elements += 1
        if self._elements > self._most:
            raise too_large()

    def _end(self, name: str) -> None:
        if name == _ROW:
            self._elements = self._bytes = 0
            self._rows += 1
            if self._rows > MOST_ROWS:
                raise too_large()

    def _damaged(self, *_: object) -> None:
        raise expat.ExpatError("a document type is declared")
