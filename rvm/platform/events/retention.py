"""Removal of events from the feed once they are older than it promises."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from rvm.platform.database import sql
from rvm.platform.database.ids import first_id_at
from rvm.platform.retention import rules
from rvm.platform.retention.kinds import RetentionKind
from rvm.platform.retention.purges import MAX_COUNTED, STEP_ROWS, Purge

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
        while (moment := rules.before(workspace_id, RetentionKind.EVENTS, now)) is not None:
            [(removed,)] = sql.run(_REMOVE, [workspace_id, live, first_id_at(moment), STEP_ROWS])
            if removed:
                yield removed
            if removed < STEP_ROWS:
                break


def count(workspace_id: UUID, before: datetime) -> int:
    found = 0
    for live in (True, False):
        [(more,)] = sql.run(_COUNT, [workspace_id, live, first_id_at(before), MAX_COUNTED + 1 - found])
        found += more
    return found


EVENTS = Purge(RetentionKind.EVENTS, "events", purge, count)
