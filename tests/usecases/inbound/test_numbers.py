"""Every usual spelling of a number in the United States is read, and what is no whole number is not guessed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usecases.inbound.numbers import written_number


@pytest.mark.parametrize(
    "text",
    [
        "2025550142", "(202) 555-0142", "(202)555-0142", "202.555.0142", "202 555 0142", "202-555-0142", "202/555-0142",
        "1-202-555-0142",
        "12025550142", "+1 202 555 0142", "+12025550142", "1 (202) 555.0142", "tel:+1-202-555-0142", "202–555–0142", "[202] 555-0142",
        "202_555_0142", "202*555*0142", "202,555,0142", "２０２５５５０１４２", "2 0 2 5 5 5 0 1 4 2", "  202 555 0142 ",
        "my cell is 202-555-0142",
        "+1 (202) 555-0142.", "001 202 555 0142", "\u202a+1 202-555-0142\u202c",
    ],
)  # fmt: skip
def test_any_spelling_of_the_united_states_is_read(text: str) -> None:
    assert written_number(text) == "+12025550142"


@pytest.mark.parametrize(
    "text",
    ["", "555-0142", "202-555-014", "202-555-01422", "abc", "202-555-0142, 202-555-0143", "02025550142", "1112223333"],
)
def test_what_is_no_whole_number_or_more_than_one_is_not_read(text: str) -> None:
    assert written_number(text) is None


@given(st.text(max_size=60))
def test_no_text_is_an_error(text: str) -> None:
    written_number(text)
