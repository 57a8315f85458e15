"""Removal of deliveries and their attempts together with the events that they tell of."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import partial
from uuid import UUID

from rvm.platform.database import sql
from rvm.platform.database.ids import first_id_at
from rvm.platform.retention.purges import MAX_COUNTED, Purge, in_steps
from rvm.platform.retention_kinds import RetentionKind

# Of each destination, also of one that is deleted.
_OLD = """
FROM platform_webhookdestination d
CROSS JOIN LATERAL (
  SELECT id FROM platform_webhookdelivery p WHERE p.destination_id = d.id AND p.event_id < %s ORDER BY p.event_id LIMIT %s
) old
WHERE d.workspace_id = %s
"""
_REMOVE = f"""
WITH old AS MATERIALIZED (
  SELECT old.id {_OLD} LIMIT %s
), removed AS (
  DELETE FROM platform_webhookdelivery WHERE id = ANY(ARRAY(
    SELECT id FROM platform_webhookdelivery WHERE id IN (SELECT id FROM old) ORDER BY id FOR UPDATE SKIP LOCKED))
  RETURNING id
), without AS (
  DELETE FROM platform_webhookattempt WHERE delivery_id IN (SELECT id FROM removed)
)
SELECT count(*) FROM removed
"""  # noqa: S608 - of constants
_COUNT = f"SELECT count(*) FROM (SELECT old.id {_OLD} LIMIT %s) found"  # noqa: S608 - of constants


def purge(workspace_id: UUID, now: datetime) -> Iterator[int]:
    return in_steps(workspace_id, RetentionKind.EVENTS, now, partial(_remove, workspace_id))


def _remove(workspace_id: UUID, moment: datetime, most: int) -> int:
    [(removed,)] = sql.run(_REMOVE, [first_id_at(moment), most, workspace_id, most])
    return int(removed)


def count(workspace_id: UUID, before: datetime) -> int:
    most = MAX_COUNTED + 1
    [(found,)] = sql.run(_COUNT, [first_id_at(before), most, workspace_id, most])
    return int(found)


DELIVERIES = Purge(RetentionKind.EVENTS, "deliveries of webhooks", purge, count)
