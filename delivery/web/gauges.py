"""Gauges for operators, cheap enough to be read every few seconds: from small tables and from indexes of pending work.

They read no history and no personal data.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings
from redis.exceptions import RedisError

from delivery.calls.commands import TALLY as ABANDONED
from delivery.engine.canaries import IS_OPEN_SQL
from delivery.engine.idle_lanes import REACTIVATED
from delivery.lane_totals import OF_USE_CASES
from delivery.lifecycle.invariants import TALLY
from delivery.lifecycle.status import VoicemailStatus
from delivery.recordings.links import FETCHES
from delivery.selectors.setup_stats import open_attempts, stats_of
from rvm.platform.database import sql
from rvm.platform.health.checks import live_workers
from rvm.platform.models import FailedWork, Tally
from rvm.platform.redis_connection import redis_client
from rvm.platform.sending_hold.service import is_held
from rvm.platform.webhooks import watches
from usecases.models import TelephonySetup

# The most that a gauge counts (due voicemails: per lane), so that a scrape stays cheap while work piles up.
MAX_COUNTED = 100_000
MAX_SETUPS = 200  # of which gauges are told


class Gauge(NamedTuple):
    name: str
    help: str
    value: float
    labels: tuple[tuple[str, str], ...] = ()


DUE = f"""
SELECT coalesce(sum(due.count), 0), extract(epoch FROM %s - min(due.oldest))
  FROM delivery_lane l CROSS JOIN (VALUES (false), (true)) AS via(failover)
 CROSS JOIN LATERAL (SELECT count(*), min(not_before) AS oldest FROM (SELECT v.not_before FROM delivery_voicemail v
         WHERE v.lane_id = l.id AND v.failover = via.failover AND v.status = 'queued' AND v.not_before <= %s
         ORDER BY v.not_before LIMIT %s) first) due
 WHERE l.id = ANY(ARRAY(SELECT id FROM delivery_lane WHERE NOT idle AND NOT held ORDER BY id))
   AND {IS_OPEN_SQL}
"""  # noqa: S608 - of constants
OPEN_LANES = "SELECT cardinality(ARRAY(SELECT id FROM delivery_lane WHERE NOT idle AND NOT held ORDER BY id))"
BY_STATUS = f"SELECT status, reason, sum(count) FROM {OF_USE_CASES} GROUP BY status, reason"  # noqa: S608 - ours
UNMERGED = (
    "SELECT count(*) FROM (SELECT id FROM delivery_carrierreport WHERE merged_at IS NULL ORDER BY id LIMIT %s) first"
)
NOT_ROLLED_UP = "SELECT count(*) FROM (SELECT id FROM delivery_lanedelta ORDER BY id LIMIT %s) first"
BREAKERS = "SELECT count(*) FROM usecases_telephonysetup WHERE breaker_until IS NOT NULL AND deleted_at IS NULL"
TICK = "SELECT extract(epoch FROM %s - at) FROM platform_heartbeat WHERE name = 'tick'"


def gauges(now: datetime) -> Iterator[Gauge]:
    """All gauges at `now`. Raises DatabaseError. Without Redis, the gauges of what it holds are left out."""
    [(due, oldest)] = sql.run(DUE, [now, now, MAX_COUNTED])
    yield Gauge(
        "rvm_due_voicemails",
        f"Queued and due in lanes that are neither held nor wait for first people; at most {MAX_COUNTED} a lane.",
        due,
    )
    yield Gauge("rvm_oldest_due_seconds", "How long the oldest of them has been due.", oldest or 0)
    counted = {(status.value, ""): 0 for status in VoicemailStatus}
    counted |= {(status, reason): count for status, reason, count in sql.run(BY_STATUS, [])}
    for (status, reason), count in sorted(counted.items()):
        labels = (("status", status), ("reason", reason))
        yield Gauge(
            "rvm_voicemails", "Voicemails by status and reason, of all time; its increase is the rate.", count, labels
        )
    [(lanes,)] = sql.run(OPEN_LANES, [])
    yield Gauge("rvm_open_lanes", "Lanes that each look for work reads: neither idle nor held.", lanes)
    yield Gauge(
        "rvm_woken_lanes", "Idle lanes in which something came to wait, and which the tick woke.", tally(REACTIVATED)
    )
    yield Gauge("rvm_sending_held", "1 while all sending is held, by hand or after a failover.", is_held())
    [(unmerged,)] = sql.run(UNMERGED, [MAX_COUNTED])
    yield Gauge("rvm_unmerged_reports", f"Carriers' reports in the inbox; at most {MAX_COUNTED}.", unmerged)
    [(unfolded,)] = sql.run(NOT_ROLLED_UP, [MAX_COUNTED])
    yield Gauge(
        "rvm_unfolded_deltas", f"Changes of counts that the tick has not folded; at most {MAX_COUNTED}.", unfolded
    )
    [(breakers,)] = sql.run(BREAKERS, [])
    yield Gauge("rvm_open_breakers", "Telephony setups whose breaker is open or half open.", breakers)
    yield from _setups(now)
    yield Gauge("rvm_repaired_voicemails", "Voicemails that disagreed with their drop and were repaired.", tally(TALLY))
    yield Gauge(
        "rvm_abandoned_hang_ups",
        "Calls whose carrier took no command to hang up within its time; each went on until its own limit.",
        tally(ABANDONED),
    )
    failing = FailedWork.objects.count()
    yield Gauge("rvm_failed_work", "Things that fail in the background; the admin's list says which.", failing)
    silence = sql.run(TICK, [now])
    yield Gauge(
        "rvm_tick_age_seconds", "Since the tick's last sign of life.", silence[0][0] if silence else float("inf")
    )
    waiting = watches.backlog()
    yield Gauge("rvm_unpublished_seconds", "Age of the oldest event without a place.", waiting.unpublished_seconds)
    yield Gauge(
        "rvm_due_webhooks", f"Deliveries that are due; at most {watches.MAX_COUNTED} a destination.", waiting.due
    )
    yield Gauge(
        "rvm_oldest_due_webhook_seconds", "How long the oldest of them has been due.", waiting.oldest_due_seconds
    )
    yield Gauge(
        "rvm_failing_destinations", "Webhook destinations that fail, or are disabled because of it.", watches.failing()
    )
    yield from _of_redis()


def _setups(now: datetime) -> Iterator[Gauge]:
    """The setups in use, by id; figures that nothing was sampled for are left out."""
    ids = list(
        TelephonySetup.objects.not_deleted()
        .filter(enabled=True)
        .order_by("pk")
        .values_list("pk", flat=True)[:MAX_SETUPS]
    )
    stats, open_now = stats_of(ids, now), open_attempts(ids, now)
    told: tuple[tuple[str, str, Callable[[UUID], float | None]], ...] = (
        (
            "rvm_setup_accept_rate",
            "Share of answered requests that the carrier took, lately.",
            lambda each: stats[each].accept_rate,
        ),
        (
            "rvm_setup_report_median_seconds",
            "From acceptance to the report, lately: half of them took at most this.",
            lambda each: stats[each].report_median,
        ),
        (
            "rvm_setup_report_p95_seconds",
            "From acceptance to the report, lately: 95 of 100 took at most this.",
            lambda each: stats[each].report_p95,
        ),
        ("rvm_setup_open_attempts", "Attempts that have not ended.", lambda each: open_now[each].total),
        (
            "rvm_setup_unreported_attempts",
            "Attempts that the carrier took over an hour ago without a report.",
            lambda each: open_now[each].unreported,
        ),
    )
    for name, help_text, value_of in told:
        for each in ids:
            if (value := value_of(each)) is not None:
                yield Gauge(name, help_text, value, (("setup", str(each)),))


def tally(name: str) -> int:
    """The count of the tally `name`; 0 if there is none."""
    return Tally.objects.filter(name=name).values_list("count", flat=True).first() or 0


def _of_redis() -> Iterator[Gauge]:
    try:
        found = {queue: live_workers(queue) for queue in settings.RQ_QUEUES}
        fetches: Any = redis_client().get(FETCHES) or b""
    except RedisError:
        yield Gauge("rvm_redis_up", "Whether Redis answers.", 0)
        return
    yield Gauge("rvm_redis_up", "Whether Redis answers.", 1)
    yield Gauge(
        "rvm_recording_fetches",
        "Fetches of recordings by carriers, since Redis was empty.",
        int(fetches) if fetches.isdigit() else 0,
    )
    for queue, count in found.items():
        yield Gauge("rvm_workers", "Workers that gave a sign of life.", count, (("queue", queue),))
