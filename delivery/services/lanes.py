"""Services on all of a lane's voicemails at once, set-wise, a bounded batch to each statement."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from delivery.lifecycle import transitions
from delivery.lifecycle.reasons import Reason
from delivery.lifecycle.status import VoicemailStatus
from delivery.lifecycle.transitions import Transition
from delivery.models import Lane, Voicemail
from rvm.platform.database import sql
from rvm.platform.database.ids import first_id_at

_MERGE_FIELDS: Any = Voicemail._meta.get_field("merge_fields")

# The next that wait in a lane, but those that a worker holds.
# In the order of the index of what waits: by ids the planner would read every voicemail there ever was, to come upon these in order.
_LOCK_QUEUED = """
SELECT id, reason FROM delivery_voicemail WHERE lane_id = %s AND status = 'queued' ORDER BY failover, not_before LIMIT %s
   FOR NO KEY UPDATE SKIP LOCKED
"""


def cancel_queued(lane_id: UUID, limit: int, now: datetime) -> int:
    """queued -> canceled for at most `limit`; returns how many. What a worker holds at this moment is left for the next call."""
    queued, canceled = VoicemailStatus.QUEUED, VoicemailStatus.CANCELED
    with transaction.atomic():
        rows = sql.run(_LOCK_QUEUED, [lane_id, limit])
        withdrawn = [Transition(row[0], queued, canceled, from_reason=row[1], reason=Reason.CANCELED) for row in rows]
        return len(transitions.apply(withdrawn, now))


# Those of the named that wait in the lane; whoever holds one is waited for.
_LOCK_QUEUED_AMONG = """
SELECT id, reason FROM delivery_voicemail WHERE id = ANY(%s::uuid[]) AND lane_id = %s AND status = 'queued' ORDER BY id
   FOR NO KEY UPDATE
"""


def withdraw(lane_id: UUID, voicemail_ids: Collection[UUID], now: datetime) -> int:
    """queued -> canceled for those of the lane that a person took out of it; returns how many.

    A claim that is being made at this moment is waited for: it wins, or the voicemail is withdrawn."""
    queued, canceled = VoicemailStatus.QUEUED, VoicemailStatus.CANCELED
    with transaction.atomic():
        rows = sql.run(_LOCK_QUEUED_AMONG, [sql.ids(voicemail_ids), lane_id])
        withdrawn = [Transition(row[0], queued, canceled, from_reason=row[1], reason=Reason.WITHDRAWN) for row in rows]
        return len(transitions.apply(withdrawn, now))


def id_before_first(lane: Lane) -> UUID:
    """An id before those of all its voicemails: as was written down, or by the lane's age. Ids tell when they were given, and no
    two clocks of ours differ by a day."""
    return UUID(int=lane.first_id.int - 1) if lane.first_id else first_id_at(lane.created_at - timedelta(days=1))


def id_range(lane: Lane) -> tuple[UUID, UUID]:
    """Its voicemails' ids are neither before the first nor behind the second: said beside the lane, it has the planner read the
    lane's stretch of the table, and not all that waits or ever was."""
    return lane.first_id or UUID(int=0), lane.last_id or UUID(int=2**128 - 1)


# Has the next queued of a lane play a recording; how many were looked at, and the last id.
# Ids are given in the order of time, so those of one lane lie close together in the primary key.
_ASSIGN_TO_NEXT = """
WITH page AS (
  SELECT id, recording_id FROM delivery_voicemail WHERE lane_id = %s AND status = 'queued' AND id > %s ORDER BY id LIMIT %s
     FOR NO KEY UPDATE
), pointed AS (
  UPDATE delivery_voicemail v SET recording_id = %s FROM page WHERE v.id = page.id AND page.recording_id <> %s
)
SELECT count(*), (SELECT id FROM page ORDER BY id DESC LIMIT 1) FROM page
"""


def assign_recording(lane_id: UUID, recording_id: UUID, *, after: UUID, limit: int) -> UUID | None:
    """Let the next `limit` queued voicemails of the lane play the recording, in the order of ids after that one.

    Returns the last id of a full batch, None where no more are left."""
    [(count, last)] = sql.run(_ASSIGN_TO_NEXT, [lane_id, after, limit, recording_id, recording_id])
    return last if count == limit else None


# The next queued of a lane and what chooses their clips.
_LOCK_NEXT = """
SELECT id, merge_fields FROM delivery_voicemail WHERE lane_id = %s AND status = 'queued' AND id > %s ORDER BY id LIMIT %s
   FOR NO KEY UPDATE
"""
# Gives each voicemail its recording.
_ASSIGN_EACH = """
UPDATE delivery_voicemail v SET recording_id = a.recording_id FROM unnest(%s::uuid[], %s::uuid[]) AS a(id, recording_id)
 WHERE v.id = a.id
"""


def assign_recordings(
    lane_id: UUID, choose: Callable[[Any], UUID | None], *, after: UUID, limit: int, seconds: float, now: datetime
) -> UUID | None:
    """The same where each person hears something else: `choose` says what, by merge fields, and for so long more are asked.

    Where it says None there is nothing to play, and the voicemail fails. What it raises undoes the batch."""
    enough = time.monotonic() + seconds
    with transaction.atomic():
        rows = sql.run(_LOCK_NEXT, [lane_id, after, limit])
        chosen: dict[UUID, UUID | None] = {}
        for voicemail_id, merge_fields in rows:
            if chosen and time.monotonic() >= enough:
                break
            chosen[voicemail_id] = choose(_MERGE_FIELDS.from_db_value(merge_fields, None, connection))
        playing = {voicemail_id: recording_id for voicemail_id, recording_id in chosen.items() if recording_id}
        sql.run(_ASSIGN_EACH, [sql.ids(playing), sql.ids(playing.values())])
        queued, failed = VoicemailStatus.QUEUED, VoicemailStatus.FAILED
        text = "No clips make a recording for what the list says about this person."
        silent = [voicemail_id for voicemail_id, recording_id in chosen.items() if recording_id is None]
        transitions.apply(
            [Transition(v, queued, failed, reason=Reason.RECORDING_REFUSED, text=text) for v in silent], now
        )
    return list(chosen)[-1] if len(chosen) < len(rows) or len(rows) == limit else None
