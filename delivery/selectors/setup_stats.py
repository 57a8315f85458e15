"""How setups have fared lately: their accept rate, the time to a report, and the attempts that are open.

The rate and the times are taken from a sample of each setup's own attempts, spread evenly over the window, by partial indexes that
begin with the setup: they cost the same whatever this setup and others have sent. What is open is counted by such indexes too.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from delivery.lifecycle.reasons import Reason
from delivery.lifecycle.status import DropStatus
from delivery.models import Drop
from rvm.platform.database import sql
from rvm.platform.database.ids import first_id_at

HOUR = timedelta(hours=1)
WINDOW = 24 * HOUR
SLICES = 96
IN_SLICE = 50  # attempts read of each slice, of each setup
MAX_READ = 24_000  # attempts read in one look at several setups, unless that is fewer than MIN_IN_SLICE
MIN_IN_SLICE = 3
REPORT_DUE = HOUR  # an attempt that was accepted longer ago is said to be unreported
MAX_COUNTED = 10_000


@dataclass(frozen=True, slots=True)
class SetupStats:
    """`accept_rate`: the share of answered requests that the carrier took; `report_median`, `report_p95`: seconds from there to the
    report that ended the attempt; each None where none was sampled. `sampled`: answered attempts of the window that they are taken
    from."""

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


# Of each slice the first attempts that have ended or been accepted; what is at its request, or unclear, says nothing yet. They are in
# two indexes: by id, which sorts by time, and by acceptance. Pairs are compared so that no plan passes everybody's attempts of a
# slice by the primary key, which the planner takes for quicker: it does not know which setup is rare.
_SAMPLE = """
SELECT s.id, count(*), avg((accepted_at IS NOT NULL OR status = 'delivered')::int),
       percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY extract(epoch FROM ended_at - accepted_at))
         FILTER (WHERE status IN ('delivered', 'failed') AND accepted_at IS NOT NULL AND reason <> %s)
  FROM unnest(%s::uuid[]) AS s(id)
 CROSS JOIN unnest(%s::uuid[], %s::uuid[], %s::timestamptz[], %s::timestamptz[]) AS slice(first, next, since, until)
 CROSS JOIN LATERAL (
   (SELECT id, status, reason, accepted_at, ended_at FROM delivery_drop
     WHERE (setup_id, id) >= (s.id, slice.first) AND (setup_id, id) < (s.id, slice.next) AND ended_at IS NOT NULL
     ORDER BY setup_id, id LIMIT %s)
   UNION ALL
   (SELECT id, status, reason, accepted_at, ended_at FROM delivery_drop
     WHERE setup_id = s.id AND accepted_at >= slice.since AND accepted_at < slice.until AND status = 'accepted'
     ORDER BY accepted_at LIMIT %s)
   ORDER BY id LIMIT %s) sampled
 GROUP BY s.id
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
    found = {setup_id: SetupStats(since, 0, None, None, None) for setup_id in ids}
    bounds = [since + WINDOW * number / SLICES for number in range(SLICES + 1)]
    firsts, nexts = bounds[:-1], bounds[1:]
    slices = [*(sql.ids(map(first_id_at, each)) for each in (firsts, nexts)), sql.times(firsts), sql.times(nexts)]
    limit = min(IN_SLICE, max(MIN_IN_SLICE, MAX_READ // (SLICES * max(1, len(ids)))))
    for setup_id, sampled, rate, times in sql.run(
        _SAMPLE, [Reason.UNREPORTED.value, sql.ids(ids), *slices, limit, limit, limit]
    ):
        median, p95 = times or (None, None)
        found[setup_id] = SetupStats(since, sampled, float(rate), median, p95)
    return found


def has_answered(setup_id: UUID, since: datetime) -> bool:
    """Whether the setup's carrier has taken, refused or ended an attempt since then that began since then."""
    own = Drop.objects.filter(setup_id=setup_id)
    ended = own.filter(pk__gte=first_id_at(since), ended_at__gte=since).exclude(status=DropStatus.NOT_SENT)
    return ended.exists() or own.filter(status=DropStatus.ACCEPTED, accepted_at__gte=since).exists()


def open_attempts(setup_ids: Iterable[UUID], now: datetime) -> dict[UUID, OpenAttempts]:
    """The open attempts of each of the setups."""
    rows = sql.run(_OPEN, [MAX_COUNTED, MAX_COUNTED, now - REPORT_DUE, MAX_COUNTED, sql.ids(setup_ids)])
    return {setup_id: OpenAttempts(*counts) for setup_id, *counts in rows}
