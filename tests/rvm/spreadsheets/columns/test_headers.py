"""The row that names the columns, where another list with a header of its own stands below, or people have short numbers."""

from __future__ import annotations

import pytest

from rvm.spreadsheets.columns.headers import find_header, names_other_columns


def header(*lines: str) -> tuple[int, int]:
    """The number of the header, and how many rows stand above it."""
    found = find_header([(number, line.split(",")) for number, line in enumerate(lines, 1)])
    return found.row, len(found.titles)


@pytest.mark.parametrize("people", [["Ann,2025550101"], ["Ann,2025550101", "Ben,2025550102", "Cal,2025550103"]])
@pytest.mark.parametrize("other", ["Name,Cell,Emergency phone", "Patient Name,Home Phone,Work Phone", "Phone,Name,DNC"])
def test_people_above_the_header_of_another_list_are_no_titles(people: list[str], other: str) -> None:
    assert header("Name,Phone", *people, other, "Dev,2025550104,3125550199") == (1, 0)


@pytest.mark.parametrize("title", ["Lakeside Clinic,(312) 555-0199", "Front desk,312-555-0199"])
def test_the_clinics_phone_above_a_header_is_a_title(title: str) -> None:
    assert header(title, "Name,Phone", "Ann,2025550101") == (2, 1)
    assert header("Recall list", title, "", "Name,Phone,Date", "Ann,2025550101,3/2/2026") == (4, 3)


@pytest.mark.parametrize(
    ("names", "people"),
    [
        ("Guarantor Acct,Patient Acct", ["500,10", "501,11"]),
        ("Provider ID,Patient ID", ["7,8", "7,9", "7,10"]),
        ("MRN,Action", ["10,Cancel", "11,Keep", "12,Cancel"]),
        ("MRN,Type", ["10,Cancellation", "11,New", "12,Cancellation"]),
    ],
)
def test_a_person_of_short_numbers_is_no_header(names: str, people: list[str]) -> None:
    assert header(names, *people) == (1, 0)


def test_names_that_are_figures_beside_others_stay_names() -> None:
    assert header("Name,Phone,30,60,90", "Ann,2025550101,0,12.50,0", "Ben,2025550102,0,0,33.00") == (1, 0)


@pytest.mark.parametrize(
    ("cells", "other"),
    [
        ("Phone,MRN", True),
        ("Appt ID,Account", True),
        ("Cell,Name", True),
        ("Name,Phone", False),
        ("DO NOT CALL,3 patients", False),
        ("Ann,2025550101", False),
        ("Home,Reno", False),
    ],
)
def test_a_row_in_the_midst_that_names_columns_otherwise_is_told_from_people(cells: str, other: bool) -> None:
    assert names_other_columns(cells.split(","), ["Name", "Phone"]) is other
