"""How many voicemails of lanes, and of use cases, are in which status: the folded counts and the deltas that the tick has not folded
yet.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from uuid import UUID

from django.db.models import Sum

from delivery.models import LaneCount, LaneDelta, UseCaseCount

# Lanes that have voicemails in one of the statuses (which are given twice): few have, so this asks what is not 0.
LANES_WITH = """
SELECT lane_id FROM (SELECT lane_id, status, count AS n FROM delivery_lanecount WHERE status = ANY(%s) AND count <> 0
                     UNION ALL SELECT lane_id, status, delta FROM delivery_lanedelta WHERE status = ANY(%s)) counted
 GROUP BY lane_id, status HAVING sum(n) > 0
"""


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


def counts_of_use_cases(use_case_ids: Collection[UUID]) -> dict[UUID, Counter[str]]:
    """Per use case, the voicemails by status; those without any are left out. It costs the same however many lanes there were."""
    found: dict[UUID, Counter[str]] = {}
    for rows, use_case, column in (
        (UseCaseCount.objects.filter(use_case__in=use_case_ids), "use_case_id", "count"),
        (LaneDelta.objects.filter(lane__use_case__in=use_case_ids), "lane__use_case_id", "delta"),
    ):
        for use_case_id, status, total in rows.values_list(use_case, "status").annotate(Sum(column)).order_by():
            found.setdefault(use_case_id, Counter())[status] += total
    return {use_case_id: +counts for use_case_id, counts in found.items()}
