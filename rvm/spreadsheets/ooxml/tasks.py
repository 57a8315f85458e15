"""Tasks of the child process: a look at a workbook, and its reading. Both need the whole file, as an archive is read from its end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any, BinaryIO

from rvm.spreadsheets.ooxml.package import Package, Sheet
from rvm.spreadsheets.ooxml.sheets import SheetReader
from rvm.spreadsheets.refusals import SheetInvalid, empty_workbook, sheet_unknown

# Rows and characters of one message.
_BATCH_ROWS = 500
_BATCH_LENGTH = 250_000
# Bytes of XML that a look reads of one sheet (more if it does not have its rows by then), and of all sheets.
_LOOK_BYTES = 2 * 1024 * 1024
_MAX_LOOK_BYTES = 32 * 1024 * 1024


def look(source: BinaryIO, *, rows: int, hidden_rows: bool) -> Iterator[dict[str, Any]]:
    """Yield each sheet with its first `rows` rows and what was noticed so far (in all rows, if `whole`), or why it is refused."""
    package = Package(source.read())
    left = _MAX_LOOK_BYTES
    for sheet in package.sheets:
        reader = SheetReader(package, sheet, hidden_rows=hidden_rows)
        said: dict[str, Any] = {"name": sheet.name, "visibility": sheet.visibility, "active": sheet.active}
        try:
            said["rows"], said["whole"] = _first(reader, rows, left)
        except SheetInvalid as refused:  # another sheet may be the list
            said["refused"] = [refused.code, refused.message]
        left -= reader.bytes_read
        yield {**said, "noticed": asdict(reader.noticed())}


def _first(reader: SheetReader, count: int, most_bytes: int) -> tuple[list[tuple[int, list[str]]], bool]:
    first = list[tuple[int, list[str]]]()
    if most_bytes <= 0:
        return first, False
    for batch in reader.batches():
        first += [(row.number, row.cells) for row in batch[: count - len(first)]]
        if reader.bytes_read >= most_bytes or (len(first) == count and reader.bytes_read >= _LOOK_BYTES):
            return first, False
    return first, True


def read(source: BinaryIO, *, sheet: str, hidden_rows: bool) -> Iterator[list[Any] | dict[str, Any]]:
    """Yield the rows of one sheet in batches, then what was noticed. Raises SheetInvalid.

    Without a name, it is the first visible sheet with rows, where the active one comes before the others.
    """
    package = Package(source.read())
    batch, length, hidden = list[tuple[int, list[str]]](), 0, False
    for chosen in _chosen(package.sheets, sheet):
        reader, found = SheetReader(package, chosen, hidden_rows=hidden_rows), False
        for rows in reader.batches():
            for row in rows:
                batch.append((row.number, row.cells))
                length += row.length
                if len(batch) >= _BATCH_ROWS or length >= _BATCH_LENGTH:
                    yield batch
                    batch, length, found = [], 0, True
        if batch or found:
            yield batch
            yield asdict(reader.noticed())
            return
        hidden = hidden or reader.noticed().leaves_out
    if hidden:
        raise SheetInvalid(
            "empty",
            "All rows are hidden or crossed out in this workbook; have hidden rows read, or show them and upload it again.",
        )
    raise empty_workbook()


def _chosen(sheets: Sequence[Sheet], name: str) -> Sequence[Sheet]:
    if not name:
        shown = [sheet for sheet in sheets if sheet.visibility == "visible"]
        return sorted(shown, key=lambda sheet: not sheet.active)
    chosen = [sheet for sheet in sheets if sheet.name == name]
    if not chosen:
        raise sheet_unknown(name)
    return chosen
