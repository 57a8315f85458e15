"""Check that every voicemail agrees with its latest drop; disagreements are repaired, logged and counted.

No known fault causes a disagreement: each writer changes both rows in one transaction and names the statuses it decided from.
A voicemail that disagrees would never end, nor would its campaign, so each tick checks some of the voicemails under way.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog
from django.db import transaction

from delivery.lifecycle import transitions
from delivery.lifecycle.reasons import Reason
from delivery.lifecycle.status import UNDER_WAY, DropStatus, VoicemailStatus
from delivery.lifecycle.transitions import DropChange, Transition
from rvm.platform.database import sql
from rvm.platform.models import Tally
from usecases.models import UseCase

log = structlog.get_logger(__name__)

TALLY = "repaired_voicemails"
# Limits of one tick: rows read, and pairs of use case and status visited.
MAX_ROWS = 1000
MAX_PAIRS = 30
_LAST = UUID(int=2**128 - 1)

# The next voicemails of a use case and status, and whether each agrees with its latest drop.
# In the order of the listings' index, so that a page is one range of it.
_NEXT_UNDER_WAY = """
SELECT v.id, d.status IS NOT DISTINCT FROM v.status
  FROM (SELECT id, status, drop_id FROM delivery_voicemail
         WHERE use_case_id = %s AND status = %s AND id < %s ORDER BY id DESC LIMIT %s) v
  LEFT JOIN delivery_drop d ON d.id = v.drop_id ORDER BY v.id DESC
"""
# The voicemails that are still under way, in the order in which all transactions lock them.
_LOCK_UNDER_WAY = f"""
SELECT id, status, reason, drop_id FROM delivery_voicemail
 WHERE id = ANY(%s::uuid[]) AND status IN {sql.literals(UNDER_WAY)} ORDER BY id FOR NO KEY UPDATE
"""  # noqa: S608 - of constants
# Read after the voicemails are locked, because every change of a drop happens under the lock of its voicemail.
_READ_DROPS = "SELECT id, status, reason FROM delivery_drop WHERE id = ANY(%s::uuid[])"


@dataclass(slots=True)
class Walk:
    """Position of this process in its walk through all pairs of use case and status, page by page."""

    use_case_id: UUID | None = None
    place: int = 0
    before: UUID = _LAST

    def next_pair(self) -> None:
        self.before = _LAST
        self.place = (self.place + 1) % len(UNDER_WAY)
        if self.place == 0:
            self.use_case_id = None if self.use_case_id is None else _use_case_after(self.use_case_id)


_walk = Walk()


def check(now: datetime) -> int:
    """Check the next rows and return how many were repaired. A step of the tick."""
    repaired, left = 0, MAX_ROWS
    for _ in range(MAX_PAIRS):
        if _walk.use_case_id is None:
            _walk.use_case_id = _use_case_after(UUID(int=0))
        if _walk.use_case_id is None or left <= 0:
            break
        rows = sql.run(_NEXT_UNDER_WAY, [_walk.use_case_id, UNDER_WAY[_walk.place].value, _walk.before, left])
        apart = [voicemail_id for voicemail_id, agrees in rows if not agrees]
        if apart:
            repaired += repair(apart, now)
        if len(rows) < left:
            _walk.next_pair()
        else:
            _walk.before = rows[-1][0]
        left -= len(rows)
    return repaired


def _use_case_after(use_case_id: UUID) -> UUID | None:
    later = UseCase.objects.filter(pk__gt=use_case_id).order_by("pk")
    return later.values_list("pk", flat=True).first()


def repair(voicemail_ids: list[UUID], now: datetime) -> int:
    """Make the voicemails agree with their latest drops again and return how many changed."""
    with transaction.atomic():
        rows = sql.run(_LOCK_UNDER_WAY, [sql.ids(voicemail_ids)])
        drops = {
            row[0]: (DropStatus(row[1]), row[2]) for row in sql.run(_READ_DROPS, [sql.ids(row[3] for row in rows)])
        }
        found = [_repair_for(VoicemailStatus(row[1]), row[2], row[0], row[3], drops.get(row[3]), now) for row in rows]
        transitions.apply([each for each in found if isinstance(each, Transition)], now)
        transitions.change_drops([each for each in found if isinstance(each, DropChange)], now)
        count = sum(each is not None for each in found)
        if count:
            Tally.add(TALLY, count, now)
    for row, each in zip(rows, found, strict=True):
        if each is not None:
            drop = drops.get(row[3])
            log.error("voicemail_repaired", voicemail_id=str(row[0]), was=row[1], drop=drop[0] if drop else None)
    return count


def _repair_for(
    status: VoicemailStatus,
    reason: str,
    voicemail_id: UUID,
    drop_id: UUID | None,
    drop: tuple[DropStatus, str] | None,
    now: datetime,
) -> Transition | DropChange | None:
    """The change that makes voicemail and drop agree: the one behind takes the other's status. None if they agree."""

    def transition(to: VoicemailStatus, why: str = "", *, not_before: datetime | None = None) -> Transition:
        return Transition(voicemail_id, status, to, reason, Reason(why) if why else None, not_before=not_before)

    if drop is None or drop_id is None:
        return transition(VoicemailStatus.FAILED, Reason.UNCONFIRMED)
    drop_status, why = drop
    if drop_status.value == status.value:
        return None
    if drop_status is DropStatus.NOT_SENT:
        return (
            transition(VoicemailStatus.QUEUED, not_before=now)
            if status is VoicemailStatus.SENDING
            else transition(VoicemailStatus.FAILED, Reason.NOT_SENT)
        )
    if drop_status in (DropStatus.DELIVERED, DropStatus.FAILED) or _ORDER.index(drop_status.value) > _ORDER.index(
        status.value
    ):
        return transition(VoicemailStatus(drop_status.value), why)
    return DropChange(drop_id, drop_status, DropStatus(status.value), why)


_ORDER = [status.value for status in UNDER_WAY]
