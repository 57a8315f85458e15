"""Takes due voicemails of one lane: guards decide, drops and leases are committed, and only then may anything leave.

One short transaction a wave. Rows that another worker holds are passed over (SKIP LOCKED); facts are read set-wise inside the
transaction, so a suppression and a hold bind every claim that begins after their commit.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction

from delivery import media, moves, sql
from delivery.carriers.base import Carrier
from delivery.models import Drop
from delivery.moves import Move, NewDrop
from delivery.reasons import Reason
from delivery.recipients import number_in
from delivery.routes import Route, hours
from delivery.status import VoicemailStatus
from rvm.platform.crypto import blind_index
from rvm.platform.ids import uuid7
from usecases.eligibility import Decision, Defer, Expire, Facts, Send, Skip, decide
from usecases.numbers import zones_of
from usecases.rendezvous import choose_sender
from usecases.suppressions import is_suppressed
from usecases.windows import EVERY_DAY

log = structlog.get_logger(__name__)

# Rows looked at in one go where those before them were put off, and at most in one transaction.
LOOK = 500
FARTHEST_LOOK = 2000


@dataclass(frozen=True, slots=True)
class Claim:
    """A drop that this worker, and nobody else, may submit until its lease ends."""

    drop_id: UUID
    voicemail_id: UUID
    recording_id: UUID
    attempts: int
    recipient: str
    sender: str
    at: datetime
    route: Route
    media_id: str = ""


@dataclass(frozen=True, slots=True)
class Wave:
    """What one claim did: drops to submit, and how many rows it looked at. `waits`: all that could go waits for its recording."""

    claims: list[Claim]
    looked_at: int
    waits: bool = False


_DUE = """
SELECT id, recipient, recipient_index, sender, recording_id, attempts, coalesce(expires_at, %s), zones::text[]
  FROM delivery_voicemail
 WHERE lane_id = %s AND failover = %s AND status = 'queued' AND not_before <= %s AND (not_before, id) >= (%s, %s)
   AND NOT (SELECT held FROM delivery_lane WHERE id = %s)
 ORDER BY not_before, id LIMIT %s FOR NO KEY UPDATE SKIP LOCKED
"""
_SUPPRESSED = "SELECT number_index FROM usecases_suppression WHERE workspace_id = %s AND number_index = ANY(%s)"


def claim(route: Route, limit: int, now: datetime, lease: timedelta) -> Wave:
    """Claim at most `limit` due voicemails of the route's lane.

    `limit` starts were granted, and who may not be reached now shall not use them up: where the first rows are put off, rows behind
    them are looked at, so that a list which is half asleep goes out at its pace all the same.
    """
    claims: list[Claim] = []
    looked_at, waits, size = 0, False, limit
    with transaction.atomic():
        while size:
            rows = sql.run(
                _DUE, [route.expires_at, route.lane_id, route.failover, now, *route.first, route.lane_id, size]
            )
            found, unready = _take(route, rows, limit - len(claims), now, lease)
            claims += found
            looked_at += len(rows)
            waits = waits or unready
            enough = len(claims) == limit or len(rows) < size or waits
            size = 0 if enough else min(LOOK, FARTHEST_LOOK - looked_at)
    return Wave(claims, looked_at, waits=waits and not claims)


def _take(
    route: Route, rows: list[tuple[Any, ...]], limit: int, now: datetime, lease: timedelta
) -> tuple[list[Claim], bool]:
    """Decide the locked rows in order, until `limit` of them may go; those behind stay as they are. Also: does one wait for its
    recording?"""
    recipients = [_recipient(row) for row in rows]
    suppressed = _suppressed(route, rows, recipients)
    claims: list[Claim] = []
    others: list[Move] = []
    for row, recipient in zip(rows, recipients, strict=True):
        if len(claims) == limit:
            break
        decision = decide(_facts(route, row, recipient, row[2] in suppressed), now)
        if isinstance(decision, Send) and recipient:
            claims.append(_claim(route, row, recipient, now))
        else:
            others.append(_move(row[0], decision))
    claims, unready = _with_media(route, claims, now)
    others += unready
    if claims:
        drops = [NewDrop(claim.drop_id, claim.voicemail_id, claim.sender) for claim in claims]
        moves.begin(drops, setup_id=route.setup_id, at=now, lease_until=now + lease)
    _defer([(move.voicemail_id, move.not_before) for move in others if move.now is VoicemailStatus.QUEUED])
    moves.apply([move for move in others if move.now is not VoicemailStatus.QUEUED], now)
    return claims, bool(unready)


def _with_media(route: Route, claims: list[Claim], now: datetime) -> tuple[list[Claim], list[Move]]:
    """The claims whose recording is where the carrier needs it. The others wait for it, or end where the carrier refused it."""
    if not claims or not route.adapter.needs_media:
        return claims, []
    queued = VoicemailStatus.QUEUED
    known = media.known(route.setup_id, {claim.recording_id for claim in claims})
    ready, others, missing = [], [], set()
    for claim in claims:
        match known.get(claim.recording_id):
            case media.Media(state=media.State.READY, media_id=media_id):
                ready.append(replace(claim, media_id=media_id))
            case media.Media(state=media.State.REFUSED, error=error):
                reason, text = Reason.RECORDING_REFUSED, error
                others.append(Move(claim.voicemail_id, queued, VoicemailStatus.FAILED, reason=reason, text=text))
            case _:
                missing.add(claim.recording_id)
                others.append(Move(claim.voicemail_id, queued, queued, not_before=now + media.RECHECK))
    media.want(route.setup_id, missing, now)
    return ready, others


def facts_of(drop: Drop, adapter: Carrier) -> Facts:
    """The same facts for a drop that exists already."""
    voicemail, use_case, lane = drop.voicemail, drop.voicemail.use_case, drop.voicemail.lane
    window_start, window_end = hours(use_case, lane)
    return Facts(
        simulated=adapter.simulated,
        stopped=not (use_case.workspace.sending_enabled and use_case.sending_enabled and drop.setup.enabled),
        use_case_deleted=use_case.deleted_at is not None,
        has_sender=True,
        suppressed=is_suppressed(voicemail.workspace_id, voicemail.recipient),
        expires_at=voicemail.expiry,
        window_start=window_start,
        window_end=window_end,
        zones=() if adapter.simulated else tuple(voicemail.zones or zones_of(voicemail.recipient)),
        days=lane.days or EVERY_DAY,
    )


def _recipient(row: tuple[Any, ...]) -> str | None:
    """None where the number does not decrypt: it waits for its key, and keeps nobody else waiting."""
    number = number_in(row[1])
    if number is None:
        log.error("recipient_unreadable", voicemail_id=str(row[0]))
    return number


def _suppressed(route: Route, rows: list[tuple[Any, ...]], recipients: list[str | None]) -> set[bytes]:
    """The rows' indexes of suppressed numbers. While the index key rotates, the list and the rows may carry either key's."""
    sought = {row[2]: row[2] for row in rows}
    if len(settings.RVM_INDEX_KEYS.keys) > 1:
        for row, recipient in zip(rows, recipients, strict=True):
            sought |= dict.fromkeys(blind_index().all_of(route.workspace_id, recipient) if recipient else (), row[2])
            sought[row[2]] = row[2]
    return {sought[found] for (found,) in sql.run(_SUPPRESSED, [route.workspace_id, list(sought)])}


def _facts(route: Route, row: tuple[Any, ...], recipient: str | None, suppressed: bool) -> Facts:
    simulated = route.adapter.simulated
    return Facts(
        simulated=simulated,
        stopped=recipient is None,
        use_case_deleted=route.use_case_deleted,
        has_sender=bool(route.senders),
        suppressed=suppressed,
        expires_at=row[6],
        window_start=route.window_start,
        window_end=route.window_end,
        zones=() if simulated or recipient is None else tuple(row[7] or zones_of(recipient)),
        days=route.days,
    )


def _claim(route: Route, row: tuple[Any, ...], recipient: str, now: datetime) -> Claim:
    sender = choose_sender(row[2], route.senders, last=row[3])
    assert sender is not None  # noqa: S101  # `decide` skips where nothing is assigned
    return Claim(uuid7(), row[0], row[4], row[5] + 1, recipient, sender, now, route)


def _move(voicemail_id: UUID, decision: Decision) -> Move:
    queued = VoicemailStatus.QUEUED
    match decision:
        case Defer(until=until):
            return Move(voicemail_id, queued, queued, not_before=until)
        case Skip(reason=reason):
            return Move(voicemail_id, queued, VoicemailStatus.SKIPPED, reason=Reason(reason.value))
        case Expire():
            return Move(voicemail_id, queued, VoicemailStatus.EXPIRED, reason=Reason.EXPIRED)
    raise AssertionError(decision)


def _defer(later: list[tuple[UUID, datetime | None]]) -> None:
    """Rows that this claim holds, so that it does not matter in which order the update comes upon them."""
    if later:
        sql.run(
            "UPDATE delivery_voicemail v SET not_before = a.at FROM unnest(%s::uuid[], %s::timestamptz[]) AS a(id, at)"
            " WHERE v.id = a.id",
            [sql.ids(voicemail_id for voicemail_id, _ in later), [until for _, until in later]],
        )
