"""Verbs on all of a lane's voicemails at once, set-wise, a bounded batch to each statement."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

from delivery import moves, sql
from delivery.models import Lane, Voicemail
from delivery.moves import DropChange, Move
from delivery.reasons import REASONS, Reason
from delivery.recipients import number_in
from delivery.services.voicemails import MOST_DROPS
from delivery.status import DropStatus, VoicemailStatus
from rvm.platform.ids import first_id_at
from usecases.errors import Refused
from usecases.suppressions import is_suppressed

BATCH = 50_000

Row = tuple[Any, ...]

_MERGE_FIELDS: Any = Voicemail._meta.get_field("merge_fields")

# In the order of the index of what waits: by ids the planner would read every voicemail there ever was, to come upon these in order.
_QUEUED = """
SELECT id, reason FROM delivery_voicemail WHERE lane_id = %s AND status = 'queued' ORDER BY failover, not_before LIMIT %s
   FOR NO KEY UPDATE SKIP LOCKED
"""


def cancel_queued(lane_id: UUID, limit: int, now: datetime) -> int:
    """queued -> canceled for at most `limit`; returns how many. What a worker holds at this moment is left for the next call."""
    queued, canceled = VoicemailStatus.QUEUED, VoicemailStatus.CANCELED
    with transaction.atomic():
        rows = sql.run(_QUEUED, [lane_id, limit])
        withdrawn = [Move(row[0], queued, canceled, was_reason=row[1], reason=Reason.CANCELED) for row in rows]
        return len(moves.apply(withdrawn, now))


def before_all(lane: Lane) -> UUID:
    """An id before those of all its voicemails: as was written down, or by the lane's age. Ids tell when they were given, and no
    two clocks of ours differ by a day."""
    return UUID(int=lane.first_id.int - 1) if lane.first_id else first_id_at(lane.created_at - timedelta(days=1))


def stretch_of(lane: Lane) -> tuple[UUID, UUID]:
    """Its voicemails' ids are neither before the first nor behind the second: said beside the lane, it has the planner read the
    lane's stretch of the table, and not all that waits or ever was."""
    return lane.first_id or UUID(int=0), lane.last_id or UUID(int=2**128 - 1)


# Ids are given in the order of time, so those of one lane lie close together in the primary key.
_POINT = """
WITH page AS (
  SELECT id, recording_id FROM delivery_voicemail WHERE lane_id = %s AND status = 'queued' AND id > %s ORDER BY id LIMIT %s
     FOR NO KEY UPDATE
), pointed AS (
  UPDATE delivery_voicemail v SET recording_id = %s FROM page WHERE v.id = page.id AND page.recording_id <> %s
)
SELECT count(*), (SELECT id FROM page ORDER BY id DESC LIMIT 1) FROM page
"""


def point_to(lane_id: UUID, recording_id: UUID, *, after: UUID, limit: int) -> UUID | None:
    """Let the next `limit` queued voicemails of the lane play the recording, in the order of ids after that one.

    Returns the last id of a full batch, None where no more are left."""
    [(count, last)] = sql.run(_POINT, [lane_id, after, limit, recording_id, recording_id])
    return last if count == limit else None


_PAGE = """
SELECT id, merge_fields FROM delivery_voicemail WHERE lane_id = %s AND status = 'queued' AND id > %s ORDER BY id LIMIT %s
   FOR NO KEY UPDATE
"""
_POINT_EACH = """
UPDATE delivery_voicemail v SET recording_id = a.recording_id FROM unnest(%s::uuid[], %s::uuid[]) AS a(id, recording_id)
 WHERE v.id = a.id
"""


def point_each(
    lane_id: UUID, choose: Callable[[Any], UUID | None], *, after: UUID, limit: int, seconds: float, now: datetime
) -> UUID | None:
    """The same where each person hears something else: `choose` says what, by merge fields, and for so long more are asked.

    Where it says None there is nothing to play, and the voicemail fails. What it raises undoes the batch."""
    enough = time.monotonic() + seconds
    with transaction.atomic():
        rows = sql.run(_PAGE, [lane_id, after, limit])
        chosen: dict[UUID, UUID | None] = {}
        for voicemail_id, merge_fields in rows:
            if chosen and time.monotonic() >= enough:
                break
            chosen[voicemail_id] = choose(_MERGE_FIELDS.from_db_value(merge_fields, None, connection))
        playing = {voicemail_id: recording_id for voicemail_id, recording_id in chosen.items() if recording_id}
        sql.run(_POINT_EACH, [sql.ids(playing), sql.ids(playing.values())])
        queued, failed = VoicemailStatus.QUEUED, VoicemailStatus.FAILED
        text = "No clips make a recording for what the list says about this person."
        silent = [voicemail_id for voicemail_id, recording_id in chosen.items() if recording_id is None]
        moves.apply([Move(v, queued, failed, reason=Reason.RECORDING_REFUSED, text=text) for v in silent], now)
    return list(chosen)[-1] if len(chosen) < len(rows) or len(rows) == limit else None


# What `retry` of a single voicemail checks, for a whole lane; `delivery.services.voicemails` says why.
_RETRYABLE = """
SELECT v.id, v.drop_id, v.recipient
  FROM delivery_voicemail v
 WHERE v.workspace_id = %s AND v.lane_id = %s AND v.status = %s AND v.reason = ANY(%s) AND v.id > %s
   AND NOT EXISTS (SELECT 1 FROM usecases_suppression s WHERE s.workspace_id = v.workspace_id AND s.number_index = v.recipient_index)
   AND (SELECT count(*) FROM delivery_drop d WHERE d.voicemail_id = v.id AND d.status <> 'not_sent') < %s
 ORDER BY v.id LIMIT %s FOR NO KEY UPDATE OF v
"""


def retry_lane(
    lane: Lane,
    *,
    accept_duplicate_risk: bool,
    reasons: Collection[str] = (),
    with_lane: bool = False,
    now: datetime,
    batch: int = BATCH,
) -> int:
    """failed -> queued for all of the lane that a retry can help; returns how many. No `reasons` are all of them.

    They expire `with_lane`, or each at a time of its own: as long after now as the use case says.
    With `accept_duplicate_risk` also what may have reached the person: unconfirmed, unreported, and what is still uncertain, which
    counts as unconfirmed. Raises Refused where a reason is unknown or may not be retried. Call it in a transaction.
    """
    chosen = retryable_reasons(reasons, accept_duplicate_risk)
    expires_at = None if with_lane else now + timedelta(hours=lane.use_case.expires_after_hours)
    count = _retry(lane, VoicemailStatus.FAILED, [reason.value for reason in chosen], expires_at, now, batch)
    if Reason.UNCONFIRMED in chosen:
        count += _retry(lane, VoicemailStatus.UNCERTAIN, [""], expires_at, now, batch)
    return count


def retryable_reasons(named: Collection[str], accept_duplicate_risk: bool) -> set[Reason]:
    """Those of the named reasons, or of all, that a retry may be asked for. Raises Refused."""
    may = {reason for reason, facts in REASONS.items() if facts.retryable}
    risky = {reason for reason, facts in REASONS.items() if facts.may_have_reached}
    if not named:
        return may | risky if accept_duplicate_risk else may
    for name in named:
        if name not in {reason.value for reason in REASONS}:
            raise Refused(
                "reason_unknown", "There is no such reason; the page on reasons lists them all.", field="reasons"
            )
        if name in risky and not accept_duplicate_risk:
            raise Refused(
                "duplicate_risk",
                f"“{name}” may have reached the person already. To send again all the same, accept the risk: "
                '{"accept_duplicate_risk": true}.',
                field="reasons",
            )
        if name not in may | risky:
            sentence = f"{REASONS[Reason(name)].sentence} Sending it again would not help."
            raise Refused("not_retryable", sentence, field="reasons")
    return {Reason(name) for name in named}


def _retry(
    lane: Lane, status: VoicemailStatus, reasons: list[str], expires_at: datetime | None, now: datetime, batch: int
) -> int:
    count, after = 0, before_all(lane)
    while rows := sql.run(_RETRYABLE, [lane.workspace_id, lane.pk, status.value, reasons, after, MOST_DROPS, batch]):
        after = rows[-1][0]
        rows = _unsuppressed(lane.workspace_id, rows)
        if status is VoicemailStatus.UNCERTAIN:
            _settle(rows, now)
        ids = (row[0] for row in rows)
        count += moves.requeue(ids, now, expires_at=expires_at)
    return count


def _settle(rows: list[Row], now: datetime) -> None:
    """What the carrier left open counts as unconfirmed; a report may still correct it."""
    uncertain, failed = VoicemailStatus.UNCERTAIN, VoicemailStatus.FAILED
    moves.change_drops(
        [DropChange(row[1], DropStatus.UNCERTAIN, DropStatus.FAILED, reason=Reason.UNCONFIRMED) for row in rows], now
    )
    moves.apply([Move(row[0], uncertain, failed, reason=Reason.UNCONFIRMED) for row in rows], now)


def _unsuppressed(workspace_id: UUID, rows: list[Row]) -> list[Row]:
    """While the index key rotates, the list may know a number by another key's index than the voicemail does."""
    if len(settings.RVM_INDEX_KEYS.keys) == 1:
        return rows
    return [row for row in rows if (number := number_in(row[2])) and not is_suppressed(workspace_id, number)]
