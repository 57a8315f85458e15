"""Idle lanes, which looks for work skip: lanes in which nothing has been under way for ten minutes, such as those of past campaigns.

Code that queues a voicemail in an idle lane makes it active in the same transaction. If a voicemail is queued in another way, such as
by a retry after a late report, the tick makes the lane active before it wakes workers: from the counters within a second, from the
rows themselves within minutes. So a lane that is idle by mistake delays voicemails but loses none.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import structlog
from django.db import transaction

from delivery.lane_totals import LANES_WITH
from delivery.lifecycle.status import OPEN_ENDED
from delivery.models import Lane
from rvm.platform.database import sql
from rvm.platform.models import Tally

log = structlog.get_logger(__name__)

REACTIVATED = "woken_lanes"
# Limits of one tick: lanes made idle, and lanes whose rows are read.
MAX_MADE_IDLE = 1000
MAX_CHECKED = 500

# Makes lanes idle in which nothing is under way.
# The counters select candidates, the rows decide. Deltas that are not rolled up keep their lane active, and so does a lock on the
# lane: its holder may be about to queue a voicemail.
_MARK_IDLE = """
UPDATE delivery_lane SET idle = true WHERE id = ANY(ARRAY(
  SELECT l.id FROM delivery_lane l
   WHERE l.id = ANY(ARRAY(SELECT id FROM delivery_lane WHERE NOT idle AND NOT held ORDER BY id))
     AND NOT l.idle AND NOT l.held AND l.created_at <= now() - interval '10 minutes'
     AND NOT EXISTS (SELECT 1 FROM delivery_lanecount c WHERE c.lane_id = l.id
                        AND (c.changed_at > now() - interval '10 minutes' OR c.count <> 0 AND c.status = ANY(%s)))
     AND NOT EXISTS (SELECT 1 FROM delivery_lanedelta d WHERE d.lane_id = l.id)
     AND (SELECT v.id FROM delivery_voicemail v WHERE v.lane_id = l.id AND v.status = 'queued'
           ORDER BY v.failover, v.not_before LIMIT 1) IS NULL
   ORDER BY l.id LIMIT %s FOR NO KEY UPDATE OF l SKIP LOCKED))
"""
# Makes the idle ones of the lanes active. Lanes that another transaction has locked follow at the next tick.
_MARK_ACTIVE = """
UPDATE delivery_lane SET idle = false WHERE id = ANY(ARRAY(
  SELECT id FROM delivery_lane WHERE idle AND id = ANY(%s::uuid[]) ORDER BY id FOR NO KEY UPDATE SKIP LOCKED))
RETURNING id
"""
# The next lanes by id, and whether each is idle although its rows include a queued voicemail.
_CHECK_NEXT_LANES = """
SELECT l.id, l.idle AND (SELECT v.id FROM delivery_voicemail v WHERE v.lane_id = l.id AND v.status = 'queued'
                          ORDER BY v.failover, v.not_before LIMIT 1) IS NOT NULL
  FROM (SELECT id, idle FROM delivery_lane WHERE id > %s ORDER BY id LIMIT %s) l ORDER BY l.id
"""
_FIRST = UUID(int=0)

_checked_up_to = _FIRST  # by this process


def mark_idle(now: datetime) -> None:
    """Make lanes idle in which nothing is queued or under way and no count has changed for ten minutes."""
    sql.run(_MARK_IDLE, [_names(), MAX_MADE_IDLE])


def mark_active(lane: Lane) -> None:
    """Make the lane active again. Call this in the transaction that queues voicemails in it."""
    if lane.idle:
        Lane.objects.filter(pk=lane.pk).update(idle=False)
        lane.idle = False


def reactivate_lanes(now: datetime) -> int:
    """Make idle lanes active in which something is queued or under way, and return how many."""
    global _checked_up_to
    stirring = {row[0] for row in sql.run(LANES_WITH, [_names()])}
    page = sql.run(_CHECK_NEXT_LANES, [_checked_up_to, MAX_CHECKED])
    _checked_up_to = page[-1][0] if len(page) == MAX_CHECKED else _FIRST
    stirring |= {lane_id for lane_id, waits in page if waits}
    if not stirring:
        return 0
    with transaction.atomic():
        woken = [row[0] for row in sql.run(_MARK_ACTIVE, [sql.ids(stirring)])]
        if woken:
            Tally.add(REACTIVATED, len(woken), now)
    for lane_id in woken:
        log.info("lane_woken", lane_id=str(lane_id))
    return len(woken)


def _names() -> str:
    return sql.texts(sorted(status.value for status in OPEN_ENDED))
