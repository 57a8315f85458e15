"""Membership of workspaces in organisations: who shares what is said to an organisation, and the lock that keeps it from changing.

A transaction that writes something to all workspaces of an organisation holds the organisation's lock in shared mode, one in which a
workspace joins holds it alone. So a statement is either written to the new workspace too, or found by what copies it there.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from uuid import UUID

from rvm.platform.database import sql

# Called with (source, target) for each pair of workspaces that share from now on, in the transaction in which one joins the other's
# organisation, under the lock. A layer above appends its own.
ON_SHARED: list[Callable[[UUID, UUID], None]] = []
# Called with a workspace that has moved from another organisation, in the same transaction.
ON_MOVED: list[Callable[[UUID], None]] = []
# Called with the workspace that leaves an organisation, in the same transaction before.
ON_LEFT: list[Callable[[UUID], None]] = []

# OFFSET 0 keeps the order in which locks are taken, which is the same in all transactions.
_LOCK = """
SELECT each.id, {function}(hashtextextended('rvm.organisation:' || each.id::text, 0))
  FROM (SELECT id FROM unnest(%s::uuid[]) AS given(id) ORDER BY id OFFSET 0) each
"""
_LOCK_SHARED = _LOCK.format(function="pg_advisory_xact_lock_shared")
_LOCK_ALONE = _LOCK.format(function="pg_advisory_xact_lock")
_MEMBERS = """
SELECT own.id, own.organisation_id, array_agg(other.id ORDER BY other.id)
  FROM platform_workspace own JOIN platform_workspace other ON other.organisation_id = own.organisation_id
 WHERE own.id = ANY(%s::uuid[]) GROUP BY own.id, own.organisation_id
"""


def lock_shared(organisation_ids: Collection[UUID]) -> None:
    """Keep workspaces from joining these organisations until the transaction ends."""
    sql.run(_LOCK_SHARED, [sql.ids(set(organisation_ids))])


def lock_alone(organisation_ids: Collection[UUID]) -> None:
    """Wait for the transactions that write to all workspaces of these organisations, and keep others waiting."""
    sql.run(_LOCK_ALONE, [sql.ids(set(organisation_ids))])


def held_members(workspace_ids: Collection[UUID]) -> Mapping[UUID, list[UUID]]:
    """For each workspace, all workspaces of its organisation, itself among them; none joins or leaves until the transaction ends."""
    held: set[UUID] = set()
    while True:
        # Read again once the lock is held: a workspace may have moved while this waited for it.
        rows = sql.run(_MEMBERS, [sql.ids(set(workspace_ids))])
        organisations = {organisation_id for _, organisation_id, _ in rows}
        if organisations <= held:
            return {workspace_id: members for workspace_id, _, members in rows}
        lock_shared(organisations - held)
        held |= organisations


def shares_with_others(workspace_id: UUID) -> bool:
    """Whether the workspace's organisation has other workspaces."""
    return any(len(members) > 1 for _, _, members in sql.run(_MEMBERS, [sql.ids([workspace_id])]))
