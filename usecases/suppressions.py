"""Suppression list of each workspace: numbers that must not be reached, found by blind index. All reads and writes are here.

Entries are permanent, except those that only one opt-out list has named: such a row has the list's id until another source names the
number too, and can be removed by that id.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from uuid import UUID

from django.db import connection

from rvm.platform.database import sql
from rvm.platform.database.ids import uuid7
from rvm.platform.encryption.crypto import blind_index, cipher
from usecases.models import Suppression

MUST_NOT_BE_REACHED = "This person is on the workspace's suppression list and must not be reached."

_NUMBER: bytes = Suppression._meta.get_field("number").purpose
# One array per column: lists have up to a million numbers, and inserts by the ORM take ten times as long. An existing row only loses
# its import_id, if another source names its number. `xmax` of an inserted row is 0.
_PUT_ON_LIST = """
WITH put AS (
  INSERT INTO usecases_suppression AS there
         (id, workspace_id, number, number_index, last4, reason, index_key, source, import_id)
  SELECT rows.*, %s, %s, %s FROM unnest(%s::uuid[], %s::uuid[], %s::bytea[], %s::bytea[], %s::text[], %s::text[]) AS rows
  ON CONFLICT (workspace_id, number_index) DO UPDATE SET import_id = NULL
   WHERE there.import_id IS NOT NULL AND there.import_id IS DISTINCT FROM EXCLUDED.import_id
  RETURNING xmax = 0 AS added)
SELECT count(*) FILTER (WHERE added) FROM put
"""
# SKIP LOCKED: another transaction that has locked a row is naming its number too; if it rolls back, the next call takes the row.
_TAKE_BACK = """
DELETE FROM usecases_suppression WHERE id IN (
  SELECT id FROM usecases_suppression WHERE import_id = %s LIMIT %s FOR UPDATE SKIP LOCKED)
RETURNING number_index
"""


# All queries whether a number is suppressed are built from this.
_LISTED_INDEXES = "SELECT listed.number_index FROM usecases_suppression listed WHERE listed.workspace_id = "
_LISTED_AMONG = f"{_LISTED_INDEXES}%s AND listed.number_index = ANY(%s)"


def suppressed_sql(*, workspace: str, matches: str) -> str:
    """SQL condition: the list of `workspace` (an SQL expression) has an index that `matches` (from BlindIndex.match_sql).

    OFFSET 0 makes PostgreSQL probe the list row by row, even if its statistics do not know yet that the list has grown.
    """
    return f"EXISTS ({_LISTED_INDEXES}{workspace} AND listed.number_index {matches} OFFSET 0)"


def suppressed_indexes_sql(*, workspace: str) -> str:
    """SQL query for all indexes on the list of `workspace`: for a hash join, if nearly all people of a workspace are checked."""
    return f"{_LISTED_INDEXES}{workspace}"


def suppressed_among(workspace_id: UUID, indexes: Collection[bytes]) -> set[bytes]:
    """The subset of the indexes that is on the workspace's list."""
    return {bytes(index) for (index,) in sql.run(_LISTED_AMONG, [workspace_id, list(indexes)])} if indexes else set()


def are_suppressed(workspace_id: UUID, people: Sequence[tuple[bytes, str | None]]) -> list[bool]:
    """Whether each person is on the workspace's list. `people`: pairs of the row's blind index and the number, None if unreadable.

    The number is used only during a key rotation, when row and list may have indexes of different keys.
    """
    index, rotating = blind_index(), blind_index().rotating
    known = [
        [own, *index.all_of(workspace_id, number)] if rotating and number is not None else [own]
        for own, number in people
    ]
    listed = suppressed_among(workspace_id, {each for indexes in known for each in indexes})
    return [not listed.isdisjoint(indexes) for indexes in known]


def suppress(*, workspace_id: UUID, number: str, source: Suppression.Source, reason: str) -> None:
    """Add an E.164 number to the workspace's list permanently. An existing entry stays, and can no longer be removed by an undo."""
    suppress_all([(workspace_id, number, reason)], source)


def suppress_all(
    entries: Iterable[tuple[UUID, str, str]],
    source: Suppression.Source = Suppression.Source.CARRIER,
    *,
    import_id: UUID | None = None,
) -> int:
    """Add many numbers, given as workspace id, E.164 number and reason; returns how many were new.

    With `import_id`, `take_back` can remove the new entries until another source names the number.
    """
    index, encrypt = blind_index(), cipher().encrypt
    # The first entry of each number: one INSERT … ON CONFLICT can affect a row only once.
    reasons: dict[tuple[str, UUID], str] = {}
    for workspace_id, number, reason in entries:
        reasons.setdefault((number, workspace_id), reason)
    return _put(
        [
            (
                uuid7(),
                workspace_id,
                encrypt(number.encode(), _NUMBER),
                index.of(workspace_id, number),
                number[-4:],
                reason,
            )
            # In the same order in every transaction, so that two that add the same numbers cannot deadlock.
            for (number, workspace_id), reason in sorted(reasons.items())
        ],
        index.current,
        source,
        import_id,
    )


def suppress_index(*, workspace_id: UUID, number_index: bytes, index_key: int, last4: str, reason: str) -> None:
    """Suppress a person whose number cannot be decrypted, by the blind index of their voicemail."""
    _put([(uuid7(), workspace_id, None, number_index, last4, reason)], index_key, Suppression.Source.CARRIER, None)


def _put(
    rows: Sequence[tuple[UUID, UUID, bytes | None, bytes, str, str]],
    index_key: int,
    source: Suppression.Source,
    import_id: UUID | None,
) -> int:
    """Insert `rows` (distinct numbers) and return how many were new."""
    if not rows:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(_PUT_ON_LIST, [index_key, source, import_id, *map(list, zip(*rows, strict=True))])
        (added,) = cursor.fetchone()
        return int(added)


def take_back(import_id: UUID, most: int) -> list[bytes]:
    """Remove up to `most` numbers that only this import has named, and return their indexes.

    The result is also empty if other transactions have locked all remaining rows.
    """
    with connection.cursor() as cursor:
        cursor.execute(_TAKE_BACK, [import_id, most])
        return [bytes(index) for (index,) in cursor.fetchall()]


def is_suppressed(workspace_id: UUID, number: str) -> bool:
    return bool(suppressed_among(workspace_id, blind_index().all_of(workspace_id, number)))


def is_suppressed_for_good(workspace_id: UUID, number: str) -> bool:
    """Whether the number is suppressed by an entry that no undo of an import removes."""
    return Suppression.objects.filter(
        workspace_id=workspace_id, number_index__in=blind_index().all_of(workspace_id, number), import_id=None
    ).exists()
