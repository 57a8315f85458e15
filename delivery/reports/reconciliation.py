"""Reconciliation of uncertain drops: look-ups at the carrier, whose responses go through the inbox like reports.

If the carrier has never seen an attempt key, or cannot be asked, the same request may be submitted again under the same key, within
the window in which the carrier honours keys and while the guards still allow it. The platform makes no other second request for a
drop. A resubmission needs a permit of the setup and the lane like a first request; the lane's route, credentials and guards are read
in the transaction that allows it. A drop that cannot be read, looked up or submitted is logged and does not delay others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from delivery.carriers import adapter_of
from delivery.carriers.abilities import WINDOW_SHARE, IdempotencyKeys, LookUp, MediaUpload, UnknownToCarrier
from delivery.carriers.base import Carrier, DropRequest, drop_request
from delivery.carriers.parsing import throttled_for
from delivery.engine import circuit_breaker
from delivery.engine.claim import facts_of, unattested_on
from delivery.engine.dispatcher import submission_of
from delivery.engine.lane_routes import SendRoute, route_of
from delivery.engine.rate_limit import RateLimiter
from delivery.engine.recent_drops import RecentDrops
from delivery.kept_decisions import Withheld, keep
from delivery.lifecycle.events import Outcome, Report, ReportStatus, Submission
from delivery.lifecycle.outcomes import LOOKUP_WAITS
from delivery.lifecycle.reasons import REASONS, Reason
from delivery.models import Drop, KeptDecision
from delivery.recordings import carrier_media
from delivery.reports.inbox import receive
from delivery.runtime.bisection import NOT_A_ROWS_FAULT, bisected
from delivery.transport.interface import CarrierRequest, CarrierResponse, Transport, TransportFailure
from rvm.platform.database import sql
from rvm.platform.database.clock import database_now
from rvm.platform.health import failed_work
from rvm.platform.times.boot_clock import boot_clock
from usecases.consents.standing import consents_held
from usecases.eligibility import Send, decide
from usecases.models import CallbackSecret, TelephonySetup
from usecases.suppressions import Statement, ids_of_suppressions, is_suppressed, suppress_all

log = structlog.get_logger(__name__)

BATCH = 200
# Shortest wait before the next check of a drop that got no permit and cannot be looked up.
CROWDED = timedelta(seconds=5)

# How many uncertain drops of each setup are due, up to a limit.
# Per setup, so that one with thousands of uncertain drops does not delay the others.
_COUNT_DUE = """
SELECT s.id, s.pace_per_second, s.in_flight_cap, due.count FROM usecases_telephonysetup s
 CROSS JOIN LATERAL (SELECT count(*) FROM (SELECT 1 FROM delivery_drop d
         WHERE d.setup_id = s.id AND d.status = 'uncertain' AND d.due_at <= %s ORDER BY d.due_at LIMIT %s) due) due
 WHERE due.count > 0
"""
# Takes due drops and sets the time of their next check.
# As an array the subquery runs once. In a join it may run again for each row, and lock other rows each time.
_TAKE_DUE = """
UPDATE delivery_drop d SET checks = checks + 1, due_at = %s + (%s::interval[])[least(checks + 2, %s)]
 WHERE id = ANY(ARRAY(SELECT id FROM delivery_drop WHERE setup_id = %s AND status = 'uncertain' AND due_at <= %s
                       ORDER BY due_at LIMIT %s FOR NO KEY UPDATE SKIP LOCKED))
RETURNING id
"""

# The conditions prove that no other process checked, settled, retried or delivered the drop meanwhile; the new due_at keeps others
# from checking it before this request ends. The voicemail is found by its id alone: with statistics from a time without uncertain
# voicemails, the planner would otherwise search all of them.
_HOLD_FOR_RESUBMISSION = """
UPDATE delivery_drop d SET due_at = greatest(due_at, %s)
 WHERE d.id = %s AND d.status = 'uncertain' AND d.checks = %s
   AND (SELECT v.status = 'uncertain' AND v.drop_id = d.id FROM delivery_voicemail v WHERE v.id = d.voicemail_id)
RETURNING d.id
"""
# Undoes the check of a drop that got no permit, and makes it due again soon.
_UNDO_TAKE = """
UPDATE delivery_drop SET checks = checks - 1, due_at = least(due_at, %s) WHERE id = %s AND status = 'uncertain' AND checks = %s
"""


@dataclass(frozen=True, slots=True)
class Lookup:
    """A look-up of a drop, or a resubmission. `probing`: the setup's breaker is half open, and this request is its probe."""

    drop: Drop
    adapter: Carrier
    probing: bool = False


def reconcile(
    transport: Transport[Lookup],
    limiter: RateLimiter,
    now: Callable[[], datetime] = database_now,
    clock: Callable[[], float] = boot_clock,
) -> int:
    """Look up or resubmit uncertain drops that are due, and return how many were taken.

    `clock` is in seconds and also counts while the machine is suspended.
    """
    lookups = _take_due(limiter, now())
    unseen = []
    for lookup in lookups:
        # For a carrier without look-ups, only a resubmission can settle the drop.
        adapter = lookup.adapter
        if not isinstance(adapter, LookUp):
            unseen.append(lookup)
            continue
        with isolated_errors(lookup.drop):
            transport.submit(adapter.lookup_request(lookup.drop.id), lookup)
    for lookup, end in ends(transport):
        with isolated_errors(lookup.drop):
            adapter = lookup.adapter
            if (
                isinstance(end, CarrierResponse)
                and isinstance(adapter, LookUp)
                and _unknown_to_carrier(lookup, adapter, end, limiter, now())
            ):
                unseen.append(lookup)
    limiter.release_look_ups({lookup.drop.setup_id for lookup in lookups})
    _Resubmissions(transport, limiter, now, clock).make(unseen)
    return len(lookups)


def _unknown_to_carrier(
    lookup: Lookup, adapter: LookUp, response: CarrierResponse, limiter: RateLimiter, now: datetime
) -> bool:
    """Put the carrier's response into the inbox; True if the carrier has never seen the drop."""
    drop = lookup.drop
    circuit_breaker.heed(drop.setup_id, lookup.adapter, response, now)
    if pause := throttled_for(response):
        limiter.pause_look_ups(drop.setup_id, pause)
    match adapter.read_lookup(response):
        case Report() as report if report.attempt_key == drop.id:
            receive(drop.setup_id, response.body, [report])
        case Submission() as submission:
            _record_as_report(drop, submission, response)
        case UnknownToCarrier():
            return True
    return False


class _Resubmissions:
    """One round of resubmissions of drops that their carriers have never seen or cannot look up."""

    def __init__(
        self,
        transport: Transport[Lookup],
        limiter: RateLimiter,
        now: Callable[[], datetime],
        clock: Callable[[], float],
    ) -> None:
        self._transport, self._limiter, self._now, self._clock = transport, limiter, now, clock
        self._started: Counter[UUID] = Counter()

    def make(self, lookups: Sequence[Lookup]) -> None:
        for lookup in lookups:
            with isolated_errors(lookup.drop):
                if isinstance(lookup.adapter, IdempotencyKeys) and self._start(lookup):
                    self._submit(lookup, _good_for(lookup.adapter.idempotency_window))
        for lookup, end in ends(self._transport):
            with isolated_errors(lookup.drop):
                self._record_response(lookup, end)
        self._limiter.release(set(self._started))

    def _submit(self, lookup: Lookup, seconds: float) -> None:
        """Submit the drop again within so many seconds. Its start was permitted already, and is given back if the drop may not or
        cannot be submitted."""
        began, drop, request = self._clock(), lookup.drop, None
        lease = timedelta(seconds=settings.RVM_LEASE_SECONDS)
        try:
            with transaction.atomic():
                request, again = self._permitted(drop, lease) or (None, lookup)
            if request is not None and self._clock() - began < seconds:
                self._transport.submit(request, again)
            else:
                request = None
        finally:
            if request is None:
                self._give_back(drop)

    def _permitted(self, drop: Drop, lease: timedelta) -> tuple[CarrierRequest, Lookup] | None:
        """The identical request for the drop, if the route and the guards still allow it, else None. Keeps other processes from
        checking the drop until the lease ends."""
        now, checks = self._now(), drop.checks
        drop = _drops().get(pk=drop.pk)
        failover = drop.setup_id == drop.voicemail.use_case.failover_setup_id
        route = route_of(drop.voicemail.lane_id, failover=failover, setup_id=drop.setup_id, now=now, same_key=True)
        if route is None:
            return None
        recent = RecentDrops(route.organisation_id, now)
        recipient = drop.voicemail.recipient
        if recipient is None or not _may_resubmit(
            drop, recipient, route, recent, now
        ):  # without one, the person was erased
            return None
        same = _same_request(drop, route, recipient)
        if isinstance(route.adapter, MediaUpload) and not same.media_id:
            return None
        request = route.adapter.submit_request(same)
        if not sql.run(_HOLD_FOR_RESUBMISSION, [now + lease, drop.pk, checks]):
            return None
        if route.capped and not recent.write():
            return None
        if route.probing and not circuit_breaker.may_probe(self._limiter.redis, drop.setup_id):
            return None
        return request, Lookup(drop, route.adapter, probing=route.probing)

    def _record_response(self, lookup: Lookup, end: CarrierResponse | TransportFailure) -> None:
        submission = submission_of(lookup.adapter, end, lookup.drop.id)
        if submission.retry_after:
            self._limiter.pause(lookup.drop.setup_id, submission.retry_after)
        if isinstance(end, CarrierResponse):
            _record_as_report(lookup.drop, _resubmission_result(lookup.drop, submission), end)
        circuit_breaker.evaluate(
            self._limiter.redis, lookup.drop.setup_id, [submission], self._now(), probing=lookup.probing
        )

    def _start(self, lookup: Lookup) -> bool:
        """Whether the limiter permits a start for the drop now. If not, and there was no look-up, the check is not counted."""
        drop, setup = lookup.drop, lookup.drop.setup
        permit = self._limiter.acquire(
            setup.pk,
            wanted=1,
            pace=setup.pace_per_second,
            cap=setup.in_flight_cap,
            in_flight=self._started[setup.pk],
            lane=_lane_of(drop),
        )
        self._started[setup.pk] += permit.count
        if not permit.count and not isinstance(lookup.adapter, LookUp):
            again = self._now() + max(CROWDED, timedelta(seconds=permit.wait))
            sql.run(_UNDO_TAKE, [again, drop.pk, drop.checks])
        return bool(permit.count)

    def _give_back(self, drop: Drop) -> None:
        self._started[drop.setup_id] -= 1
        self._limiter.give_back(drop.setup_id, 1, pace=drop.setup.pace_per_second, lane=_lane_of(drop))


def _take_due(limiter: RateLimiter, now: datetime) -> list[Lookup]:
    """Take due drops, for each setup as many as the limiter permits to look up now.

    Taking a drop sets its next check, so two workers never look up the same drop at once.
    """
    ids: list[UUID] = []
    setups = sql.run(_COUNT_DUE, [now, BATCH])
    for position, (setup_id, pace, cap, due) in enumerate(setups):
        share = max(1, (BATCH - len(ids)) // (len(setups) - position))
        if count := limiter.acquire_look_ups(setup_id, wanted=min(share, due), pace=pace, cap=cap).count:
            taken = sql.run(_TAKE_DUE, [now, list(LOOKUP_WAITS), len(LOOKUP_WAITS), setup_id, now, count])
            ids += [row[0] for row in taken]
    return lookups_of(ids)


def lookups_of(ids: Sequence[UUID]) -> list[Lookup]:
    """The drops with their adapters. One that cannot be read, or whose setup's carrier or credentials are unusable, is left out and
    logged."""
    adapters: dict[UUID, Carrier | None] = {}
    lookups = []
    for drop in bisected(lambda part: list(_drops().filter(id__in=part)), ids, _log_fault):
        if drop.setup_id not in adapters:
            adapters[drop.setup_id] = _adapter(drop.setup)
        if adapter := adapters[drop.setup_id]:
            lookups.append(Lookup(drop, adapter))
    return lookups


def _drops() -> QuerySet[Drop]:
    """Drops without encrypted columns: these are read per drop, so that one that cannot be decrypted fails alone."""
    related = ("setup", "voicemail__lane", "voicemail__use_case")
    encrypted = ("setup__credentials", "voicemail__recipient", "voicemail__merge_fields")
    return Drop.objects.select_related(*related).defer(*encrypted, "voicemail__metadata")


def _adapter(setup: TelephonySetup) -> Carrier | None:
    try:
        return adapter_of(setup)
    except (LookupError, ValueError) as error:
        log.error("setup_unusable", setup_id=str(setup.pk), error=type(error).__name__)
        return None


@contextmanager
def isolated_errors(drop: Drop) -> Iterator[None]:
    """Limits an error to this drop: it is logged, and the drop is checked again when it is due next."""
    try:
        yield
    except NOT_A_ROWS_FAULT:
        raise
    except Exception as error:
        _log_fault(drop.pk, error)


def _log_fault(drop_id: UUID, error: Exception) -> None:
    """Log a drop that failed, without the error's text, which may quote the number."""
    log.error("drop_not_settled", drop_id=str(drop_id), error=type(error).__name__)
    failed_work.record("drop", reason=failed_work.reason_of(error), reference=str(drop_id))


def ends(transport: Transport[Lookup]) -> Iterable[tuple[Lookup, CarrierResponse | TransportFailure]]:
    """Requests and their ends, until none is in flight. A drop without a response is checked again when it is due next."""
    while transport.in_flight:
        yield from transport.poll(1.0)


def _resubmission_result(drop: Drop, submission: Submission) -> Submission:
    """The submission that a response to a resubmission proves.

    A refusal proves nothing about the first request, which may still be under way, so its reason becomes `unconfirmed`: the person
    may have been reached. A refusal because of an opt-out still suppresses the number.
    """
    reason = submission.reason
    if submission.outcome is not Outcome.REFUSED:
        return submission
    if reason is not None and (kind := REASONS[reason].suppresses) and drop.live and drop.voicemail.recipient:
        suppress_all([Statement(drop.workspace_id, drop.voicemail.recipient, reason, kind)])
    return replace(submission, reason=Reason.UNCONFIRMED)


def _record_as_report(drop: Drop, submission: Submission, response: CarrierResponse) -> None:
    """Put a definite response into the inbox as a report; others are ignored."""
    status = {Outcome.ACCEPTED: ReportStatus.ACCEPTED, Outcome.REFUSED: ReportStatus.FAILED}.get(submission.outcome)
    if status is None:
        return
    report = Report(
        drop.id,
        status,
        None,
        carrier_reference=submission.carrier_reference,
        reason=submission.reason,
        code=submission.code,
        text=submission.text,
    )
    receive(drop.setup_id, response.body, [report])


def _good_for(window: timedelta) -> float:
    """For how many seconds a permission for a resubmission is good: after a stall of the process or of the database the facts may
    have changed, and the whole exchange must end while the carrier still honours the key, which it does for `window`."""
    lease, exchange = settings.RVM_LEASE_SECONDS, settings.RVM_CARRIER_TIMEOUT_SECONDS
    return min(lease / 2, window.total_seconds() * (1 - WINDOW_SHARE) - exchange)


def _may_resubmit(drop: Drop, recipient: str, route: SendRoute, recent: RecentDrops, now: datetime) -> bool:
    """Whether it may be; if so, the drop is added to `recent`. It counts once, at the latest time at which it may have been left."""
    adapter = route.adapter
    if not isinstance(adapter, IdempotencyKeys) or now - drop.created_at > adapter.idempotency_window * WINDOW_SHARE:
        return False
    if drop.credentials_version != route.credentials_version:
        return False  # may be another account of the carrier, which has not seen the key
    recording_id = drop.voicemail.recording_id
    suppressed = is_suppressed(drop.workspace_id, recipient, route.purpose, to_confidential=route.to_confidential)
    person = (bytes(drop.voicemail.recipient_index), recipient)
    [consent] = consents_held(drop.workspace_id, [person], route.needed_consent)
    unattested = unattested_on(route, [recording_id])
    facts = facts_of(
        route,
        recipient,
        places=drop.voicemail.zones,
        expires_at=drop.voicemail.expires_at or route.expires_at,
        suppressed=suppressed,
        consent=consent,
        has_sender=drop.sender in route.senders,
        reached=recent.look([recipient]).reached(recipient, without=drop.pk) if route.capped else (),
        attested=None if unattested is None else recording_id not in unattested,
    )
    decision = decide(facts, now)
    if isinstance(decision, Send):
        if route.capped:
            recent.add(recipient, drop.pk)
        return True
    if suppressed:
        [ids] = ids_of_suppressions(drop.workspace_id, [person], route.purpose, to_confidential=route.to_confidential)
        facts = replace(facts, suppressions=tuple(str(identifier) for identifier in ids))
    keep([Withheld(drop.voicemail_id, facts, decision)], KeptDecision.Step.RESUBMISSION, now)
    return False


def _lane_of(drop: Drop) -> tuple[UUID, float] | None:
    lane = drop.voicemail.lane
    return (lane.pk, lane.pace_per_second) if lane.pace_per_second else None


def _same_request(drop: Drop, route: SendRoute, recipient: str) -> DropRequest:
    """The request exactly as it was first submitted: carriers refuse a key with a different request."""
    key = route.callback_key
    if drop.callback_version != key.version:
        key = CallbackSecret.objects.get(setup_id=drop.setup_id, version=drop.callback_version).callback_key
    return drop_request(
        drop.id,
        key=key,
        recipient=recipient,
        sender=drop.sender,
        media_id=carrier_media.media_id_of(drop.setup_id, drop.voicemail.recording_id),
    )
