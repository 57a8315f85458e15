"""Nobody sees what is trimmed: plain cells take a short way, which must not lead elsewhere."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rvm.spreadsheets.cells import cell_values
from rvm.spreadsheets.trimming import trimmed


@pytest.mark.parametrize(
    "text", ["Ana", " Ana", "Ana ", "  Ana", "\tAna\n", "\u00a0Ana\u200b", "'Ana", " 'Ana", "' Ana"]
)
def test_what_stands_around_a_value_is_gone(text: str) -> None:
    assert trimmed(text) == "Ana"


@pytest.mark.parametrize(
    ("text", "left"), [("", ""), (" ", ""), ("'", ""), ("Ana  Li", "Ana Li"), ("Ana Li", "Ana Li")]
)
def test_inner_spaces_are_one(text: str, left: str) -> None:
    assert trimmed(text) == left


@given(st.text(st.sampled_from("ab' \t\n\u00a0é")))
def test_a_space_more_around_a_value_changes_nothing(text: str) -> None:
    assert trimmed(f" {text} ") == trimmed(text)


@given(st.lists(st.text(st.sampled_from("ab'| \t\n\x1f\x7f\u00a0\u200bé"), max_size=5), max_size=4))
def test_a_row_is_trimmed_at_once_as_its_cells_are_one_by_one(row: list[str]) -> None:
    assert [*cell_values.texts(row)] == [trimmed(cell) for cell in row]
