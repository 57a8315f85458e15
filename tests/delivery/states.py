"""Voicemails and drops put where the engine would have left them, and what the tests compare afterwards."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection

from delivery.lifecycle.status import DropStatus
from delivery.models import Drop, Voicemail
from rvm.platform.database.ids import uuid7
from tests import factories

NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)
ENDED = ("delivered", "failed", "not_sent")


def make_drop(voicemail: Voicemail, status: str = DropStatus.SENDING, reason: str = "", **fields: Any) -> Drop:
    """The voicemail's next drop, which becomes its latest."""
    created = fields.get("created_at", NOW)
    drop = Drop.objects.create(
        **{
            "id": uuid7(),
            "workspace": voicemail.workspace,
            "voicemail": voicemail,
            "setup": voicemail.use_case.setup,
            "credentials_version": voicemail.use_case.setup.credentials_version,
            "number": voicemail.attempts + 1,
            "live": voicemail.live,
            "sender": voicemail.sender,
            "status": status,
            "reason": reason,
            "due_at": created + timedelta(seconds=45),
            "created_at": created,
            "accepted_at": created if status in ("accepted", "delivered") else None,
            "ended_at": created if status in ENDED else None,
            **fields,
        }
    )
    voicemail.drop_id, voicemail.attempts = drop.id, voicemail.attempts + 1
    voicemail.save(update_fields=["drop_id", "attempts"])
    return drop


def make_submitted(
    status: str = "sending", reason: str = "", *, drop: dict[str, Any] | None = None, **fields: Any
) -> Drop:
    """A voicemail of that status with one drop of the same, unless `drop` names its fields; returns the drop."""
    voicemail = factories.make_voicemail(status=status, reason=reason, **fields)
    return make_drop(voicemail, **(drop or {"status": status, "reason": reason}))


def state(row: Voicemail | Drop) -> tuple[str, str]:
    row.refresh_from_db()
    return row.status, row.reason


def both(drop: Drop) -> tuple[str, str, str, str]:
    """Status and reason of the drop's voicemail, then of the drop."""
    return (*state(Voicemail.objects.get(id=drop.voicemail_id)), *state(drop))


def counter_totals(lane_id: UUID) -> dict[tuple[str, str], int]:
    """What the counters say: folded plus not yet folded."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT status, reason, sum(n)::int FROM (SELECT status, reason, count AS n FROM delivery_lanecount WHERE lane_id = %s"
            " UNION ALL SELECT status, reason, delta FROM delivery_lanedelta WHERE lane_id = %s) x GROUP BY 1, 2 HAVING sum(n) <> 0",
            [lane_id, lane_id],
        )
        return {(status, reason): total for status, reason, total in cursor.fetchall()}


def row_counts(lane_id: UUID) -> dict[tuple[str, str], int]:
    """What the rows say."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT status, reason, count(*) FROM delivery_voicemail WHERE lane_id = %s GROUP BY 1, 2", [lane_id]
        )
        return {(status, reason): total for status, reason, total in cursor.fetchall()}
