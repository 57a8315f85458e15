"""Claim of due voicemails of one lane: decides on each, and commits drops and leases before any request is sent.

Each claim is one short transaction, for which whoever pauses the lane waits. While a lane tries its first people only, its claims
take turns, and take no more than are let out (`delivery.engine.canaries`). Rows that another worker has locked are skipped (SKIP
LOCKED). Facts are read set-wise inside the transaction, the lane's route first, so a suppression, a hold, a kill switch, an
unassigned sender, a withdrawn statement, changed hours and changed credentials apply to every claim that begins after their commit.
Caps hold even between claims at the same time: a drop is begun only if it could be counted (`delivery.engine.recent_drops`). A row
that cannot be judged or written, or that waits for a statement about its recording, is put off alone, with the reason in the row.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from django.db import transaction

from delivery.carriers.abilities import MediaUpload
from delivery.engine import canaries, lane_holds
from delivery.engine.lane_routes import ActiveRoute, LanePosition, SendRoute, UnusableSetup, route_of
from delivery.engine.recent_drops import RecentDrops
from delivery.kept_decisions import Withheld, keep
from delivery.lifecycle import transitions
from delivery.lifecycle.reasons import Reason
from delivery.lifecycle.status import VoicemailStatus
from delivery.lifecycle.transitions import NewDrop, Transition
from delivery.models import KeptDecision
from delivery.models.voicemail import number_in
from delivery.recordings import attestations, carrier_media
from delivery.runtime.bisection import NOT_A_ROWS_FAULT, bisected
from delivery.selectors.last_sender import last_senders
from rvm.phone_numbers.places import Places, places_known
from rvm.platform.database import sql
from rvm.platform.database.ids import uuid7
from rvm.platform.health.failed_work import record_on_commit
from usecases.consents.standing import consents_held
from usecases.eligibility import (
    UNREADABLE_RECHECK,
    ConsentHeld,
    Decision,
    Defer,
    DeferReason,
    Expire,
    Facts,
    Send,
    Skip,
    decide,
)
from usecases.rendezvous import choose_sender
from usecases.suppressions import are_suppressed, ids_of_suppressions
from usecases.windows import closing, next_open

log = structlog.get_logger(__name__)

# Rows read per step once earlier rows did not use up the starts, and rows read at most in one transaction.
LOOK = 500
MAX_LOOK = 2000
# Wait before a row that could not be judged or written is tried again. Only an administrator can fix the cause.
PUT_OFF_MINUTES = UNREADABLE_RECHECK // timedelta(minutes=1)
UNREADABLE = (
    f"The phone number does not open with the keys of this installation; it is tried again every {PUT_OFF_MINUTES} minutes. "
    "Ask your operator for the key that is missing."
)


@dataclass(frozen=True, slots=True)
class Claim:
    """A claimed voicemail and its drop, which only this worker may submit until the lease ends."""

    drop_id: UUID
    voicemail_id: UUID
    recording_id: UUID
    attempts: int
    recipient: str = field(repr=False)
    sender: str
    at: datetime
    route: SendRoute
    media_id: str = ""


@dataclass(frozen=True, slots=True)
class ClaimedBatch:
    """Result of one claim: drops to submit, and the number of rows read. `waits`: every row that may be sent waits for its recording
    at the carrier."""

    claims: list[Claim]
    looked_at: int
    waits: bool = False


@dataclass(frozen=True, slots=True)
class _Looked:
    """Result of one look: what may be sent and is not begun yet, and the position after the rows that were read. `withheld`:
    decisions to be kept. `refused`: of the first people of a lane, those whose recording the carrier refused."""

    claims: list[Claim]
    looked_at: int
    after: LanePosition
    waits: bool
    withheld: Sequence[Withheld]
    refused: Sequence[UUID]


# Columns of a voicemail that a claim needs. A lane's recording takes the place of the voicemail's own.
_READ_VOICEMAILS = """
SELECT id, recipient, recipient_index, sender, coalesce(%s, recording_id), attempts, coalesce(expires_at, %s), zones::text[],
       not_before
  FROM delivery_voicemail v
"""
# Locks due voicemails from a position in the lane on, in the order of the index; skips rows that other transactions have locked.
_DUE_IN_TURN = """
 WHERE lane_id = %s AND failover = %s AND status = 'queued' AND not_before <= %s AND (not_before, id) >= (%s, %s){which}
 ORDER BY not_before, id LIMIT %s FOR NO KEY UPDATE OF v SKIP LOCKED
"""
_READ_IDS = "SELECT id, not_before FROM delivery_voicemail v"
# Both for everybody, and for the first people only.
_EVERYBODY, _MEMBERS = (_DUE_IN_TURN.format(which=which) for which in ("", f" AND {canaries.IS_MEMBER_SQL}"))
_LOCK_DUE, _LOCK_DUE_MEMBERS = _READ_VOICEMAILS + _EVERYBODY, _READ_VOICEMAILS + _MEMBERS
_LOCK_DUE_IDS, _LOCK_DUE_MEMBERS_IDS = _READ_IDS + _EVERYBODY, _READ_IDS + _MEMBERS
_READ_THESE = _READ_VOICEMAILS + "WHERE id = ANY(%s::uuid[]) ORDER BY not_before, id"

# Arguments: route, recent drops, position in the lane to start from, rows to read, rows to claim at most, now.
Look = Callable[[SendRoute, RecentDrops, LanePosition, int, int, datetime], _Looked]


def claim(lane: ActiveRoute, limit: int, now: datetime, lease: timedelta) -> ClaimedBatch:
    """Claim at most `limit` due voicemails of the lane by its current route. Raises UnusableSetup.

    The batch is empty if the lane is not open any more, or now goes through another setup than the one that permitted the starts.
    `limit` starts were permitted, and recipients who may not be reached now must not use them up: if the first rows are put off,
    later rows are read as well. So a list whose recipients are partly outside their calling window still goes out at its pace.
    """
    try:
        return _claim(lane, limit, now, lease, _look)
    except (UnusableSetup, *NOT_A_ROWS_FAULT):
        raise
    except Exception as error:
        log.warning("claim_taken_apart", lane_id=str(lane.lane_id), error=type(error).__name__)
    return _claim(lane, limit, now, lease, _look_apart)


@transaction.atomic
def _claim(lane: ActiveRoute, limit: int, now: datetime, lease: timedelta, look: Look) -> ClaimedBatch:
    lane_holds.share(lane.lane_id)
    route = route_of(lane.lane_id, failover=lane.failover, setup_id=lane.setup_id, now=now)
    if route is None:
        return ClaimedBatch([], 0)
    route.adapter, route.callback_key  # noqa: B018  # decrypts both before a row is locked
    left = canaries.locked_left(lane.lane_id) if route.in_canary else None
    if left is not None:
        limit = min(limit, left)
    elif route.in_canary:
        # Its canary ended while it waited for its turn, and may have ended with the campaign.
        return ClaimedBatch([], 0)
    recent = RecentDrops(route.organisation_id, now)
    claims: list[Claim] = []
    withheld: list[Withheld] = []
    refused: list[UUID] = []
    looked_at, waits, size, position = 0, False, limit, lane.first
    while size:
        looked = look(route, recent, position, size, limit - len(claims) - len(refused), now)
        claims += looked.claims
        withheld += looked.withheld
        refused += looked.refused
        looked_at += looked.looked_at
        waits, position = waits or looked.waits, looked.after
        enough = len(claims) + len(refused) == limit or looked.looked_at < size or waits
        size = 0 if enough else min(LOOK, MAX_LOOK - looked_at)
    # Before the counts: of two that keep a new policy one waits for the other, and nothing is waited for after the counts.
    keep(withheld, KeptDecision.Step.CLAIM, now)
    if claims and route.capped:
        counted = recent.write()
        claims = [claim for claim in claims if claim.drop_id in counted]
    if left is not None:
        canaries.take(route.lane_id, [*(claim.voicemail_id for claim in claims), *refused])
    # A row that another claim put off while it was being locked may have come up twice, at its old position and at its new one.
    begun = _begin(route, claims, now, now + lease)
    claims = [claim for claim in claims if claim.drop_id in begun]
    return ClaimedBatch(claims, looked_at, waits=waits and not claims)


def _look(route: SendRoute, recent: RecentDrops, first: LanePosition, size: int, limit: int, now: datetime) -> _Looked:
    statement = _LOCK_DUE_MEMBERS if route.members_only else _LOCK_DUE
    rows = sql.run(statement, [route.recording_id, route.expires_at, route.lane_id, route.failover, now, *first, size])
    taken = _take(route, recent, rows, limit, now)
    after = _after(rows[-1][8], rows[-1][0]) if rows else first
    return _Looked(taken.claims, len(rows), after, bool(taken.missing), taken.withheld, taken.refused)


def _look_apart(
    route: SendRoute, recent: RecentDrops, first: LanePosition, size: int, limit: int, now: datetime
) -> _Looked:
    """The same as `_look` after one of the rows made it fail: that row is put off, the others are taken."""
    statement = _LOCK_DUE_MEMBERS_IDS if route.members_only else _LOCK_DUE_IDS
    due = sql.run(statement, [route.lane_id, route.failover, now, *first, size])
    parts: list[_Taken] = []

    def take(part: Sequence[UUID]) -> list[Claim]:
        with transaction.atomic():
            rows = sql.run(_READ_THESE, [route.recording_id, route.expires_at, sql.ids(part)])
            taken = _take(route, recent, rows, limit - sum(earlier.used for earlier in parts), now)
            _rehearse(route, recent, taken.claims, now)
        parts.append(taken)
        return taken.claims

    claims = bisected(
        take,
        [row[0] for row in due],
        lambda voicemail_id, error: _put_off(route, [(voicemail_id, _logged_message(voicemail_id, error))], now),
    )
    after = _after(due[-1][1], due[-1][0]) if due else first
    withheld = [each for taken in parts for each in taken.withheld]
    refused = [each for taken in parts for each in taken.refused]
    return _Looked(claims, len(due), after, any(taken.missing for taken in parts), withheld, refused)


def _after(not_before: datetime, voicemail_id: UUID) -> LanePosition:
    """The position after a row, from which the next look reads: what was taken is still queued then."""
    return not_before, UUID(int=voicemail_id.int + 1)


def _begin(route: SendRoute, claims: Sequence[Claim], now: datetime, lease_until: datetime) -> set[UUID]:
    """Begin the drops and return the ids of those that were begun."""
    if not claims:
        return set()
    return transitions.begin(
        [NewDrop(claim.drop_id, claim.voicemail_id, claim.sender, claim.recording_id) for claim in claims],
        setup_id=route.setup_id,
        credentials_version=route.credentials_version,
        callback_version=route.callback_version,
        at=now,
        lease_until=lease_until,
    )


def _rehearse(route: SendRoute, recent: RecentDrops, claims: Sequence[Claim], now: datetime) -> None:
    """Begin the drops and undo it, so that a row that makes it fail is found before anything is counted."""
    before = transaction.savepoint()
    try:
        _begin(route, claims, now, now)
    except Exception:
        recent.forget([claim.drop_id for claim in claims])
        raise
    transaction.savepoint_rollback(before)


@dataclass(slots=True)
class _Taken:
    """Decisions about the rows of one look, by what is to be done with them."""

    claims: list[Claim] = field(default_factory=list)
    ended: list[Transition] = field(default_factory=list)
    deferred: list[tuple[UUID, datetime]] = field(default_factory=list)
    put_off: list[tuple[UUID, str]] = field(default_factory=list)
    missing: set[UUID] = field(default_factory=set)  # recordings that are not at the carrier yet
    withheld: list[Withheld] = field(default_factory=list)
    suppressed: list[tuple[Withheld, tuple[bytes, str | None]]] = field(default_factory=list, repr=False)
    refused: list[UUID] = field(default_factory=list)  # of the first people: the carrier refused their recording

    @property
    def used(self) -> int:
        """How much of the limit is used up."""
        return len(self.claims) + len(self.refused)


def _take(route: SendRoute, recent: RecentDrops, rows: list[tuple[Any, ...]], limit: int, now: datetime) -> _Taken:
    """Decide on the locked rows in order until `limit` of them may be sent; later rows stay unchanged.

    What may be sent is only added to `recent`, and begun by the caller.
    """
    recipients = [number_in(row[1], route.workspace_id, row[0]) for row in rows]
    people = [(row[2], recipient) for row, recipient in zip(rows, recipients, strict=True)]
    suppressed = are_suppressed(route.workspace_id, people, route.purpose, to_confidential=route.to_confidential)
    consents = consents_held(route.workspace_id, people, route.needed_consent)
    if route.capped:
        recent.look(recipient for recipient in recipients if recipient is not None)
    uploads = isinstance(route.adapter, MediaUpload)
    known = carrier_media.media_states(route.setup_id, {row[4] for row in rows}) if uploads else None
    unattested = unattested_on(route, {row[4] for row in rows})
    seen = _last_seen(route, rows)
    taken = _Taken()
    ends = _HoursEnds(route, now)
    late: dict[UUID, Withheld] = {}
    for row, recipient, is_suppressed, consent in zip(rows, recipients, suppressed, consents, strict=True):
        if taken.used == limit:
            break
        try:
            reached = recent.reached(recipient) if route.capped and recipient is not None else ()
            attested = None if unattested is None else row[4] not in unattested
            facts = _facts(route, row, recipient, is_suppressed, reached, consent, attested)
            decision = decide(facts, now)
            if (ends_at := ends.near(facts) if isinstance(decision, Send) else None) is not None:
                late[row[0]] = Withheld(row[0], facts, decision, ends_at)
            if not isinstance(decision, Send) or recipient is None:
                _withhold(taken, row[0], recipient, decision)
                why = Withheld(row[0], facts, decision)
                if is_suppressed:
                    taken.suppressed.append((why, (row[2], recipient)))
                else:
                    taken.withheld.append(why)
            else:
                ready = _claim_of(route, row, seen.get(row[2], row[3]), recipient, now)
                if known is None:
                    taken.claims.append(ready)
                else:
                    _with_media(taken, ready, known.get(row[4]), now)
        except Exception as error:
            taken.put_off.append((row[0], _logged_message(row[0], error)))
            continue
        if route.capped and taken.claims and taken.claims[-1].voicemail_id == row[0]:
            recent.add(taken.claims[-1].recipient, taken.claims[-1].drop_id)
    taken.withheld += _with_suppressions(route, taken.suppressed)
    taken.withheld += [late[claim.voicemail_id] for claim in taken.claims if claim.voicemail_id in late]
    _write(route, recent, taken, now)
    return taken


def _write(route: SendRoute, recent: RecentDrops, taken: _Taken, now: datetime) -> None:
    """Write what becomes of the rows that are not sent."""
    try:
        carrier_media.request_uploads(route.setup_id, taken.missing, now)
        _defer(taken.deferred)
        _put_off(route, taken.put_off, now)
        transitions.apply(taken.ended, now)
    except Exception:
        recent.forget([claim.drop_id for claim in taken.claims])
        raise


def _with_suppressions(
    route: SendRoute, suppressed: Sequence[tuple[Withheld, tuple[bytes, str | None]]]
) -> list[Withheld]:
    """Decisions about suppressed people, with the ids of the suppressions, which are looked up for these few alone."""
    found = ids_of_suppressions(
        route.workspace_id,
        [person for _, person in suppressed],
        route.purpose,
        to_confidential=route.to_confidential,
    )
    return [
        each._replace(facts=replace(each.facts, suppressions=tuple(str(identifier) for identifier in ids)))
        for (each, _), ids in zip(suppressed, found, strict=True)
    ]


class _HoursEnds:
    """Ends of the allowed time that are near: within the time by which hours close early for the carrier."""

    def __init__(self, route: SendRoute, now: datetime) -> None:
        self._now, self._early = now, timedelta() if route.policy.simulated else route.policy.hours.closes_early
        self._known: dict[tuple[tuple[str, ...], tuple[str, ...]], datetime | None] = {}

    def near(self, facts: Facts) -> datetime | None:
        """The end of the allowed time for this person, who may be reached now; None if it is not near."""
        if not self._early:
            return None
        places = facts.zones, facts.states
        if places not in self._known:
            soon = self._now + self._early
            open_then = next_open(soon, facts.zones, facts.hours, facts.states) == soon
            closes = None if open_then else closing(self._now, facts.zones, facts.hours, facts.states)
            self._known[places] = closes + self._early if closes else None
        return self._known[places]


def _withhold(taken: _Taken, voicemail_id: UUID, recipient: str | None, decision: Decision) -> None:
    queued = VoicemailStatus.QUEUED
    match decision:
        case Defer() if recipient is None:
            log.error("recipient_unreadable", voicemail_id=str(voicemail_id))
            taken.put_off.append((voicemail_id, UNREADABLE))
        case Defer(reason=DeferReason.NOT_ATTESTED):
            taken.put_off.append((voicemail_id, attestations.WAITS_FOR_STATEMENT))
        case Defer(until=until):
            taken.deferred.append((voicemail_id, until))
        case Skip(reason=reason):
            taken.ended.append(Transition(voicemail_id, queued, VoicemailStatus.SKIPPED, reason=Reason(reason.value)))
        case Expire():
            taken.ended.append(Transition(voicemail_id, queued, VoicemailStatus.EXPIRED, reason=Reason.EXPIRED))
        case _:
            raise AssertionError(decision)


def _with_media(taken: _Taken, claim: Claim, found: carrier_media.Media | None, now: datetime) -> None:
    """Claim the voicemail if its recording is at the carrier, defer it while it is not, fail it if the carrier refused it."""
    match found:
        case carrier_media.Media(state=carrier_media.State.READY, media_id=media_id):
            taken.claims.append(replace(claim, media_id=media_id))
        case carrier_media.Media(state=carrier_media.State.REFUSED, error=error):
            failed, reason = VoicemailStatus.FAILED, Reason.RECORDING_REFUSED
            taken.ended.append(
                Transition(claim.voicemail_id, VoicemailStatus.QUEUED, failed, reason=reason, text=error)
            )
            if claim.route.in_canary:  # or a recording that is refused would end everybody before anybody was tried
                taken.refused.append(claim.voicemail_id)
        case _:
            taken.missing.add(claim.recording_id)
            taken.deferred.append((claim.voicemail_id, now + carrier_media.RECHECK))


def unattested_on(route: SendRoute, recording_ids: Collection[UUID]) -> set[UUID] | None:
    """The recordings about which it is not stated what they say; None where people hear none of them."""
    if not route.needs_statements:
        return None
    return attestations.unattested_among(recording_ids, by_another=route.attestation_by_another)


def _facts(
    route: SendRoute,
    row: tuple[Any, ...],
    recipient: str | None,
    suppressed: bool,
    reached: tuple[datetime, ...],
    consent: ConsentHeld | None,
    attested: bool | None,
) -> Facts:
    return facts_of(
        route,
        recipient,
        places=row[7],
        expires_at=row[6],
        suppressed=suppressed,
        consent=consent,
        has_sender=bool(route.senders),
        reached=reached,
        attested=attested,
    )


def facts_of(
    route: SendRoute,
    recipient: str | None,
    *,
    places: Collection[str] | None,
    expires_at: datetime | None,
    suppressed: bool,
    consent: ConsentHeld | None,
    has_sender: bool,
    reached: tuple[datetime, ...] = (),
    attested: bool | None = None,
) -> Facts:
    """Facts of one voicemail on an open route, for a claim and for a resubmission.

    `places`: the person's known time zones and states; without them, those of the number. `reached`: recent drops to the number. A
    number that cannot be decrypted (None) waits for its key.
    """
    policy = route.policy
    asked = Places((), ()) if policy.simulated or recipient is None else places_known(places, recipient)
    return policy.facts(
        asked,
        suppressed=suppressed,
        has_sender=has_sender,
        expires_at=expires_at,
        readable=bool(recipient),
        reached=reached,
        consent=consent,
        attested=attested,
    )


def _last_seen(route: SendRoute, rows: list[tuple[Any, ...]]) -> dict[bytes, str]:
    """The sender of the route that people saw last, by blind index, of those whose voicemails have another setup's number, or one
    that was taken away: back from the failover setup it is the number that they know."""
    others = [row[2] for row in rows if row[3] and row[3] not in route.senders]
    return last_senders(route.lane_id, others, route.senders) if others else {}


def _claim_of(route: SendRoute, row: tuple[Any, ...], last: str, recipient: str, now: datetime) -> Claim:
    sender = choose_sender(row[2], route.senders, last=last)
    assert sender is not None  # noqa: S101  # `decide` skips a voicemail without assigned senders
    return Claim(uuid7(), row[0], row[4], row[5] + 1, recipient, sender, now, route)


_DEFER_EACH = """
UPDATE delivery_voicemail v SET not_before = a.at FROM unnest(%s::uuid[], %s::timestamptz[]) AS a(id, at) WHERE v.id = a.id
"""


def _defer(deferred: list[tuple[UUID, datetime]]) -> None:
    """Set when rows are due again. The claim has locked them already, so the order of the update cannot cause a deadlock."""
    if deferred:
        sql.run(_DEFER_EACH, [sql.ids(voicemail_id for voicemail_id, _ in deferred), [until for _, until in deferred]])


# Sets when the rows are due again, and writes the reason for users.
_PUT_OFF_WITH_WHY = """
UPDATE delivery_voicemail v SET not_before = t.until, carrier_code = '', carrier_text = a.text, updated_at = t.at
  FROM unnest(%s::uuid[], %s::text[]) AS a(id, text), (SELECT %s::timestamptz AS at, %s::timestamptz AS until) t
 WHERE v.id = a.id
"""


def _put_off(route: SendRoute, rows: list[tuple[UUID, str]], now: datetime) -> None:
    """Set when rows that cannot be prepared are tried again, with the reason for users. They do not delay other rows."""
    if rows:
        until = now + timedelta(minutes=PUT_OFF_MINUTES)
        sql.run(_PUT_OFF_WITH_WHY, [sql.ids(row[0] for row in rows), sql.texts(row[1] for row in rows), now, until])
    if faults := [text for _, text in rows if text != attestations.WAITS_FOR_STATEMENT]:
        record_on_commit(
            "put_off",
            str(route.lane_id),
            name="Voicemails of a lane",
            workspace_id=route.workspace_id,
            reason=faults[-1],
            count=len(faults),
        )


def _logged_message(voicemail_id: UUID, error: Exception) -> str:
    """Log the row and return the message for users. Both omit the error's text, which may quote the number."""
    name = type(error).__name__
    log.error("voicemail_put_off", voicemail_id=str(voicemail_id), error=name)
    return (
        f"RVM cannot prepare this voicemail ({name[:50]}) and tries again every {PUT_OFF_MINUTES} minutes. "
        "Its log names it; ask your operator."
    )
