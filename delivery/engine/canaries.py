"""The first people of a lane, who are tried before the others: no claim takes more of them than were let out.

`canary_left` of the lane says how many more may be tried; null is everybody, so a lane without a canary costs nothing. A claim locks
the lane, takes at most so many, and writes who they are and how many are left in the transaction that begins their drops. So the
limit holds for any number of workers, and a killed one leaves nothing half done.

One of these that goes to the failover setup was tried already, so it needs no place of its own; one that waits for that setup since
before the first people were let out waits with the others. One that was proved not sent gives its place back. Other retries wait
until the lane is open to everybody.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from delivery.lifecycle.attempts import COUNTS_SQL
from delivery.lifecycle.reasons import GUESSES
from delivery.models import CanaryMember, Lane
from rvm.platform.database import sql

# Whether a voicemail `v` has a place.
IS_MEMBER_SQL = "EXISTS (SELECT FROM delivery_canarymember m WHERE m.voicemail_id = v.id)"
# For a lane `l` and its side `via`: whether the lane tries first people only, whether the voicemail `v` may be among those who are
# tried now, whether the side is open, and how many of its due voicemails may be claimed.
IN_CANARY_SQL = "l.canary_left IS NOT NULL"
MAY_TRY_SQL = f"(NOT via.failover OR l.canary_left IS NULL OR {IS_MEMBER_SQL})"
IS_OPEN_SQL = "(via.failover OR l.canary_left IS DISTINCT FROM 0)"
MAY_CLAIM_SQL = "CASE WHEN via.failover THEN due.count ELSE least(due.count, l.canary_left) END"

_LOCK = "SELECT canary_left FROM delivery_lane WHERE id = %s FOR NO KEY UPDATE"
_TAKE = """
WITH taken AS (
  INSERT INTO delivery_canarymember (voicemail_id, lane_id) SELECT unnest(%s::uuid[]), %s ON CONFLICT DO NOTHING RETURNING 1
)
UPDATE delivery_lane SET canary_left = canary_left - (SELECT count(*) FROM taken) WHERE id = %s
"""
# Members that were provably not tried: each of their drops was proved not sent, and they are not on their way through the failover
# setup. One whose recording the carrier refused has failed without a drop, and counts.
_NOT_TRIED = f"""
SELECT m.voicemail_id FROM delivery_canarymember m JOIN delivery_voicemail v ON v.id = m.voicemail_id
 WHERE m.lane_id = %s AND v.status IN ('queued', 'skipped', 'canceled', 'expired') AND NOT (v.status = 'queued' AND v.failover)
   AND NOT EXISTS (SELECT FROM delivery_drop d WHERE d.voicemail_id = v.id AND {COUNTS_SQL})
"""  # noqa: S608 - of constants
_LET_GO = f"DELETE FROM delivery_canarymember WHERE voicemail_id IN ({_NOT_TRIED})"  # noqa: S608 - of constants
_COUNT_LEFT = """
UPDATE delivery_lane SET canary_left = greatest(0, %s - (SELECT count(*) FROM delivery_canarymember WHERE lane_id = %s))
 WHERE id = %s AND canary_left IS NOT NULL
"""
# How each member's latest attempt that was sent has ended. Who waits for a further attempt counts by the one before, unless the
# failover setup is trying now.
_OUTCOMES = f"""
SELECT lane_id, outcome, CASE WHEN outcome = 'failed' THEN reason ELSE '' END, sent, count(*) FROM (
  SELECT m.lane_id, v.status IN ('failed', 'delivered') OR coalesce(last.status <> 'sending', false) AS sent,
         coalesce(CASE WHEN v.status IN ('failed', 'delivered') THEN v.reason ELSE last.reason END, '') AS reason,
         CASE WHEN v.status = 'delivered' THEN 'delivered'
              WHEN v.status = 'failed' AND NOT v.reason = ANY(%s::text[]) THEN 'failed'
              WHEN v.status IN ('queued', 'skipped', 'canceled', 'expired')
               AND NOT (v.status = 'queued' AND v.failover AND v.not_before <= %s)
               AND last.status = 'failed' AND NOT last.reason = ANY(%s::text[]) THEN 'failed'
              WHEN v.status = 'queued' AND v.failover THEN 'failover' ELSE 'open' END AS outcome
    FROM delivery_canarymember m JOIN delivery_voicemail v ON v.id = m.voicemail_id
    LEFT JOIN LATERAL (SELECT d.status, d.reason FROM delivery_drop d WHERE d.voicemail_id = v.id AND {COUNTS_SQL}
                        ORDER BY d.id DESC LIMIT 1) last ON true
   WHERE m.lane_id = ANY(%s::uuid[])) found
 GROUP BY 1, 2, 3, 4
"""  # noqa: S608 - of constants


@dataclass(slots=True)
class Outcomes:
    """How many of a lane's first people were tried, and how they ended: delivered, or failed by reason. `sent`: those whose request
    was answered, or may have been. `failover`: those who wait for another try through the failover setup."""

    tried: int = 0
    delivered: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    sent: int = 0
    failover: int = 0

    @property
    def reported(self) -> int:
        return self.delivered + self.failed.total()


def begin(lane_id: UUID, people: int) -> None:
    """Let out so many people of the lane, and nobody else. Call it while the lane is held."""
    Lane.objects.filter(pk=lane_id).update(canary_left=people)
    CanaryMember.objects.filter(lane_id=lane_id).delete()


def end(lane_id: UUID) -> None:
    """Let out everybody."""
    Lane.objects.filter(pk=lane_id, canary_left__isnull=False).update(canary_left=None)
    CanaryMember.objects.filter(lane_id=lane_id).delete()


def locked_left(lane_id: UUID) -> int | None:
    """How many people the lane may still try; None: everybody. The lane is locked until the transaction ends, so it stays so."""
    [(left,)] = sql.run(_LOCK, [lane_id])
    return None if left is None else int(left)


def take(lane_id: UUID, voicemail_ids: Collection[UUID]) -> None:
    """Note who is tried; who was tried before keeps the place. The caller has the lane's lock and begins their drops in the same
    transaction."""
    if voicemail_ids:
        sql.run(_TAKE, [sql.ids(voicemail_ids), lane_id, lane_id])


def has_untried(lane_id: UUID) -> bool:
    """Whether a place is to be given back: somebody who was taken was provably not tried."""
    return bool(sql.run(f"{_NOT_TRIED} LIMIT 1", [lane_id]))


def give_back(lane_id: UUID, people: int) -> bool:
    """Give back the places of those who were not tried after all, and whether there were any. `people`: how many are let out in all.

    The lane is then locked, as by `recount`, so it cannot be held in the same transaction: a claim that waits for it would be
    waited for."""
    if not has_untried(lane_id):
        return False
    locked_left(lane_id)
    sql.run(_LET_GO, [lane_id])
    recount(lane_id, people)
    return True


def recount(lane_id: UUID, people: int) -> None:
    """Set how many people may still be tried, of so many in all."""
    locked_left(lane_id)
    sql.run(_COUNT_LEFT, [people, lane_id, lane_id])


def outcomes(lane_ids: Iterable[UUID], now: datetime) -> dict[UUID, Outcomes]:
    """How the first people of each lane ended so far. A guess, such as `unreported`, is no end."""
    found = {lane_id: Outcomes() for lane_id in lane_ids}
    guesses = sql.texts(sorted(GUESSES))
    if found:
        for lane_id, outcome, reason, sent, count in sql.run(_OUTCOMES, [guesses, now, guesses, sql.ids(found)]):
            found[lane_id].tried += count
            found[lane_id].sent += count if sent else 0
            if outcome == "delivered":
                found[lane_id].delivered += count
            elif outcome == "failed":
                found[lane_id].failed[reason] += count
            elif outcome == "failover":
                found[lane_id].failover += count
    return found
