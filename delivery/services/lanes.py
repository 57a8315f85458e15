"""Services on all of a lane's voicemails at once, set-wise, a bounded batch to each statement."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from delivery.lifecycle import transitions
from delivery.lifecycle.reasons import GUESSES, REASONS, Reason
from delivery.lifecycle.status import DropStatus, VoicemailStatus
from delivery.lifecycle.transitions import DropChange, Transition
from delivery.models import Lane, Voicemail
from delivery.models.voicemail import number_in
from delivery.services.voicemails import MAX_DROPS
from rvm.platform.database import sql
from rvm.platform.database.ids import first_id_at
from rvm.platform.encryption.crypto import blind_index
from rvm.platform.errors import ServiceError
from usecases.suppressions import are_suppressed

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
        withdrawn = [Transition(row[0], queued, canceled, from_reason=row[1], reason=Reason.CANCELED) for row in rows]
        return len(transitions.apply(withdrawn, now))


_WAITING = """
SELECT id, reason FROM delivery_voicemail WHERE id = ANY(%s::uuid[]) AND lane_id = %s AND status = 'queued' ORDER BY id
   FOR NO KEY UPDATE
"""


def withdraw(lane_id: UUID, voicemail_ids: Collection[UUID], now: datetime) -> int:
    """queued -> canceled for those of the lane that a person took out of it; returns how many.

    A claim that is being made at this moment is waited for: it wins, or the voicemail is withdrawn."""
    queued, canceled = VoicemailStatus.QUEUED, VoicemailStatus.CANCELED
    with transaction.atomic():
        rows = sql.run(_WAITING, [sql.ids(voicemail_ids), lane_id])
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


def assign_recording(lane_id: UUID, recording_id: UUID, *, after: UUID, limit: int) -> UUID | None:
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


def assign_recordings(
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
        transitions.apply(
            [Transition(v, queued, failed, reason=Reason.RECORDING_REFUSED, text=text) for v in silent], now
        )
    return list(chosen)[-1] if len(chosen) < len(rows) or len(rows) == limit else None


class LeftOut(StrEnum):
    """Why a retry of the failed leaves somebody as they are."""

    SUPPRESSED = "suppressed"
    ATTEMPTS_USED_UP = "attempts_used_up"


@dataclass(frozen=True, slots=True)
class Requeued:
    """What became of one batch. `last` is the id that it came to; None where no more are left."""

    queued: int
    left_out: Counter[str]
    last: UUID | None


# Each status by its own stretch of an index, and both in the order of ids: whoever locks voicemails goes that way.
_FAILED = """
SELECT id FROM (
  (SELECT id FROM delivery_voicemail
    WHERE workspace_id = %s AND status = 'failed' AND lane_id = %s AND id > %s AND id <= %s AND reason = ANY(%s) AND ended_at <= %s
    ORDER BY id LIMIT %s)
  UNION ALL
  (SELECT id FROM delivery_voicemail
    WHERE workspace_id = %s AND status = 'uncertain' AND lane_id = %s AND id > %s AND id <= %s AND %s AND updated_at <= %s
    ORDER BY id LIMIT %s)) found
 ORDER BY id LIMIT %s
"""
# Those that still are as they were found; and what `retry` of a single voicemail checks: `delivery.services.voicemails` says why.
# OFFSET 0 keeps the planner from seeking so few ids in an index of all that ever failed.
_LOCK = """
SELECT v.id, v.drop_id, v.status, v.recipient, v.recipient_index,
       (SELECT count(*) FROM delivery_drop d WHERE d.voicemail_id = v.id AND d.status <> 'not_sent')
  FROM (SELECT id, workspace_id, drop_id, status, reason, recipient, recipient_index, ended_at, updated_at FROM delivery_voicemail
         WHERE id = ANY(%s::uuid[]) ORDER BY id FOR NO KEY UPDATE OFFSET 0) v
 WHERE v.status = 'failed' AND v.reason = ANY(%s) AND v.ended_at <= %s OR v.status = 'uncertain' AND %s AND v.updated_at <= %s
"""


def requeue_failed(
    lane: Lane,
    reasons: Collection[Reason],
    *,
    since: datetime,
    after: UUID,
    expires_at: datetime | None,
    limit: int,
    now: datetime,
) -> Requeued:
    """failed -> queued for the next `limit` of the lane that failed for one of the reasons, in the order of ids after that one.

    Only who had failed at `since`, by the database's clock: so no pass meets again whom it has queued. With the reason `unconfirmed`
    also what is still uncertain, which counts as that from now on. They expire at `expires_at`, or with the lane where it is None.
    Call it in a transaction: it locks the batch once, in the order in which everybody does.
    """
    codes, unsettled = sql.texts(sorted(reasons)), Reason.UNCONFIRMED in reasons
    stretch = [lane.workspace_id, lane.pk, after, id_range(lane)[1]]
    asked = [*stretch, codes, since, limit, *stretch, unsettled, since, limit, limit]
    found = [row[0] for row in sql.run(_FAILED, asked)]
    rows = sql.run(_LOCK, [sql.ids(found), codes, since, unsettled, since]) if found else []
    left_out: Counter[str] = Counter()
    again: list[Row] = []
    for row, suppressed in zip(rows, _suppressed(lane.workspace_id, rows), strict=True):
        if suppressed:
            left_out[LeftOut.SUPPRESSED] += 1
        elif row[5] >= MAX_DROPS:
            left_out[LeftOut.ATTEMPTS_USED_UP] += 1
        else:
            again.append(row)
    settled = _settle([row for row in again if row[2] == VoicemailStatus.UNCERTAIN], now)
    queued = transitions.requeue((row[0] for row in again if row[0] not in settled), now, expires_at=expires_at)
    return Requeued(queued, left_out, found[-1] if len(found) == limit else None)


def retryable_reasons(named: Collection[str], accept_duplicate_risk: bool) -> set[Reason]:
    """Those of the named reasons, or of all, that a retry may be asked for. Raises ServiceError."""
    may = {reason for reason, facts in REASONS.items() if facts.retryable}
    if not named:
        return may | GUESSES if accept_duplicate_risk else may
    for name in named:
        if name not in {reason.value for reason in REASONS}:
            raise ServiceError(
                "reason_unknown", "There is no such reason; the page on reasons lists them all.", field="reasons"
            )
        if name in GUESSES and not accept_duplicate_risk:
            raise ServiceError(
                "duplicate_risk",
                f"“{name}” may have reached the person already. To send again all the same, accept the risk: "
                '{"accept_duplicate_risk": true}.',
                field="reasons",
            )
        if name not in may | GUESSES:
            sentence = f"{REASONS[Reason(name)].sentence} Sending it again would not help."
            raise ServiceError("not_retryable", sentence, field="reasons")
    return {Reason(name) for name in named}


def _settle(rows: list[Row], now: datetime) -> set[UUID]:
    """What the carrier left open counts as unconfirmed; a report may still correct it. The caller holds the rows' locks.

    Returns the voicemails whose drop is not open any more: what became of it decides about them, and no retry does.
    """
    unconfirmed = Reason.UNCONFIRMED
    stale = transitions.change_drops(
        [DropChange(row[1], DropStatus.UNCERTAIN, DropStatus.FAILED, reason=unconfirmed) for row in rows], now
    )
    open_ended = [row for row in rows if row[1] not in stale]
    uncertain, failed = VoicemailStatus.UNCERTAIN, VoicemailStatus.FAILED
    transitions.apply([Transition(row[0], uncertain, failed, reason=unconfirmed) for row in open_ended], now)
    return {row[0] for row in rows if row[1] in stale}


def _suppressed(workspace_id: UUID, rows: list[Row]) -> list[bool]:
    """Whether each row of _LOCK is of a suppressed person. While the index keys rotate a number must be opened for that, and one that
    does not open may be on the list."""
    rotating = blind_index().rotating
    people = [(bytes(row[4]), number_in(row[3]) if rotating else None) for row in rows]
    listed = are_suppressed(workspace_id, people)
    return [known or (rotating and number is None) for known, (_, number) in zip(listed, people, strict=True)]
