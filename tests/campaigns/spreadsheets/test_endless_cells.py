"""Cells as long as files: none costs more than its length, so a list of them holds nobody up.

The first of them cost 41 ms at 3,000 characters and four times as much at twice as many; what is so fails here by the time limit of
a test.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import pytest

from campaigns.spreadsheets import cells
from campaigns.spreadsheets.column_names import field_of, phone_rank
from campaigns.spreadsheets.columns import guess_columns
from campaigns.spreadsheets.phones import looks_like_phone
from campaigns.spreadsheets.refusals import CellRefused

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
    cells.time_zone,
    cells.state,
    cells.postal_code,
    cells.consent,
    cells.phone,
    cells.text,
    looks_like_phone,
    field_of,
    phone_rank,
    lambda name: guess_columns([name], [["2025550142"]]),
]


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("around", ["{}", "tel:{}x"])
def test_a_cell_costs_no_more_than_its_length(read: Callable[[str], object], around: str) -> None:
    for unit in UNITS:
        with suppress(CellRefused):
            read(around.format(unit * (LENGTH // len(unit))))


@pytest.mark.parametrize("read", [cells.time_zone, cells.state, cells.postal_code, cells.consent, cells.phone])
@pytest.mark.parametrize("said", ["Central", "TX", "75201", "no", "2025550142"])
def test_nothing_is_taken_from_the_beginning_of_prose(read: Callable[[str], object], said: str) -> None:
    for between in (".", "-", "!"):
        with pytest.raises(CellRefused):
            read(said + between * 1_200 + "yes")
