"""The numbers of one cell, as people crowd them into it, and whose they are."""

from __future__ import annotations

import pytest

from rvm.spreadsheets.phone_owners import is_anothers, numbers_of_cell
from rvm.spreadsheets.refusals import CellInvalid


def lasts(cell: str) -> list[str]:
    return [number[-4:] for number in numbers_of_cell(cell, "US").numbers]


@pytest.mark.parametrize(
    ("cell", "numbers"),
    [
        ("202-555-0101 / 202-555-0102", "0101 0102"),
        ("202-555-0101 or 202-555-0102", "0101 0102"),
        ("202-555-0101 & 202.555.0102", "0101 0102"),
        ("(202) 555-0101; (202) 555-0102", "0101 0102"),
        ("(202) 555-0101\n(202) 555-0102", "0101 0102"),
        ("2025550101,2025550102", "0101 0102"),
        ("2025550101 2025550102", "0101 0102"),
        ("+12025550101 2025550102", "0101 0102"),
        ("+1 (202) 555-0101 +1 (202) 555-0102", "0101 0102"),
        ("202-555-0101 y 202-555-0102", "0101 0102"),
        ("202-555-0101 o 202-555-0102", "0101 0102"),
        ("H: 202-555-0101 C: 202-555-0102", "0101 0102"),
        ("202-555-0101 (h) 202-555-0102 (c)", "0101 0102"),
        ("call 202-555-0101, then 202-555-0102", "0101 0102"),
        # What goes on from the number before.
        ("202-555-0101/0102", "0101 0102"),
        ("202-555-0101 / 0102", "0101 0102"),
        ("202-555-0101 or 0102", "0101 0102"),
        ("202-555-0101 & 0102 & 0103", "0101 0102 0103"),
        ("202-555-0101/555-0102", "0101 0102"),
        ("(202) 555-0101 or 555-0102", "0101 0102"),
        ("202 555 0101 y 0102", "0101 0102"),
        ("202-555-0101, 555-0102", "0101 0102"),
        ("202-555-0101\n555-0102", "0101 0102"),
        # One number all the same.
        ("202/555-0101", "0101"),
        ("2025550101.0", "0101"),
        ("202-555-0101 (cell)", "0101"),
        ("202-555-0101 / 2026", "0101"),
        ("202-555-0101 3/4/2026", "0101"),
        ("stop calling 202-555-0101", "0101"),
    ],
)
def test_every_number_in_a_cell_is_found(cell: str, numbers: str) -> None:
    assert lasts(cell) == numbers.split()
    assert numbers_of_cell(cell, "US").missed == ""


@pytest.mark.parametrize(
    "cell",
    [
        "202-555-0101 (emergency contact)",
        "(202) 555-0101 wife",
        "202-555-0101 - spouse",
        "Emergency: 202-555-0101",
        "husband's cell 202-555-0101",
        "daughter 202.555.0101",
        "202-555-0101 (dr. office)",
        "pharmacy 202-555-0101",
        "202-555-0101 caregiver",
        "esposa 202-555-0101",
        "202-555-0101 (emergencia)",
        "hija: (202) 555-0101",
        "contacto de emergencia 202-555-0101",
    ],
)
def test_the_number_of_somebody_else_is_not_the_persons(cell: str) -> None:
    with pytest.raises(CellInvalid) as refused:
        numbers_of_cell(cell, "US")
    assert refused.value.code == "phone_of_another"


@pytest.mark.parametrize(
    "cell",
    [
        "(202) 555-0101 (cell), (202) 555-0102 (emergency contact)",
        "wife 202-555-0102; 202-555-0101",
        "202-555-0101 / daughter 202-555-0102",
        "own: 202-555-0101, husband: 202-555-0102",
        "202-555-0101 y esposo 202-555-0102",
    ],
)
def test_beside_the_persons_own_that_of_somebody_else_is_passed_over(cell: str) -> None:
    assert lasts(cell) == ["0101"]


@pytest.mark.parametrize(
    "cell",
    [
        "202-555-0101 wife asked us to stop",
        "202-555-0101 (old)",
        "wrong number 202-555-0101",
        "202-555-0101 home",
        "mother 202-555-0101",
    ],
)
def test_a_story_an_old_number_or_a_parent_does_not_make_it_somebody_elses(cell: str) -> None:
    assert lasts(cell) == ["0101"]


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ("555-0102 or 202-555-0101", "not_a_phone"),
        ("202-555-0101 (not 555-0102)", "not_a_phone"),
        ("202-555-0101 or 202-555-0102 x14", "has_extension"),
    ],
)
def test_what_cannot_be_read_beside_a_number_is_not_passed_over_in_silence(cell: str, code: str) -> None:
    found = numbers_of_cell(cell, "US")
    assert (found.numbers, found.missed) == (["+12025550101"], code)


@pytest.mark.parametrize(
    ("words", "anothers"),
    [
        ("Emergency contact", True),
        ("Spouse", True),
        ("Fax", True),
        ("Guarantor", True),
        ("Emergencia", True),
        ("Cónyuge", True),
        ("Cell", False),
        ("Office", False),
        ("Mother", False),
        ("Old number", False),
        ("Wrong number", False),
        ("", False),
    ],
)
def test_a_type_says_whose_a_phone_is(words: str, anothers: bool) -> None:
    assert is_anothers(words) is anothers
