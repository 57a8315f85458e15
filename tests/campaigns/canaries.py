"""Reports about the people of a lane who are being sent to, as the engine would write them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from delivery.lifecycle import transitions
from delivery.lifecycle.reasons import Reason
from delivery.lifecycle.retries import retry_failed
from delivery.lifecycle.status import DropStatus, VoicemailStatus
from delivery.lifecycle.transitions import DropChange, Transition
from delivery.models import Voicemail


def report(lane_id: UUID, reason: Reason | None, count: int, now: datetime) -> None:
    """The carrier reports on the next `count` of them: delivered, or failed for the reason."""
    rows = list(Voicemail.objects.filter(lane_id=lane_id, status="sending").order_by("id")[:count])
    assert len(rows) == count
    to = VoicemailStatus.FAILED if reason else VoicemailStatus.DELIVERED
    transitions.change_drops(
        [
            DropChange(row.drop_id, DropStatus.SENDING, DropStatus(to.value), reason=reason)
            for row in rows
            if row.drop_id
        ],
        now,
    )
    transitions.apply([Transition(row.pk, VoicemailStatus.SENDING, to, reason=reason) for row in rows], now)
    retry_failed([row.pk for row in rows], now)
