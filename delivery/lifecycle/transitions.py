"""The only code that changes statuses: applies transitions set-wise, with the counts and the events of the same statement.

A transition names the status it was decided from. A row that has left that status meanwhile is not changed, and the caller gets the
ids of the rows that were. So two workers, or a late result and an early report, never overwrite each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction

from delivery.lifecycle.events import MAX_CODE, MAX_REFERENCE, MAX_TEXT
from delivery.lifecycle.reasons import GUESSES, Reason
from delivery.lifecycle.status import (
    DROP_TAKEN,
    DROP_TERMINAL,
    TAKEN,
    TERMINAL,
    DropStatus,
    VoicemailStatus,
    can_transition,
    can_transition_drop,
)
from rvm.platform.database import sql
from rvm.platform.events.outbox import COLUMNS


@dataclass(frozen=True, slots=True)
class Transition:
    """A status change of a voicemail and the status it was decided from.

    `drop_id`: the change applies only while this is the voicemail's latest drop; None if no drop causes the change.
    For changes to queued, `not_before` is the earliest time of the next claim and `failover` the setup to use.
    """

    voicemail_id: UUID
    from_status: VoicemailStatus
    to_status: VoicemailStatus
    from_reason: str = ""
    reason: Reason | None = None
    drop_id: UUID | None = None
    code: str = ""
    text: str = ""
    not_before: datetime | None = None
    failover: bool | None = None


class InvalidTransition(ValueError):
    """A transition that the tables of `delivery.lifecycle.status` do not list: a bug, caught before the write."""


# The event of each voicemail in `moved`, except that one is being sent, and that an attempt which came to nothing is repeated.
_TELL = f"""
  INSERT INTO platform_outbox ({COLUMNS})
  SELECT m.workspace_id, m.live, 'voicemail.' || m.to_status, m.id, m.at,
         jsonb_build_object('voicemail_id', m.id, 'status', m.to_status, 'reason', nullif(m.reason, ''), 'attempts', m.attempts,
                            'use_case_id', m.use_case_id, 'campaign_id', CASE WHEN NOT l.for_api THEN l.id END)
    FROM moved m JOIN delivery_lane l ON l.id = m.lane_id
   WHERE m.to_status <> 'queued' OR m.from_status = 'failed'
"""  # noqa: S608 - of constants
# Every transaction that waits for locks on voicemails takes them in this order, so that two of them cannot deadlock. Without it, the
# update would lock rows in the order of its plan.
_LOCK_IN_ORDER = "SELECT 1 FROM delivery_voicemail WHERE id = ANY(%s::uuid[]) ORDER BY id FOR NO KEY UPDATE"
# Changes the voicemails that still have the status that the transition was decided from, updates the counts and tells of the changes.
_APPLY_TRANSITIONS = f"""
WITH asked AS (
  SELECT * FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::text[], %s::text[], %s::uuid[], %s::text[], %s::text[],
                       %s::timestamptz[], %s::bool[])
    AS asked(id, from_status, to_status, from_reason, reason, drop_id, code, text, not_before, failover)
), moved AS (
  UPDATE delivery_voicemail v
     SET status = a.to_status, reason = a.reason, carrier_code = a.code, carrier_text = a.text, updated_at = t.at,
         not_before = coalesce(a.not_before, v.not_before), failover = coalesce(a.failover, v.failover),
         accepted_at = CASE WHEN a.to_status IN {sql.literals(TAKEN)} THEN coalesce(v.accepted_at, t.at) ELSE v.accepted_at END,
         ended_at = CASE WHEN a.to_status IN {sql.literals(TERMINAL)} THEN t.at END
    FROM asked a, (SELECT %s::timestamptz AS at) t
   WHERE v.id = a.id AND v.status = a.from_status AND v.reason = a.from_reason AND (a.drop_id IS NULL OR v.drop_id = a.drop_id)
  RETURNING v.id, v.lane_id, a.from_status, a.from_reason, a.to_status, a.reason, v.workspace_id, v.live, v.attempts, v.use_case_id,
            t.at
), told AS ({_TELL}
), counted AS (
  INSERT INTO delivery_lanedelta (lane_id, status, reason, delta)
  SELECT lane_id, status, reason, sum(delta)
    FROM (SELECT lane_id, from_status AS status, from_reason AS reason, -1 AS delta FROM moved
          UNION ALL SELECT lane_id, to_status, reason, 1 FROM moved) change
   GROUP BY lane_id, status, reason HAVING sum(delta) <> 0
)
SELECT id FROM moved
"""  # noqa: S608 - of constants


def lock(voicemail_ids: Iterable[UUID]) -> None:
    """Lock the voicemails until the transaction ends."""
    sql.run(_LOCK_IN_ORDER, [sql.ids(voicemail_ids)])


def apply(transitions: Sequence[Transition], at: datetime, *, locked: bool = False) -> set[UUID]:
    """Apply the transitions whose `from_status` still holds and return the ids of the voicemails that changed.

    Each voicemail may be named once. All named voicemails stay locked until the caller's transaction ends, changed or not.
    `locked`: the caller holds the rows' locks already; to take them again would cost a merged report 4 %.
    Raises InvalidTransition.
    """
    if not transitions:
        return set()
    for transition in transitions:
        if not can_transition(transition.from_status, transition.to_status):
            raise InvalidTransition(f"{transition.from_status} -> {transition.to_status}")
    ordered = sorted(transitions, key=lambda transition: transition.voicemail_id.int)
    named = sql.ids(transition.voicemail_id for transition in ordered)
    parameters = [
        named,
        sql.texts(transition.from_status for transition in ordered),
        sql.texts(transition.to_status for transition in ordered),
        sql.texts(transition.from_reason for transition in ordered),
        sql.texts(transition.reason or "" for transition in ordered),
        sql.ids(transition.drop_id for transition in ordered),
        sql.texts(transition.code[:MAX_CODE] for transition in ordered),
        sql.texts(transition.text[:MAX_TEXT] for transition in ordered),
        [transition.not_before for transition in ordered],
        [transition.failover for transition in ordered],
        at,
    ]
    with transaction.atomic(savepoint=False):
        if not locked:
            sql.run(_LOCK_IN_ORDER, [named])
        return {row[0] for row in sql.run(_APPLY_TRANSITIONS, parameters)}


# Queues failed voicemails, updates the counts and tells of it. The caller has locked the rows, so only the status is compared.
_REQUEUE_FAILED = f"""
WITH was AS (
  SELECT id, reason FROM delivery_voicemail WHERE id = ANY(%s::uuid[]) AND status = 'failed'
), moved AS (
  UPDATE delivery_voicemail v
     SET status = 'queued', reason = '', carrier_code = '', carrier_text = '', updated_at = t.at, not_before = t.at, ended_at = NULL,
         expires_at = CASE WHEN t.until IS NOT NULL THEN greatest(v.expires_at, t.until) END
    FROM was, (SELECT %s::timestamptz AS at, %s::timestamptz AS until) t
   WHERE v.id = was.id
  RETURNING v.id, v.lane_id, 'failed' AS from_status, was.reason AS from_reason, 'queued' AS to_status, v.reason, v.workspace_id,
            v.live, v.attempts, v.use_case_id, t.at
), told AS ({_TELL}
), counted AS (
  INSERT INTO delivery_lanedelta (lane_id, status, reason, delta)
  SELECT lane_id, 'failed', from_reason, -count(*) FROM moved GROUP BY lane_id, from_reason
  UNION ALL SELECT lane_id, 'queued', '', count(*) FROM moved GROUP BY lane_id
)
SELECT count(*) FROM moved
"""  # noqa: S608 - of constants


def requeue(voicemail_ids: Iterable[UUID], at: datetime, *, expires_at: datetime | None) -> int:
    """Queue failed voicemails again, due at once, and return how many. Made for many rows: no `Transition` each, one version per row.

    Their expiry becomes `expires_at` unless it is later already; if `expires_at` is None, they expire with their lane.
    The caller holds the rows' locks.
    """
    [(count,)] = sql.run(_REQUEUE_FAILED, [sql.ids(voicemail_ids), at, expires_at])
    return int(count)


@dataclass(frozen=True, slots=True)
class NewDrop:
    """A claimed voicemail and the drop that is about to be submitted for it. `id` is the attempt key."""

    id: UUID
    voicemail_id: UUID
    sender: str
    recording_id: UUID


# Changes queued voicemails to sending, inserts their drops with leases, and updates the counts.
_BEGIN_DROPS = """
WITH claimed AS (
  SELECT * FROM unnest(%s::uuid[], %s::uuid[], %s::text[], %s::uuid[]) AS claimed(id, voicemail_id, sender, recording_id)
), moved AS (
  UPDATE delivery_voicemail v
     SET status = 'sending', reason = '', carrier_code = '', carrier_text = '', drop_id = c.id, sender = c.sender,
         recording_id = c.recording_id, attempts = v.attempts + 1, sending_at = t.at, updated_at = t.at
    FROM claimed c, (SELECT %s::timestamptz AS at) t
   WHERE v.id = c.voicemail_id AND v.status = 'queued'
  RETURNING v.id, v.workspace_id, v.lane_id, v.live, v.attempts, c.id AS drop_id, c.sender, t.at
), counted AS (
  INSERT INTO delivery_lanedelta (lane_id, status, reason, delta)
  SELECT lane_id, change.status, '', change.sign * count(*)
    FROM moved, (VALUES ('queued', -1), ('sending', 1)) AS change(status, sign) GROUP BY lane_id, change.status, change.sign
)
INSERT INTO delivery_drop (id, workspace_id, voicemail_id, setup_id, credentials_version, callback_version, number, live, sender,
                           status, reason, carrier_code, carrier_text, carrier_reference, due_at, checks, created_at)
SELECT drop_id, workspace_id, id, %s, %s, %s, attempts, live, sender, 'sending', '', '', '', '', %s, 0, at FROM moved
RETURNING id
"""


def begin(
    drops: Sequence[NewDrop],
    *,
    setup_id: UUID,
    credentials_version: int,
    callback_version: int,
    at: datetime,
    lease_until: datetime,
) -> set[UUID]:
    """Change claimed voicemails from queued to sending, insert their drops with leases, and return the ids of the drops that are
    there now: of two drops of one voicemail that is one.

    The caller holds the rows' locks, and commits before it sends any request. `credentials_version` and
    `callback_version` are the versions of the credentials and of the callback secret with which the requests are made.
    """
    rows = sql.run(
        _BEGIN_DROPS,
        [
            sql.ids(drop.id for drop in drops),
            sql.ids(drop.voicemail_id for drop in drops),
            sql.texts(drop.sender for drop in drops),
            sql.ids(drop.recording_id for drop in drops),
            at,
            setup_id,
            credentials_version,
            callback_version,
            lease_until,
        ],
    )
    return {row[0] for row in rows}


@dataclass(frozen=True, slots=True)
class DropChange:
    """A status change of a drop and the status it was decided from. `due_at`: when to look up an uncertain drop.

    `provisional`: the change comes from an unsigned result although the setup's results are signed.
    """

    drop_id: UUID
    from_status: DropStatus
    to_status: DropStatus
    from_reason: str = ""
    reason: Reason | None = None
    code: str = ""
    text: str = ""
    carrier_reference: str = ""
    due_at: datetime | None = None
    provisional: bool = False


# Changes drops that still have the status that the change was decided from, unless that is final; returns those not changed.
_CHANGE_DROPS = f"""
WITH asked AS (
  SELECT * FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[],
                       %s::timestamptz[], %s::bool[])
    AS asked(id, from_status, to_status, from_reason, reason, code, text, reference, due_at, provisional)
), changed AS (
  UPDATE delivery_drop d
     SET status = a.to_status, reason = a.reason, carrier_code = a.code, carrier_text = a.text, provisional = a.provisional,
         carrier_reference = CASE WHEN a.reference = '' THEN d.carrier_reference ELSE a.reference END,
         due_at = coalesce(a.due_at, d.due_at),
         accepted_at = CASE WHEN a.to_status IN {sql.literals(DROP_TAKEN)} THEN coalesce(d.accepted_at, t.at) ELSE d.accepted_at END,
         ended_at = CASE WHEN a.to_status IN {sql.literals(DROP_TERMINAL)} THEN t.at END
    FROM asked a, (SELECT %s::timestamptz AS at) t
   WHERE d.id = a.id AND d.status = a.from_status AND d.reason = a.from_reason
     AND (d.status <> 'failed' OR d.reason IN {sql.literals(GUESSES)} OR d.provisional OR a.to_status = 'delivered')
  RETURNING d.id
)
SELECT id FROM asked WHERE id NOT IN (SELECT id FROM changed)
"""  # noqa: S608 - of constants


def change_drops(changes: Sequence[DropChange], at: datetime) -> set[UUID]:
    """Apply changes of drops and return the ids of the drops that had left their `from_status`, or are otherwise not changed.

    Each drop may be named once. Raises InvalidTransition.
    """
    if not changes:
        return set()
    for change in changes:
        if not can_transition_drop(change.from_status, change.to_status):
            raise InvalidTransition(f"drop: {change.from_status} -> {change.to_status}")
    ordered = sorted(changes, key=lambda change: change.drop_id.int)
    rows = sql.run(
        _CHANGE_DROPS,
        [
            sql.ids(change.drop_id for change in ordered),
            sql.texts(change.from_status for change in ordered),
            sql.texts(change.to_status for change in ordered),
            sql.texts(change.from_reason for change in ordered),
            sql.texts(change.reason or "" for change in ordered),
            sql.texts(change.code[:MAX_CODE] for change in ordered),
            sql.texts(change.text[:MAX_TEXT] for change in ordered),
            sql.texts(change.carrier_reference[:MAX_REFERENCE] for change in ordered),
            [change.due_at for change in ordered],
            [change.provisional for change in ordered],
            at,
        ],
    )
    return {row[0] for row in rows}
