"""Removal of what voicemails say about people. The rows stay, with their status, times, campaign and blind index.

So counts, caps and the search for duplicates are as before, and nothing can be sent to the person by this row again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from uuid import UUID

from django.db import transaction

from rvm.platform.database import sql
from rvm.platform.retention import holds, rules
from rvm.platform.retention.purges import MAX_COUNTED, STEP_ROWS, Purge
from rvm.platform.retention_kinds import RetentionKind

# The next that have ended, by the partial index of those with a number. Held ones are read and passed over.
_FIND_ENDED = """
SELECT ended_at, id, lane_id FROM delivery_voicemail
 WHERE workspace_id = %s AND recipient IS NOT NULL AND ended_at IS NOT NULL AND ended_at <= %s AND (ended_at, id) > (%s, %s)
 ORDER BY ended_at, id LIMIT %s
"""
_COUNT_ENDED = """
SELECT count(*) FROM (
  SELECT FROM delivery_voicemail
   WHERE workspace_id = %s AND recipient IS NOT NULL AND ended_at IS NOT NULL AND ended_at <= %s AND lane_id <> ALL(%s::uuid[])
   LIMIT %s) found
"""
# By their ids alone, so that the planner reads no other index; one that another transaction holds is left for the next time. A retry
# or a late report may have changed it since it was found. Without a moment by which they have ended,
# the numbers of those at a carrier go too.
_REMOVE = """
WITH found AS MATERIALIZED (
  SELECT id, status, ended_at FROM delivery_voicemail WHERE id = ANY(%s::uuid[]) AND recipient IS NOT NULL
   ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
), removed AS (
  UPDATE delivery_voicemail v
     SET recipient = NULL, last4 = '', record_number = NULL, merge_fields = NULL, metadata = NULL, zones = NULL,
         number_removed_at = statement_timestamp(), updated_at = statement_timestamp()
    FROM found, (SELECT %s::timestamptz AS ended_before) t
   WHERE v.id = found.id AND found.status NOT IN ('queued', 'sending')
     AND coalesce(found.ended_at <= t.ended_before, t.ended_before IS NULL)
  RETURNING v.id
), identifiers AS (
  UPDATE delivery_voicemailidentifier i SET record_number = NULL FROM removed
   WHERE i.voicemail_id = removed.id AND i.record_number IS NOT NULL
), decisions AS (
  DELETE FROM delivery_keptdecision k USING removed WHERE k.voicemail_id = removed.id
)
SELECT id FROM removed
"""


def remove_numbers(voicemail_ids: Collection[UUID], *, ended_before: datetime | None) -> set[UUID]:
    """Remove what the voicemails say about people and return their ids: of those that have ended before, or without a moment of all
    that are neither queued nor being sent. A voicemail whose row is locked is passed over."""
    return {row[0] for row in sql.run(_REMOVE, [sql.ids(voicemail_ids), ended_before])} if voicemail_ids else set()


def purge(workspace_id: UUID, now: datetime) -> Iterator[int]:
    place = datetime.min.replace(tzinfo=UTC), UUID(int=0)
    while (moment := rules.before(workspace_id, RetentionKind.NUMBERS, now)) is not None:
        with transaction.atomic():
            held = holds.held_campaigns(workspace_id)
            rows = sql.run(_FIND_ENDED, [workspace_id, moment, *place, STEP_ROWS])
            ids = [voicemail_id for _, voicemail_id, lane_id in rows if lane_id not in held]
            removed = remove_numbers(ids, ended_before=moment)
        if not rows:
            return
        place = rows[-1][0], rows[-1][1]
        yield len(removed)


def count(workspace_id: UUID, before: datetime) -> int:
    if holds.is_held(workspace_id):
        return 0
    held = sql.ids(holds.held_campaigns(workspace_id))
    [(found,)] = sql.run(_COUNT_ENDED, [workspace_id, before, held, MAX_COUNTED + 1])
    return int(found)


NUMBERS = Purge(RetentionKind.NUMBERS, "voicemails", purge, count)
