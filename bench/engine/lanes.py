"""The time of a look for due lanes with many completed campaigns, relative to that without."""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from bench import scenario
from bench.measure import wait_until
from delivery.engine.lane_routes import _FIND_ACTIVE_ROUTES, ActiveRoute, _as_arrays
from rvm.devtools.embedded.processes import spawn, stop
from rvm.devtools.stack import MANAGE

DUE = 1000
PLACES = 256  # the number that a worker with nothing in flight requests
DUE_COLUMN = [field.name for field in fields(ActiveRoute)].index("due")
TICK = [sys.executable, str(MANAGE), "tick"]


def growth(none: str, many: str, *, campaigns: int, looks: int, say: Callable[[str], None]) -> float:
    """The ratio of the median look in database `many`, with completed campaigns, to that in `none`; both are new."""
    with psycopg.connect(none) as first, psycopg.connect(many) as second:
        for connection in (first, second):
            clinic = scenario.make_clinic(connection, carrier_url="http://127.0.0.1:1", cap=100)
            scenario.queue(connection, clinic, DUE)
            if connection is second:
                scenario.make_completed_campaigns(connection, clinic, campaigns)
                wait_until_idle(many, connection)
            scenario.settle_tables(connection)
        seconds = measure_looks([first, second], looks)
    say(
        f"a look for due lanes: {seconds[0] * 1e3:.3f} ms, beside {campaigns:,} completed campaigns {seconds[1] * 1e3:.3f} ms"
    )
    return seconds[1] / seconds[0]


def wait_until_idle(url: str, connection: psycopg.Connection) -> None:
    """Have the shipped tick mark the lanes of completed campaigns idle, as after an upgrade. A new campaign's end does so at once."""
    tick = spawn(TICK, log=Path("/tmp/rvm-bench-tick.log"), cwd=MANAGE.parent, env={**os.environ, "DATABASE_URL": url})  # noqa: S108
    try:
        wait_until(lambda: scenario.open_lanes(connection) == 1, "the lanes' rest", patience=600)
    finally:
        stop(tick)


def measure_looks(connections: list[psycopg.Connection], looks: int) -> list[float]:
    """The median seconds of a look on each connection, measured alternately, so that load of the machine affects all equally."""
    taken: list[list[float]] = [[] for _ in connections]
    for _ in range(looks):
        for connection, times in zip(connections, taken, strict=True):
            now = datetime.now(UTC)
            began = time.perf_counter()
            found = connection.execute(
                _FIND_ACTIVE_ROUTES, [*_as_arrays({}), now, now, PLACES, now], prepare=True
            ).fetchall()
            times.append(time.perf_counter() - began)
            connection.commit()
            if [row[DUE_COLUMN] for row in found] != [PLACES]:
                raise RuntimeError(f"A look found {found} in place of one lane with {PLACES} due")
    return [statistics.median(times) for times in taken]
