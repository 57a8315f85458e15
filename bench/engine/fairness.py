"""Fairness: the wait of ten API voicemails while a campaign saturates their setup, and the delay until a hold takes effect."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any
from uuid import UUID

import psycopg

from bench import scenario
from bench.measure import wait_until
from delivery.runtime.wakeups import wake

PACE = 50
API_DROPS = 10


def measure(connection: psycopg.Connection, carrier_url: str, campaign_rows: int) -> dict[str, float]:
    """The seconds from a row's commit to its claim (the worst of ten), and from a hold to the last start.

    Requires idle workers.
    """
    clinic = scenario.make_clinic(connection, carrier_url=carrier_url, cap=64, pace=PACE)
    scenario.queue(connection, clinic, campaign_rows)
    scenario.settle_tables(connection)
    api_lane = scenario.add_lane(connection, clinic, for_api=True)
    with waking():
        wait_until(lambda: _started(connection, clinic.lane) > 2 * PACE, "the campaign's start")
        api = clinic.with_lane(api_lane)
        for _ in range(API_DROPS):
            scenario.queue(connection, api, 1)
            time.sleep(0.1)
        wait_until(lambda: _started(connection, api_lane) == API_DROPS, "the API's drops")
        waits = _execute(
            connection,
            "SELECT extract(epoch FROM sending_at - created_at)::float8 FROM delivery_voicemail WHERE lane_id = %s",
            [api_lane],
        )
        return {"api_worst_wait_s": round(max(row[0] for row in waits), 2), **_hold(connection, clinic.lane)}


def _hold(connection: psycopg.Connection, lane: UUID) -> dict[str, float]:
    held = _execute(
        connection, "UPDATE delivery_lane SET held = true WHERE id = %s RETURNING clock_timestamp()", [lane]
    )[0][0]
    time.sleep(2.0)
    last = _execute(connection, "SELECT max(sending_at) FROM delivery_voicemail WHERE lane_id = %s", [lane])[0][0]
    free = _execute(
        connection, "UPDATE delivery_lane SET held = false WHERE id = %s RETURNING clock_timestamp()", [lane]
    )[0][0]
    after = "SELECT min(sending_at) FROM delivery_voicemail WHERE lane_id = %s AND sending_at > %s"
    wait_until(lambda: _execute(connection, after, [lane, free])[0][0] is not None, "the released lane's start")
    first = _execute(connection, after, [lane, free])[0][0]
    return {
        "hold_s": round(max(0.0, (last - held).total_seconds()), 2),
        "release_s": round((first - free).total_seconds(), 2),
    }


@contextmanager
def waking() -> Iterator[None]:
    """Wake the dispatch workers five times a second, like the tick and POST requests together."""
    stopped = Event()

    def loop() -> None:
        while not stopped.wait(0.2):
            wake("dispatch")

    thread = Thread(target=loop, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()


def _started(connection: psycopg.Connection, lane: UUID) -> int:
    return int(
        _execute(
            connection,
            "SELECT count(*) FROM delivery_drop d JOIN delivery_voicemail v ON v.id = d.voicemail_id WHERE v.lane_id = %s",
            [lane],
        )[0][0]
    )


def _execute(connection: psycopg.Connection, query: str, values: list[Any]) -> list[tuple[Any, ...]]:
    with connection.transaction():
        cursor = connection.execute(query, values)
        return cursor.fetchall() if cursor.description else []
