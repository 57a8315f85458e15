"""Removal of commands to calls that have ended. Until then they keep a repeated callback from playing a message twice."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import partial
from uuid import UUID

from delivery.retention.reports import setups_of
from rvm.platform.database import sql
from rvm.platform.retention.kinds import RetentionKind
from rvm.platform.retention.purges import MAX_COUNTED, Purge, in_steps

_OLD = """
  FROM delivery_callcommand WHERE setup_id = %s AND created_at <= %s AND state NOT IN ('waiting', 'leaving')
"""
_REMOVE = f"""
WITH found AS MATERIALIZED (SELECT id {_OLD} ORDER BY created_at LIMIT %s FOR UPDATE SKIP LOCKED), removed AS (
  DELETE FROM delivery_callcommand c USING found WHERE c.id = found.id RETURNING c.id
)
SELECT count(*) FROM removed
"""  # noqa: S608 - of constants
_COUNT = f"SELECT count(*) FROM (SELECT {_OLD} LIMIT %s) found"  # noqa: S608 - of constants


def purge(workspace_id: UUID, now: datetime) -> Iterator[int]:
    for setup_id in setups_of(workspace_id):
        yield from in_steps(workspace_id, RetentionKind.CALLBACKS, now, partial(_remove, setup_id))


def _remove(setup_id: UUID, moment: datetime, most: int) -> int:
    [(removed,)] = sql.run(_REMOVE, [setup_id, moment, most])
    return int(removed)


def count(workspace_id: UUID, before: datetime) -> int:
    found = 0
    for setup_id in setups_of(workspace_id):
        [(more,)] = sql.run(_COUNT, [setup_id, before, MAX_COUNTED + 1 - found])
        found += more
    return found


COMMANDS = Purge(RetentionKind.CALLBACKS, "commands to calls", purge, count)
