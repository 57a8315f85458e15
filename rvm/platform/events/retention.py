"""Removal of events from the feed once they are older than it promises."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import partial
from uuid import UUID

from rvm.platform.database import sql
from rvm.platform.database.ids import first_id_at
from rvm.platform.retention.purges import MAX_COUNTED, Purge, in_steps
from rvm.platform.retention_kinds import RetentionKind

_OLD = "FROM platform_event WHERE workspace_id = %s AND live = %s AND id < %s"
_REMOVE = f"""
WITH removed AS (
  DELETE FROM platform_event WHERE id = ANY(ARRAY(SELECT id {_OLD} ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED)) RETURNING 1
)
SELECT count(*) FROM removed
"""  # noqa: S608 - of constants
_COUNT = f"SELECT count(*) FROM (SELECT {_OLD} LIMIT %s) found"  # noqa: S608 - of constants


def purge(workspace_id: UUID, now: datetime) -> Iterator[int]:
    for live in (True, False):
        yield from in_steps(workspace_id, RetentionKind.EVENTS, now, partial(_remove, workspace_id, live))


def _remove(workspace_id: UUID, live: bool, moment: datetime, most: int) -> int:
    [(removed,)] = sql.run(_REMOVE, [workspace_id, live, first_id_at(moment), most])
    return int(removed)


def count(workspace_id: UUID, before: datetime) -> int:
    found = 0
    for live in (True, False):
        [(more,)] = sql.run(_COUNT, [workspace_id, live, first_id_at(before), MAX_COUNTED + 1 - found])
        found += more
    return found


EVENTS = Purge(RetentionKind.EVENTS, "events", purge, count)
