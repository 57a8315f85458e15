"""Drops whose results the carrier is asked for by its own id: written down at acceptance, and when a callback asks for it.

Only drops of carriers with the ability `ResultPoll`; who asks is `delivery/reports/result_polls.py`.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from rvm.platform.database import sql

# Waits before each question, from the acceptance or the last callback on; the last one is repeated until the drop has ended, at the
# latest by the setup's report horizon.
WAITS = tuple(timedelta(minutes=minutes) for minutes in (5, 15, 60, 360))

# A question that is due earlier stays due. In the order in which all transactions lock the rows.
_EXPECT = """
INSERT INTO delivery_awaitedresult AS a (drop_id, setup_id, due_at, checks)
SELECT drop_id, setup_id, %s, 0 FROM unnest(%s::uuid[], %s::uuid[]) AS new(drop_id, setup_id) ORDER BY drop_id
ON CONFLICT (drop_id) DO UPDATE SET due_at = least(a.due_at, excluded.due_at), checks = 0
"""


def expect(drops: Collection[tuple[UUID, UUID]], due_at: datetime) -> None:
    """Have the carriers asked about these drops (with their setups) at `due_at`, and later on ever more rarely."""
    if drops:
        drop_ids, setup_ids = zip(*drops, strict=True)
        sql.run(_EXPECT, [due_at, sql.ids(drop_ids), sql.ids(setup_ids)])
