"""Ids of version 7: they tell their time, and those of one process sort in the order in which they were made."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rvm.platform.database import ids
from rvm.platform.database.ids import first_id_at, ids_in, time_of, uuid7, uuid7_at

MILLISECOND = 1_000_000
MOMENT = 1_772_463_600_123_456_789  # nanoseconds


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ids, "_last", 0)


def test_it_is_a_version_7_uuid_of_now() -> None:
    before = time.time_ns() // MILLISECOND
    made = uuid7()
    after = time.time_ns() // MILLISECOND
    assert (made.version, made.variant) == (7, UUID(int=2 << 62).variant)
    assert before <= made.int >> 80 <= after
    assert abs(time_of(made) - datetime.now(UTC)).total_seconds() < 5


def test_the_fraction_of_the_millisecond_follows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time_ns", lambda: MOMENT)
    made = uuid7()
    assert made.int >> 80 == MOMENT // MILLISECOND
    assert (made.int >> 64) & 0xFFF == 456_789 * 4096 // MILLISECOND


@given(st.lists(st.integers(-3 * MILLISECOND, 3 * MILLISECOND), min_size=1, max_size=300))
def test_ids_sort_as_they_were_made_whatever_the_clock_does(steps: list[int]) -> None:
    now = MOMENT
    made: list[UUID] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ids, "_last", 0)
        patch.setattr(time, "time_ns", lambda: now)
        for step in steps:
            now += step
            made.append(uuid7())
    assert made == sorted(made) and len({entry.int >> 62 for entry in made}) == len(made)
    assert all((entry.version, entry.int >> 62 & 3) == (7, 2) for entry in made)


def test_more_ids_than_a_millisecond_has_places_run_into_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time_ns", lambda: MOMENT)
    made = [uuid7() for _ in range(5000)]
    assert made == sorted(made)
    assert made[-1].int >> 80 == MOMENT // MILLISECOND + 1


def test_threads_share_no_place() -> None:
    with ThreadPoolExecutor(4) as pool:
        batches = list(pool.map(lambda _: [uuid7() for _ in range(2000)], range(4)))
    assert all(batch == sorted(batch) for batch in batches)
    assert len({entry.int >> 64 for batch in batches for entry in batch}) == 8000


def test_a_time_is_a_range_of_ids() -> None:
    moment = datetime(2026, 3, 2, 15, 0, 0, 123_000, tzinfo=UTC)
    milliseconds = int(moment.timestamp() * 1000)
    assert uuid7_at(milliseconds - 1) < first_id_at(moment) <= uuid7_at(milliseconds)
    assert time_of(uuid7_at(milliseconds)) == moment


def test_texts_that_say_no_id_name_no_row() -> None:
    known = uuid7()
    assert ids_in([str(known), "", "17", known.hex, "not-an-id"]) == [known, known]
