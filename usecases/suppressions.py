"""Numbers that must not be reached: put there once, found by blind index, kept for ever."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from rvm.platform.crypto import blind_index
from usecases.models import Suppression


def suppress(*, workspace_id: UUID, number: str, source: Suppression.Source, reason: str) -> None:
    """Put an E.164 number on the workspace's list; one that is there already stays as it is."""
    suppress_all([(workspace_id, number, reason)], source)


def suppress_all(
    entries: Iterable[tuple[UUID, str, str]], source: Suppression.Source = Suppression.Source.CARRIER
) -> list[Suppression]:
    """The same for many: workspace, number and reason of each. Returns a row of each; one that was there already is not stored."""
    index = blind_index()
    # In one order for everybody, so that two who put the same numbers on the list cannot wait for each other.
    return Suppression.objects.bulk_create(
        [
            Suppression(
                workspace_id=workspace_id,
                number=number,
                number_index=index.of(workspace_id, number),
                index_key=index.current,
                last4=number[-4:],
                source=source,
                reason=reason,
            )
            for workspace_id, number, reason in sorted(entries, key=lambda entry: (entry[1], entry[0]))
        ],
        ignore_conflicts=True,
    )


def is_suppressed(workspace_id: UUID, number: str) -> bool:
    return Suppression.objects.filter(
        workspace_id=workspace_id, number_index__in=blind_index().all_of(workspace_id, number)
    ).exists()
