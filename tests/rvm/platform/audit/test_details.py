"""Details are lines that people read: old and new values, counts, times."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rvm.platform.audit.details import MAX_LENGTH, lines_of


@pytest.mark.parametrize(
    ("details", "lines"),
    [
        ({"changes": {"role": ["viewer", "admin"]}}, ["Role: viewer → admin"]),
        ({"changes": {"may_see_numbers": [False, True]}}, ["May see numbers: no → yes"]),
        ({"changes": {"may_see_numbers": ["False", "True"]}}, ["May see numbers: no → yes"]),
        ({"changes": {"lane.priority": ["0", "5"]}, "live": True}, ["Priority: 0 → 5", "Live: yes"]),
        (
            {"changes": {"ends_at": ["None", "2026-11-29 15:00:00+00:00"]}},
            ["Ends at: nothing → Sun, Nov 29, 2026, 3:00:00 PM UTC"],
        ),
        ({"changes": {"days": [[1, 2], [1]]}}, ["Days: 1, 2 → 1"]),
        ({"changes": ["name"]}, ["Changes: name"]),
        ({"changes": {"name": "Flu"}}, ["Changes: name Flu"]),
        ({"fields": ["may_see_numbers", "role"]}, ["Fields: may see numbers, role"]),
        ({"counts": {"accepted": 54, "left_out": 0}}, ["Counts: accepted 54, left out 0"]),
        ({"reason": "", "consent_at": None, "said": [], "none": {}}, []),
        ({"numbers_shown": False, "found": 0}, ["Numbers shown: no", "Found: 0"]),
        ({"sha256": "ab" * 32}, ["Sha256: abababababab…"]),
        ({"ids": list(range(12))}, ["Ids: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, and 2 more"]),
        ({"at": "2026-99-29 15:00:00+00:00"}, ["At: 2026-99-29 15:00:00+00:00"]),
    ],
)
def test_details_are_told_in_lines(details: dict[str, Any], lines: list[str]) -> None:
    assert lines_of(details) == lines


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=400),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=4,
)


@given(st.dictionaries(st.sampled_from(["changes", "counts", "reason"]), JSON))
def test_any_details_are_told_in_bounded_lines(details: dict[str, Any]) -> None:
    assert all(len(line) <= MAX_LENGTH for line in lines_of(details))
