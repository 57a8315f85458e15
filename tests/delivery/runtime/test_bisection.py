"""One bad item of many costs itself: whatever else there is, is done, once and in order."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from django.db import DataError, IntegrityError, InterfaceError, OperationalError, ProgrammingError
from hypothesis import given
from hypothesis import strategies as st

from delivery.runtime.bisection import bisected


@given(total=st.integers(0, 60), bad=st.sets(st.integers(0, 59)), error=st.sampled_from([DataError, KeyError]))
def test_all_but_the_bad_ones_are_done_once_and_in_order(total: int, bad: set[int], error: type[Exception]) -> None:
    blamed: list[int] = []

    def work(items: Sequence[int]) -> list[int]:
        if bad & set(items):
            raise error("one of them")
        return list(items)

    done = bisected(work, range(total), lambda item, _: blamed.append(item))
    assert done == [item for item in range(total) if item not in bad]
    assert blamed == [item for item in range(total) if item in bad]


def test_where_nothing_fails_all_are_done_at_once() -> None:
    calls: list[int] = []
    bisected(lambda items: [calls.append(len(items))], range(500), lambda *_: None)
    assert calls == [500]


def test_one_bad_item_of_500_costs_some_twenty_tries() -> None:
    calls: list[int] = []

    def work(items: Sequence[int]) -> list[int]:
        calls.append(len(items))
        if 333 in items:
            raise IntegrityError
        return []

    bisected(work, range(500), lambda *_: None)
    assert len(calls) <= 2 * 9 + 1


@pytest.mark.parametrize("outage", [OperationalError, InterfaceError, ProgrammingError])
def test_what_no_item_is_to_blame_for_is_raised(outage: type[Exception]) -> None:
    def work(items: Sequence[int]) -> list[int]:
        raise outage

    blamed: list[int] = []
    with pytest.raises(outage):
        bisected(work, range(5), lambda item, _: blamed.append(item))
    assert blamed == []
