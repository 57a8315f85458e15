"""New blind indexes of suppressions, where one statement may stand in two rows: from before the index key was replaced, and from
after it.

Once both have the index under the current key they would be the same row to the table's constraint. The earlier one then holds on,
and the later one is lifted in the same transaction: the number is suppressed at every moment, and nothing that was said is removed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Count

from rvm.platform.database import sql
from rvm.platform.encryption.crypto import blind_index
from rvm.platform.rotation.indexes import BlindIndexes, Moved
from rvm.platform.rotation.stores import Remainder
from usecases.models import Consent, Suppression

MERGED = "The same statement stands in an earlier row."

# Pairs of active rows that make the same statement, of which one is to get the index of the other. The earlier one is the first.
_SAME = """
SELECT CASE WHEN (s.created_at, s.id) < (twin.created_at, twin.id) THEN ARRAY[s.id, twin.id] ELSE ARRAY[twin.id, s.id] END
  FROM unnest(%s::uuid[], %s::bytea[]) AS moved(id, index)
  JOIN usecases_suppression s ON s.id = moved.id AND s.lifted_at IS NULL
  JOIN usecases_suppression twin ON twin.number_index = moved.index AND twin.lifted_at IS NULL AND twin.id <> s.id
   AND (twin.workspace_id, twin.kind, twin.source) = (s.workspace_id, s.kind, s.source)
   AND (twin.purposes, twin.scope) = (s.purposes, s.scope)
"""
# The earlier row takes over what waits for the later one. It is a list's own only if both are that list's.
_TAKE_OVER = """
UPDATE usecases_suppression earlier
   SET waiting = earlier.waiting OR later.waiting,
       import_id = CASE WHEN earlier.import_id = later.import_id THEN earlier.import_id END
  FROM unnest(%s::uuid[], %s::uuid[]) AS pair(earlier, later) JOIN usecases_suppression later ON later.id = pair.later
 WHERE earlier.id = pair.earlier
"""
_LIFT = """
UPDATE usecases_suppression SET lifted_at = statement_timestamp(), lift_reason = %s, waiting = false, import_id = NULL
 WHERE id = ANY(%s::uuid[])
"""


class SuppressionIndexes(BlindIndexes):
    def write(self, moved: Sequence[Moved]) -> Sequence[Any]:
        indexes = sql.binaries(each.new for each in moved)
        pairs = [pair for (pair,) in sql.run(_SAME, [[each.id for each in moved], indexes])]
        if pairs:
            earlier, later = zip(*pairs, strict=True)
            sql.run(_TAKE_OVER, [sql.ids(earlier), sql.ids(later)])
            sql.run(_LIFT, [MERGED, sql.ids(later)])
        return super().write(moved)


def without_number(since: datetime | None) -> Iterator[Remainder]:
    """Rows that have an index and no number, by which it could be made again."""
    keys = blind_index().older_key_ids
    for key, count in _by_key(Suppression.objects.active().filter(number__isnull=True, index_key__in=keys)):
        yield Remainder(
            f"{count:,} suppressions have no number and are found by index key {key} only: keep it listed as long as they bind.",
            frozenset({key}),
        )
    for key, count in _by_key(Consent.objects.filter(number__isnull=True, list_id=None, index_key__in=keys)):
        yield Remainder(f"{count:,} consents have no number; without index key {key} they permit nothing.")


def _by_key(rows: Any) -> Iterable[tuple[int, int]]:
    found: Iterable[tuple[int, int]] = rows.order_by("index_key").values_list("index_key").annotate(count=Count("*"))
    return found
