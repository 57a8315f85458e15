"""From the feed to deliveries: a destination gets rows for as many events as it is about to be sent, and the rest stays in the feed.

A destination that is away would otherwise turn each event into a row, hundreds of thousands of them, which all come due again and
again. So events become deliveries only when a destination has nothing else to do; of one that fails, only as many as are tried.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db import transaction

from rvm.platform.database import sql
from rvm.platform.database.ids import uuid7_sql
from rvm.platform.observability.representation import hides
from rvm.platform.webhooks.deliveries import IS_TOLD
from rvm.platform.webhooks.sending.schedule import TOLERATED

# Events that are read at a time, deliveries that may wait (for a retry, or behind one), and those of a destination that fails.
BATCH = 500
MAX_PENDING = 5_000
MAX_PENDING_FAILING = 10

_LOCK = """
SELECT FROM platform_webhookdestination
 WHERE id = ANY(%s::uuid[]) AND leased_by = %s AND leased_until > statement_timestamp() ORDER BY id FOR NO KEY UPDATE
"""
# Later than the lock, so that it sees what was committed before: `replay_since` moves the position under the same lock.
_PLACE = "row_number() OVER (PARTITION BY destination_id ORDER BY r.id)"
_READ = f"""
WITH d AS (
  SELECT d.id, d.workspace_id, d.live, d.accepted_event_types, d.position,
         CASE WHEN d.failures >= {TOLERATED} THEN {MAX_PENDING_FAILING} ELSE {MAX_PENDING} END
         - (SELECT count(*) FROM platform_webhookdelivery p WHERE p.destination_id = d.id AND p.state = 'pending') AS room
    FROM platform_webhookdestination d WHERE d.id = ANY(%s::uuid[]) AND d.leased_by = %s AND d.leased_until > statement_timestamp()
), read AS MATERIALIZED (
  SELECT d.id AS destination_id, e.id, e.type, e.subject_id, {IS_TOLD} AS is_told
    FROM d CROSS JOIN LATERAL (
      SELECT e.id, e.type, e.subject_id, e.data FROM platform_event e
       WHERE e.workspace_id = d.workspace_id AND e.live = d.live AND e.id > d.position
       ORDER BY e.id LIMIT greatest(least(d.room, {BATCH}), 0)
    ) e
), given AS (
  INSERT INTO platform_webhookdelivery
         (id, destination_id, event_id, type, subject_id, state, attempts, probes, due_at, replay)
  SELECT {uuid7_sql("(extract(epoch FROM statement_timestamp()) * 1000)::bigint", _PLACE)},
         destination_id, r.id, r.type, r.subject_id, 'pending', 0, 0, statement_timestamp(),
         EXISTS (SELECT FROM platform_webhookdelivery b WHERE b.destination_id = r.destination_id AND b.event_id = r.id)
    FROM read r WHERE is_told ORDER BY destination_id, r.id
)
UPDATE platform_webhookdestination AS moved SET position = last.id
  FROM (SELECT DISTINCT ON (destination_id) destination_id, id FROM read ORDER BY destination_id, id DESC) last
 WHERE moved.id = last.destination_id
RETURNING moved.id
"""  # noqa: S608 - of constants


def read(process_id: UUID, destinations: Iterable[UUID]) -> set[UUID]:
    """Give each destination that the process has leased its next events, and return those that had any."""
    leased = sql.ids(destinations)
    with transaction.atomic():
        sql.run(_LOCK, [leased, process_id])
        return {found for (found,) in sql.run(_READ, [leased, process_id])}


# Of each subject the oldest alone: a later event of it waits until that has ended.
_DUE = """
SELECT wanted.destination_id, d.id, d.event_id, d.counted, e.type, e.occurred_at, e.data::text
  FROM unnest(%s::uuid[], %s::bigint[]) AS wanted(destination_id, count)
 CROSS JOIN LATERAL (
   SELECT d.id, d.event_id, d.attempts - d.probes AS counted, d.due_at FROM platform_webhookdelivery d
    WHERE d.destination_id = wanted.destination_id AND d.state = 'pending' AND d.due_at <= statement_timestamp()
      AND d.id <> ALL(%s::uuid[])
      AND NOT EXISTS (SELECT FROM platform_webhookdelivery b WHERE b.destination_id = d.destination_id
                         AND b.subject_id = d.subject_id AND b.state = 'pending' AND b.event_id < d.event_id)
    ORDER BY d.due_at, d.event_id LIMIT wanted.count
 ) d
  JOIN platform_event e ON e.id = d.event_id
 ORDER BY d.due_at, d.event_id
"""


@hides("type", "data")
class Due(NamedTuple):
    """A delivery to be sent. `counted`: its attempts so far without probes."""

    destination_id: UUID
    id: UUID
    event_id: UUID
    counted: int
    type: str
    occurred_at: datetime
    data: str


def due(wanted: Sequence[tuple[UUID, int]], without: Iterable[UUID]) -> list[Due]:
    """The deliveries of each destination that are due, at most so many, without those that are under way."""
    destinations, counts = [each for each, _ in wanted], [count for _, count in wanted]
    return [Due(*row) for row in sql.run(_DUE, [sql.ids(destinations), sql.numbers(counts), sql.ids(without)])]
