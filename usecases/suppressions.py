"""Numbers that must not be reached: put there once, found by blind index, kept for ever.

One kind can be taken back, what an imported list alone has said: such a row has the import's id until anybody else says the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from django.db import connection

from rvm.platform.crypto import blind_index, vault
from rvm.platform.ids import uuid7
from usecases.models import Suppression

_NUMBER: bytes = Suppression._meta.get_field("number").purpose
# One array a column: lists have a million numbers, and rows of the ORM take ten times as long. A row that is there stays as it is,
# but that it is an import's no longer once another one names its number. `xmax` of a row that was inserted is 0.
_INSERT = """
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
    index, encrypt = blind_index(), vault().encrypt
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
        cursor.execute(_INSERT, [index_key, source, import_id, *map(list, zip(*rows, strict=True))])
        (added,) = cursor.fetchone()
        return int(added)


def take_back(import_id: UUID, most: int) -> list[bytes]:
    """Take up to `most` numbers off the list that this import alone has put there. Returns their indexes; none also where all that
    are left are being written just now."""
    with connection.cursor() as cursor:
        cursor.execute(_TAKE_BACK, [import_id, most])
        return [bytes(index) for (index,) in cursor.fetchall()]


def is_suppressed(workspace_id: UUID, number: str) -> bool:
    return Suppression.objects.filter(
        workspace_id=workspace_id, number_index__in=blind_index().all_of(workspace_id, number)
    ).exists()


def is_suppressed_for_good(workspace_id: UUID, number: str) -> bool:
    """Whether it stays on the list also when the import that put it there is undone."""
    return Suppression.objects.filter(
        workspace_id=workspace_id, number_index__in=blind_index().all_of(workspace_id, number), import_id=None
    ).exists()
