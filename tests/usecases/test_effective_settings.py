"""What binds where a lane says something itself: the same in Python and in PostgreSQL."""

from __future__ import annotations

from datetime import time
from itertools import product
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection

from usecases.effective_settings import effective, effective_days, effective_sql

EIGHT, NINE = time(8), time(9)
TABLE: list[tuple[str, Any, Any, Any]] = [
    ("window_start", None, EIGHT, EIGHT),
    ("window_start", NINE, EIGHT, NINE),
    ("window_start", EIGHT, NINE, NINE),
    ("window_end", None, EIGHT, EIGHT),
    ("window_end", NINE, EIGHT, EIGHT),
    ("window_end", EIGHT, NINE, EIGHT),
    ("pace_per_second", None, 50.0, 50.0),
    ("pace_per_second", 5.0, 50.0, 5.0),
    ("pace_per_second", 500.0, 50.0, 50.0),
    ("max_attempts", None, 2, 2),
    ("max_attempts", 1, 2, 1),
    ("max_attempts", 3, 2, 3),
    ("retry_minutes", None, 60, 60),
    ("retry_minutes", 10, 60, 10),
    ("retry_minutes", 90, 60, 90),
]
TYPES = {"window_start": "time", "window_end": "time", "pace_per_second": "float8"}


@pytest.mark.django_db
@pytest.mark.parametrize(("name", "own", "shared", "binds"), TABLE)
def test_the_same_binds_in_python_and_in_sql(name: str, own: Any, shared: Any, binds: Any) -> None:
    assert effective(name, SimpleNamespace(**{name: own}), SimpleNamespace(**{name: shared})) == binds
    column = f"SELECT %s::{TYPES.get(name, 'integer')} AS {name}"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {effective_sql(name)} FROM ({column}) l, ({column}) u", [own, shared])
        assert cursor.fetchone() == (binds,)


def test_hours_only_ever_get_narrower() -> None:
    for own, shared in product([None, EIGHT, NINE], [EIGHT, NINE]):
        lane, use_case = (SimpleNamespace(window_start=said, window_end=said) for said in (own, shared))
        assert effective("window_start", lane, use_case) >= shared >= effective("window_end", lane, use_case)


def test_a_lane_sends_on_its_own_days_among_those_of_its_use_case() -> None:
    assert effective_days(None, [1, 2, 3]) == {1, 2, 3}
    assert effective_days([2, 4], [1, 2, 3]) == {2}
    assert effective_days([6, 7], [1, 2, 3]) == frozenset()
