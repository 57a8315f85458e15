"""Counts of voicemails by status, per lane and per use case: rolled up counts plus the deltas that the tick has not rolled up yet.

One statement sums both. Between two statements the tick could roll up deltas, which would then be counted twice or not at all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from typing import Any
from uuid import UUID

from django.db import connection

from rvm.platform.database import sql

# Callers sum the counts. Counts of 0 are excluded so that a partial index finds a status: few lanes have voicemails in a status
# that is not final.
OF_LANES = """
(SELECT lane_id, status, reason, count FROM delivery_lanecount WHERE count <> 0
 UNION ALL SELECT lane_id, status, reason, delta FROM delivery_lanedelta) counted
"""
# The same per use case, independent of its number of lanes. The planner drops the join if use_case_id is not used.
OF_USE_CASES = """
(SELECT use_case_id, status, reason, count FROM delivery_usecasecount
 UNION ALL SELECT l.use_case_id, d.status, d.reason, d.delta
             FROM delivery_lanedelta d LEFT JOIN delivery_lane l ON l.id = d.lane_id) counted
"""
# Lanes with voicemails in one of the statuses.
LANES_WITH = f"SELECT lane_id FROM {OF_LANES} WHERE status = ANY(%s) GROUP BY lane_id, status HAVING sum(count) > 0"  # noqa: S608 - ours

# Counts per lane, status and reason, without zeros.
_COUNTS_OF_LANES = f"""
SELECT lane_id, status, reason, sum(count)::bigint FROM {OF_LANES} WHERE lane_id = ANY(%s) GROUP BY 1, 2, 3 HAVING sum(count) > 0
"""  # noqa: S608 - ours
# Counts per use case and status, without zeros.
_COUNTS_OF_USE_CASES = f"""
SELECT use_case_id, status, sum(count)::bigint FROM {OF_USE_CASES} WHERE use_case_id = ANY(%s) GROUP BY 1, 2 HAVING sum(count) > 0
"""  # noqa: S608 - ours
# Whether a lane has a count or a delta in any status.
_HAS_VOICEMAILS = f"SELECT EXISTS (SELECT 1 FROM {OF_LANES} WHERE lane_id = %s)"  # noqa: S608 - ours


def reasons_of(lane_ids: Collection[UUID]) -> dict[UUID, Counter[tuple[str, str]]]:
    """Number of voicemails per lane by (status, reason)."""
    found: dict[UUID, Counter[tuple[str, str]]] = {lane_id: Counter() for lane_id in lane_ids}
    for lane_id, status, reason, total in _rows(_COUNTS_OF_LANES, sql.ids(lane_ids)):
        found[lane_id][status, reason] = total
    return found


def counts_of(lane_ids: Collection[UUID]) -> dict[UUID, Counter[str]]:
    """Number of voicemails per lane by status."""
    found: dict[UUID, Counter[str]] = {}
    for lane_id, counts in reasons_of(lane_ids).items():
        found[lane_id] = Counter()
        for (status, _), count in counts.items():
            found[lane_id][status] += count
    return found


def counts_of_use_cases(use_case_ids: Iterable[UUID]) -> dict[UUID, Counter[str]]:
    """Number of voicemails per use case by status, without empty use cases. The cost is independent of the number of lanes."""
    found: dict[UUID, Counter[str]] = {}
    for use_case_id, status, total in _rows(_COUNTS_OF_USE_CASES, sql.ids(use_case_ids)):
        found.setdefault(use_case_id, Counter())[status] = total
    return found


def has_voicemails(lane_id: UUID) -> bool:
    """Whether the lane has, or had, a voicemail in any status."""
    [(found,)] = _rows(_HAS_VOICEMAILS, lane_id)
    return bool(found)


def _rows(statement: str, parameter: str | UUID) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, [parameter])
        return list(cursor.fetchall())
