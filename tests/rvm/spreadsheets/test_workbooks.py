"""Excel workbooks: cells as a person sees them, sheets that are empty, and archives made to fill a machine."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Mapping
from datetime import date, datetime, time
from typing import Any

import pytest

from rvm.spreadsheets import workbooks
from rvm.spreadsheets.dialect import Dialect
from rvm.spreadsheets.ooxml import archive, rows, texts
from rvm.spreadsheets.ooxml.markup import MAX_ELEMENTS
from rvm.spreadsheets.preview import examine
from rvm.spreadsheets.refusals import SheetInvalid
from rvm.spreadsheets.rows import open_rows
from tests.children import in_calls, none_left
from tests.rvm.spreadsheets.books import (
    MAIN,
    book,
    in_chunks,
    parts,
    raw,
    refusal_of,
    rewritten,
    rows_of,
    zipped,
)

XLSX = Dialect("xlsx", "", "", header_row=0)


def read(content: bytes, dialect: Dialect = XLSX) -> list[tuple[int, list[str]]]:
    return list(open_rows(in_chunks(content), dialect))


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
    assert rows_of(book([["x", value, "y"]])) == [(1, ["x", shown, "y"])]


def test_rows_have_the_numbers_that_the_workbook_shows() -> None:
    content = book([[], ["Phone", "Name"], [2025550142, "Ann"], [None, " "], ["2025550143", "Bob"]])
    assert read(content) == [(2, ["Phone", "Name"]), (3, ["2025550142", "Ann"]), (5, ["2025550143", "Bob"])]
    assert read(content, Dialect("xlsx", "", "", header_row=2))[0] == (3, ["2025550142", "Ann"])


def test_the_first_sheet_that_is_not_empty_is_read() -> None:
    assert read(book([], [[None, " "]], [["2025550142"]], [["2025550143"]])) == [(1, ["2025550142"])]


def test_a_workbook_with_nothing_in_it_is_refused() -> None:
    with pytest.raises(SheetInvalid) as refusal:
        read(book([], []))
    assert refusal.value.code == "empty"


def test_more_rows_than_are_read_at_once_come_in_their_order() -> None:
    rows = read(book([[number, f"name {number}"] for number in range(2_500)]))
    assert rows == [(number + 1, [str(number), f"name {number}"]) for number in range(2_500)]


def test_whether_a_workbook_has_a_header_is_seen_in_its_rows() -> None:
    headed, bare = book([["Phone"], [2025550142]]), book([[2025550142], [2025550143]])
    dialect, seen = examine(lambda: [headed])
    assert (dialect, seen.header.names) == (Dialect("xlsx", "", "", 1, "Sheet"), ["Phone"])
    assert [column.kind for column in seen.columns] == ["phone"]
    dialect, seen = examine(lambda: [bare])
    assert (dialect, seen.header.names) == (Dialect("xlsx", "", "", 0, "Sheet"), [])
    assert [column.kind for column in seen.columns] == ["phone"]
    assert seen.rows == [(1, ["2025550142"]), (2, ["2025550143"])]


def refused(content: bytes) -> str:
    with pytest.raises(SheetInvalid) as refusal:
        read(content)
    assert "CSV" in refusal.value.message
    return refusal.value.code


def test_a_part_that_unpacks_to_a_thousand_times_its_size_is_refused_unopened() -> None:
    assert refused(rewritten(book([["x"]]), {"xl/worksheets/sheet1.xml": bytes(5_000_000)})) == "xlsx_too_large"


def test_a_workbook_that_unpacks_to_more_than_the_limit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_UNPACKED_BYTES", 1_000)
    assert refusal_of(book([["x"]])) == "xlsx_too_large"


def test_more_shared_text_than_memory_shall_hold_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(texts, "MAX_BYTES", 100)
    assert (
        refusal_of(raw('<row><c t="s"><v>0</v></c></row>', texts="<si><t>a text of its own</t></si>"))
        == "xlsx_too_large"
    )


def test_no_more_than_the_limit_is_taken_from_whoever_sends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbooks, "MAX_BYTES", 10_000)
    taken = 0

    def endless() -> Iterator[bytes]:
        nonlocal taken
        while True:
            taken += 1
            yield bytes(4_000)

    with pytest.raises(SheetInvalid) as refusal:
        list(open_rows(endless(), XLSX))
    assert refusal.value.code == "xlsx_too_large"
    assert taken == 3


WHOLE = book([["2025550142"]])
BILLION = (
    b'<?xml version="1.0"?><!DOCTYPE w [<!ENTITY a "aaaaaaaaaa">'
    + b"".join(b'<!ENTITY %c "%s">' % (98 + at, b"&%c;" % (97 + at) * 10) for at in range(9))
    + b']><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row>'
    b'<c t="inlineStr"><is><t>&j;</t></is></c></row></sheetData></worksheet>'
)
DAMAGED = {
    "cut short": WHOLE[: len(WHOLE) // 2],
    "a signature only": b"PK\x03\x04",
    "another archive": rewritten(book([["x"]]), {"[Content_Types].xml": b"<x/>"}),
    "no XML": rewritten(WHOLE, {"xl/worksheets/sheet1.xml": b"<worksheet><sheetData><row>"}),
    "entities of entities": rewritten(WHOLE, {"xl/worksheets/sheet1.xml": BILLION}),
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_a_workbook_that_cannot_be_opened_is_refused(content: bytes) -> None:
    assert refused(content) == "xlsx_damaged"


def test_every_byte_of_a_workbook_may_be_wrong_and_nothing_but_a_refusal_comes_of_it() -> None:
    for at in range(0, len(WHOLE), 3):
        broken = WHOLE[:at] + bytes([WHOLE[at] ^ 0xFF]) + WHOLE[at + 1 :]
        try:
            rows_of(broken)
        except SheetInvalid:
            continue


def test_a_number_in_a_cell_formatted_as_a_date_is_an_error_and_no_warning_repeats_it() -> None:
    def format_as_date(made: Any) -> None:
        made.worksheets[0]["A1"].number_format = "yyyy-mm-dd"

    assert read(book([[99999550142]], change=format_as_date)) == [(1, ["#VALUE!"])]


TINY = "<a/>" * (MAX_ELEMENTS + 1)
TREES = {
    "styles": {"styles": f"<extLst>{TINY}</extLst>"},
    "elements beside the rows": {"sheet": f"<sheetData/><x>{TINY}</x>"},
    "rows of another language": {
        "sheet": f'<worksheet xmlns="{MAIN}" xmlns:z="z">{"<z:row/>" * (MAX_ELEMENTS + 1)}</worksheet>'
    },
    "one endless row": {"sheet": f"<row>{TINY}</row>"},
}


@pytest.mark.parametrize("parts", TREES.values(), ids=TREES)
def test_more_elements_than_anybody_needs_are_refused_wherever_they_are(
    parts: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "MAX_RATIO", 10_000)  # what is not so even packs less
    sheet = parts.get("sheet", '<row><c s="0"><v>1</v></c></row>')
    assert refusal_of(raw(sheet, styles=parts.get("styles", ""))) == "xlsx_too_large"


def test_a_cell_as_long_as_a_book_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "MAX_ROW_BYTES", 100_000)
    text = "a" * 200_000
    assert refusal_of(raw(f'<row><c t="inlineStr"><is><t>{text}</t></is></c></row>')) == "xlsx_too_large"


def test_a_row_numbered_beyond_every_sheet_is_refused_instead_of_counted_up_to() -> None:
    far = '<row r="1"><c r="A1"><v>1</v></c></row><row r="999999999999"><c r="A999999999999"><v>2</v></c></row>'
    assert refusal_of(raw(far)) == "xlsx_too_large"


def test_many_rows_are_no_large_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "MAX_ELEMENTS", 3_000)
    monkeypatch.setattr(rows, "MAX_ROW_BYTES", 100_000)
    one = "<row><c><v>2025550142</v><x/></c></row>"
    assert len(rows_of(raw(one * 10_000))) == 10_000


def test_more_distinct_texts_than_memory_shall_hold_are_refused_whatever_their_part_is_called(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(texts, "MAX_ELEMENTS", 5_000)
    monkeypatch.setattr(archive, "MAX_RATIO", 10_000)
    made = parts('<row><c t="s"><v>2999</v></c></row>', texts="<si><t/></si>" * 3_000)
    made["xl/worksheets/texts.xml"] = made.pop("xl/sharedStrings.xml")
    relations = made["xl/_rels/workbook.xml.rels"]
    made["xl/_rels/workbook.xml.rels"] = relations.replace(b"sharedStrings.xml", b"worksheets/texts.xml")
    assert refusal_of(zipped(made)) == "xlsx_too_large"


LONG = raw("".join(f"<row><c><v>{number}</v></c></row>" for number in range(50_000)))


def test_a_workbook_whose_reader_is_killed_is_refused_and_leaves_no_process() -> None:
    assert none_left()
    rows = open_rows(in_chunks(LONG), XLSX)
    next(rows)
    (reader,) = in_calls()
    os.kill(reader, signal.SIGKILL)
    with pytest.raises(SheetInvalid) as refusal:
        list(rows)
    assert refusal.value.code == "xlsx_interrupted"
    assert in_calls() == set()


def test_whoever_takes_only_the_first_rows_leaves_no_process() -> None:
    assert none_left()
    rows = open_rows(in_chunks(LONG), XLSX)
    next(rows)
    assert in_calls()
    rows.close()
    assert in_calls() == set()


def test_what_takes_a_workbook_apart_is_not_in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    def here(*_: object, **__: object) -> None:
        raise AssertionError("a workbook was opened in this process")

    monkeypatch.setattr("rvm.spreadsheets.ooxml.archive.Archive.__init__", here)
    assert examine(lambda: [WHOLE])[1].rows == [(1, ["2025550142"])]
    assert read(WHOLE) == [(1, ["2025550142"])]
