"""No phone number gets out in any of the shapes people and programs write it; what operators search by stays."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rvm.platform.observability.masking import MASK, mask_numbers, mask_value

NUMBERS = [
    "+12025550142",
    "+442079460018",
    "12025550142",
    "2025550142",
    "0612345678",
    "07911123456",
    "442079460018",
    "(202) 555-0142",
    "(202)555-0142",
    "202-555-0142",
    "202.555.0142",
    "202 555 0142",
    "202 5550142",
    "202555-0142",
    "1-202-555-0142",
    "1 (202) 555-0142",
    "+1 202 555 0142",
    "+1 (202) 555-0142",
    "+1-202-555-0142",
    "+44 20 7946 0018",
    "%2B12025550142",
    "%2B1%20202%20555%200142",
    "%28202%29%20555-0142",
    "1+202+555+0142",
    "202&nbsp;555&nbsp;0142",
    "202\u2011555\u20110142",
    "202\u2013555\u20130142",
    "202/555/0142",
    "202555.0142",
    "2 0 2 5 5 5 0 1 4 2",
    "0012025550142",
    "01112025550142",
    "\\u002b12025550142",
]
# Letters beside a number that might be of a hexadecimal id.
FRAMED = ["phone{}failed", "e{}", "{}and more", "face{}"]
KEPT = [
    "01938a5e-7c1b-7f3e-9d2a-202555014212",
    "0193-8a5e",
    "01938a5e7c1b7f3e9d2a202555014212",
    "00000000-0000-0000-0000-000000000000",
    "12345678-1234-1234-1234-123456789012",
    "2026-11-22T04:07:09.123456Z",
    "2026-11-22 04:07:09+00:00",
    "2026-11-22T04:07:09.1234567890+05:30",
    "1795312345",
    "1795312345.123456",
    "1795312345123",
    "507f1f77bcf86cd799439011",
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "127.0.0.1:8000",
    "10,000 of 25,000 in 12.5 s",
    "job 202 of 555",
    "v3.12.11",
]


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize(
    "frame", ["{}", "to {} now", '{{"to": "{}"}}', "tel:{}", "to={}&x=1", "'{}'", "<{}>", "number_{}", "{},", *FRAMED]
)
def test_a_number_is_masked_in_every_surrounding(number: str, frame: str) -> None:
    text = mask_numbers(frame.format(number))
    assert MASK in text
    assert "0142" not in text and "0018" not in text and number not in text


@pytest.mark.parametrize("text", KEPT)
@pytest.mark.parametrize("frame", ["{}", "id={} done", "/v1/{}/voicemail", '"{}"'])
def test_what_operators_search_by_is_kept(text: str, frame: str) -> None:
    assert mask_numbers(frame.format(text)) == frame.format(text)


def test_values_of_every_shape_are_masked_and_keys_too() -> None:
    class Patient:
        def __repr__(self) -> str:
            return "<Patient +12025550142>"

    masked = mask_value(
        {
            "to": ["+12025550142", 12025550142],
            "+12025550142": {"n": ("202-555-0142",)},
            "who": Patient(),
            "f": 2025550142.0,
        }
    )
    assert masked == {
        "to": [MASK, MASK],
        MASK: {"n": [MASK]},
        "who": f"<Patient {MASK}>",
        "f": MASK,
    }


def test_the_shortest_number_is_masked() -> None:
    assert [mask_numbers(text) for text in ("+12345678", "+1234567")] == ["[number]", "+1234567"]


def test_plain_values_pass_unchanged() -> None:
    identifier = UUID("01938a5e-7c1b-7f3e-9d2a-202555014212")
    assert mask_value([None, True, 5, 12.5, "ok", identifier]) == [None, True, 5, 12.5, "ok", str(identifier)]


@given(st.from_regex(r"[2-9]\d{2}[2-9]\d{6}", fullmatch=True), st.sampled_from(["", " ", ": ", "=", "(", '"', "\n"]))
def test_no_number_of_the_plan_survives_in_any_of_its_forms(digits: str, before: str) -> None:
    area, exchange, line = digits[:3], digits[3:6], digits[6:]
    for form in (digits, f"1{digits}", f"+1{digits}", f"({area}) {exchange}-{line}", f"{area}-{exchange}-{line}"):
        assert mask_numbers(before + form) == before + MASK or mask_numbers(before + form) == before.rstrip("(") + MASK


@given(st.uuids())
def test_no_uuid_is_touched(identifier: UUID) -> None:
    assert mask_numbers(f"x {identifier} y {identifier.hex}") == f"x {identifier} y {identifier.hex}"
