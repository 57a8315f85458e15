"""Consents that stand: neither revoked nor of another purpose. Set-wise checks for claims and previews.

A check of a person probes one index by the number's blind index, and another by the consent for its revocation.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from rvm.platform.database import sql
from rvm.platform.encryption.crypto import blind_index
from usecases.consents.bases import NeededConsent
from usecases.eligibility import ConsentHeld


# All queries for consents are built from these two. `any_basis`: whether any basis will do.
def _standing(purpose: str = "%s", any_basis: str = "%s") -> str:
    return (
        f"c.revokes_id IS NULL AND {purpose} = ANY(c.purposes) AND ({any_basis} OR c.basis = 'written_consent')"
        " AND NOT EXISTS (SELECT FROM usecases_consent r WHERE r.revokes_id = c.id)"
    )


def _ends(valid_days: str = "%s::int") -> str:
    """The end of a consent as SQL: its own, or by its age. The number of days is null without a limit."""
    return f"least(c.expires_at, c.at + make_interval(days => {valid_days}))"


# No index serves IS NOT DISTINCT FROM, so that the planner must probe by number.
_AMONG = f"""
SELECT c.number_index, c.id, {_ends()} FROM usecases_consent c
 WHERE c.number_index = ANY(%s::bytea[]) AND c.workspace_id IS NOT DISTINCT FROM %s AND {_standing()}
"""  # noqa: S608 - of constants
# Of one person, those that count for each of several needs.
_FOR_EACH = f"""
SELECT needed.purpose, needed.written, needed.valid_days, c.id, {_ends("needed.valid_days")}
  FROM unnest(%(purposes)s::text[], %(written)s::bool[], %(valid_days)s::int[]) AS needed(purpose, written, valid_days)
  JOIN usecases_consent c ON {_standing("needed.purpose", "NOT needed.written")}
 WHERE c.number_index = ANY(%(indexes)s::bytea[]) AND c.workspace_id IS NOT DISTINCT FROM %(workspace)s
"""  # noqa: S608 - of constants
# All of a workspace, for a hash: nearly all people of a campaign are checked. Parameters: those of `consented_parameters`.
CONSENTED_INDEXES_SQL = f"""
SELECT c.number_index FROM usecases_consent c
 WHERE c.workspace_id = %s AND {_standing()} AND (%s OR coalesce({_ends()} > %s, true))
"""  # noqa: S608


def consented_parameters(workspace_id: UUID, needed: NeededConsent, *, at: datetime, ageless: bool) -> list[object]:
    """The parameters of CONSENTED_INDEXES_SQL. `ageless`: consents do not end by themselves."""
    return [workspace_id, needed.purpose, not needed.written, ageless, needed.valid_days, at]


def consents_held(
    workspace_id: UUID, people: Sequence[tuple[bytes, str | None]], needed: NeededConsent | None
) -> list[ConsentHeld | None]:
    """For each person, the consents that stand; None without one, and if none is needed. `people`: pairs of the row's blind
    index and the number, None if unreadable."""
    if needed is None:
        return [None] * len(people)
    known = [blind_index().known_of(workspace_id, *person) for person in people]
    found = _among(workspace_id, {each for indexes in known for each in indexes}, needed)
    return [_held([row for index in indexes for row in found.get(index, ())]) for indexes in known]


def consents_for(
    workspace_id: UUID, person: tuple[bytes, str | None], needed: Sequence[NeededConsent | None]
) -> list[ConsentHeld | None]:
    """What `consents_held` finds of one person for each of several needs."""
    found: dict[NeededConsent, list[tuple[UUID, datetime | None]]] = defaultdict(list)
    if asked := set(filter(None, needed)):
        indexes = blind_index().known_of(workspace_id, *person)
        purposes, written, valid_days = zip(*asked, strict=True)
        sought = {
            "workspace": workspace_id,
            "indexes": sql.binaries(indexes),
            "purposes": sql.texts(purposes),
            "written": list(written),
            "valid_days": sql.numbers(valid_days),
        }
        for *need, identifier, ends in sql.run(_FOR_EACH, sought):
            found[NeededConsent(*need)].append((identifier, ends))
    return [_held(found.get(each, ())) if each else None for each in needed]


def _among(
    workspace_id: UUID, indexes: Collection[bytes], needed: NeededConsent
) -> dict[bytes, list[tuple[UUID, datetime | None]]]:
    found: dict[bytes, list[tuple[UUID, datetime | None]]] = defaultdict(list)
    if indexes:
        sought = [needed.valid_days, sql.binaries(indexes), workspace_id, needed.purpose, not needed.written]
        for index, identifier, ends in sql.run(_AMONG, sought):
            found[bytes(index)].append((identifier, ends))
    return found


def _held(rows: Sequence[tuple[UUID, datetime | None]]) -> ConsentHeld | None:
    if not rows:
        return None
    ends = [end for _, end in rows if end is not None]
    until = max(ends) if len(ends) == len(rows) else None
    return ConsentHeld(tuple(sorted(str(identifier) for identifier, _ in rows)), until)
