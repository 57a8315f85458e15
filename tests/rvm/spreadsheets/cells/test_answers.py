"""What cells answer that say more than yes or no: when it was said, and how; and days as programs and people write them."""

from __future__ import annotations

import pytest

from rvm.spreadsheets.cells.answers import Answer, answer, is_date


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("Yes - 3/2/26", Answer.YES),
        ("Yes 1/1/2026", Answer.YES),
        ("Sí (2/3/2026)", Answer.YES),
        ("yes (verbal)", Answer.YES),
        ("Y - per pt", Answer.YES),
        ("Yes, signed 3/4/25", Answer.YES),
        ("No - 3/2/26", Answer.NO),
        ("No 1/2/2026", Answer.NO),
        ("N, per wife", Answer.NO),
        ("Sim", Answer.YES),
        ("Não", Answer.NO),
        ("Not opted out", Answer.PERMITS),
        ("†", Answer.FORBIDS),
        ("Yes / Sí", Answer.YES),
        ("No / No", Answer.NO),
        ("Yes / No", Answer.UNCLEAR),
        ("N/A", Answer.UNCLEAR),
        # What follows may take back what stands before it.
        ("Yes - cell only", Answer.UNCLEAR),
        ("Yes, until 3/2/26", Answer.UNCLEAR),
        ("No. 7", Answer.UNCLEAR),
        ("No show 3/2/26", Answer.UNCLEAR),
        ("Y/N", Answer.UNCLEAR),
    ],
)
def test_a_yes_or_no_with_its_day_or_way_is_one(cell: str, said: Answer) -> None:
    assert answer(cell) is said


@pytest.mark.parametrize(
    "text",
    [
        "1-Dec-26",
        "12 May 26",
        "Dec 1st, 2026",
        "Tuesday, December 1, 2026",
        "Sat 12/1/2026",
        "1 de diciembre de 2026",
        "martes, 1 de diciembre de 2026",
    ],
)
def test_a_day_in_words_is_a_date(text: str) -> None:
    assert is_date(text)


@pytest.mark.parametrize("text", ["Dec-26", "May", "Mon", "Suite 12-B-26", "S 12/1/2026", "32-Foo-26"])
def test_what_only_looks_like_a_day_is_none(text: str) -> None:
    assert not is_date(text)
