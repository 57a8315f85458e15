"""Cells as long as files: none costs more than its length, so a list of them holds nobody up.

The first of them cost 41 ms at 3,000 characters and four times as much at twice as many; what is so fails here by the time limit of
a test.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import pytest

from rvm.spreadsheets.cells import cell_values
from rvm.spreadsheets.cells.answers import Answer, Standing, answer, canceled, died, standing
from rvm.spreadsheets.cells.objections import answers_something, denies, objects
from rvm.spreadsheets.cells.phones import looks_like_phone, numbers_in
from rvm.spreadsheets.columns.names import meaning_of
from rvm.spreadsheets.columns.reading import read_columns
from rvm.spreadsheets.refusals import CellInvalid

LENGTH = 300_000
UNITS = [
    "(",
    "[",
    "([",
    ")(",
    "a",
    "aA",
    "1",
    "1 ",
    "1-",
    "1,",
    "1.",
    "1/",
    "+",
    ";",
    ";a=",
    "x1",
    "=",
    '="',
    "tel:",
    "#1",
    "or ",
    "%41",
]
UNITS += [
    "1(",
    "ext ",
    "\n",
    "\t",
    "'",
    ",,",
    "p1",
    "\u3000",
    "\u200b",
    "\u0301",
    "\N{ARABIC LIGATURE SALLALLAHOU ALAYHE WASALLAM}",
]
READERS: list[Callable[[str], object]] = [
    cell_values.time_zone,
    cell_values.state,
    cell_values.postal_code,
    cell_values.country,
    cell_values.phone,
    cell_values.text,
    looks_like_phone,
    numbers_in,
    answer,
    died,
    canceled,
    standing,
    objects,
    denies,
    answers_something,
    meaning_of,
    lambda name: read_columns([name], [["2025550142"]]),
]


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("around", ["{}", "tel:{}x"])
def test_a_cell_costs_no_more_than_its_length(read: Callable[[str], object], around: str) -> None:
    for unit in UNITS:
        with suppress(CellInvalid):
            read(around.format(unit * (LENGTH // len(unit))))


@pytest.mark.parametrize(
    "read", [cell_values.time_zone, cell_values.state, cell_values.postal_code, cell_values.country, cell_values.phone]
)
@pytest.mark.parametrize("said", ["Central", "TX", "75201", "Mexico", "2025550142"])
def test_nothing_is_taken_from_the_beginning_of_prose(read: Callable[[str], object], said: str) -> None:
    for between in (".", "-", "!"):
        with pytest.raises(CellInvalid):
            read(said + between * 1_200 + "yes")


@pytest.mark.parametrize("read", [answer, died, canceled, standing])
@pytest.mark.parametrize("said", ["yes", "no", "agreed", "canceled", "alive", "2026-01-05"])
def test_no_answer_is_taken_from_the_beginning_of_prose(read: Callable[[str], object], said: str) -> None:
    for between in (".", "-", "!"):
        for length in (60, 1_200):
            assert read(said + between * length + "no") in (Answer.UNCLEAR, Standing.UNCLEAR)
