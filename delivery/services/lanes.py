"""Set-wise services on the voicemails of a lane, in bounded batches."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction

from delivery.lifecycle import transitions
from delivery.lifecycle.reasons import Reason
from delivery.lifecycle.status import VoicemailStatus
from delivery.lifecycle.transitions import Transition
from delivery.models import Lane
from delivery.models.voicemail import MERGE_FIELDS
from delivery.recordings.attestations import unattested_among
from rvm.platform.database import sql
from rvm.platform.database.ids import first_id_at

# The next queued voicemails of a lane, without those that a worker has locked.
# Ordered as the index of queued voicemails is: with an order by id the planner would walk the primary key through all voicemails.
_LOCK_QUEUED = """
SELECT id, reason FROM delivery_voicemail WHERE lane_id = %s AND status = 'queued' ORDER BY failover, not_before LIMIT %s
   FOR NO KEY UPDATE SKIP LOCKED
"""


def cancel_queued(lane_id: UUID, limit: int, now: datetime) -> int:
    """Cancel at most `limit` queued voicemails of the lane and return how many. Skips rows that a worker has locked."""
    queued, canceled = VoicemailStatus.QUEUED, VoicemailStatus.CANCELED
    with transaction.atomic():
        rows = sql.run(_LOCK_QUEUED, [lane_id, limit])
        withdrawn = [Transition(row[0], queued, canceled, from_reason=row[1], reason=Reason.CANCELED) for row in rows]
        return len(transitions.apply(withdrawn, now))


# The given voicemails that are queued in the lane; waits for locks of other transactions.
_LOCK_QUEUED_AMONG = """
SELECT id, reason FROM delivery_voicemail WHERE id = ANY(%s::uuid[]) AND lane_id = %s AND status = 'queued' ORDER BY id
   FOR NO KEY UPDATE
"""


def withdraw(lane_id: UUID, voicemail_ids: Collection[UUID], now: datetime) -> int:
    """Cancel the given queued voicemails of the lane, with the reason `withdrawn`, and return how many.

    Waits for a concurrent claim: either the claim commits and the voicemail is sent, or the voicemail is withdrawn."""
    queued, canceled = VoicemailStatus.QUEUED, VoicemailStatus.CANCELED
    with transaction.atomic():
        rows = sql.run(_LOCK_QUEUED_AMONG, [sql.ids(voicemail_ids), lane_id])
        withdrawn = [Transition(row[0], queued, canceled, from_reason=row[1], reason=Reason.WITHDRAWN) for row in rows]
        return len(transitions.apply(withdrawn, now))


def id_before_first(lane: Lane) -> UUID:
    """An id lower than that of every voicemail of the lane: from the stored `first_id`, or one day before the creation of the lane.

    Ids contain their time of creation, and clocks of the platform's machines differ by less than a day."""
    return UUID(int=lane.first_id.int - 1) if lane.first_id else first_id_at(lane.created_at - timedelta(days=1))


def id_range(lane: Lane) -> tuple[UUID, UUID]:
    """The lowest and highest id that voicemails of the lane can have, both inclusive.

    As an extra condition it lets the planner read a range of the primary key instead of all queued or all voicemails."""
    return lane.first_id or UUID(int=0), lane.last_id or UUID(int=2**128 - 1)


_WIDEN_ID_RANGE = """
UPDATE delivery_lane SET first_id = least(first_id, %s), last_id = greatest(last_id, %s), idle = false WHERE id = %s
"""


def widen_id_range(lane: Lane, count: int, now: datetime) -> None:
    """Make room for `count` ids that count up from `now`, and mark the lane active, so that the search for work reads it."""
    until = now + timedelta(milliseconds=count // 4096 + 2)
    sql.run(_WIDEN_ID_RANGE, [first_id_at(now), first_id_at(until), lane.pk])


# Bounded by the lane's first and last id, so that only this range of the table is read.
_COUNT_BY_RECORDING = """
SELECT recording_id, count(*) FROM delivery_voicemail WHERE lane_id = %s AND id BETWEEN %s AND %s AND status = 'queued'
 GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT %s
"""


def recordings_of(lane: Lane, *, most: int | None = None) -> list[tuple[UUID, int]]:
    """The recordings of the lane's queued voicemails with how many hear each, the most heard first; at most `most`."""
    counts = sql.run(_COUNT_BY_RECORDING, [lane.pk, *id_range(lane), most])
    return [(recording_id, count) for recording_id, count in counts]


def count_unattested(lane: Lane) -> int:
    """The number of queued voicemails of the lane about whose recordings it is not stated what they say."""
    counts = dict(recordings_of(lane))
    by_another = lane.use_case.workspace.attestation_by_another
    return sum(counts[recording_id] for recording_id in unattested_among(counts, by_another=by_another))


# Assigns a recording to the next queued voicemails of a lane, and makes due those that were not tried yet: they may wait for hours
# that were changed. Returns how many rows were read, and the last id.
# Ids ascend with time, so those of one lane are close together in the primary key.
_ASSIGN_TO_NEXT = """
WITH page AS (
  SELECT id, recording_id, attempts = 0 AND not_before > %s AS waits FROM delivery_voicemail
   WHERE lane_id = %s AND status = 'queued' AND id > %s ORDER BY id LIMIT %s
     FOR NO KEY UPDATE
), pointed AS (
  UPDATE delivery_voicemail v SET recording_id = %s, not_before = CASE WHEN page.waits THEN %s ELSE v.not_before END
    FROM page WHERE v.id = page.id AND (page.recording_id <> %s OR page.waits)
)
SELECT count(*), (SELECT id FROM page ORDER BY id DESC LIMIT 1) FROM page
"""


def assign_recording(lane_id: UUID, recording_id: UUID, *, after: UUID, limit: int, now: datetime) -> UUID | None:
    """Assign the recording to the next `limit` queued voicemails of the lane by id, without `after`; one not yet tried is due now.

    Returns the last id of a full batch, or None when no more are left."""
    [(count, last)] = sql.run(_ASSIGN_TO_NEXT, [now, lane_id, after, limit, recording_id, now, recording_id])
    return last if count == limit else None


# The next queued voicemails of a lane and the merge fields that choose their clips.
_LOCK_NEXT = """
SELECT id, workspace_id, merge_fields FROM delivery_voicemail
 WHERE lane_id = %s AND status = 'queued' AND id > %s ORDER BY id LIMIT %s
   FOR NO KEY UPDATE
"""
# Gives each voicemail its recording, and makes due those that were not tried yet.
_ASSIGN_EACH = """
UPDATE delivery_voicemail v
   SET recording_id = a.recording_id, not_before = CASE WHEN v.attempts = 0 THEN least(v.not_before, %s) ELSE v.not_before END
  FROM unnest(%s::uuid[], %s::uuid[]) AS a(id, recording_id)
 WHERE v.id = a.id
"""


def assign_recordings(
    lane_id: UUID, choose: Callable[[Any], UUID | None], *, after: UUID, limit: int, seconds: float, now: datetime
) -> UUID | None:
    """Assign to each of the next `limit` queued voicemails the recording that `choose` returns for its merge fields.

    A voicemail for which `choose` returns None fails. After `seconds` the batch ends early, with at least one row. An exception of
    `choose` rolls the batch back. Returns the last id, or None when no more are left."""
    enough = time.monotonic() + seconds
    with transaction.atomic():
        rows = sql.run(_LOCK_NEXT, [lane_id, after, limit])
        chosen: dict[UUID, UUID | None] = {}
        for voicemail_id, workspace_id, ciphertext in rows:
            if chosen and time.monotonic() >= enough:
                break
            merge_fields = ciphertext and MERGE_FIELDS.decrypt(ciphertext, workspace_id, voicemail_id)
            chosen[voicemail_id] = choose(merge_fields)
        playing = {voicemail_id: recording_id for voicemail_id, recording_id in chosen.items() if recording_id}
        sql.run(_ASSIGN_EACH, [now, sql.ids(playing), sql.ids(playing.values())])
        queued, failed = VoicemailStatus.QUEUED, VoicemailStatus.FAILED
        text = "No clips make a recording for what the list says about this person."
        silent = [voicemail_id for voicemail_id, recording_id in chosen.items() if recording_id is None]
        transitions.apply(
            [Transition(v, queued, failed, reason=Reason.RECORDING_REFUSED, text=text) for v in silent], now
        )
    return list(chosen)[-1] if len(chosen) < len(rows) or len(rows) == limit else None
