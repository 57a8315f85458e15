"""Numbers that must not be reached: put there once, found by blind index, kept for ever. The one owner of who is suppressed.

One kind can be taken back, what an imported list alone has said: such a row has the import's id until anybody else says the same.
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
# One array a column: lists have a million numbers, and rows of the ORM take ten times as long. A row that is there stays as it is,
# but that it is an import's no longer once another one names its number. `xmax` of a row that was inserted is 0.
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
# What somebody else holds just now is about to be another's too, or is taken at the next call.
_TAKE_BACK = """
DELETE FROM usecases_suppression WHERE id IN (
  SELECT id FROM usecases_suppression WHERE import_id = %s LIMIT %s FOR UPDATE SKIP LOCKED)
RETURNING number_index
"""


# Every question whether a number is on the list is asked by this.
_LISTED_INDEXES = "SELECT listed.number_index FROM usecases_suppression listed WHERE listed.workspace_id = "
_LISTED_AMONG = f"{_LISTED_INDEXES}%s AND listed.number_index = ANY(%s)"


def suppressed_sql(*, workspace: str, matches: str) -> str:
    """A condition in SQL: whether the list of `workspace` (an expression) has an index that `matches` (BlindIndex.match_sql).

    OFFSET 0 has PostgreSQL probe the list row by row, whatever it believes of a list that has just grown.
    """
    return f"EXISTS ({_LISTED_INDEXES}{workspace} AND listed.number_index {matches} OFFSET 0)"


def suppressed_indexes_sql(*, workspace: str) -> str:
    """A query in SQL for all indexes on the list of `workspace`: to be hashed, where nearly everybody is asked about."""
    return f"{_LISTED_INDEXES}{workspace}"


def suppressed_among(workspace_id: UUID, indexes: Collection[bytes]) -> set[bytes]:
    """Those of the indexes that are on the workspace's list."""
    return {bytes(index) for (index,) in sql.run(_LISTED_AMONG, [workspace_id, list(indexes)])} if indexes else set()


def are_suppressed(workspace_id: UUID, people: Sequence[tuple[bytes, str | None]]) -> list[bool]:
    """Whether each person is on the workspace's list, by the index that their row carries, and their number where it opens.

    While the index keys rotate, the row and the list may carry either key's. A number is needed only then.
    """
    index, rotating = blind_index(), blind_index().rotating
    known = [
        [own, *index.all_of(workspace_id, number)] if rotating and number is not None else [own]
        for own, number in people
    ]
    listed = suppressed_among(workspace_id, {each for indexes in known for each in indexes})
    return [not listed.isdisjoint(indexes) for indexes in known]


def suppress(*, workspace_id: UUID, number: str, source: Suppression.Source, reason: str) -> None:
    """Put an E.164 number on the workspace's list; one that is there already stays as it is, and for good."""
    suppress_all([(workspace_id, number, reason)], source)


def suppress_all(
    entries: Iterable[tuple[UUID, str, str]],
    source: Suppression.Source = Suppression.Source.CARRIER,
    *,
    import_id: UUID | None = None,
) -> int:
    """The same for many: workspace, number and reason of each. Returns how many of them were not there.

    What is added can be taken back by `import_id`, as long as nobody else names the number.
    """
    index, encrypt = blind_index(), cipher().encrypt
    # Of a number that stands there twice the first: one statement can settle a row once only.
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
            # In one order for everybody, so that two who put the same numbers on the list cannot wait for each other.
            for (number, workspace_id), reason in sorted(reasons.items())
        ],
        index.current,
        source,
        import_id,
    )


def suppress_index(*, workspace_id: UUID, number_index: bytes, index_key: int, last4: str, reason: str) -> None:
    """Put a person on the list whose number cannot be opened, by the blind index that their voicemail carries."""
    _put([(uuid7(), workspace_id, None, number_index, last4, reason)], index_key, Suppression.Source.CARRIER, None)


def _put(
    rows: Sequence[tuple[UUID, UUID, bytes | None, bytes, str, str]],
    index_key: int,
    source: Suppression.Source,
    import_id: UUID | None,
) -> int:
    """How many were not there; each number is among `rows` once."""
    if not rows:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(_PUT_ON_LIST, [index_key, source, import_id, *map(list, zip(*rows, strict=True))])
        (added,) = cursor.fetchone()
        return int(added)


def take_back(import_id: UUID, most: int) -> list[bytes]:
    """Take up to `most` numbers off the list that this import alone has put there. Returns their indexes; none also where all that
    are left are being written just now."""
    with connection.cursor() as cursor:
        cursor.execute(_TAKE_BACK, [import_id, most])
        return [bytes(index) for (index,) in cursor.fetchall()]


def is_suppressed(workspace_id: UUID, number: str) -> bool:
    return bool(suppressed_among(workspace_id, blind_index().all_of(workspace_id, number)))


def is_suppressed_for_good(workspace_id: UUID, number: str) -> bool:
    """Whether it stays on the list also when the import that put it there is undone."""
    return Suppression.objects.filter(
        workspace_id=workspace_id, number_index__in=blind_index().all_of(workspace_id, number), import_id=None
    ).exists()
