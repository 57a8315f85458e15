"""Time-driven steps for voicemails: expire leases, fail what was never reported or confirmed, expire, roll up counts.

Each step is idempotent and reads rows by an index; two ticks may run the same step at once.
"""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from django.db import connection, transaction

from delivery.calls.commands import IS_DUE
from delivery.engine.lane_routes import active_routes
from delivery.lane_totals import OF_LANES
from delivery.lifecycle import transitions
from delivery.lifecycle.outcomes import lookup_wait
from delivery.lifecycle.reasons import Reason
from delivery.lifecycle.status import DropStatus, VoicemailStatus
from delivery.lifecycle.transitions import DropChange, Transition
from delivery.models import Lane
from delivery.runtime.watermarks import Watermark

BATCH = 1000

# Position of the last look at each queue.
_LEASES = Watermark(datetime.min.replace(tzinfo=UTC))
_INBOX = Watermark(0)
_DELTAS = Watermark(0)

# Drops whose lease has ended since the last look, in the order in which voicemails are locked.
_FIND_ENDED_LEASES = """
SELECT d.id, v.id FROM delivery_drop d JOIN delivery_voicemail v ON v.id = d.voicemail_id
 WHERE d.status = 'sending' AND d.due_at > %s AND d.due_at <= %s ORDER BY v.id LIMIT %s FOR NO KEY UPDATE OF v SKIP LOCKED
"""


def expire_leases(now: datetime) -> int:
    """Make drops uncertain whose lease ended, because their worker may have died before or after the request; returns how many."""
    with transaction.atomic(), connection.cursor() as cursor:
        with _LEASES.look() as since:
            cursor.execute(_FIND_ENDED_LEASES, [since, now, BATCH])
            rows = cursor.fetchall()
        transitions.apply(
            [Transition(v, VoicemailStatus.SENDING, VoicemailStatus.UNCERTAIN, drop_id=d) for d, v in rows], now
        )
        uncertain = [
            DropChange(d, DropStatus.SENDING, DropStatus.UNCERTAIN, due_at=now + lookup_wait(0)) for d, _ in rows
        ]
        transitions.change_drops(uncertain, now)
    if len(rows) < BATCH:
        _LEASES.reached(now)
    return len(rows)


# Each setup by its own horizon, so that a setup with a long one is not scanned with another's short one.
_FIND_UNREPORTED = """
SELECT d.id, v.id FROM usecases_telephonysetup s
 CROSS JOIN LATERAL (SELECT id, voicemail_id FROM delivery_drop
                      WHERE setup_id = s.id AND status = 'accepted' AND accepted_at <= %s - s.report_horizon_hours * interval '1 hour'
                      ORDER BY accepted_at LIMIT %s) d
  JOIN delivery_voicemail v ON v.id = d.voicemail_id
 ORDER BY v.id LIMIT %s FOR NO KEY UPDATE OF v SKIP LOCKED
"""


def fail_unreported(now: datetime) -> int:
    """Fail drops accepted longer ago than the setup's report horizon as unreported; returns how many."""
    return _fail(_FIND_UNREPORTED, [now, BATCH, BATCH], VoicemailStatus.ACCEPTED, Reason.UNREPORTED, now)


# Uncertain drops past their setup's horizon.
_FIND_UNCONFIRMED = """
SELECT d.id, v.id FROM delivery_drop d JOIN usecases_telephonysetup s ON s.id = d.setup_id
  JOIN delivery_voicemail v ON v.id = d.voicemail_id
 WHERE d.status = 'uncertain' AND d.created_at <= %s - s.confirm_horizon_hours * interval '1 hour'
 ORDER BY v.id LIMIT %s FOR NO KEY UPDATE OF v SKIP LOCKED
"""


def fail_unconfirmed(now: datetime) -> int:
    """Fail drops still uncertain past the setup's confirmation horizon as unconfirmed; returns how many."""
    return _fail(_FIND_UNCONFIRMED, [now, BATCH], VoicemailStatus.UNCERTAIN, Reason.UNCONFIRMED, now)


def _fail(query: str, arguments: list[datetime | int], was: VoicemailStatus, reason: Reason, now: datetime) -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(query, arguments)
        rows = cursor.fetchall()
        transitions.apply([Transition(v, was, VoicemailStatus.FAILED, reason=reason, drop_id=d) for d, v in rows], now)
        failed = [DropChange(d, DropStatus(was.value), DropStatus.FAILED, reason=reason) for d, _ in rows]
        transitions.change_drops(failed, now)
    return len(rows)


# Voicemails past an expiry of their own, by the partial index of these.
_FIND_EXPIRED = """
SELECT id FROM delivery_voicemail WHERE status = 'queued' AND expires_at <= %s ORDER BY expires_at LIMIT %s
   FOR NO KEY UPDATE SKIP LOCKED
"""


# Voicemails that expire with their lane. Idle lanes have none, so the lanes are few, and each lane's rows are found by an index. The
# index's order and the arrays keep the planner from reading the whole table, whatever its statistics about lanes say.
_FIND_EXPIRED_WITH_LANE = """
SELECT id FROM delivery_voicemail
 WHERE status = 'queued' AND id = ANY(ARRAY(
         SELECT due.id FROM delivery_lane l CROSS JOIN (VALUES (false), (true)) AS via(failover)
          CROSS JOIN LATERAL (SELECT id FROM delivery_voicemail
                               WHERE lane_id = l.id AND failover = via.failover AND status = 'queued' AND expires_at IS NULL
                               ORDER BY not_before LIMIT %s) due
          WHERE l.id = ANY(ARRAY(SELECT id FROM delivery_lane WHERE NOT idle AND expires_at <= %s ORDER BY expires_at)) LIMIT %s))
 ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
"""
LANE_BATCH = 5000  # an expired campaign may leave a million


def expire(now: datetime) -> int:
    """Expire queued voicemails past their expiry, also in held lanes and behind stopped setups, which no claim reads; returns how
    many."""
    return _expire(_FIND_EXPIRED, [now, BATCH], now) + _expire(
        _FIND_EXPIRED_WITH_LANE, [LANE_BATCH, now, LANE_BATCH], now
    )


def _expire(query: str, arguments: list[datetime | int], now: datetime) -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(query, arguments)
        ids = [row[0] for row in cursor.fetchall()]
        transitions.apply(
            [Transition(v, VoicemailStatus.QUEUED, VoicemailStatus.EXPIRED, reason=Reason.EXPIRED) for v in ids], now
        )
    return len(ids)


# Takes deltas and adds them to the counts of their lanes and of their use cases, which are written in one order.
_ROLL_UP_DELTAS = """
WITH taken AS (
  DELETE FROM delivery_lanedelta
   WHERE id IN (SELECT id FROM delivery_lanedelta WHERE id >= %s ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED)
  RETURNING id, lane_id, status, reason, delta
), of_use_cases AS (
  INSERT INTO delivery_usecasecount AS c (use_case_id, status, reason, count)
  SELECT l.use_case_id, t.status, t.reason, sum(t.delta) FROM taken t JOIN delivery_lane l ON l.id = t.lane_id
   GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
  ON CONFLICT (use_case_id, status, reason) DO UPDATE SET count = c.count + excluded.count
), of_lanes AS (
  INSERT INTO delivery_lanecount AS c (lane_id, status, reason, count, changed_at)
  SELECT lane_id, status, reason, sum(delta), now() FROM taken GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
  ON CONFLICT (lane_id, status, reason) DO UPDATE SET count = c.count + excluded.count, changed_at = excluded.changed_at
)
SELECT max(id) FROM taken
"""


def roll_up_counts(limit: int = 50_000) -> None:
    """Add up to `limit` deltas to the counts of lanes and use cases. Readers sum counts and deltas, so totals do not change."""
    with transaction.atomic(), connection.cursor() as cursor, _DELTAS.look() as first:
        cursor.execute(_ROLL_UP_DELTAS, [first, limit])
        [(last,)] = cursor.fetchall()
    if last is not None:
        _DELTAS.reached(last)


# Inserts the differences between a lane's rows and its counts as deltas.
_CORRECT_LANE_COUNTS = f"""
INSERT INTO delivery_lanedelta (lane_id, status, reason, delta)
SELECT %(lane)s, status, reason, sum(n)
  FROM (SELECT status, reason, 1 AS n FROM delivery_voicemail WHERE lane_id = %(lane)s
        UNION ALL SELECT status, reason, -count FROM {OF_LANES} WHERE lane_id = %(lane)s) difference
 GROUP BY status, reason HAVING sum(n) <> 0
"""  # noqa: S608 - ours


# A use case's counts are the sums of its lanes' counts. Rolling up adds the same to both, so it does not change the difference.
_CORRECT_USE_CASE_COUNTS = """
INSERT INTO delivery_usecasecount AS c (use_case_id, status, reason, count)
SELECT use_case_id, status, reason, sum(n)
  FROM (SELECT l.use_case_id, c.status, c.reason, c.count AS n FROM delivery_lane l JOIN delivery_lanecount c ON c.lane_id = l.id
        UNION ALL SELECT use_case_id, status, reason, -count FROM delivery_usecasecount) difference
 WHERE use_case_id = (SELECT use_case_id FROM delivery_lane WHERE id = %(lane)s)
 GROUP BY 1, 2, 3 HAVING sum(n) <> 0 ORDER BY 1, 2, 3
ON CONFLICT (use_case_id, status, reason) DO UPDATE SET count = c.count + excluded.count
"""


def rebuild_counts(lane_id: UUID) -> None:
    """Correct a lane's counts from its rows, and its use case's counts from those of its lanes.

    Works while the lane is in use: rows, counts and deltas are read in one snapshot. Reads every voicemail of the lane, so nothing
    calls it by itself: an operator does, in `manage.py shell`. The lock keeps two calls from making the same correction twice.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        Lane.objects.select_for_update(no_key=True).filter(pk=lane_id).first()
        cursor.execute(_CORRECT_USE_CASE_COUNTS, {"lane": lane_id})
        cursor.execute(_CORRECT_LANE_COUNTS, {"lane": lane_id})


# With the ORDER BY, because otherwise, with statistics from a full inbox, the planner reads the whole table to find one report.
_FIRST_REPORT = "SELECT id FROM delivery_carrierreport WHERE merged_at IS NULL AND id >= %s ORDER BY id LIMIT 1"
# Whether a drop is due for a check, a result for a question or a recording for its upload, each by an index of due rows.
_IS_CARRIER_ASKED = """
SELECT (SELECT due_at FROM delivery_drop WHERE status = 'uncertain' AND due_at <= %s ORDER BY due_at LIMIT 1) IS NOT NULL
    OR EXISTS (SELECT 1 FROM delivery_awaitedresult WHERE due_at <= %s)
    OR EXISTS (SELECT 1 FROM delivery_carriermedia WHERE state = 'wanted' AND due_at <= %s)
"""


def is_work_due(now: datetime) -> dict[str, bool]:
    """For each queue, whether it has due work."""
    with connection.cursor() as cursor:
        with _INBOX.look() as first:
            cursor.execute(_FIRST_REPORT, [first])
            found = cursor.fetchone()
        if found is not None:
            _INBOX.reached(found[0])
        cursor.execute(_IS_CARRIER_ASKED, [now, now, now])
        reports = found is not None or cursor.fetchone()[0]
        cursor.execute(IS_DUE, [now])
        [calls] = cursor.fetchone()
    return {"dispatch": bool(active_routes(now, limit=1)), "reports": reports, "calls": calls}
