"""Excel workbooks: cells as a person sees them, sheets that are empty, and archives made to fill a machine."""

from __future__ import annotations

import builtins
import io
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time
from typing import Any

import pytest
from openpyxl import Workbook

from campaigns.spreadsheets import bounded_archive, workbooks
from campaigns.spreadsheets.dialect import Dialect
from campaigns.spreadsheets.preview import examine
from campaigns.spreadsheets.refusals import SheetRefused
from campaigns.spreadsheets.rows import open_rows

XLSX = Dialect("xlsx", "", "", has_header=False)


def workbook(*sheets: Sequence[Sequence[object]]) -> bytes:
    book = Workbook()
    book.remove(book.active)
    for rows in sheets:
        sheet = book.create_sheet()
        for row in rows:
            sheet.append(row)
    saved = io.BytesIO()
    book.save(saved)
    return saved.getvalue()


def read(content: bytes, dialect: Dialect = XLSX) -> list[tuple[int, list[str]]]:
    return list(open_rows((content[at : at + 4096] for at in range(0, len(content), 4096)), dialect))


SHOWN = [
    ("2025550142", "2025550142"),
    (2025550142, "2025550142"),
    (2025550142.0, "2025550142"),
    (12025550142.0, "12025550142"),
    (1.5, "1.5"),
    (True, "yes"),
    (False, "no"),
    (None, ""),
    (date(2026, 1, 2), "2026-01-02"),
    (datetime(2026, 1, 2), "2026-01-02"),  # noqa: DTZ001
    (datetime(2026, 1, 2, 3, 4, 5), "2026-01-02 03:04:05"),  # noqa: DTZ001
    (time(9, 30), "09:30:00"),
    ("two\nlines", "two\nlines"),
    ("#REF!", "#REF!"),
]


@pytest.mark.parametrize(("value", "shown"), SHOWN)
def test_a_cell_is_read_as_a_person_sees_it(value: object, shown: str) -> None:
    assert read(workbook([["x", value, "y"]])) == [(1, ["x", shown, "y"])]


def test_rows_have_the_numbers_that_the_workbook_shows() -> None:
    content = workbook([[], ["Phone", "Name"], [2025550142, "Ann"], [None, " "], ["2025550143", "Bob"]])
    assert read(content) == [(2, ["Phone", "Name"]), (3, ["2025550142", "Ann"]), (5, ["2025550143", "Bob"])]
    assert read(content, Dialect("xlsx", "", "", has_header=True))[0] == (3, ["2025550142", "Ann"])


def test_the_first_sheet_that_is_not_empty_is_read() -> None:
    assert read(workbook([], [[None, " "]], [["2025550142"]], [["2025550143"]])) == [(1, ["2025550142"])]


def test_a_workbook_with_nothing_in_it_is_refused() -> None:
    with pytest.raises(SheetRefused) as refusal:
        read(workbook([], []))
    assert refusal.value.code == "empty"


def test_more_rows_than_are_read_at_once_come_in_their_order() -> None:
    rows = read(workbook([[number, f"name {number}"] for number in range(2_500)]))
    assert rows == [(number + 1, [str(number), f"name {number}"]) for number in range(2_500)]


def test_whether_a_workbook_has_a_header_is_seen_in_its_rows() -> None:
    headed, bare = workbook([["Phone"], [2025550142]]), workbook([[2025550142], [2025550143]])
    dialect, seen = examine(lambda: [headed])
    assert (dialect, seen.header, seen.columns) == (Dialect("xlsx", "", "", True), ["Phone"], ["phone"])
    dialect, seen = examine(lambda: [bare])
    assert (dialect, seen.header, seen.columns) == (XLSX, None, ["phone"])
    assert seen.rows == [(1, ["2025550142"]), (2, ["2025550143"])]


def rewritten(content: bytes, parts: Mapping[str, bytes]) -> bytes:
    """The archive with some parts replaced or added."""
    saved = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(saved, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            if name not in parts:
                new.writestr(name, old.read(name))
        for name, part in parts.items():
            new.writestr(name, part)
    return saved.getvalue()


def refused(content: bytes) -> str:
    with pytest.raises(SheetRefused) as refusal:
        read(content)
    assert "CSV" in refusal.value.sentence
    return refusal.value.code


def test_a_part_that_unpacks_to_a_thousand_times_its_size_is_refused_unopened() -> None:
    assert refused(rewritten(workbook([["x"]]), {"xl/worksheets/sheet1.xml": bytes(5_000_000)})) == "xlsx_too_large"


def test_a_workbook_that_unpacks_to_more_than_the_limit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    content = workbook([["x"]])
    monkeypatch.setattr(workbooks, "MOST_UNPACKED", 1_000)
    assert refused(content) == "xlsx_too_large"


def test_more_shared_text_than_memory_shall_hold_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    content = workbook([["a text of its own"]])
    monkeypatch.setattr(workbooks, "MOST_IN_MEMORY", 1_000)
    assert refused(content) == "xlsx_too_large"


def test_no_more_than_the_limit_is_collected_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbooks, "MOST_PACKED", 10_000)
    taken = 0

    def endless() -> Iterator[bytes]:
        nonlocal taken
        while True:
            taken += 1
            yield bytes(4_000)

    with pytest.raises(SheetRefused) as refusal:
        list(open_rows(endless(), XLSX))
    assert refusal.value.code == "xlsx_too_large"
    assert taken == 3


WHOLE = workbook([["2025550142"]])
BILLION = (
    b'<?xml version="1.0"?><!DOCTYPE w [<!ENTITY a "aaaaaaaaaa">'
    + b"".join(b'<!ENTITY %c "%s">' % (98 + at, b"&%c;" % (97 + at) * 10) for at in range(9))
    + b']><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row>'
    b'<c t="inlineStr"><is><t>&j;</t></is></c></row></sheetData></worksheet>'
)
DAMAGED = {
    "cut short": WHOLE[: len(WHOLE) // 2],
    "a signature only": b"PK\x03\x04",
    "another archive": rewritten(workbook([["x"]]), {"[Content_Types].xml": b"<x/>"}),
    "no XML": rewritten(WHOLE, {"xl/worksheets/sheet1.xml": b"<worksheet><sheetData><row>"}),
    "entities of entities": rewritten(WHOLE, {"xl/worksheets/sheet1.xml": BILLION}),
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_a_workbook_that_cannot_be_opened_is_refused(content: bytes) -> None:
    assert refused(content) == "xlsx_damaged"


def test_every_byte_of_a_workbook_may_be_wrong_and_nothing_but_a_refusal_comes_of_it() -> None:
    for at in range(0, len(WHOLE), 37):
        broken = WHOLE[:at] + bytes([WHOLE[at] ^ 0xFF]) + WHOLE[at + 1 :]
        try:
            read(broken)
        except SheetRefused:
            continue


def test_a_number_in_a_cell_formatted_as_a_date_is_an_error_and_no_warning_repeats_it() -> None:
    book = Workbook()
    book.active["A1"] = 99999550142
    book.active["A1"].number_format = "yyyy-mm-dd"
    saved = io.BytesIO()
    book.save(saved)
    assert read(saved.getvalue()) == [(1, ["#VALUE!"])]


def test_without_the_extra_a_workbook_is_refused_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    imported = builtins.__import__

    def without_openpyxl(name: str, *arguments: Any, **options: Any) -> Any:
        if name.partition(".")[0] == "openpyxl":
            raise ImportError(name)
        return imported(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without_openpyxl)
    with pytest.raises(SheetRefused) as refusal:
        read(WHOLE)
    assert refusal.value.code == "xlsx_not_installed"
    assert "CSV" in refusal.value.sentence
    assert '"xlsx"' in refusal.value.sentence


SHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
TINY = b"<a/>" * (bounded_archive.MOST_IN_TREE + 1)


def part_of(content: bytes, name: str) -> bytes:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return archive.read(name)


def sheet_with(cells: str) -> bytes:
    sheet = f'<worksheet xmlns="{SHEET}"><sheetData>{cells}</sheetData></worksheet>'
    return rewritten(WHOLE, {"xl/worksheets/sheet1.xml": sheet.encode()})


STYLES = part_of(WHOLE, "xl/styles.xml").replace(b"</styleSheet>", b"<extLst>%s</extLst></styleSheet>" % TINY)
TREES = {
    "styles": {"xl/styles.xml": STYLES},
    "elements beside the rows": {
        "xl/worksheets/sheet1.xml": b'<worksheet xmlns="%s"><x>%s</x></worksheet>' % (SHEET.encode(), TINY)
    },
    "rows of another language": {
        "xl/worksheets/sheet1.xml": b'<worksheet xmlns="%s" xmlns:z="z">%s</worksheet>'
        % (SHEET.encode(), b"<z:row/>" * (bounded_archive.MOST_IN_TREE + 1))
    },
    "one endless row": {
        "xl/worksheets/sheet1.xml": b'<worksheet xmlns="%s"><sheetData><row>%s</row></sheetData></worksheet>'
        % (SHEET.encode(), TINY)
    },
}


@pytest.mark.parametrize("parts", TREES.values(), ids=TREES)
def test_more_elements_than_memory_shall_hold_are_refused_wherever_they_are(
    parts: Mapping[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workbooks, "HIGHEST_RATIO", 10_000)  # what is not so even packs less
    assert refused(rewritten(WHOLE, parts)) == "xlsx_too_large"


def test_a_cell_as_long_as_a_book_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded_archive, "LONGEST_ROW", 100_000)
    text = "a" * 200_000
    assert refused(sheet_with(f'<row><c t="inlineStr"><is><t>{text}</t></is></c></row>')) == "xlsx_too_large"


def test_a_row_numbered_beyond_every_sheet_is_refused_instead_of_counted_up_to() -> None:
    far = '<row r="1"><c r="A1"><v>1</v></c></row><row r="999999999999"><c r="A999999999999"><v>2</v></c></row>'
    assert refused(sheet_with(far)) == "xlsx_too_large"


def test_many_rows_are_no_large_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded_archive, "MOST_IN_TREE", 3_000)
    monkeypatch.setattr(bounded_archive, "LONGEST_ROW", 40_000)
    one = "<row><c><v>2025550142</v></c></row>"
    assert len(read(sheet_with(one * 10_000))) == 10_000


def test_more_distinct_texts_than_memory_shall_hold_are_refused_whatever_their_part_is_called(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bounded_archive, "MOST_IN_TEXTS", 5_000)
    monkeypatch.setattr(workbooks, "HIGHEST_RATIO", 10_000)
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
    name = "xl/worksheets/texts.xml"
    override = f'<Override PartName="/{name}" ContentType="{kind}"/></Types>'.encode()
    types = part_of(WHOLE, "[Content_Types].xml").replace(b"</Types>", override)
    texts = f'<sst xmlns="{SHEET}">{"<si><t/></si>" * 3_000}</sst>'.encode()
    assert refused(rewritten(WHOLE, {"[Content_Types].xml": types, name: texts})) == "xlsx_too_large"
