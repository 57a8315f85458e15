"""The CSV of every export: opens in spreadsheet programs, runs nothing there, and comes back as it was."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rvm.platform.csv_export import BLOCK_ROWS, INCOMPLETE_LINE, csv_lines, csv_response

TRIGGERS = "=+-@＝＋－＠\t\r\n\0"
texts = st.text() | st.builds(
    str.__add__, st.text(" \u00a0\u200b\ufeff'" + TRIGGERS, max_size=3), st.text(TRIGGERS + "'\"1a,;\n", max_size=5)
)


def read(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def written(rows: list[list[object]], *, e164: bool = False) -> list[list[str]]:
    return read(b"".join(csv_lines(rows, e164=e164)))


def unmarked(cell: str) -> str:
    """As an importer reads it: without one leading apostrophe."""
    return cell.removeprefix("'")


@given(st.lists(st.lists(texts, min_size=1, max_size=4), max_size=4), st.booleans())
def test_no_cell_begins_as_a_formula_and_each_comes_back_as_it_was(rows: list[list[str]], e164: bool) -> None:
    back = written([list(row) for row in rows], e164=e164)
    for cell in (cell for row in back for cell in row):
        assert cell.lstrip(" \u00a0\u200b\ufeff")[:1] not in set(TRIGGERS)
    assert [[unmarked(cell) for cell in row] for row in back] == rows


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        ("=1+1", "'=1+1"),
        ("  =1+1", "'  =1+1"),
        ("\u00a0@SUM(A1)", "'\u00a0@SUM(A1)"),
        ("\ufeff-2", "'\ufeff-2"),
        ("＝1", "'＝1"),
        ("\t=1", "'\t=1"),
        ("\0=1", "'\0=1"),
        ("'t Hooft", "''t Hooft"),
        ("+•••••••0142", "'+•••••••0142"),
        ("+1202555014", "'+1202555014"),
        ("+12025550142,1", "'+12025550142,1"),
        ("Ann, the 1st", "Ann, the 1st"),
        ('say "hi"', 'say "hi"'),
        ("", ""),
        (None, ""),
        (-3, "'-3"),
        (7, "7"),
    ],
)
def test_what_a_program_would_run_is_marked_as_text(cell: object, shown: str) -> None:
    assert written([[cell]]) == [[shown]]


def test_numbers_are_written_for_people_or_for_machines() -> None:
    rows: list[list[object]] = [["+12025550142", "+442079460958"]]
    assert written(rows) == [["(202) 555-0142", "'+442079460958"]]
    assert written(rows, e164=True) == [["+12025550142", "+442079460958"]]


def test_for_machines_only_a_whole_number_keeps_its_plus() -> None:
    rows: list[list[object]] = [["+12025550142\n", " +12025550142", "+1202555014२", "+1", "+1234567890123456"]]
    assert all(cell.startswith("'") for cell in written(rows, e164=True)[0])


def test_the_bytes_are_as_spreadsheet_programs_want_them() -> None:
    assert b"".join(csv_lines([["name", "n"], ["Zoë", 1]])) == b'\xef\xbb\xbf"name","n"\r\n"Zo\xc3\xab","1"\r\n'


def test_many_rows_come_in_blocks_with_one_mark_and_are_read_no_further_than_asked() -> None:
    taken = []

    def rows() -> Iterator[list[str]]:
        for number in range(2 * BLOCK_ROWS + 1):
            taken.append(number)
            yield [str(number)]

    lines = csv_lines(rows())
    first = next(lines)
    assert len(taken) == BLOCK_ROWS
    rest = list(lines)
    assert len(rest) == 2
    assert read(b"".join([first, *rest])) == [[str(number)] for number in range(2 * BLOCK_ROWS + 1)]
    assert b"".join([first, *rest]).count(b"\xef\xbb\xbf") == 1


def test_an_answer_is_a_file_that_nobody_keeps() -> None:
    answer = csv_response([["a"]], "list.csv")
    assert answer.streaming and answer.getvalue() == b'\xef\xbb\xbf"a"\r\n'
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"] == 'attachment; filename="list.csv"'
    assert answer["Cache-Control"] == "no-store"
    assert csv_response([], "list.csv").getvalue() == b"\xef\xbb\xbf"


def failing_after(count: int) -> Iterator[list[str]]:
    for number in range(count):
        yield [str(number)]
    raise RuntimeError("broken")


def test_what_fails_at_once_is_raised_before_anything_is_answered() -> None:
    with pytest.raises(RuntimeError):
        csv_response(failing_after(3), "list.csv")


def test_what_fails_later_is_said_in_the_file_and_raised_to_the_web_server() -> None:
    answer = iter(csv_response(failing_after(BLOCK_ROWS + 3), "list.csv"))
    assert len(read(next(answer))) == BLOCK_ROWS
    assert next(answer) == INCOMPLETE_LINE
    with pytest.raises(RuntimeError):
        next(answer)
