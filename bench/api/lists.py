"""A page of 50 voicemails among millions: by every filter and many combinations, the first page and one millions of rows deep."""

from __future__ import annotations

import os
import random
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote, urlencode
from uuid import UUID

import psycopg

from bench.api.client import Client
from bench.api.scene import Scene, Sizes
from bench.api.voicemail_history import History, make_history
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
        return pages(client, filters_of(history), deep, sizes.pages, say)


def pages(client: Client, asked: list[Filters], deep: str, count: int, say: Callable[[str], None]) -> dict[str, float]:
    """The figures of so many pages, each of which has the next of `asked` in another order each time."""
    for filters in asked:  # warms up
        client.page(filters)
    by_filter: dict[str, list[float]] = defaultdict(list)
    draw, order = random.Random(7), list[Filters]()
    for _ in range(count):
        order = order or draw.sample(asked, len(asked))
        filters = order.pop()
        by_filter[unquote(urlencode(filters, doseq=True))].append(client.page(filters))
    first, far = [], []
    for _ in range(max(count // 4, 1)):
        first.append(client.page({}))
        far.append(client.page({"continuation_token": deep}))
    for name, each in sorted(by_filter.items(), key=lambda item: -statistics.median(item[1])):
        say(f"{statistics.median(each):>8.1f} ms {max(each):>8.1f} ms at most   {name or 'all'}")
    times = sorted(taken for each in by_filter.values() for taken in each)
    median = statistics.median(times)
    return {
        "list_ms": round(median, 2),
        "list_p99_over_median": round(times[int(len(times) * 0.99)] / median, 2),
        "list_deep_ratio": round(statistics.median(far) / statistics.median(first), 2),
    }


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
