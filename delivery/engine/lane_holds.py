"""Holding a lane: it waits for the claims from it that are under way, and then nothing is claimed from it.

A claim reads the lane's route before it decides and commits a little later. Without the lock a hold could be confirmed between the
two, and what is changed then would not be what the claim sends.
"""

from __future__ import annotations

from uuid import UUID

from delivery.models import Lane
from rvm.platform.database import sql

_KEY = "hashtextextended('delivery.lane:' || %s::text, 0)"
# Until the transaction ends. Claims share it; whoever holds the lane waits for them, and they for whoever holds it.
_SHARE = f"SELECT pg_advisory_xact_lock_shared({_KEY})"
_OWN = f"SELECT pg_advisory_xact_lock({_KEY})"


def share(lane_id: UUID) -> None:
    """Keep the lane from being held until the transaction ends. Call it before the lane's route is read."""
    sql.run(_SHARE, [lane_id])


def hold(lane_id: UUID) -> None:
    """Hold the lane. When the transaction has committed, every claim from the lane has committed too, and no other begins."""
    sql.run(_OWN, [lane_id])
    Lane.objects.filter(pk=lane_id).update(held=True)
