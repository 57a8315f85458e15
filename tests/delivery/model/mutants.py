"""Faults planted in the engine one at a time, to prove that the judge can find faults."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any
from unittest.mock import patch
from uuid import UUID

from django.db import transaction

from delivery.calls import commands
from delivery.engine import canaries, claim, dispatcher, lane_routes, recent_drops, results
from delivery.engine.recent_drops import RecentDrops
from delivery.lifecycle import transitions
from delivery.lifecycle.events import Outcome, Report, Submission
from delivery.lifecycle.outcomes import StatusChange
from delivery.lifecycle.reasons import REASONS, Reason, ReasonFacts
from delivery.lifecycle.status import DROP_UNDER_WAY, DropStatus, VoicemailStatus
from delivery.lifecycle.transitions import DropChange, Transition
from delivery.models import Drop
from delivery.models.voicemail import RECIPIENT
from delivery.reports import batch, inbox, reconciliation, result_polls
from delivery.reports.batch import Arrival, Batch, DropState, VoicemailState
from delivery.runtime import watermarks
from delivery.selectors import plays
from delivery.worker import maintenance
from rvm.platform.database import sql
from rvm.platform.encryption.crypto import BlindIndex
from tests.delivery.model import engine
from usecases.selectors import may_ring_sql

Planted = AbstractContextManager[object]


def without(module: Any, name: str, words: str, instead: str = "") -> Planted:
    """Plant a fault: the module's SQL with `words` replaced by `instead`."""
    text: str = getattr(module, name)
    assert words in text, f"{name} does not say {words}"
    return patch.object(module, name, text.replace(words, instead))


# reports


def merges_a_retry_behind_the_batch() -> Planted:
    """A delivery after a failure in the same batch finds the voicemail failed; in two batches it would find it queued again."""
    transition = Batch._apply

    def forgetful(batch: Batch, voicemail: VoicemailState, made: Transition) -> None:
        was = voicemail.status, voicemail.reason
        transition(batch, voicemail, made)
        if made.to_status is VoicemailStatus.QUEUED:
            voicemail.status, voicemail.reason = was

    return patch.object(Batch, "_apply", forgetful)


def hears_opt_outs_of_known_drops_only() -> Planted:
    hear = Batch._record_opt_out

    def deaf(batch: Batch, arrival: Arrival, drop: DropState | None) -> None:
        if drop is not None:
            hear(batch, arrival, drop)

    return patch.object(Batch, "_record_opt_out", deaf)


def hears_opt_outs_that_change_something_only() -> Planted:
    """Opt-outs in late or repeated reports are ignored, as if they concerned the drop and not the person."""
    hear = Batch._record_opt_out

    def deaf(batch: Batch, arrival: Arrival, drop: DropState | None) -> None:
        if drop is None or drop.status in DROP_UNDER_WAY:
            hear(batch, arrival, drop)

    return patch.object(Batch, "_record_opt_out", deaf)


def believes_the_unsigned() -> Planted:
    take = Batch.take

    def credulous(batch: Batch, arrival: Arrival) -> None:
        take(batch, replace(arrival, report=replace(arrival.report, unsigned=False)))

    return patch.object(Batch, "take", credulous)


def gives_keyless_reports_to_any_open_drop() -> Planted:
    def meant(report: Report, candidates: Sequence[DropState]) -> DropState | None:
        return next((drop for drop in candidates if drop.status in DROP_UNDER_WAY), None)

    return patch.object(batch, "correlate", meant)


def rolls_back_for_one_number() -> Planted:
    return patch.object(inbox, "number_in", RECIPIENT.decrypt)


def matches_by_the_newest_key_only() -> Planted:
    """During rotation of the index key, rows under the previous key are not found."""
    return patch.object(BlindIndex, "all_of", lambda index, workspace_id, text: [index.of(workspace_id, text)])


# claims


def claims_the_suppressed() -> Planted:
    return patch.object(claim, "are_suppressed", lambda workspace_id, people, purpose, **_: [False] * len(people))


def counts_nothing() -> Planted:
    return patch.object(RecentDrops, "reached", lambda recent, number, without=None: ())


def counts_what_was_reported_only() -> Planted:
    unsettled = (DropStatus.UNCERTAIN.value, DropStatus.ACCEPTED.value)
    return patch.object(recent_drops, "_LEFT_NOTHING", (*recent_drops._LEFT_NOTHING, *unsettled))


def sends_past_switches() -> Planted:
    words = "w.sending_enabled AND u.sending_enabled AND s.enabled AND s.deleted_at IS NULL"
    return without(lane_routes, "_READ_SEND_ROUTE", words, "true")


def sends_from_lanes_that_were_open() -> Planted:
    return without(lane_routes, "_READ_SEND_ROUTE", "NOT l.held AND", "true AND")


def sends_after_the_lease() -> Planted:
    submit = dispatcher.Dispatcher._submit

    def late(dispatcher: dispatcher.Dispatcher, claimed: dispatcher.Claimed) -> None:
        submit(dispatcher, replace(claimed, last_start=float("inf")))

    return patch.object(dispatcher.Dispatcher, "_submit", late)


def sends_through_setups_that_drain() -> Planted:
    return without(lane_routes, "_READ_SEND_ROUTE", f"AND {lane_routes._TAKES_NEW}")


def rings_whatever_the_use_case_allows() -> Planted:
    return without(lane_routes, "_READ_SEND_ROUTE", may_ring_sql(), "true")


def counts_nobody_who_is_tried_first() -> Planted:
    return patch.object(canaries, "take", lambda lane_id, voicemail_ids: None)


# transitions


def changes_drops_whatever_they_are() -> Planted:
    return without(transitions, "_CHANGE_DROPS", "AND d.status = a.from_status AND d.reason = a.from_reason")


def moves_voicemails_whatever_they_are() -> Planted:
    return without(transitions, "_APPLY_TRANSITIONS", "AND v.status = a.from_status AND v.reason = a.from_reason")


def moves_voicemails_for_any_drop() -> Planted:
    return without(transitions, "_APPLY_TRANSITIONS", "AND (a.drop_id IS NULL OR v.drop_id = a.drop_id)")


def miscounts_what_a_person_queues_again() -> Planted:
    return without(transitions, "_REQUEUE_FAILED", "'queued', '', count(*)", "'queued', '', count(*) - 1")


# calls and polls


def plays_whatever_has_become_of_the_drop() -> Planted:
    return patch.object(commands, "wanted", lambda setup_id, drop_id: Drop.objects.get(pk=drop_id))


def tries_again_while_the_message_is_played() -> Planted:
    return without(plays, "_MAY_HAVE_PLAYED", "WHERE", "WHERE false AND")


def asks_for_results_for_ever() -> Planted:
    return without(result_polls, "_FORGET", "WHERE a.due_at", "WHERE false AND a.due_at")


# results and time


def takes_silence_for_unsent() -> Planted:
    resolve = results.resolve_submission

    def bold(submission: Submission, *arguments: Any, **named: Any) -> StatusChange:
        if submission.outcome is Outcome.UNKNOWN:
            submission = Submission(Outcome.NOT_SENT)
        return resolve(submission, *arguments, **named)

    return patch.object(results, "resolve_submission", bold)


@contextmanager
def takes_a_dead_worker_for_one_that_sent_nothing() -> Iterator[None]:
    def expire_leases(now: datetime) -> None:
        with transaction.atomic():
            rows = sql.run(
                maintenance._FIND_ENDED_LEASES, [datetime.min.replace(tzinfo=now.tzinfo), now, maintenance.BATCH]
            )
            sending, queued = VoicemailStatus.SENDING, VoicemailStatus.QUEUED
            transitions.apply([Transition(v, sending, queued, drop_id=d, not_before=now) for d, v in rows], now)
            unsent = partial(
                DropChange, from_status=DropStatus.SENDING, to_status=DropStatus.NOT_SENT, reason=Reason.NOT_SENT
            )
            transitions.change_drops([unsent(d) for d, _ in rows], now)

    def planted(steps: tuple[engine.Step, ...]) -> tuple[engine.Step, ...]:
        return tuple(expire_leases if step is maintenance.expire_leases else step for step in steps)

    with (
        patch.object(engine, "STEPS", planted(engine.STEPS)),
        patch("tests.delivery.model.reporting.OFTEN", planted(engine.OFTEN)),
    ):
        yield


def tries_again_what_was_never_reported() -> Planted:
    bold = ReasonFacts(REASONS[Reason.UNREPORTED].detail, retryable=True)
    return patch.dict(REASONS, {Reason.UNREPORTED: bold, Reason.UNCONFIRMED: bold})


def waits_for_ever_for_confirmation() -> Planted:
    return without(maintenance, "_FIND_UNCONFIRMED", "'uncertain'", "'nothing'")


def looks_from_the_front_but_once() -> Planted:
    """Rows that appear before a process's watermark are never found."""
    return patch.object(watermarks, "MIN_SECONDS", float("inf"))


# settling


@contextmanager
def gives_the_key_to_another_account() -> Iterator[None]:
    allowed = reconciliation._may_resubmit

    def may(drop: Any, recipient: str, route: lane_routes.SendRoute, recent: RecentDrops, now: datetime) -> bool:
        drop.credentials_version = route.credentials_version
        return allowed(drop, recipient, route, recent, now)

    with patch.object(reconciliation, "_may_resubmit", may):
        yield


@contextmanager
def gives_the_key_again_when_it_is_forgotten() -> Iterator[None]:
    at_any_time = patch.object(reconciliation, "_good_for", lambda window: math.inf)
    with at_any_time, patch.object(reconciliation, "WINDOW_SHARE", 10):
        yield


def settles_what_was_settled() -> Planted:
    return without(
        reconciliation,
        "_HOLD_FOR_RESUBMISSION",
        "AND d.status = 'uncertain' AND d.checks = %s\n"
        "   AND (SELECT v.status = 'uncertain' AND v.drop_id = d.id FROM delivery_voicemail v WHERE v.id = d.voicemail_id)",
        "AND %s IS NOT NULL",
    )


def gives_the_key_again_to_who_opted_out() -> Planted:
    def nobody(workspace_id: UUID, number: str, purpose: str, *, to_confidential: bool) -> bool:
        return False

    return patch.object(reconciliation, "is_suppressed", nobody)


# Each fault, and words of the judge's message about it.
MUTANTS: dict[Callable[[], Planted], str] = {
    merges_a_retry_behind_the_batch: "a delivery was heard",
    hears_opt_outs_of_known_drops_only: "not suppressed",
    hears_opt_outs_that_change_something_only: "not suppressed",
    believes_the_unsigned: "its drop is failed|never opted out|an unsigned result|messages of one voicemail",
    gives_keyless_reports_to_any_open_drop: "another drop's",
    rolls_back_for_one_number: "key is not configured",
    matches_by_the_newest_key_only: "suppressed",
    claims_the_suppressed: "who is suppressed",
    counts_nothing: "more than its cap",
    counts_what_was_reported_only: "more than its cap",
    sends_past_switches: "switch|deleted",
    sends_from_lanes_that_were_open: "held",
    sends_after_the_lease: "after its lease",
    sends_through_setups_that_drain: "a setup that drains",
    rings_whatever_the_use_case_allows: "rings that must not",
    counts_nobody_who_is_tried_first: "before the verdict",
    changes_drops_whatever_they_are: "a drop went from|a drop that failed|its drop|for ever",
    moves_voicemails_whatever_they_are: "a voicemail went from|became|its drop",
    moves_voicemails_for_any_drop: "its drop|for ever|counters",
    miscounts_what_a_person_queues_again: "counters differ",
    plays_whatever_has_become_of_the_drop: "played|suppressed|messages of one voicemail",
    tries_again_while_the_message_is_played: "messages of one voicemail|sent again",
    asks_for_results_for_ever: "asked for for ever",
    takes_silence_for_unsent: "messages of one voicemail|was sent|sent again",
    takes_a_dead_worker_for_one_that_sent_nothing: "messages of one voicemail|was sent|sent again",
    tries_again_what_was_never_reported: "may have been reached|messages of one voicemail",
    waits_for_ever_for_confirmation: "for ever",
    looks_from_the_front_but_once: "for ever",
    gives_the_key_to_another_account: "not word for word|messages of one voicemail",
    gives_the_key_again_when_it_is_forgotten: "when the key is forgotten|messages of one voicemail",
    settles_what_was_settled: "a settled drop|sent again",
    gives_the_key_again_to_who_opted_out: "who is suppressed",
}
