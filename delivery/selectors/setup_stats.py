"""How setups have fared lately: their accept rate, the time to a report, and the attempts that are open.

The rate and the times are taken from a sample that is spread evenly over the window, by ranges of the primary key, whose ids sort by
time: they cost the same whatever the number of attempts, and need no index of their own. What is open is counted by partial indexes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from uuid import UUID

from delivery.lifecycle.reasons import Reason
from rvm.platform.database import sql
from rvm.platform.database.ids import first_id_at

HOUR = timedelta(hours=1)
WINDOW = 24 * HOUR
SLICES = 96
IN_SLICE = 200  # attempts read of each slice
REPORT_DUE = HOUR  # an attempt that was accepted longer ago is said to be unreported
MAX_COUNTED = 10_000


@dataclass(frozen=True, slots=True)
class SetupStats:
    """`accept_rate`: the share of answered requests that the carrier took; `report_median`, `report_p95`: seconds from there to the
    report that ended the attempt; each None where none was sampled. `sampled`: attempts of the window that they are taken from."""

    since: datetime
    sampled: int
    accept_rate: float | None
    report_median: float | None
    report_p95: float | None


@dataclass(frozen=True, slots=True)
class OpenAttempts:
    """Attempts at their request, unclear ones, and accepted ones that wait for a report, `unreported` of them since an hour; at most
    MAX_COUNTED of each."""

    sending: int
    uncertain: int
    accepted: int
    unreported: int

    @property
    def total(self) -> int:
        """Zero once a setup that drains is empty."""
        return self.sending + self.uncertain + self.accepted


# OFFSET 0 keeps the setup away from the planner, which would otherwise look for its attempts beyond the first ones of a slice.
_SAMPLE = """
SELECT setup_id, count(*),
       avg((accepted_at IS NOT NULL OR status = 'delivered')::int) FILTER (WHERE status NOT IN ('sending', 'uncertain')),
       percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY extract(epoch FROM ended_at - accepted_at))
         FILTER (WHERE status IN ('delivered', 'failed') AND accepted_at IS NOT NULL AND reason <> %s)
  FROM (SELECT d.* FROM unnest(%s::uuid[], %s::uuid[]) AS slice(first, next)
         CROSS JOIN LATERAL (SELECT setup_id, status, reason, accepted_at, ended_at FROM delivery_drop
                              WHERE id >= slice.first AND id < slice.next ORDER BY id LIMIT %s) d OFFSET 0) sample
 WHERE setup_id = ANY(%s::uuid[]) GROUP BY setup_id
"""
_OPEN = """
SELECT s.id,
  (SELECT count(*) FROM delivery_drop d WHERE d.setup_id = s.id AND d.status = 'sending'),
  (SELECT count(*) FROM (SELECT FROM delivery_drop d WHERE d.setup_id = s.id AND d.status = 'uncertain' LIMIT %s) first),
  (SELECT count(*) FROM (SELECT FROM delivery_drop d WHERE d.setup_id = s.id AND d.status = 'accepted' LIMIT %s) first),
  (SELECT count(*) FROM (SELECT FROM delivery_drop d WHERE d.setup_id = s.id AND d.status = 'accepted' AND d.accepted_at <= %s
                          ORDER BY d.accepted_at LIMIT %s) first)
  FROM unnest(%s::uuid[]) AS s(id)
"""


def stats_of(setup_ids: Iterable[UUID], now: datetime) -> dict[UUID, SetupStats]:
    """How each of the setups fared in the WINDOW before `now`."""
    ids, since = list(setup_ids), now - WINDOW
    bounds = [first_id_at(since + WINDOW * number / SLICES) for number in range(SLICES + 1)]
    firsts, nexts = zip(*pairwise(bounds), strict=True)
    rows = sql.run(_SAMPLE, [Reason.UNREPORTED.value, sql.ids(firsts), sql.ids(nexts), IN_SLICE, sql.ids(ids)])
    found = {setup_id: SetupStats(since, 0, None, None, None) for setup_id in ids}
    for setup_id, sampled, rate, times in rows:
        median, p95 = times or (None, None)
        found[setup_id] = SetupStats(since, sampled, None if rate is None else float(rate), median, p95)
    return found


def open_attempts(setup_ids: Iterable[UUID], now: datetime) -> dict[UUID, OpenAttempts]:
    """The open attempts of each of the setups."""
    rows = sql.run(_OPEN, [MAX_COUNTED, MAX_COUNTED, now - REPORT_DUE, MAX_COUNTED, sql.ids(setup_ids)])
    return {setup_id: OpenAttempts(*counts) for setup_id, *counts in rows}
