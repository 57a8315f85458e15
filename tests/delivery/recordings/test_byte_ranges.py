"""`Range` headers against what RFC 9110 says they ask for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery.recordings.byte_ranges import RangeNotSatisfiable, parse_range


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        ("bytes=0-99", range(100)),
        ("bytes=100-", range(100, 1000)),
        ("bytes=999-999", range(999, 1000)),
        ("bytes=-1", range(999, 1000)),
        ("bytes=-100", range(900, 1000)),
        ("bytes=-5000", range(1000)),
        ("bytes=900-5000", range(900, 1000)),
        ("Bytes = 0 - 9", range(10)),
    ],
)
def test_a_single_range_is_served(header: str, wanted: range) -> None:
    assert parse_range(header, 1000) == wanted


@pytest.mark.parametrize(
    "header",
    ["", "bytes=", "bytes=-", "bytes=9-5", "bytes=0-1,5-9", "items=0-9", "bytes=a-b", "bytes=٣-٤", "bytes=0x1-2"],
)
def test_what_cannot_be_read_or_asks_for_several_parts_gets_the_whole(header: str) -> None:
    assert parse_range(header, 1000) is None


@pytest.mark.parametrize("header", ["bytes=1000-", "bytes=1000-2000", "bytes=-0", f"bytes={10**17}-"])
def test_a_range_behind_the_end_is_refused_with_the_size(header: str) -> None:
    with pytest.raises(RangeNotSatisfiable) as caught:
        parse_range(header, 1000)
    assert caught.value.size == 1000


@given(st.text(max_size=40) | st.from_regex(r"bytes=\d{0,5}-\d{0,5}", fullmatch=True), st.integers(1, 5000))
def test_no_header_ever_asks_for_bytes_that_are_not_there(header: str, size: int) -> None:
    try:
        wanted = parse_range(header, size)
    except RangeNotSatisfiable:
        return
    assert wanted is None or (0 <= wanted.start < wanted.stop <= size)
