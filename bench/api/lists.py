"""A page of 50 voicemails among millions: by every filter and many combinations, the first page and one millions of rows deep.

The time of a page is the server's own, from a request that is read to its answer, as its log says; `_at_client` is what one client of
the same machine waits, which takes part of the same cores.
"""

from __future__ import annotations

import json
import os
import random
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlencode
from uuid import UUID

import psycopg

from bench.api.client import Client
from bench.api.scene import Scene, Sizes
from bench.api.voicemail_history import History, make_history
from bench.callbacks import log_of
from bench.scenario import Clinic
from delivery.models import Voicemail
from rvm.platform.api.pagination import position_token
from rvm.platform.database.ids import uuid7

Filters = dict[str, Any]
# Of the listed rows, where a deep page begins: 4 of 5 million.
DEEP = 0.8


def measure(scene: Scene, sizes: Sizes, say: Callable[[str], None]) -> dict[str, float]:
    clinic = Clinic(scene.workspace.pk, scene.use_case.setup_id, scene.use_case.pk, uuid7(), scene.recording.pk)
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        began = time.perf_counter()
        history = make_history(connection, clinic, sizes.rows, carrier="sandbox")
        say(f"{sizes.rows:,} voicemails were inserted in {time.perf_counter() - began:.0f} s")
        deep = _token_at(connection, scene, round(sizes.rows * DEEP))
    with closing(Client(scene)) as client:
        log = log_of(scene.server.address)
        return pages(client, log, filters_of(history), deep, sizes.pages, say)


def pages(
    client: Client, log: Path, asked: list[Filters], deep: str, count: int, say: Callable[[str], None]
) -> dict[str, float]:
    """The figures of so many pages, each of which has the next of `asked` in another order each time."""
    for filters in asked * 2:  # warms up both processes
        client.page(filters)
    waited: dict[str, float] = {}  # by the id of the request
    asked_for: dict[str, str] = {}
    draw, order = random.Random(7), list[Filters]()
    for _ in range(count):
        order = order or draw.sample(asked, len(asked))
        filters = order.pop()
        taken = client.page(filters)
        waited[client.request_id] = taken
        asked_for[client.request_id] = unquote(urlencode(filters, doseq=True))
    first, far = [], []
    for _ in range(max(count // 4, 1)):
        client.page({})
        first.append(client.request_id)
        client.page({"continuation_token": deep})
        far.append(client.request_id)
    served = _served(log)
    by_filter: dict[str, list[float]] = defaultdict(list)
    for request_id, name in asked_for.items():
        by_filter[name].append(served[request_id])
    for name, each in sorted(by_filter.items(), key=lambda item: -statistics.median(item[1])):
        say(f"{statistics.median(each):>8.1f} ms {max(each):>8.1f} ms at most   {name or 'all'}")
    times, at_client = sorted(served[each] for each in asked_for), sorted(waited.values())
    return {
        "list_ms": round(statistics.median(times), 2),
        "list_p99_over_median": _p99_over_median(times),
        "list_deep_ratio": round(_median(served, far) / _median(served, first), 2),
        "list_ms_at_client": round(statistics.median(at_client), 2),
        "list_p99_over_median_at_client": _p99_over_median(at_client),
    }


def _p99_over_median(times: list[float]) -> float:
    return round(times[int(len(times) * 0.99)] / statistics.median(times), 2)


def _median(served: dict[str, float], request_ids: list[str]) -> float:
    return statistics.median(served[each] for each in request_ids)


def _served(log: Path) -> dict[str, float]:
    """The milliseconds of each request that the server has logged, by its id."""
    with log.open() as lines:
        logged = [json.loads(line) for line in lines if line.startswith('{"method"')]
    return {line["request_id"]: line["ms"] for line in logged}


def _token_at(connection: psycopg.Connection, scene: Scene, place: int) -> str:
    [(identifier,)] = connection.execute(
        "SELECT id FROM delivery_voicemail WHERE workspace_id = %s AND live ORDER BY id DESC OFFSET %s LIMIT 1",
        [scene.workspace.pk, place],
    ).fetchall()
    filters = {"workspace_id": scene.workspace.pk, "live": True}
    return position_token(identifier, workspace_id=scene.workspace.pk, model=Voicemail, filters=filters)


def filters_of(history: History) -> list[Filters]:
    """Each filter by itself with frequent, rare and former values, and combinations of those that no index has together."""
    return [dict(_canonical(each)) for each in _filters(history, datetime.now(UTC))]


def _canonical(filters: Filters) -> Iterator[tuple[str, Any]]:
    for name, value in filters.items():
        yield (
            name,
            value.isoformat() if isinstance(value, datetime) else str(value) if isinstance(value, UUID) else value,
        )


def _filters(history: History, now: datetime) -> Iterator[Filters]:
    frequent, former, rare = history.use_cases[0], history.use_cases[-2], history.use_cases[-1]
    setup, former_setup = history.setups
    long_one, oldest, newest = history.campaigns[0], history.campaigns[1], history.campaigns[-1]
    lasting = history.lasting
    half, day = now - lasting / 2, timedelta(days=1)
    yield {}
    for use_case in (frequent, former, rare):
        yield {"use_case_id": use_case}
        yield {"use_case_id": use_case, "status": "failed"}
        yield {"use_case_id": use_case, "status": ["delivered", "expired"], "created_before": half}
    for status in (
        "queued",
        "sending",
        "uncertain",
        "accepted",
        "delivered",
        "failed",
        "skipped",
        "canceled",
        "expired",
    ):
        yield {"status": status}
    yield {"status": ["failed", "skipped"]}
    for carrier in (history.carriers[0], history.carriers[1]):
        yield {"carrier": carrier}
        yield {"carrier": carrier, "status": "failed"}
    for each in (setup, former_setup):
        yield {"setup_id": each}
        yield {"setup_id": each, "use_case_id": frequent}
    for reason in ("no_answer", "litigator", "canceled", "spam_blocked"):
        yield {"reason": reason}
        yield {"reason": reason, "use_case_id": former}
        yield {"reason": reason, "setup_id": former_setup}
    for campaign in (long_one, oldest, newest):
        yield {"campaign_id": campaign}
        yield {"campaign_id": campaign, "status": "failed"}
        yield {"campaign_id": campaign, "reason": "litigator"}
    yield {"recipient_phone_number": history.numbers[17]}
    yield {"recipient_phone_number": history.numbers[17], "status": "failed"}
    yield {"reference": f"visit-{history.rows // 2}"}
    yield {"created_before": half}
    yield {"created_after": half, "created_before": half + day}
    yield {"created_after": now - day, "use_case_id": former}
    yield {"updated_after": now - timedelta(minutes=5)}
    yield {"updated_after": now - day}
    yield {"updated_after": now - day, "status": "failed"}
    yield {"updated_after": now - day, "use_case_id": former}
    yield {"updated_before": half}
    yield {"live": "false"}
    yield {"live": "false", "status": "failed"}
