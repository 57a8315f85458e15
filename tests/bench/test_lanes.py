"""The bench of lanes runs to its end on a few campaigns; what it measures is for `make bench-dispatch` on a quiet machine."""

from __future__ import annotations

import os

import psycopg
import pytest

from bench.databases import further_database
from bench.engine import lanes


@pytest.mark.timeout(300)
def test_it_compares_a_look_beside_campaigns_that_the_tick_has_let_rest_with_one_beside_none() -> None:
    told: list[str] = []
    url = os.environ["DATABASE_URL"]
    with further_database(url, "none") as none, further_database(url, "campaigns") as many:
        growth = lanes.growth(none, many, campaigns=1200, looks=20, say=told.append)
        with psycopg.connect(many) as connection:
            [(idle,)] = connection.execute("SELECT count(*) FROM delivery_lane WHERE idle").fetchall()
    assert growth > 0
    assert idle == 1200
    assert told[0].startswith("a look for due lanes: ") and "beside 1,200 completed campaigns" in told[0]
