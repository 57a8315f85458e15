"""Archives and workbooks made to fill a machine or to mislead, each refused by what it is, and none of them for long.

They are read by the child with its real limits: what took memory or time without end would be refused by these, as `xlsx_too_large`
too, so the tests also say at which cost a refusal comes.
"""

from __future__ import annotations

import io
import struct
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rvm.platform.isolation.calls import Limits
from rvm.spreadsheets import workbooks
from rvm.spreadsheets.dialect import HEAD_BYTES
from rvm.spreadsheets.ooxml import archive as archives
from rvm.spreadsheets.ooxml import tasks
from rvm.spreadsheets.ooxml.archive import MAX_ENTRIES, Archive
from rvm.spreadsheets.preview import examine
from rvm.spreadsheets.refusals import SheetInvalid
from tests.rvm.spreadsheets.books import MAIN, book, in_chunks, parts, raw, refusal_of, root, rows_of, zipped

ONE = '<row><c t="str"><v>Ana</v></c></row>'


def examined(content: bytes) -> str:
    return refusal_of(content, lambda content: examine(lambda: in_chunks(content, 1 << 20)))


def read_whole(content: bytes) -> str:
    return refusal_of(content, lambda content: list(workbooks.rows_of(in_chunks(content, 1 << 20))))


@pytest.fixture
def little_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a list of this size may cost; a refusal of these tests does not come from here."""
    few = Limits(memory_bytes=256 * 1024 * 1024, cpu_seconds=8, wait_seconds=60.0)
    monkeypatch.setattr(workbooks, "LOOK", few)
    monkeypatch.setattr(workbooks, "READ", few)


def directory_of(entries: int, *, said: int | None = None) -> bytes:
    """An archive whose directory lists so many entries, all of one part."""
    name = b"xl/workbook.xml"
    head = struct.pack("<4s5H3L2H", b"PK\x03\x04", 20, 0, 0, 0, 0, 0, 0, 0, len(name), 0) + name
    entry = struct.pack("<4s6H3L5H2L", b"PK\x01\x02", 20, 20, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0)
    directory = b"".join(entry + b"%04x" % (number & 0xFFFF) for number in range(entries))
    said = min(entries, 0xFFFF) if said is None else said
    return head + directory + struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, said, said, len(directory), len(head), 0)


@pytest.mark.parametrize("content", [directory_of(20_000), directory_of(20_000, said=1), directory_of(900_000)])
def test_an_archive_of_many_entries_is_refused_before_anything_is_made_of_them(content: bytes) -> None:
    assert examined(content) == "xlsx_too_large"
    tracemalloc.start()
    try:
        with pytest.raises(SheetInvalid):
            Archive(content)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4_000_000


def test_as_many_entries_as_the_limit_are_read() -> None:
    content = zipped(parts(ONE) | {f"xl/media/{number}.png": b"" for number in range(MAX_ENTRIES - 5)})
    assert rows_of(content) == [(1, ["Ana"])]


def without_end_record(content: bytes) -> bytes:
    return content[: content.rindex(b"PK\x05\x06")]


def with_zip64(
    content: bytes, *, count: int | None = None, size: int | None = None, offset: int | None = None
) -> bytes:
    """The same archive, with the record that large ones have as well."""
    at = content.rindex(b"PK\x05\x06")
    _, _, _, _, said, long, begin, _ = struct.unpack_from("<4s4H2LH", content, at)
    count = said if count is None else count
    size, offset = long if size is None else size, begin if offset is None else offset
    record = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, size, offset)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, at, 1)
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    return content[:at] + record + locator + end


def streamed(made: dict[str, bytes]) -> bytes:
    """As a program writes it that does not know sizes beforehand."""

    class Pipe(io.RawIOBase):
        def __init__(self) -> None:
            self.written = bytearray()

        def writable(self) -> bool:
            return True

        def write(self, data: object) -> int:
            self.written += memoryview(data)  # type: ignore[arg-type]
            return len(memoryview(data))  # type: ignore[arg-type]

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in made.items():
            with archive.open(name, "w", force_zip64=True) as entry:
                entry.write(part)
    return bytes(pipe.written)


BACKSLASHES = {name.replace("/", "\\"): part for name, part in parts(ONE).items()}
ODD_BUT_RIGHT = {
    "stored": zipped(parts(ONE), zipfile.ZIP_STORED),
    "names with backslashes": zipped(BACKSLASHES),
    "names in capitals": zipped({name.upper(): part for name, part in parts(ONE).items()}),
    "names with a slash in front": zipped({f"/{name}": part for name, part in parts(ONE).items()}),
    "folders": zipped({"xl/": b"", "xl\\worksheets\\": b"", **parts(ONE)}),
    "something in front": b"#!/bin/sh\nexit\n" + zipped(parts(ONE)),
    "a comment": zipped(parts(ONE))[:-2] + struct.pack("<H", 5) + b"hello",
    "zip64": with_zip64(zipped(parts(ONE))),
    "zip64 behind something": b"x" * 100 + with_zip64(zipped(parts(ONE))),
    "streamed": streamed(parts(ONE)),
    "absolute targets": zipped(
        {name: part.replace(b'Target="worksheets', b'Target="/xl/worksheets') for name, part in parts(ONE).items()}
    ),
    "targets with backslashes": zipped(
        {name: part.replace(b"worksheets/sheet1", b"worksheets\\sheet1") for name, part in parts(ONE).items()}
    ),
    "a target that is escaped": zipped(
        {name: part.replace(b"worksheets/sheet1", b"work%73heets/sheet1") for name, part in parts(ONE).items()}
    ),
}


@pytest.mark.parametrize("content", ODD_BUT_RIGHT.values(), ids=ODD_BUT_RIGHT)
def test_odd_archives_are_read(content: bytes) -> None:
    assert rows_of(content) == [(1, ["Ana"])]


def test_names_with_backslashes_are_seen_to_be_a_workbook() -> None:
    assert examine(lambda: [zipped(BACKSLASHES)])[1].header.names == ["Ana"]


def test_a_workbook_is_one_though_something_large_is_in_front_of_its_parts() -> None:
    picture = zlib.compress(bytes(range(256)) * 4, 0) * 1_000
    content = zipped({"docProps/thumbnail.jpeg": picture, **parts(ONE)}, zipfile.ZIP_STORED)
    assert content.find(b"xl/") > HEAD_BYTES
    assert examine(lambda: [content])[1].header.names == ["Ana"]


def patched(content: bytes, where: str, change: Callable[[bytearray], None]) -> bytes:
    """With the directory's entry of a part changed."""
    changed = bytearray(content)
    at = content.rindex(where.encode()) - 46
    entry = changed[at : at + 46]
    change(entry)
    changed[at : at + 46] = entry
    return bytes(changed)


def put(offset: int, form: str, value: int) -> Callable[[bytearray], None]:
    return lambda entry: struct.pack_into(form, entry, offset, value)


SHEET = "xl/worksheets/sheet1.xml"
GOOD = zipped(parts(ONE))
TWICE = zipped({**parts(ONE), SHEET.upper(): root("<row><c><v>2</v></c></row>").encode()})
DAMAGED = {
    "no end": without_end_record(GOOD),
    "half an end": GOOD[:-10],
    "two parts of one name": TWICE,
    "a wrong checksum": patched(GOOD, SHEET, put(16, "<L", 1)),
    "more packed than there is": patched(GOOD, SHEET, put(20, "<L", 50_000_000)),
    "less unpacked than there is": patched(GOOD, SHEET, put(24, "<L", 10)),
    "more unpacked than there is": patched(GOOD, SHEET, put(24, "<L", 100_000)),
    "a part that begins elsewhere": patched(GOOD, SHEET, put(42, "<L", 7)),
    "a part that begins behind the end": patched(GOOD, SHEET, put(42, "<L", 0x7FFFFFFF)),
    "a part whose place is nowhere": patched(GOOD, SHEET, put(42, "<L", 0xFFFFFFFF)),
    "parts that overlap": patched(GOOD, SHEET, put(42, "<L", 0)),
    "another way of packing": patched(GOOD, SHEET, put(10, "<H", 14)),
    "zip64 without a record": with_zip64(GOOD).replace(b"PK\x06\x06", b"PK\x00\x00"),
    "zip64 with a directory before the beginning": with_zip64(GOOD, size=1_000_000),
    "zip64 with a directory behind its end": with_zip64(GOOD, offset=1 << 62),
    "no sheets": zipped({name: part.replace(b"<sheet ", b"<tab ") for name, part in parts(ONE).items()}),
    "a sheet that is not there": zipped({name: part for name, part in parts(ONE).items() if name != SHEET}),
    "no relations": zipped({name: part for name, part in parts(ONE).items() if not name.endswith(".rels")}),
    "a sheet outside": zipped(
        {
            name: part.replace(b"<Relationship ", b'<Relationship TargetMode="External" ')
            for name, part in parts(ONE).items()
        }
    ),
    "a document type": raw(f'<!DOCTYPE x [<!ENTITY a "b">]><worksheet xmlns="{MAIN}"><sheetData/></worksheet>'),
    "a document type among the texts": zipped(
        parts('<row><c t="s"><v>0</v></c></row>', texts="-")
        | {"xl/sharedStrings.xml": b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><sst/>'}
    ),
    "an encoding that there is not": zipped(
        parts(ONE) | {SHEET: b'<?xml version="1.0" encoding="x-none"?><worksheet/>'}
    ),
}
STYLED = '<row><c s="0" t="s"><v>0</v></c></row>'


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_an_archive_that_contradicts_itself_is_damaged(content: bytes) -> None:
    assert refusal_of(content) == "xlsx_damaged"


def test_zip64_says_how_large_a_directory_is_whatever_the_other_record_says() -> None:
    assert refusal_of(with_zip64(GOOD, count=1_000_000)) == "xlsx_too_large"
    assert refusal_of(with_zip64(GOOD, size=1 << 40)) == "xlsx_too_large"


def test_a_part_that_is_encrypted_asks_for_a_password() -> None:
    assert refusal_of(patched(GOOD, SHEET, put(8, "<H", 1))) == "password"


def test_a_sheet_that_is_cut_short_gives_out_no_row_that_anybody_acts_on() -> None:
    """Damage at its end shows before the first row."""
    rows = "".join(f"<row><c><v>{4155550000 + number}</v></c></row>" for number in range(20_000))
    content = patched(raw(rows), SHEET, put(16, "<L", 1))
    taken = workbooks.rows_of([content])
    with pytest.raises(SheetInvalid) as refusal:
        next(taken)
    assert refusal.value.code == "xlsx_damaged"


# Each took minutes, or the memory of the machine, or is made to.
TEXT = "a" * 32_000
FORMATS = "".join(f'<numFmt numFmtId="{number}" formatCode="{number:0>40}"/>' for number in range(164, 3_200))
MANY_XFS = "".join(f'<xf numFmtId="{number}"/>' for number in range(164, 3_200))
ATTRIBUTES = " ".join(f'a{at}=""' for at in range(40_000))
MERGED = '<mergeCell ref="A1:A99999"/>'
SLOW = {
    "a row for every cell that there is": (
        "".join(f'<row r="{at}"><c r="XFD{at}" s="0"/></row>' for at in range(1, 5_000)),
        {},
        "empty",
    ),
    "16,384 columns": (
        '<row r="1">' + "<c><v>1</v></c>" * 16_384 + "</row>",
        {},
        "too_many_columns",
    ),
    "attributes without end": (f"<row {ATTRIBUTES}/>", {}, "xlsx_too_large"),
    "a tag without end": (f'<row r="{"1" * 3_000_000}"/>', {}, "xlsx_too_large"),
    "a comment without end": (f"<!--{'x' * 3_000_000}--><sheetData/>", {}, "xlsx_too_large"),
    "elements as deep as an ocean": ("<a>" * 200_000 + "</a>" * 200_000, {}, "xlsx_too_large"),
    "a long text in every cell": (
        "<row>" + '<c t="s"><v>0</v></c>' * 400 + "</row>",
        {"texts": f"<si><t>{TEXT}</t></si>"},
        "xlsx_too_large",
    ),
    "a text longer than a cell takes": (STYLED, {"texts": f"<si><t>{TEXT * 2}</t></si>"}, "xlsx_too_large"),
    "merged cells without end": (
        f"<sheetData>{ONE}</sheetData><mergeCells>{MERGED * 120_000}</mergeCells>",
        {},
        "xlsx_too_large",
    ),
    "merged cells over each other": (
        f"<sheetData>{ONE * 20_000}</sheetData><mergeCells>{MERGED * 90_000}</mergeCells>",
        {},
        "it is read",
    ),
    "formats without end": (
        STYLED,
        {"texts": "<si><t>x</t></si>", "styles": f"<numFmts>{'<numFmt/>' * 150_001}</numFmts>"},
        "xlsx_too_large",
    ),
    "the same row of long texts again and again": (
        ("<row>" + '<c t="s"><v>0</v></c>' * 30 + "</row>") * 600,
        {"texts": f"<si><t>{TEXT}</t></si>"},
        "xlsx_too_large",
    ),
}


@pytest.mark.parametrize(("sheet", "others", "code"), SLOW.values(), ids=SLOW)
def test_what_is_made_to_cost_time_or_memory_is_refused_by_what_it_is(
    sheet: str, others: dict[str, str], code: str, little_time: None
) -> None:
    content = zipped(parts(sheet, **others), zipfile.ZIP_STORED)  # by its ratio it would be refused at once
    assert read_whole(content) == code


def test_more_formats_than_any_program_makes_are_refused_once_cells_have_them(little_time: None) -> None:
    styles = f"<numFmts>{FORMATS}</numFmts><cellXfs>{MANY_XFS}</cellXfs>"
    cell = '<row><c s="{}"><v>5</v></c></row>'
    assert read_whole(raw("".join(map(cell.format, range(3_000))), styles=styles)) == "xlsx_too_large"
    assert len(rows_of(raw("".join(map(cell.format, range(1_000))), styles=styles))) == 1_000


def test_distinct_texts_beyond_the_memory_of_the_child_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbooks, "READ", Limits(memory_bytes=36 * 1024 * 1024, cpu_seconds=60, wait_seconds=120.0))
    texts = "".join(f"<si><t>note {number}</t></si>" for number in range(300_000))
    content = raw('<row><c t="s"><v>299999</v></c></row>', texts=texts)
    assert read_whole(content) == "xlsx_too_large"
    assert rows_of(content) == [(1, ["note 299999"])]


def test_time_beyond_the_limit_of_the_child_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbooks, "READ", Limits(memory_bytes=512 * 1024 * 1024, cpu_seconds=1, wait_seconds=60.0))
    rows = "".join(f"<row>{'<c><v>4155550101.5</v></c>' * 100}</row>" for _ in range(10_000))
    assert read_whole(raw(rows)) == "xlsx_too_large"


def test_sixty_blank_sheets_whose_only_row_is_the_last_cost_nothing(little_time: None) -> None:
    blank = root('<row r="1048576"><c t="inlineStr"><is><t> </t></is></c></row>')
    people = root('<row r="1"><c t="str"><v>Cell</v></c></row><row r="2"><c><v>4155550101</v></c></row>')
    dialect, seen = examine(lambda: [raw(*[blank] * 60, people)])
    assert (dialect.sheet, seen.header.names, seen.rows) == ("Sheet61", ["Cell"], [(2, ["4155550101"])])


def test_a_look_reads_no_more_than_it_may_of_all_sheets_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "_MAX_LOOK_BYTES", 100_000)
    blank = root("<row><c s='0'/></row>" * 4_000)
    looked = list(tasks.look(io.BytesIO(raw(blank, blank, ONE)), rows=21, hidden_rows=False))
    assert [(sheet["rows"], sheet["whole"]) for sheet in looked] == [([], True), ([], False), ([], False)]


def test_texts_are_read_no_further_than_rows_have_them(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = "".join(f"<si><t>note {number}</t></si>" for number in range(50_000))
    content = raw('<row><c t="s"><v>7</v></c><c t="s"><v>3</v></c></row>', texts=texts)
    monkeypatch.setattr("rvm.spreadsheets.ooxml.texts.MAX_ELEMENTS", 10_000)  # of some 100,000
    assert rows_of(content) == [(1, ["note 7", "note 3"])]


def test_an_archive_is_not_unpacked_further_than_its_parts_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    unpacked: list[str] = []
    chunks = Archive.chunks

    def counted(self: Archive, name: str) -> Iterator[bytes]:
        unpacked.append(name)
        return chunks(self, name)

    monkeypatch.setattr(archives.Archive, "chunks", counted)
    rows_of(zipped(parts(ONE, ONE) | {"xl/media/picture.png": bytes(1_000)}))
    assert "xl/media/picture.png" not in unpacked
    assert "xl/worksheets/sheet2.xml" not in unpacked


KINDS = {
    "a binary workbook": ({"[Content_Types].xml": b"<x/>", "xl/workbook.bin": b""}, "xlsb"),
    "a document of Numbers": (
        {"Index/Document.iwa": b"", "Index/Tables/DataList.iwa": b"", "preview.jpg": b""},
        "numbers",
    ),
    "an older document of Numbers": ({"Index.zip": b"", "Data/a.jpg": b""}, "numbers"),
    "a package of Numbers": ({"list.numbers/Index/Document.iwa": b""}, "numbers"),
    "an OpenDocument": (
        {"META-INF/manifest.xml": b"", "content.xml": b"", "mimetype": b"application/vnd.oasis"},
        "document",
    ),
    "a document": ({"[Content_Types].xml": b"<x/>", "word/document.xml": b""}, "document"),
    "a presentation": ({"[Content_Types].xml": b"<x/>", "ppt/presentation.xml": b""}, "document"),
    "a drawing": ({"[Content_Types].xml": b"<x/>", "visio/document.xml": b""}, "document"),
    "a workbook without its types": ({"xl/workbook.xml": b"<x/>"}, "xlsx_damaged"),
    "lists": ({"patients.csv": b"Name"}, "archive"),
    "a workbook": ({"list.xlsx": GOOD}, "archive"),
}


@pytest.mark.parametrize(("made", "code"), KINDS.values(), ids=KINDS)
def test_an_archive_that_is_no_workbook_is_named(made: dict[str, bytes], code: str) -> None:
    assert examined(zipped(made, zipfile.ZIP_STORED)) == code
    # Where the first bytes do not tell, its directory does.
    assert examined(zipped({"a/picture.png": bytes(HEAD_BYTES)} | made, zipfile.ZIP_STORED)) == code


def test_a_workbook_that_says_to_be_of_another_kind_is_none() -> None:
    made = parts(ONE)
    types = made["[Content_Types].xml"].replace(b"spreadsheetml.sheet", b"wordprocessingml.document")
    assert refusal_of(zipped(made | {"[Content_Types].xml": types})) == "xlsx_damaged"


@pytest.mark.parametrize("kind", [b"ms-excel.sheet.macroEnabled.main+xml", b"ms-excel.template.macroEnabled.main+xml"])
def test_a_workbook_with_macros_is_one(kind: bytes) -> None:
    made = parts(ONE)
    types = made["[Content_Types].xml"].replace(b"openxmlformats-officedocument.spreadsheetml.sheet.main+xml", kind)
    assert rows_of(zipped(made | {"[Content_Types].xml": types})) == [(1, ["Ana"])]


@given(st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=8))
def test_whatever_bytes_are_wrong_a_refusal_is_all_that_comes_of_it(changes: list[tuple[int, int]]) -> None:
    content = bytearray(book([["Name", "Cell"], ["Ana", 4155550101]]))
    for at, value in changes:
        content[at % len(content)] = value
    with suppress(SheetInvalid):
        rows_of(bytes(content))
