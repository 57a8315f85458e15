"""The verification of the chains: reads all seals with their events in one snapshot, and says where something does not fit.

Memory does not grow with the number of events: they come through a cursor of the server.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from rvm.platform.audit.chain import content_sql, hash_of, name_of
from rvm.platform.database import sql
from rvm.platform.encryption.crypto import chain_hash
from rvm.platform.models import AuditChain, AuditSeal

# What a fetch brings.
FETCH = 2000

# Heads that were kept elsewhere: the hash at a position of a chain.
Heads = Mapping[tuple[str, int], str]


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that nobody may do to the audit has been done; `message` says where."""

    chain: str
    message: str


@dataclass(slots=True)
class Verification:
    """What was verified: `events` that have a seal, and `unsealed` ones, of which `oldest` is the oldest."""

    events: int = 0
    unsealed: int = 0
    oldest: datetime | None = None


_SEALS = f"""
SELECT s.position, s.event_id, s.key_number, s.hash, CASE WHEN e.id IS NOT NULL THEN {content_sql("s.sealed_at")} END
  FROM platform_auditseal s LEFT JOIN platform_auditevent e ON e.id = s.event_id WHERE s.chain_id = %s ORDER BY s.position
"""  # noqa: S608 - the expression is ours
_UNSEALED = """
SELECT count(*), min(e.at) FROM platform_unsealedevent u JOIN platform_auditevent e ON e.id = u.event_id
"""
_WITHOUT_SEAL = """
SELECT e.id FROM platform_auditevent e
 WHERE NOT EXISTS (SELECT FROM platform_auditseal s WHERE s.event_id = e.id)
   AND NOT EXISTS (SELECT FROM platform_unsealedevent u WHERE u.event_id = e.id) ORDER BY e.id
"""
_REMOVED_UNSEALED = """
SELECT u.event_id FROM platform_unsealedevent u
 WHERE NOT EXISTS (SELECT FROM platform_auditevent e WHERE e.id = u.event_id) ORDER BY u.event_id
"""
_ONE_SNAPSHOT = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"


@contextmanager
def one_snapshot() -> Iterator[None]:
    """A transaction that sees the audit as it is at its beginning, however long it takes."""
    with transaction.atomic(durable=True):
        sql.run(_ONE_SNAPSHOT, [])
        yield


def verify(kept: Heads, counts: Verification) -> Iterator[Fault]:
    """Yield each fault of the chains, and count in `counts` what was read. `kept` are heads that were kept elsewhere.

    Call it within `one_snapshot`.
    """
    chains = list(AuditChain.objects.order_by("id"))
    for chain in chains:
        yield from _verify_chain(chain, kept, counts)
    yield from _verify_others({chain.pk for chain in chains}, {name_of(chain) for chain in chains}, kept)
    [(counts.unsealed, counts.oldest)] = sql.run(_UNSEALED, [])


def _verify_chain(chain: AuditChain, kept: Heads, counts: Verification) -> Iterator[Fault]:
    name, position, previous = name_of(chain), 0, bytes(32)
    for place, event_id, key_number, digest, content in _stream(_SEALS, [chain.pk]):
        counts.events += 1
        # The event after a gap cannot be compared, because the hash before it is missing.
        known = previous if place == position + 1 else None
        if known is None:
            yield Fault(name, f"Positions {position + 1} to {place - 1} are missing: their seals were removed.")
        if fault := _compare(known, place, event_id, key_number, digest, content):
            yield Fault(name, fault)
        if kept.get((name, place), digest.hex()) != digest.hex():
            yield Fault(
                name,
                f"Position {place} has another hash than the head that was kept; all up to it may have been rewritten.",
            )
        position, previous = place, digest
    if (position, previous) != (chain.position, bytes(chain.hash)):
        yield Fault(
            name,
            f"The chain ends at position {position}, but its head is at {chain.position}: its last seals were removed or added.",
        )
    for other, place in kept:
        if other == name and place > position:
            yield Fault(
                name, f"A head at position {place} was kept, but the chain ends at {position}: its end was removed."
            )


def _compare(
    previous: bytes | None, place: int, event_id: UUID, key_number: int, digest: bytes, content: str | None
) -> str | None:
    if content is None:
        return f"Event {event_id} at position {place} was removed."
    if previous is None:
        return None
    if not chain_hash().knows(key_number):
        return (
            f"Event {event_id} at position {place} was sealed with index key {key_number}; list that in RVM_INDEX_KEYS, or its"
            " chain key in RVM_AUDIT_KEYS."
        )
    if hash_of(previous, place, content, key_number) != digest:
        return f"Event {event_id} at position {place} was changed, or took another's place."
    return None


def _verify_others(ids: set[UUID], names: set[str], kept: Heads) -> Iterator[Fault]:
    """Faults that belong to no chain that there is."""
    for name in sorted({name for name, _ in kept} - names):
        yield Fault(name, "A head of this chain was kept, but the chain was removed.")
    if lost := AuditSeal.objects.exclude(chain__in=ids).count():
        yield Fault("-", f"{lost:,} seals belong to a chain that was removed.")
    for query, what in (
        (
            _WITHOUT_SEAL,
            "has neither a seal nor waits for one; it was added without the trigger, or its seal was removed",
        ),
        (_REMOVED_UNSEALED, "was removed before it was sealed"),
    ):
        for (event_id,) in _stream(query, []):
            yield Fault("-", f"Event {event_id} {what}.")


def _stream(query: str, parameters: list[Any]) -> Iterator[tuple[Any, ...]]:
    with connection.chunked_cursor() as cursor:
        cursor.execute(query, parameters)
        while rows := cursor.fetchmany(FETCH):
            yield from rows
