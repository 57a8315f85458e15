"""The first look at a list, as a person is shown it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from rvm.spreadsheets.dialect import HEAD_BYTES, Dialect
from rvm.spreadsheets.preview import MAX_COLUMNS, PREVIEW_ROWS, Preview, examine, open_list, preview
from rvm.spreadsheets.refusals import SheetInvalid
from rvm.spreadsheets.rows import DamagedRow

LIST = b"\xef\xbb\xbfName ;\xc2\xa0Mobile;Visit day;\r\n;2025550142;;\r\n\r\nAnn;;Friday;\r\n"


def kinds(seen: Preview) -> list[str]:
    return [column.kind for column in seen.columns]


def test_a_list_is_shown_with_its_header_rows_and_guessed_columns() -> None:
    dialect, seen = examine(lambda: [LIST])
    assert dialect == Dialect("csv", "utf-8-sig", ";", header_row=1)
    assert (seen.header.names, seen.header.sure, seen.header.titles) == (["Name", "Mobile", "Visit day", ""], True, [])
    assert seen.rows == [(2, ["", "2025550142", "", ""]), (4, ["Ann", "", "Friday", ""])]
    assert kinds(seen) == ["name", "phone", "appointment_day", ""]


def test_a_person_may_say_otherwise() -> None:
    seen = preview([LIST], Dialect("csv", "utf-8", ",", header_row=0))
    assert seen.header.names == []
    assert seen.rows[0] == (1, ["Name ;\u00a0Mobile;Visit day;"])
    assert len(seen.columns) == 1


def test_a_list_is_opened_once_for_its_preview_and_all_its_rows() -> None:
    content = b"Recall list\nname,phone\n" + b"Ann,2025550142\n" * 1000
    dialect, seen = examine(lambda: [content])
    assert dialect.header_row == 2 and [cells for _, cells in seen.header.titles] == [["Recall list"]]
    again, rows = open_list([content], dialect)
    assert (again.header, again.columns) == (seen.header, seen.columns)
    assert [number for number, _ in rows] == list(range(3, 1003))


@pytest.mark.parametrize("headed", [True, False])
def test_no_more_than_the_first_rows_are_shown_and_read(headed: bool) -> None:
    taken = 0

    def chunks() -> Iterator[bytes]:
        nonlocal taken
        yield b"phone,name\n" if headed else b""
        for at in range(1_000_000):
            taken += 1
            yield b"2025550%03d,Ann\n" % (at % 1000) * 1_000

    dialect, seen = examine(chunks)
    assert (len(seen.rows), seen.rows[-1][0]) == (PREVIEW_ROWS, PREVIEW_ROWS + headed)
    assert dialect.header_row == int(headed)
    assert taken < 3 * HEAD_BYTES / 15_000


def test_a_damaged_row_is_shown_as_damaged() -> None:
    _, seen = examine(lambda: [b"phone,name\n2025550142,Zo\xc3\xab \xc3\x85ngstr\xc3\xb6m\n2025550143,\xff\n"])
    assert [isinstance(cells, DamagedRow) for _, cells in seen.rows] == [False, True]


def test_a_header_alone_is_shown_with_no_rows() -> None:
    _, seen = examine(lambda: [b"Phone,Name\n"])
    assert (seen.header.names, seen.rows, kinds(seen)) == (["Phone", "Name"], [], ["phone", "name"])


@pytest.mark.parametrize(("content", "code"), [(b"", "empty"), (b"%PDF-1.4\n", "pdf"), (b"a\0\0\0\0b" * 100, "binary")])
def test_what_is_no_list_is_refused(content: bytes, code: str) -> None:
    with pytest.raises(SheetInvalid) as refusal:
        examine(lambda: [content])
    assert refusal.value.code == code


def test_more_columns_than_are_read_are_refused_and_a_tail_of_empty_ones_is_not() -> None:
    names = ",".join(["phone", *(f"field {number}" for number in range(1, MAX_COLUMNS))])
    assert len(examine(lambda: [f"{names}\n2025550142\n".encode()])[1].columns) == MAX_COLUMNS
    tail = "," * 20_000
    _, seen = examine(lambda: [f"phone,name{tail}\n2025550142,Ann{tail}\n".encode()])
    assert len(seen.columns) == MAX_COLUMNS and kinds(seen)[:3] == ["phone", "name", ""]
    for wide in (f"{names},one more\n2025550142\n", f"{names}\n2025550142{',' * MAX_COLUMNS}x\n"):
        with pytest.raises(SheetInvalid) as refusal:
            examine(lambda wide=wide: [wide.encode()])  # type: ignore[misc]
        assert refusal.value.code == "too_many_columns"
