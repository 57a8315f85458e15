"""Which process sends to which destination: one at a time, which leases it for LEASE_SECONDS and extends that.

The process with the lease alone knows what is under way to it, so that requests at a time, their pace and the order of each subject
need no lock. A process that is killed extends nothing; then another one begins where the rows say, which may send once more what
the first has sent.
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from rvm.platform.database import sql

LEASE_SECONDS = 30

# Of those that nobody has a lease of, that may be sent to, and for which something is due or was published.
_TAKE = f"""
UPDATE platform_webhookdestination SET leased_by = %s, leased_until = statement_timestamp() + interval '{LEASE_SECONDS} seconds'
 WHERE id = ANY(ARRAY(
   SELECT d.id FROM platform_webhookdestination d
    WHERE d.disabled_at IS NULL AND d.deleted_at IS NULL
      AND (d.leased_until IS NULL OR d.leased_until < statement_timestamp())
      AND (d.waits_until IS NULL OR d.waits_until <= statement_timestamp())
      AND (EXISTS (SELECT FROM platform_webhookdelivery p
                    WHERE p.destination_id = d.id AND p.state = 'pending' AND p.due_at <= statement_timestamp())
           OR EXISTS (SELECT FROM platform_event e
                       WHERE e.workspace_id = d.workspace_id AND e.live = d.live AND e.id > d.position))
    ORDER BY d.leased_until NULLS FIRST, d.id LIMIT %s FOR UPDATE SKIP LOCKED))
RETURNING id
"""  # noqa: S608 - of constants
_EXTEND = f"""
UPDATE platform_webhookdestination SET leased_until = statement_timestamp() + interval '{LEASE_SECONDS} seconds'
 WHERE id = ANY(ARRAY(
   SELECT id FROM platform_webhookdestination
    WHERE id = ANY(%s::uuid[]) AND leased_by = %s AND leased_until > statement_timestamp()
      AND disabled_at IS NULL AND deleted_at IS NULL
    ORDER BY id FOR NO KEY UPDATE))
RETURNING id
"""  # noqa: S608 - of constants
_RELEASE = """
UPDATE platform_webhookdestination SET leased_by = NULL, leased_until = statement_timestamp()
 WHERE id = ANY(ARRAY(
   SELECT id FROM platform_webhookdestination WHERE id = ANY(%s::uuid[]) AND leased_by = %s ORDER BY id FOR NO KEY UPDATE))
"""


def take(process_id: UUID, count: int) -> list[UUID]:
    """At most so many destinations more."""
    return [found for (found,) in sql.run(_TAKE, [process_id, count])]


def extend(process_id: UUID, leased: Iterable[UUID]) -> set[UUID]:
    """The destinations of which the process still has the lease; to the others nothing may be sent any more."""
    return {found for (found,) in sql.run(_EXTEND, [sql.ids(leased), process_id])}


def release(process_id: UUID, leased: Iterable[UUID]) -> None:
    sql.run(_RELEASE, [sql.ids(leased), process_id])
