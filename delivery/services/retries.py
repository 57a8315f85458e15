"""Requested retries of one voicemail, or of the failed voicemails of a lane in batches.

One rule decides for both what can be retried; a refused retry of a single voicemail has its reason in the error.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from django.db import transaction

from delivery.engine.idle_lanes import mark_active
from delivery.lifecycle import transitions
from delivery.lifecycle.attempts import COUNT_SQL
from delivery.lifecycle.reasons import GUESSES, REASONS, Reason
from delivery.lifecycle.status import DropStatus, VoicemailStatus
from delivery.lifecycle.transitions import DropChange, Transition
from delivery.models import Lane, Voicemail
from delivery.models.voicemail import number_in
from delivery.recordings.removal import removed_text
from delivery.runtime.wakeups import wake_on_commit
from delivery.services.lanes import id_range
from delivery.services.screening import suppressed_error
from delivery.services.succession import copied_among
from rvm.platform import audit
from rvm.platform.database import sql
from rvm.platform.encryption.crypto import blind_index
from rvm.platform.errors import ServiceError
from rvm.platform.models import User
from rvm.platform.observability.representation import hides
from rvm.platform.times import moments
from usecases.models import UseCase
from usecases.selectors import require_usable
from usecases.suppressions import are_suppressed

# The use case limits automatic retries; this limits requested ones.
MAX_DROPS = 10


class LeftOut(StrEnum):
    """Why a retry of a lane leaves out a failed voicemail."""

    NUMBER_REMOVED = "number_removed"
    RECORDING_REMOVED = "recording_removed"
    COPIED = "copied"
    SUPPRESSED = "suppressed"
    ATTEMPTS_USED_UP = "attempts_used_up"


@dataclass(frozen=True, slots=True)
class Requeued:
    """Result of one batch. `last` is the last id of the batch, or None when no more are left."""

    queued: int
    left_out: Counter[str]
    last: UUID | None


@hides("recipient", "recipient_index")
class _Locked(NamedTuple):
    """A locked voicemail. `since`: when it failed or became uncertain. `drops`: how many drops may have reached the carrier.
    `is_silent`: the sound of its recording was removed."""

    id: UUID
    drop_id: UUID
    status: str
    reason: str
    since: datetime | None
    recipient: bytes | None
    recipient_index: bytes
    drops: int
    is_silent: bool

    @property
    def failed_for(self) -> str | None:
        """The reason of the failure, None if it has not failed. For a retry, an uncertain voicemail counts as unconfirmed."""
        if self.status == VoicemailStatus.UNCERTAIN:
            return Reason.UNCONFIRMED
        return self.reason if self.status == VoicemailStatus.FAILED else None


# The facts for a retry, locked by id, the order of all locks on voicemails.
# OFFSET 0 keeps the planner from searching the index of all failed voicemails for these few ids.
_LOCK_WITH_DROPS = f"""
SELECT v.id, v.drop_id, v.status, v.reason, CASE v.status WHEN 'failed' THEN v.ended_at WHEN 'uncertain' THEN v.updated_at END,
       v.recipient, v.recipient_index,
       {COUNT_SQL},
       EXISTS (SELECT FROM delivery_recording r WHERE r.id = v.recording_id AND r.sound_removed_at IS NOT NULL)
  FROM (SELECT id, drop_id, status, reason, recipient, recipient_index, recording_id, ended_at, updated_at FROM delivery_voicemail
         WHERE id = ANY(%s::uuid[]) ORDER BY id FOR NO KEY UPDATE OFFSET 0) v
"""  # noqa: S608 - of constants


def _lock(voicemail_ids: Iterable[UUID]) -> list[_Locked]:
    return [_Locked(*row) for row in sql.run(_LOCK_WITH_DROPS, [sql.ids(voicemail_ids)])]


def _left_out(use_case: UseCase, rows: Sequence[_Locked]) -> list[list[LeftOut]]:
    """For each row, everything that prevents a retry, the most important first.

    While index keys rotate, finding suppressions requires the decrypted number; without it, the voicemail counts as suppressed."""
    rotating = blind_index().rotating
    numbers = [number_in(row.recipient, use_case.workspace_id, row.id) if rotating else None for row in rows]
    people = [(bytes(row.recipient_index), number) for row, number in zip(rows, numbers, strict=True)]
    copied = copied_among([row.id for row in rows])
    listed = are_suppressed(use_case.workspace_id, people, use_case.purpose, to_confidential=use_case.to_confidential)
    return [
        [LeftOut.NUMBER_REMOVED] * (row.recipient is None)
        + [LeftOut.RECORDING_REMOVED] * row.is_silent
        + [LeftOut.COPIED] * (row.id in copied)
        + [LeftOut.SUPPRESSED] * (known or (rotating and number is None))
        + [LeftOut.ATTEMPTS_USED_UP] * (row.drops >= MAX_DROPS)
        for row, known, number in zip(rows, listed, numbers, strict=True)
    ]


def _requeue(rows: Sequence[_Locked], expires_at: datetime | None, now: datetime) -> int:
    """Queue locked failed or uncertain voicemails again and return how many. `expires_at` as in `transitions.requeue`.

    An uncertain drop fails as unconfirmed, which a late report may still correct. If the drop has already ended, its own result
    applies and the voicemail is not queued.
    """
    reason = Reason.UNCONFIRMED
    unsettled = [row for row in rows if row.status == VoicemailStatus.UNCERTAIN]
    closed = transitions.change_drops(
        [DropChange(row.drop_id, DropStatus.UNCERTAIN, DropStatus.FAILED, reason=reason) for row in unsettled], now
    )
    open_ended = [row for row in unsettled if row.drop_id not in closed]
    uncertain, failed = VoicemailStatus.UNCERTAIN, VoicemailStatus.FAILED
    transitions.apply(
        [Transition(row.id, uncertain, failed, from_reason=row.reason, reason=reason) for row in open_ended], now
    )
    return transitions.requeue((row.id for row in rows if row.drop_id not in closed), now, expires_at=expires_at)


# Each status is one range of an index; both are sorted by id, the order of all locks on voicemails.
_FIND_FAILED = """
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
    """Queue again the next `limit` voicemails of the lane that failed for one of the reasons, by id from `after` (exclusive).

    Only voicemails that had failed by `since` (database clock), so that a pass does not requeue a voicemail twice. The reason
    `unconfirmed` includes uncertain voicemails, which become unconfirmed. Queued voicemails expire at `expires_at`, or with the lane
    if it is None. Call it in a transaction: it locks the batch once, by id.
    """
    stretch = [lane.workspace_id, lane.pk, after, id_range(lane)[1]]
    asked = [sql.texts(sorted(reasons)), since, limit, *stretch, Reason.UNCONFIRMED in reasons, since, limit, limit]
    found = [row[0] for row in sql.run(_FIND_FAILED, [*stretch, *asked])]
    # The status may have changed between the search and the lock.
    rows = [row for row in _lock(found) if row.since and row.since <= since and row.failed_for in reasons]
    left_out = _left_out(lane.use_case, rows)
    again = [row for row, why in zip(rows, left_out, strict=True) if not why]
    queued = _requeue(again, expires_at, now)
    counts = Counter[str](why[0] for why in left_out if why)
    return Requeued(queued, counts, found[-1] if len(found) == limit else None)


@transaction.atomic
def retry(voicemail: Voicemail, *, accept_duplicate_risk: bool = False, actor: User | None, now: datetime) -> Voicemail:
    """Queue a failed voicemail again for a new drop now. Raises ServiceError if that is unsafe or cannot help.

    `accept_duplicate_risk` allows voicemails that may have reached the person: uncertain, or failed as unconfirmed or unreported.
    """
    row = Voicemail.objects.select_for_update(no_key=True).get(pk=voicemail.pk)
    [locked] = _lock([row.pk])
    [left_out] = _left_out(row.use_case, [locked])
    if locked.failed_for is None:
        raise _not_retryable(
            f"Only a failed voicemail can be retried; this one is {row.status}.", voicemail_status=row.status
        )
    if locked.failed_for not in retryable_reasons([], accept_duplicate_risk):
        if locked.failed_for in GUESSES:
            raise _duplicate_risk("The person may have been reached already.", voicemail_status=row.status)
        raise _permanent_failure(row.reason_detail, voicemail_status=row.status)
    if LeftOut.NUMBER_REMOVED in left_out:
        raise _not_retryable(
            f"Its number was removed on {moments.day(row.number_removed_at)}, so nothing can be sent by it again.",
            voicemail_status=row.status,
        )
    if LeftOut.RECORDING_REMOVED in left_out:
        raise _not_retryable(f"{removed_text(row.recording)} It cannot be sent again.", voicemail_status=row.status)
    if LeftOut.COPIED in left_out:
        raise _not_retryable(
            "It was copied into another campaign with those who were not reached; retry it there.",
            voicemail_status=row.status,
        )
    if LeftOut.ATTEMPTS_USED_UP in left_out:
        raise ServiceError(
            "attempts_used_up",
            f"{locked.drops} drops were made for it; nobody is tried more than {MAX_DROPS} times.",
            voicemail_status=row.status,
        )
    require_usable(row.use_case, row.live)
    if left_out:
        raise suppressed_error()
    # Without an expiry of its own, in a lane that has not expired, the voicemail still expires with its lane.
    own_time = row.expires_at is not None or (row.expiry or now) <= now
    if not _requeue([locked], now + timedelta(hours=row.use_case.expires_after_hours) if own_time else None, now):
        raise _not_retryable(
            "What became of its last drop is known by now, and will show here within minutes; look at it again then.",
            voicemail_status=row.status,
        )
    mark_active(row.lane)
    audit.record(
        "voicemail.retried",
        row,
        actor=actor,
        workspace=row.workspace,
        was_reason=locked.failed_for,
        duplicate_risk_accepted=accept_duplicate_risk,
    )
    wake_on_commit("dispatch")
    row.refresh_from_db()
    return row


def retryable_reasons(named: Collection[str], accept_duplicate_risk: bool) -> set[Reason]:
    """The named reasons as a set; without names, all retryable reasons. Raises ServiceError for a reason that cannot be retried."""
    may = {reason for reason, facts in REASONS.items() if facts.retryable}
    if not named:
        return may | GUESSES if accept_duplicate_risk else may
    for name in named:
        if name not in {reason.value for reason in REASONS}:
            raise ServiceError(
                "reason_unknown", "There is no such reason; the page on reasons lists them all.", field="reasons"
            )
        if name in GUESSES and not accept_duplicate_risk:
            raise _duplicate_risk(f"“{name}” may have reached the person already.", field="reasons")
        if name not in may | GUESSES:
            raise _permanent_failure(REASONS[Reason(name)].detail, field="reasons")
    return {Reason(name) for name in named}


def _not_retryable(message: str, **about: str) -> ServiceError:
    return ServiceError("not_retryable", message, **about)


def _permanent_failure(reason_detail: str, **about: str) -> ServiceError:
    return _not_retryable(f"{reason_detail} Sending it again would not help.", **about)


def _duplicate_risk(message: str, **about: str) -> ServiceError:
    return ServiceError(
        "duplicate_risk",
        f'{message} To send again all the same, accept the risk: {{"accept_duplicate_risk": true}}.',
        **about,
    )
