"""Numbers that must not be reached: put there once, found by blind index, kept for ever."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.db import connection

from rvm.platform.crypto import blind_index, vault
from rvm.platform.ids import uuid7
from usecases.models import Suppression

_NUMBER: bytes = Suppression._meta.get_field("number").purpose
# One array a column: lists have a million numbers, and rows of the ORM take ten times as long.
_INSERT = """
INSERT INTO usecases_suppression (id, workspace_id, number, number_index, last4, reason, index_key, source)
SELECT rows.*, %s, %s FROM unnest(%s::uuid[], %s::uuid[], %s::bytea[], %s::bytea[], %s::text[], %s::text[]) AS rows
ON CONFLICT DO NOTHING
"""


def suppress(*, workspace_id: UUID, number: str, source: Suppression.Source, reason: str) -> None:
    """Put an E.164 number on the workspace's list; one that is there already stays as it is."""
    suppress_all([(workspace_id, number, reason)], source)


def suppress_all(
    entries: Iterable[tuple[UUID, str, str]], source: Suppression.Source = Suppression.Source.CARRIER
) -> int:
    """The same for many: workspace, number and reason of each. Returns how many of them were not there."""
    index, encrypt = blind_index(), vault().encrypt
    rows = [
        (uuid7(), workspace_id, encrypt(number.encode(), _NUMBER), index.of(workspace_id, number), number[-4:], reason)
        # In one order for everybody, so that two who put the same numbers on the list cannot wait for each other.
        for workspace_id, number, reason in sorted(entries, key=lambda entry: (entry[1], entry[0]))
    ]
    if not rows:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, [index.current, source, *map(list, zip(*rows, strict=True))])
        return cursor.rowcount


def suppress_index(*, workspace_id: UUID, number_index: bytes, index_key: int, last4: str, reason: str) -> None:
    """Put a person on the list whose number cannot be opened, by the blind index that their voicemail carries."""
    Suppression.objects.bulk_create(
        [
            Suppression(
                id=uuid7(),
                workspace_id=workspace_id,
                number=None,
                number_index=number_index,
                index_key=index_key,
                last4=last4,
                source=Suppression.Source.CARRIER,
                reason=reason,
            )
        ],
        ignore_conflicts=True,
    )


def is_suppressed(workspace_id: UUID, number: str) -> bool:
    return Suppression.objects.filter(
        workspace_id=workspace_id, number_index__in=blind_index().all_of(workspace_id, number)
    ).exists()
