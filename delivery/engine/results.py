"""Results of requests, written to the database many at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from random import random
from uuid import UUID

from django.db import transaction

from delivery.carriers.abilities import CallAndDetect, ResultPoll
from delivery.engine.claim import Claim
from delivery.lifecycle import awaited_results, transitions
from delivery.lifecycle.events import Outcome, Submission
from delivery.lifecycle.outcomes import LATE_RESPONSES, lookup_wait, resolve_submission
from delivery.lifecycle.reasons import REASONS
from delivery.lifecycle.retries import retry_failed
from delivery.lifecycle.status import DropStatus, VoicemailStatus
from delivery.lifecycle.transitions import DropChange, Transition
from delivery.selectors.plays import may_have_played
from usecases.suppressions import Statement, suppress_all


@dataclass(frozen=True, slots=True)
class Result:
    """End of a claim's request. `since`: when it ended, on the worker's boot clock. `asked`: a request left, so the result counts for
    the breaker."""

    claim: Claim
    submission: Submission
    since: float = 0.0
    asked: bool = True


def record(results: Sequence[Result], now: datetime) -> list[Result]:
    """Write all results in one transaction, or none if it raises; returns `results`.

    A voicemail whose status changed meanwhile (by an early report or the end of its lease) takes the result only if LATE_RESPONSES
    allows it.
    """
    with transaction.atomic():
        _write(_credible(results), now)
        _suppress(results)  # also by a refusal that proves no end: an opt-out is about the person
    return list(results)


def _credible(results: Sequence[Result]) -> Sequence[Result]:
    """The results; but of a call that was told to play the message already, no answer proves that there is none. A vendor that obeys
    one request twice may answer with the refusal of the second."""
    denied = [
        result.claim.drop_id
        for result in results
        if result.submission.outcome in (Outcome.REFUSED, Outcome.NOT_SENT)
        and isinstance(result.claim.route.adapter, CallAndDetect)
    ]
    if not denied:
        return results
    transitions.lock(result.claim.voicemail_id for result in results)
    played = may_have_played(denied)
    return [
        replace(result, submission=replace(result.submission, outcome=Outcome.UNKNOWN, reason=None))
        if result.claim.drop_id in played
        else result
        for result in results
    ]


def _write(results: Sequence[Result], now: datetime) -> None:
    asked: list[Transition] = []
    changes: list[DropChange] = []
    for result in results:
        claim, submission = result.claim, result.submission
        conclusion = resolve_submission(
            submission,
            claim.attempts,
            now,
            failover=claim.route.failover,
            has_failover=claim.route.has_failover,
            jitter=random(),  # noqa: S311 - spreads load
        )
        asked.append(
            Transition(
                claim.voicemail_id,
                VoicemailStatus.SENDING,
                conclusion.voicemail,
                reason=conclusion.reason if conclusion.voicemail is VoicemailStatus.FAILED else None,
                drop_id=claim.drop_id,
                code=submission.code,
                text=submission.text,
                not_before=conclusion.retry.at if conclusion.retry else None,
                failover=conclusion.retry.failover if conclusion.retry else None,
            )
        )
        changes.append(
            DropChange(
                claim.drop_id,
                DropStatus.SENDING,
                conclusion.drop,
                reason=conclusion.reason,
                code=submission.code,
                text=submission.text,
                carrier_reference=submission.carrier_reference,
                due_at=now + lookup_wait(0) if conclusion.drop is DropStatus.UNCERTAIN else None,
            )
        )
    moved = transitions.apply(asked, now)
    stale = transitions.change_drops(changes, now)
    if len(moved) < len(asked) or stale:
        moved |= _record_late(
            [transition for transition in asked if transition.voicemail_id not in moved],
            [change for change in changes if change.drop_id in stale],
            now,
        )
    awaited_results.expect(_pollable(results), now + awaited_results.WAITS[0])
    failed = [each.voicemail_id for each in asked if each.to_status is VoicemailStatus.FAILED]
    # Only what these results ended: an unsigned one that came before them starts no other attempt.
    retry_failed([voicemail_id for voicemail_id in failed if voicemail_id in moved], now)


def _record_late(asked: Sequence[Transition], changes: Sequence[DropChange], now: datetime) -> set[UUID]:
    """Record what LATE_RESPONSES allows, and return the ids of the voicemails that changed."""
    moved: set[UUID] = set()
    for earlier, ends in LATE_RESPONSES:
        names = {end.value for end in ends}  # the same for a voicemail and its drop
        late = [replace(transition, from_status=earlier) for transition in asked if transition.to_status.value in names]
        moved |= transitions.apply(late, now)
        transitions.change_drops(
            [replace(change, from_status=DropStatus(earlier)) for change in changes if change.to_status.value in names],
            now,
        )
    return moved


def _pollable(results: Sequence[Result]) -> list[tuple[UUID, UUID]]:
    """The accepted drops, with their setups, whose carriers can be asked for the result."""
    return [
        (result.claim.drop_id, result.claim.route.setup_id)
        for result in results
        if result.submission.outcome is Outcome.ACCEPTED and isinstance(result.claim.route.adapter, ResultPoll)
    ]


def _suppress(results: Sequence[Result]) -> None:
    """Suppress numbers whose drops were refused because of an opt-out or a do-not-call list, as after a report of it."""
    suppress_all(
        Statement(result.claim.route.workspace_id, result.claim.recipient, reason, kind)
        for result in results
        if (reason := result.submission.reason) and (kind := REASONS[reason].suppresses) and result.claim.route.live
    )
