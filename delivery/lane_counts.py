"""How many voicemails of lanes are in which status: the folded counts and the deltas that the tick has not folded yet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from uuid import UUID

from django.db.models import Sum

from delivery.models import LaneCount, LaneDelta


def counts_of(lane_ids: Collection[UUID]) -> dict[UUID, Counter[str]]:
    """Per lane, the voicemails by status. Two statements, and one moment only within a repeatable-read transaction."""
    found: dict[UUID, Counter[str]] = {lane_id: Counter() for lane_id in lane_ids}
    for model, column in ((LaneCount, "count"), (LaneDelta, "delta")):
        rows = model._default_manager.filter(lane__in=lane_ids).values_list("lane_id", "status").annotate(Sum(column))
        for lane_id, status, total in rows.order_by():
            found[lane_id][status] += total
    return {lane_id: +counts for lane_id, counts in found.items()}
