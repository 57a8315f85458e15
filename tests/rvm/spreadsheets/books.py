"""Workbooks for tests: by openpyxl as programs write them, or part by part as no program should."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import openpyxl

from rvm.spreadsheets.ooxml.tasks import look, read
from rvm.spreadsheets.refusals import SheetInvalid

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_SPREADSHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml"

Rows = list[tuple[int, list[str]]]


def book(*sheets: Sequence[Sequence[object]], change: Callable[[Any], None] = lambda book: None) -> bytes:
    """By openpyxl; `change` is given the workbook before it is saved."""
    made = openpyxl.Workbook()
    made.remove(made.active)
    for rows in sheets:
        sheet = made.create_sheet()
        for row in rows:
            sheet.append(row)
    change(made)
    saved = io.BytesIO()
    made.save(saved)
    return saved.getvalue()


def parts(*sheets: str, texts: str = "", styles: str = "", workbook: str = "") -> dict[str, bytes]:
    """The parts of a workbook as Excel names them; a sheet is what stands in its root, or a root of its own."""
    count = range(1, len(sheets) + 1)
    kinds = [("worksheet", f"worksheets/sheet{at}.xml") for at in count]
    kinds += [("sharedStrings", "sharedStrings.xml")] * bool(texts) + [("styles", "styles.xml")] * bool(styles)
    overrides = "".join(
        f'<Override PartName="/xl/{part}" ContentType="{_SPREADSHEET}.{kind}+xml"/>' for kind, part in kinds
    )
    relations = "".join(
        f'<Relationship Id="rId{at}" Type="{_OFFICE}/{kind}" Target="{part}"/>'
        for at, (kind, part) in enumerate(kinds, 1)
    )
    tabs = "".join(f'<sheet name="Sheet{at}" sheetId="{at}" r:id="rId{at}"/>' for at in count)
    made = {
        "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types"><Override PartName="/xl/workbook.xml" '
        f'ContentType="{_SPREADSHEET}.sheet.main+xml"/>{overrides}</Types>',
        "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" '
        f'Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{_OFFICE}">{workbook}<sheets>{tabs}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">{relations}</Relationships>',
    }
    for at, sheet in enumerate(sheets, 1):
        made[f"xl/worksheets/sheet{at}.xml"] = (
            sheet if sheet.startswith("<") and "xmlns" in sheet[:200] else root(sheet)
        )
    if texts:
        made["xl/sharedStrings.xml"] = f'<sst xmlns="{MAIN}">{texts}</sst>'
    if styles:
        made["xl/styles.xml"] = f'<styleSheet xmlns="{MAIN}">{styles}</styleSheet>'
    return {name: part.encode() for name, part in made.items()}


def root(inside: str) -> str:
    """A sheet's root around what it holds; around rows alone also what holds these."""
    data = inside if "sheetData" in inside else f"<sheetData>{inside}</sheetData>"
    return f'<worksheet xmlns="{MAIN}">{data}</worksheet>'


def raw(*sheets: str, **others: str) -> bytes:
    """A workbook of `parts`."""
    return zipped(parts(*sheets, **others))


def zipped(parts: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    saved = io.BytesIO()
    with zipfile.ZipFile(saved, "w", method) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    return saved.getvalue()


def rewritten(content: bytes, changes: Mapping[str, bytes]) -> bytes:
    """The archive with some parts replaced or added."""
    with zipfile.ZipFile(io.BytesIO(content)) as old:
        return zipped({name: old.read(name) for name in old.namelist()} | changes)


def part_of(content: bytes, name: str) -> bytes:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return archive.read(name)


def rows_of(content: bytes, sheet: str = "", *, hidden_rows: bool = False) -> Rows:
    """As the child reads them, in this process."""
    return [
        (number, cells)
        for batch in read(io.BytesIO(content), sheet=sheet, hidden_rows=hidden_rows)
        if isinstance(batch, list)
        for number, cells in batch
    ]


def noticed_in(content: bytes, sheet: str = "", *, hidden_rows: bool = False) -> dict[str, Any]:
    """What is noticed in a sheet, without what there is none of."""
    (noticed,) = (
        said for said in read(io.BytesIO(content), sheet=sheet, hidden_rows=hidden_rows) if isinstance(said, dict)
    )
    return {name: value for name, value in noticed.items() if value}


def looked_at(content: bytes, rows: int = 21, *, hidden_rows: bool = False) -> list[dict[str, Any]]:
    return list(look(io.BytesIO(content), rows=rows, hidden_rows=hidden_rows))


def refusal_of(content: bytes, read: Callable[[bytes], object] = rows_of) -> str:
    try:
        read(content)
    except SheetInvalid as refused:
        assert any(word in refused.message for word in ("CSV", "export", "unpack", "upload", "leave out"))
        return refused.code
    return "it is read"


def in_chunks(content: bytes, size: int = 4096) -> Iterator[bytes]:
    return (content[at : at + size] for at in range(0, len(content), size))
