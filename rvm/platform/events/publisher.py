"""The publisher: moves committed events from the outbox to the feed, where they get their places.

Two transactions may commit in another order than they took their ids in. A reader who had seen the later event would never learn of
the earlier one. Therefore one publisher at a time, under a lock of the database, gives places to what is committed, each behind all
that were given before. It moves events in one statement, so one that is killed between any two commits neither loses nor doubles one.
"""

from __future__ import annotations

from django.db import transaction

from rvm.platform.database import sql
from rvm.platform.database.ids import uuid7_sql

# At most: what a few tenths of a second move. The place within a batch has 12 bits.
BATCH = 2_000
_LOCK = "SELECT pg_try_advisory_xact_lock(hashtext('rvm.events.publisher'))"
# An id is a UUID of version 7: a millisecond that no batch before has, the place within this batch, and random bits. The newest event
# says the last batch's millisecond, so that ids rise if the clock goes back, too.
#
# The batch is a range of ids: one snapshot says its end and its rows. A list of ids would be joined by a plan that was made, and
# kept, for an outbox that is nearly always empty: each row of a long one with each of the list.
_PUBLISH = f"""
WITH taken AS (
  DELETE FROM platform_outbox WHERE id <= (SELECT max(id) FROM (SELECT id FROM platform_outbox ORDER BY id LIMIT %s) oldest)
  RETURNING id, workspace_id, live, type, subject_id, occurred_at, data
), batch AS (
  SELECT greatest(
           (extract(epoch FROM clock_timestamp()) * 1000)::bigint,
           1 + coalesce((SELECT ('x' || left(replace(id::text, '-', ''), 12))::bit(48)::bigint
                           FROM platform_event ORDER BY id DESC LIMIT 1), 0)
         ) AS millisecond
), published AS (
  INSERT INTO platform_event (id, workspace_id, live, type, subject_id, occurred_at, data)
  SELECT {uuid7_sql("millisecond", "row_number() OVER (ORDER BY id)")},
         workspace_id, live, type, subject_id, occurred_at, data
    FROM taken, batch ORDER BY id
  RETURNING 1
)
SELECT count(*) FROM published
"""  # noqa: S608 - of constants


def publish() -> int:
    """Publish the oldest events of the outbox, at most BATCH, and return how many; 0 also while another process publishes."""
    with transaction.atomic():
        [(alone,)] = sql.run(_LOCK, [])
        if not alone:
            return 0
        [(count,)] = sql.run(_PUBLISH, [BATCH])
    return int(count)
