"""Where a lane's voicemails go: its use case, setup, senders and switches, read afresh for every wave."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time
from functools import cached_property
from typing import Any
from uuid import UUID

from django.db import connection

from delivery.carriers import carrier_class
from delivery.carriers.base import Carrier
from usecases.models import TelephonySetup


@dataclass(frozen=True)
class Route:
    """One open lane: it has due voicemails and may send. `due` is counted up to the caller's limit."""

    lane_id: UUID
    workspace_id: UUID
    use_case_id: UUID
    live: bool
    priority: int
    lane_pace: float | None
    setup_id: UUID
    carrier: str
    credentials: bytes
    pace: float
    cap: int
    callback_token: str
    stopped: bool
    use_case_deleted: bool
    window_start: time
    window_end: time
    senders: tuple[str, ...]
    due: int

    @cached_property
    def adapter(self) -> Carrier:
        return carrier_class(self.carrier)(_open_credentials(self.setup_id, self.credentials))


# A test lane goes through the workspace's oldest living sandbox setup, a live one through its use case's setup. The senders are
# those assigned numbers that belong to the use case's own setup. The inner ORDER BY keeps the planner on the index of due rows:
# without it, it takes a scan of the whole table to come upon `limit` rows sooner.
_OPEN = """
SELECT l.id, l.workspace_id, l.use_case_id, l.live, l.priority, l.pace_per_second,
       s.id, s.carrier, s.credentials, s.pace_per_second, s.in_flight_cap, s.callback_token,
       NOT (w.sending_enabled AND u.sending_enabled AND s.enabled AND s.deleted_at IS NULL), u.deleted_at IS NOT NULL,
       u.window_start, u.window_end,
       ARRAY(SELECT p.e164::text FROM usecases_numberassignment a JOIN usecases_phonenumber p ON p.id = a.phone_number_id
              WHERE a.use_case_id = u.id AND p.setup_id = u.setup_id ORDER BY p.e164),
       due.count
  FROM delivery_lane l
  JOIN usecases_usecase u ON u.id = l.use_case_id
  JOIN platform_workspace w ON w.id = l.workspace_id
  JOIN usecases_telephonysetup s ON s.id = CASE WHEN l.live THEN u.setup_id ELSE
         (SELECT id FROM usecases_telephonysetup
           WHERE workspace_id = l.workspace_id AND carrier = 'sandbox' AND deleted_at IS NULL ORDER BY id LIMIT 1) END
  CROSS JOIN LATERAL (SELECT count(*) FROM (SELECT 1 FROM delivery_voicemail v
         WHERE v.lane_id = l.id AND v.status = 'queued' AND v.not_before <= %(now)s
         ORDER BY v.not_before LIMIT %(limit)s) due) due
 WHERE NOT l.held AND due.count > 0 AND l.id = ANY(coalesce(%(lanes)s::uuid[], ARRAY[l.id]))
 ORDER BY l.priority DESC, l.id
"""


def open_routes(now: datetime, limit: int, lanes: Sequence[UUID] | None = None) -> list[Route]:
    """The lanes that have due voicemails and are not held, most urgent first."""
    with connection.cursor() as cursor:
        cursor.execute(_OPEN, {"now": now, "limit": limit, "lanes": list(lanes) if lanes is not None else None})
        return [
            Route(*(*row[:8], bytes(row[8]), *row[9:16], tuple(row[16]), row[17]))  # credentials arrive as a memoryview
            for row in cursor.fetchall()
        ]


def adapter_of(setup: TelephonySetup) -> Carrier:
    """The setup's carrier, bound to its credentials."""
    return carrier_class(setup.carrier)(setup.credentials)


def _open_credentials(setup_id: UUID, ciphertext: bytes) -> Any:
    field: Any = TelephonySetup._meta.get_field("credentials")
    return field.from_db_value(ciphertext, None, connection)
