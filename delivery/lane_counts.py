"""How many voicemails of lanes are in which status: the folded counts and the deltas that the tick has not folded yet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from uuid import UUID

from django.db.models import Sum

from delivery.models import LaneCount, LaneDelta


def reasons_of(lane_ids: Collection[UUID]) -> dict[UUID, Counter[tuple[str, str]]]:
    """Per lane, the voicemails by status and reason. Two statements, and one moment only within a repeatable-read transaction."""
    found: dict[UUID, Counter[tuple[str, str]]] = {lane_id: Counter() for lane_id in lane_ids}
    for model, column in ((LaneCount, "count"), (LaneDelta, "delta")):
        rows = model._default_manager.filter(lane__in=lane_ids).values_list("lane_id", "status", "reason")
        for lane_id, status, reason, total in rows.annotate(Sum(column)).order_by():
            found[lane_id][status, reason] += total
    return {lane_id: +counts for lane_id, counts in found.items()}


def counts_of(lane_ids: Collection[UUID]) -> dict[UUID, Counter[str]]:
    """Per lane, the voicemails by status."""
    found: dict[UUID, Counter[str]] = {}
    for lane_id, counts in reasons_of(lane_ids).items():
        found[lane_id] = Counter()
        for (status, _), count in counts.items():
            found[lane_id][status] += count
    return found
