"""Rows: their numbers as a person sees them, damage that stays in its row, and memory that does not grow."""

from __future__ import annotations

import codecs
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace

import pytest

from rvm.spreadsheets.dialect import Dialect
from rvm.spreadsheets.refusals import SheetInvalid
from rvm.spreadsheets.rows import MAX_CELL_LENGTH, MAX_LINE_LENGTH, MAX_LINES, DamagedRow, open_rows

WITH_HEADER = Dialect("csv", "utf-8", ",", header_row=1)
WITHOUT = Dialect("csv", "utf-8", ",", header_row=0)


def read(content: bytes, dialect: Dialect = WITHOUT, size: int = 7) -> list[tuple[int, list[str]]]:
    return list(open_rows((content[at : at + size] for at in range(0, len(content), size)), dialect))


NUMBERED = {
    "with a header": (b"p\n1\n2\n", WITH_HEADER, [(2, ["1"]), (3, ["2"])]),
    "without": (b"1\n2", WITHOUT, [(1, ["1"]), (2, ["2"])]),
    "blank rows count": (b"p,q\n\n1,2\n,\n \t, \n3,4\n\n", WITH_HEADER, [(3, ["1", "2"]), (6, ["3", "4"])]),
    "blank rows before the header": (b"\n,\np,q\n1,2\n", replace(WITH_HEADER, header_row=3), [(4, ["1", "2"])]),
    "titles": (b"Recall\n\np,q\n\n1,2\n", replace(WITH_HEADER, header_row=3), [(5, ["1", "2"])]),
    "a header below the end": (b"p,q\n1,2\n", replace(WITH_HEADER, header_row=9), []),
    "line breaks in cells do not": (
        b'p,q\n"1\n\r\n1",2\n3,4\n',
        WITH_HEADER,
        [(2, ["1\n\r\n1", "2"]), (3, ["3", "4"])],
    ),
    "ragged": (b"p,q\n1\n2,3,4,5\n", WITH_HEADER, [(2, ["1"]), (3, ["2", "3", "4", "5"])]),
    "trailing delimiters": (b"p,\n1,\n", WITH_HEADER, [(2, ["1", ""])]),
    "a delimiter that is said": (b"sep=,\r\np\r\n1\r\n", WITH_HEADER, [(2, ["1"])]),
    "first cell empty": (b",1\n", WITHOUT, [(1, ["", "1"])]),
    "header only": (b"p,q\n", WITH_HEADER, []),
    "nothing": (b"", WITH_HEADER, []),
    "a mark nobody mentioned": (b'\xef\xbb\xbf"p,q",1\n', WITHOUT, [(1, ["p,q", "1"])]),
}


@pytest.mark.parametrize(("content", "dialect", "rows"), NUMBERED.values(), ids=NUMBERED)
def test_rows_have_the_numbers_that_a_spreadsheet_program_shows(
    content: bytes, dialect: Dialect, rows: list[tuple[int, list[str]]]
) -> None:
    assert read(content, dialect) == rows


def damages(rows: list[tuple[int, list[str]]]) -> list[tuple[int, str]]:
    return [(number, cells.code if isinstance(cells, DamagedRow) else cells[0]) for number, cells in rows]


def test_bytes_that_are_no_text_make_their_row_invalid_and_no_other() -> None:
    rows = read("é,1\n".encode() + b"\xff\xe9,2\n" + "ü,3\nb,4\n".encode())
    assert damages(rows) == [(1, "é"), (2, "undecodable"), (3, "ü"), (4, "b")]
    assert rows[1][1] == ["\ufffd\ufffd", "2"]


def test_a_text_that_holds_the_sign_for_lost_characters_is_not_taken_for_damage() -> None:
    assert damages(read("Jos\ufffd,1\n".encode() + b"\xff,2\n" + "Jos\ufffd,3\n".encode())) == [
        (1, "Jos\ufffd"),
        (2, "undecodable"),
        (3, "Jos\ufffd"),
    ]


def test_a_nul_deep_in_the_file_makes_its_row_invalid() -> None:
    rows = read(b"a,1\nb\0,2\nc,3\n")
    assert damages(rows) == [(1, "a"), (2, "undecodable"), (3, "c")]
    assert rows[1][1] == ["b", "2"]


@pytest.mark.parametrize(
    ("encoding", "content"),
    [
        ("utf-16-le", "a,1\nb,2\n".encode("utf-16-le") + b"\x00\xd8" + ",3\nc,4\n".encode("utf-16-le")),
        (
            "utf-16",
            codecs.BOM_UTF16_BE + "a,1\nb,2\n".encode("utf-16-be") + b"\xdc\x00" + ",3\nc,4\n".encode("utf-16-be"),
        ),
        ("cp1252", b"a,1\nb,2\n\x81,3\nc,4\n"),
        ("utf-8", b"a,1\nb,2\n\xc3,3\nc,4\n"),
    ],
)
def test_damage_stays_in_its_row_in_every_encoding(encoding: str, content: bytes) -> None:
    rows = read(content, Dialect("csv", encoding, ",", header_row=0))
    assert damages(rows) == [(1, "a"), (2, "b"), (3, "undecodable"), (4, "c")]


@pytest.mark.parametrize(
    ("encoding", "content"), [("utf-8", b"a,1\nb,\xc3"), ("utf-16-le", "a,1\nb,".encode("utf-16-le") + b"2")]
)
def test_a_file_that_ends_within_a_character_loses_only_its_last_row(encoding: str, content: bytes) -> None:
    assert damages(read(content, Dialect("csv", encoding, ",", header_row=0))) == [(1, "a"), (2, "undecodable")]


def test_a_file_that_is_not_in_the_chosen_encoding_is_refused() -> None:
    with pytest.raises(SheetInvalid) as refusal:
        read(b"Ann,2025550142\n", Dialect("csv", "utf-16", ",", header_row=0))
    assert refusal.value.code == "encoding_wrong"


def test_a_cell_over_the_limit_makes_its_row_invalid_and_the_next_one_is_read() -> None:
    rows = read(b"a,1\nb," + b"x" * (MAX_CELL_LENGTH + 1) + b"\nc,3\n" + b"y" * MAX_CELL_LENGTH + b",4\n", size=5_000)
    assert damages(rows) == [(1, "a"), (2, "cell_too_long"), (3, "c"), (4, "y" * MAX_CELL_LENGTH)]


def test_a_quotation_mark_that_is_never_closed_is_told_and_loses_no_row_silently() -> None:
    content = b'a,1\n"b,2\n' + b"c,3\n" * 3
    found = [(1, "a"), (2, "quote_open"), (3, "c"), (4, "c"), (5, "c")]
    assert damages(read(content)) == found
    assert damages(read(content[:-1])) == found
    assert read(b'a,1\n"b')[1] == (2, ["b"])
    assert damages(read(b'a,1\n"b')) == [(1, "a"), (2, "quote_open")]


def test_after_an_open_quotation_mark_in_a_long_file_reading_goes_on() -> None:
    rows = read(b'a,1\n"b,2\n' + b"c,3\n" * 10_000, size=65_536)
    assert damages(rows)[:2] == [(1, "a"), (2, "cell_too_long")]
    assert damages(rows)[2:] == [(number, "c") for number in range(3, len(rows) + 1)]
    assert len(rows) > 10_000 - MAX_CELL_LENGTH // 4 - 2


def test_a_quotation_mark_that_another_row_closes_is_told_by_the_lines_between() -> None:
    content = b'"a,1\n' + b"b,2\n" * MAX_LINES + b'"c",3\nd,4\n'
    # Of the first row it cannot be known how wide it is, so that what it swallows cannot be trusted either.
    assert {code for _, code in damages(read(content))[:-3]} == {"quote_open"}
    assert damages(read(b"0,0\n" + content))[1:4] == [(2, "quote_open"), (3, "b"), (4, "b")]
    assert damages(read(content))[-1][1] == "d"
    assert len(read(b'"a' + b"\n" * (MAX_LINES - 1) + b'",1\nd,4\n')) == 2


SPACED = {
    "quoted after a space": (b'p,q,r\n"Lee, Ana", "2", "x"\n', [(1, ["p", "q", "r"]), (2, ["Lee, Ana", "2", "x"])]),
    "from the first such row on": (
        b'p,q,r\n1, 2,3\n4, "5, 6", 7\n8, "9\n10", 11\n',
        [(1, ["p", "q", "r"]), (2, ["1", " 2", "3"]), (3, ["4", "5, 6", "7"]), (4, ["8", "9\n10", "11"])],
    ),
    "doubled marks": (b'p,q\n1, "a ""b"" c"\n', [(1, ["p", "q"]), (2, ["1", 'a "b" c'])]),
    "a mark like any other": (
        b'p,q\n1, "Bob" Lee\n2,"x"\n',
        [(1, ["p", "q"]), (2, ["1", ' "Bob" Lee']), (3, ["2", "x"])],
    ),
    "in a quoted cell": (b'p,q\n1,"a, ""b"" c"\n2, d\n', [(1, ["p", "q"]), (2, ["1", 'a, "b" c']), (3, ["2", "d"])]),
}


@pytest.mark.parametrize(("content", "rows"), SPACED.values(), ids=SPACED)
def test_a_space_in_front_of_a_quoted_cell_is_none(content: bytes, rows: list[tuple[int, list[str]]]) -> None:
    assert read(content) == rows


OPEN_BEHIND_A_SPACE = {
    "swallows lines": b'"p", "q", "r"\n1, "2, 3\n4, "5", 6\n7, "8", 9\n',
    "the first of its file": b'p,q,r\n1, "2,3,x\n4,5,6\n7,8,9\n',
    "either reading": b'p,q,r\n1, "2,3"\n4,5,6\n7,8,9\n',
    "text behind it": b'"p", "q", "r"\n1, "2" x, 3\n4, "5", 6\n7, "8", 9\n',
}


@pytest.mark.parametrize("content", OPEN_BEHIND_A_SPACE.values(), ids=OPEN_BEHIND_A_SPACE)
def test_a_mark_behind_a_space_that_parts_no_cells_for_sure_damages_its_row_alone(content: bytes) -> None:
    assert damages(read(content)) == [(1, "p"), (2, "quote_open"), (3, "4"), (4, "7")]


def test_damage_in_a_damaged_row_is_told_once() -> None:
    assert damages(read(b'\xff,1\n"\xff,2\n')) == [(1, "undecodable"), (2, "quote_open")]


@pytest.mark.parametrize("size", [1, 2, 3, 64, 1_000_000])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-be", "cp1252"])
def test_where_the_chunks_are_cut_changes_nothing(size: int, encoding: str) -> None:
    content = 'Ann,"1\r\n2"\r\nZoë,3\r\n'.encode(encoding)
    assert read(content, Dialect("csv", encoding, ",", header_row=0), size) == [
        (1, ["Ann", "1\r\n2"]),
        (2, ["Zoë", "3"]),
    ]


def test_empty_chunks_are_not_the_end() -> None:
    assert list(open_rows([b"a,1\n", b"", b"b,2\n"], WITHOUT)) == [(1, ["a", "1"]), (2, ["b", "2"])]


def test_memory_does_not_grow_with_the_rows() -> None:
    def chunks(count: int) -> Iterator[bytes]:
        for at in range(count):
            yield b"Ann,Walker,+1202555%04d,1961-02-03,20001,ann@example.org\n" % (at % 10_000) * 1_000

    peaks = []
    tracemalloc.start()
    try:
        for count in (5, 100):
            tracemalloc.reset_peak()
            assert sum(1 for _ in open_rows(chunks(count), WITHOUT)) == count * 1_000
            peaks.append(tracemalloc.get_traced_memory()[1])
    finally:
        tracemalloc.stop()
    assert peaks[1] < peaks[0] * 1.2
    assert peaks[1] < 4_000_000


@pytest.mark.parametrize("fill", ["a", ",", '"', "\u20ac"], ids=["letters", "delimiters", "quotes", "wide letters"])
def test_a_line_without_end_is_refused_before_it_fills_the_memory(fill: str) -> None:
    block = (fill * 100_000).encode()
    taken = 0

    def endless() -> Iterator[bytes]:
        nonlocal taken
        yield b"p,q\n1,2\n"
        while True:
            taken += 1
            yield block

    rows = open_rows(endless(), WITH_HEADER)
    assert next(rows) == (2, ["1", "2"])
    with pytest.raises(SheetInvalid) as refusal:
        list(rows)
    assert refusal.value.code == "line_too_long"
    assert taken <= 2 * MAX_LINE_LENGTH // 100_000


def test_a_line_of_the_greatest_length_is_read() -> None:
    row = ",".join(["x" * 4_999] * (MAX_LINE_LENGTH // 5_000))[:-2]
    assert len(row + "\r\n") == MAX_LINE_LENGTH - 1
    assert read(f"{row}\r\n1\n".encode(), size=65_536) == [(1, row.split(",")), (2, ["1"])]


@pytest.mark.parametrize("sign", ["\x1eend of the list\x1e", "\udcfeend of the list"])
def test_no_cell_ends_the_list_before_its_end(sign: str) -> None:
    rows = read(f"1,{sign}\n{sign},2\n{sign}\n3,4\n".encode("utf-8", "surrogatepass"))
    assert [number for number, _ in rows] == [1, 2, 3, 4]
    assert rows[-1] == (4, ["3", "4"])
