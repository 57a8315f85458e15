"""The chain of audit events: each seal has the hash of an event's content and of the seal before it.

Each workspace has a chain, and so has the platform for its own events. Events are sealed after their commit, by the tick, in batches
and by one process at a time: hashes made in the transaction of the event would make all writers of a workspace wait for each other.
Until then an event is an `UnsealedEvent`.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.db import transaction

from rvm.platform.database import sql
from rvm.platform.encryption.crypto import chain_hash
from rvm.platform.models import AuditChain, Workspace

log = structlog.get_logger(__name__)

BATCH = 5000
_PLATFORM = UUID(int=0)
# How far back `log_heads` looks; more than the time between two calls of it, so that it misses no head.
_RECENTLY = timedelta(minutes=2)


def content_sql(sealed_at: str) -> str:
    """The SQL expression of what the hash of event `e` covers besides its position: every column, and the time of the seal.

    The text of a jsonb value is canonical: one order of keys, no insignificant spaces, exact numbers.
    """
    return (
        f"jsonb_build_array(extract(epoch FROM {sealed_at}), e.id, e.workspace_id, e.actor_id, e.key_id, host(e.address), e.action,"
        " e.subject_type, e.subject_id, e.details, e.request_id, extract(epoch FROM e.at))::text"
    )


def hash_of(previous: bytes, position: int, content: str, key_number: int | None = None) -> bytes:
    """The hash of the event at `position`, after the one with the hash `previous`. Raises KeyError for an unknown index key."""
    return chain_hash().of(previous, f"{position} {content}", key_number)


_TAKE_TURN = "SELECT pg_try_advisory_xact_lock(hashtextextended('rvm: chain of audit events', 0))"
# OFFSET 0 makes the planner look each event up by its id, whatever it has counted: a join would read all events for every batch.
_UNSEALED = f"""
SELECT e.id, e.workspace_id, {content_sql("%s::timestamptz")}
  FROM platform_unsealedevent u CROSS JOIN LATERAL (SELECT * FROM platform_auditevent WHERE id = u.event_id OFFSET 0) e
 WHERE NOT EXISTS (SELECT FROM platform_auditseal s WHERE s.event_id = u.event_id OFFSET 0) ORDER BY u.event_id LIMIT %s
"""  # noqa: S608 - the expression is ours
_ADD_SEALS = """
INSERT INTO platform_auditseal (event_id, chain_id, position, hash, key_number, sealed_at)
SELECT s.*, %s, %s FROM unnest(%s::uuid[], %s::uuid[], %s::bigint[], %s::bytea[]) AS s
"""
_RAISE_HEADS = """
UPDATE platform_auditchain c SET position = new.position, hash = new.hash, sealed_at = %s
  FROM unnest(%s::uuid[], %s::bigint[], %s::bytea[]) AS new(id, position, hash) WHERE c.id = new.id
"""
_REMOVE_UNSEALED = "DELETE FROM platform_unsealedevent WHERE event_id = ANY(%s::uuid[])"


def seal(now: datetime) -> int:
    """Seal committed events, at most BATCH of them, and return how many; none while another process seals."""
    with transaction.atomic():
        [(is_our_turn,)] = sql.run(_TAKE_TURN, [])
        events = sql.run(_UNSEALED, [now, BATCH]) if is_our_turn else []
        if not events:
            return 0
        heads = {workspace_id: _chain(workspace_id) for workspace_id in {workspace_id for _, workspace_id, _ in events}}
        sealed: list[tuple[UUID, UUID, int, bytes]] = []
        for event_id, workspace_id, content in events:
            head = heads[workspace_id]
            head.position += 1
            head.hash = hash_of(bytes(head.hash), head.position, content)
            sealed.append((event_id, head.pk, head.position, head.hash))
        event_ids, chains, positions, hashes = zip(*sealed, strict=True)
        seals = [sql.ids(event_ids), sql.ids(chains), sql.numbers(positions), sql.binaries(hashes)]
        sql.run(_ADD_SEALS, [chain_hash().current, now, *seals])
        raised = list(heads.values())
        sql.run(
            _RAISE_HEADS,
            [
                now,
                sql.ids(head.pk for head in raised),
                sql.numbers(head.position for head in raised),
                sql.binaries(bytes(head.hash) for head in raised),
            ],
        )
        sql.run(_REMOVE_UNSEALED, [sql.ids(event_ids)])
    return len(events)


def _chain(workspace_id: UUID | None) -> AuditChain:
    workspace = None if workspace_id is None else Workspace(pk=workspace_id)
    return AuditChain.objects.get_or_create(pk=workspace_id or _PLATFORM, defaults={"workspace": workspace})[0]


def log_heads(now: datetime) -> None:
    """Log the heads that rose lately: where logs leave the machine, nobody who can write to the database can lower these."""
    for chain in AuditChain.objects.filter(sealed_at__gt=now - _RECENTLY):
        log.info("audit_head", chain=name_of(chain), position=chain.position, hash=bytes(chain.hash).hex())


def name_of(chain: AuditChain) -> str:
    """The chain's name in heads and messages: the workspace's id, or `platform`."""
    return str(chain.workspace_id or "platform")
