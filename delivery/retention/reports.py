"""Removal of raw callbacks, and of the numbers in the reports that they held. What the reports said stays."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import partial
from uuid import UUID

from rvm.platform.database import sql
from rvm.platform.retention.kinds import RetentionKind
from rvm.platform.retention.purges import MAX_COUNTED, Purge, in_steps
from usecases.models import TelephonySetup

# By the partial index of these. A report that waits to be merged is none of them.
_OLD = """
  FROM delivery_carrierreport
 WHERE setup_id = %s AND received_at <= %s AND merged_at IS NOT NULL AND (raw IS NOT NULL OR recipient IS NOT NULL)
"""
_REMOVE = f"""
WITH found AS MATERIALIZED (SELECT id {_OLD} ORDER BY received_at LIMIT %s FOR NO KEY UPDATE SKIP LOCKED), removed AS (
  UPDATE delivery_carrierreport r SET raw = NULL, recipient = NULL FROM found WHERE r.id = found.id RETURNING r.id
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


def setups_of(workspace_id: UUID) -> list[UUID]:
    """All of the workspace's, deleted ones too."""
    return list(TelephonySetup.objects.filter(workspace_id=workspace_id).order_by("pk").values_list("pk", flat=True))


REPORTS = Purge(RetentionKind.CALLBACKS, "carriers' reports", purge, count)
