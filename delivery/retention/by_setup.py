"""Purges of rows that belong to telephony setups, each setup of a workspace in turn."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import partial
from uuid import UUID

from rvm.platform.database import sql
from rvm.platform.retention.purges import MAX_COUNTED, Purge, in_steps
from rvm.platform.retention_kinds import RetentionKind
from usecases.models import TelephonySetup


def purge_by_setup(kind: RetentionKind, rows: str, *, remove: str, old: str) -> Purge:
    """The purge of `rows`, as they are called.

    `old` is the FROM and WHERE of a setup's rows before a moment; `remove` is the statement that removes as many of them as its last
    argument says, and selects how many there were.
    """

    def step(setup_id: UUID, moment: datetime, most: int) -> int:
        [(removed,)] = sql.run(remove, [setup_id, moment, most])
        return int(removed)

    def run(workspace_id: UUID, now: datetime) -> Iterator[int]:
        for setup_id in _setups_of(workspace_id):
            yield from in_steps(workspace_id, kind, now, partial(step, setup_id))

    def count(workspace_id: UUID, before: datetime) -> int:
        found = 0
        for setup_id in _setups_of(workspace_id):
            counted = f"SELECT count(*) FROM (SELECT {old} LIMIT %s) found"  # noqa: S608 - of constants
            [(more,)] = sql.run(counted, [setup_id, before, MAX_COUNTED + 1 - found])
            found += more
        return found

    return Purge(kind, rows, run, count)


def _setups_of(workspace_id: UUID) -> list[UUID]:
    """All of the workspace's, deleted ones too."""
    return list(TelephonySetup.objects.filter(workspace_id=workspace_id).order_by("pk").values_list("pk", flat=True))
