"""What a carrier says about a campaign that is over changes what is known, and sends to nobody on its own."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.db import connection

from campaigns.lifecycle import scheduler
from campaigns.lifecycle import service as services
from campaigns.models import Campaign
from delivery.engine import idle_lanes
from delivery.engine.claim import claim
from delivery.engine.lane_routes import active_routes
from delivery.lifecycle import transitions
from delivery.lifecycle.events import Report, ReportStatus
from delivery.lifecycle.reasons import Reason
from delivery.lifecycle.status import DropStatus
from delivery.lifecycle.status import VoicemailStatus as S
from delivery.lifecycle.transitions import DropChange, Transition
from delivery.models import Drop, Lane
from delivery.reports.inbox import merge, receive
from delivery.services.retries import retry
from delivery.worker import maintenance
from rvm.platform.errors import ServiceError
from rvm.platform.models import AuditEvent
from tests.delivery.states import counter_totals, make_drop, row_counts
from tests.factories import add_recipients, make_campaign, make_setup, make_use_case, make_workspace

NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)
HOUR = timedelta(hours=1)
pytestmark = pytest.mark.django_db


def sent(campaign: Campaign, status: str = "accepted", reason: str = "") -> Drop:
    [voicemail] = add_recipients(campaign, 1, status=status, reason=reason, sender="+12125550100")
    return make_drop(voicemail, status, reason, created_at=NOW - 2 * HOUR)


def report(drop: Drop, status: ReportStatus, reason: Reason | None = None, now: datetime = NOW) -> None:
    receive(drop.setup_id, b"{}", [Report(drop.id, status, None, "", "", reason)])
    merge(now)


def campaign_of(state: str, **fields: object) -> Campaign:
    workspace = make_workspace()
    use_case = make_use_case(
        setup=make_setup(workspace),
        failover_setup=make_setup(workspace),
        failover_reasons=[Reason.SPAM_BLOCKED],
        max_attempts=3,
        retry_minutes=10,
    )
    return make_campaign(use_case, state=state, ends_at=NOW - HOUR, **fields)


@pytest.mark.parametrize("reason", [Reason.NO_ANSWER, Reason.SPAM_BLOCKED])
def test_a_failure_reported_after_the_campaigns_end_sends_to_nobody_again(reason: Reason) -> None:
    campaign = campaign_of("running", expires_at=NOW - HOUR)
    drop = sent(campaign, "failed", "unreported")
    scheduler.complete(NOW)
    assert Campaign.objects.get(pk=campaign.pk).state == "completed"
    report(drop, ReportStatus.FAILED, reason)
    for step in (maintenance.expire, *scheduler.STEPS):
        step(NOW)
    assert row_counts(campaign.pk) == counter_totals(campaign.pk) == {("failed", reason.value): 1}
    assert Campaign.objects.get(pk=campaign.pk).state == "completed"


@pytest.mark.parametrize("reason", [Reason.NO_ANSWER, Reason.SPAM_BLOCKED])
def test_a_failure_reported_after_a_campaign_was_canceled_keeps_its_reason(reason: Reason) -> None:
    campaign = campaign_of("running", expires_at=NOW + HOUR)
    drop = sent(campaign)
    services.cancel(campaign, actor=None, now=NOW)
    report(drop, ReportStatus.FAILED, reason)
    scheduler.cancel_remaining(NOW)
    assert row_counts(campaign.pk) == counter_totals(campaign.pk) == {("failed", reason.value): 1}


def test_who_waits_again_in_a_campaign_that_completed_early_expires_at_its_end() -> None:
    """As where a failure was being written while the campaign completed."""
    campaign = campaign_of("completed")
    Campaign.objects.filter(pk=campaign.pk).update(ends_at=NOW + HOUR)
    add_recipients(campaign, 1)
    scheduler.reopen_retried(NOW)
    assert Lane.objects.get(pk=campaign.pk).expires_at == NOW + HOUR
    maintenance.expire(NOW + HOUR)
    scheduler.complete(NOW + HOUR)
    assert row_counts(campaign.pk) == {("expired", "expired"): 1}
    assert Campaign.objects.get(pk=campaign.pk).state == "completed"


def test_a_retry_by_a_person_outlasts_the_end_of_a_campaign_that_is_over() -> None:
    campaign = campaign_of("completed")
    sent(campaign, "failed", "no_answer")
    retry = services.retry_failed(campaign, accept_duplicate_risk=False, reasons=(), actor=None, now=NOW)
    assert retry.queued == 1
    maintenance.expire(NOW)
    assert row_counts(campaign.pk) == {("queued", ""): 1}


@pytest.mark.parametrize(
    ("state", "by"),
    [
        ("running", "campaign"),
        ("running", "voicemail"),
        ("paused", "campaign"),
        ("paused", "voicemail"),
        ("completed", "campaign"),
    ],
)
def test_a_retry_before_a_campaigns_end_ends_with_it(state: str, by: str) -> None:
    """Its page says: what is not sent by then expires."""
    campaign = campaign_of(state, expires_at=None if state == "completed" else NOW + HOUR)
    Campaign.objects.filter(pk=campaign.pk).update(ends_at=NOW + HOUR)
    drop = sent(campaign, "failed", "no_answer")
    if by == "campaign":
        services.retry_failed(campaign, accept_duplicate_risk=False, reasons=(), actor=None, now=NOW)
    else:
        retry(drop.voicemail, actor=None, now=NOW)
    scheduler.reopen_retried(NOW)
    maintenance.expire(NOW + HOUR)
    assert row_counts(campaign.pk) == {("expired", "expired"): 1}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("seen", ["before its end", "after its end"])
def test_who_is_tried_again_by_a_report_that_the_completion_overtook_ends_with_the_campaign(
    monkeypatch: pytest.MonkeyPatch, seen: str
) -> None:
    """The merge has decided upon a retry before the end, and not committed it; the campaign completes meanwhile."""
    campaign = campaign_of("running", expires_at=NOW + HOUR)
    Campaign.objects.filter(pk=campaign.pk).update(ends_at=NOW + HOUR)
    drop = sent(campaign, "failed", "unreported")
    receive(drop.setup_id, b"{}", [Report(drop.id, ReportStatus.FAILED, None, "", "", Reason.NO_ANSWER)])
    apply = transitions.apply

    def meanwhile(asked: Sequence[Transition], at: datetime, *, locked: bool = False) -> set[UUID]:
        if any(move.to_status == "queued" for move in asked):
            with ThreadPoolExecutor(1) as pool:
                pool.submit(lambda: (scheduler.complete(NOW), connection.close())).result(20)
        return apply(asked, at, locked=locked)

    with monkeypatch.context() as patch:
        patch.setattr(transitions, "apply", meanwhile)
        merge(NOW)
    assert Campaign.objects.get(pk=campaign.pk).state == "completed"
    assert row_counts(campaign.pk) == {("queued", ""): 1}
    now = NOW if seen == "before its end" else NOW + HOUR
    for at in (now, NOW + HOUR):
        scheduler.reopen_retried(at)
        idle_lanes.reactivate_lanes(at)
        assert all(claim(route, 9, at, HOUR).claims == [] for route in active_routes(at, 9))
        maintenance.expire(at)
        scheduler.complete(at)
    assert row_counts(campaign.pk) == counter_totals(campaign.pk) == {("expired", "expired"): 1}
    assert Campaign.objects.get(pk=campaign.pk).state == "completed"


def test_a_retry_by_a_person_of_one_in_a_completed_campaign_ends_with_it() -> None:
    campaign = campaign_of("running", expires_at=NOW + HOUR)
    Campaign.objects.filter(pk=campaign.pk).update(ends_at=NOW + HOUR)
    drop = sent(campaign, "failed", "no_answer")
    scheduler.complete(NOW)
    retry(drop.voicemail, actor=None, now=NOW)
    scheduler.reopen_retried(NOW)
    assert Campaign.objects.get(pk=campaign.pk).state == "running"
    maintenance.expire(NOW + HOUR)
    assert row_counts(campaign.pk) == {("expired", "expired"): 1}


def reported_after_a_pause(*, revised: bool = False) -> Campaign:
    """Somebody paused it while the last were with the carrier; nothing came, it completed, and then the report came."""
    campaign = campaign_of("running", expires_at=NOW + 9 * HOUR)
    Campaign.objects.filter(pk=campaign.pk).update(ends_at=NOW + 9 * HOUR)
    drop = sent(campaign)
    services.pause(campaign, actor=None, now=NOW)
    if revised:
        services.edit(campaign, {"max_attempts": 5}, actor=None, now=NOW)
    transitions.apply(
        [Transition(drop.voicemail_id, S.ACCEPTED, S.FAILED, reason=Reason.UNREPORTED, drop_id=drop.pk)], NOW
    )
    transitions.change_drops(
        [DropChange(drop.pk, DropStatus.ACCEPTED, DropStatus.FAILED, reason=Reason.UNREPORTED)], NOW
    )
    scheduler.complete(NOW)
    assert Campaign.objects.get(pk=campaign.pk).state == "completed"
    report(drop, ReportStatus.FAILED, Reason.NO_ANSWER)
    return campaign


def claimed(now: datetime) -> int:
    return sum(len(claim(route, 9, now, HOUR).claims) for route in active_routes(now, 9))


def test_a_late_report_does_not_take_back_a_pause_in_which_the_campaign_completed() -> None:
    campaign = reported_after_a_pause()
    due = NOW + 2 * HOUR
    for step in (*scheduler.STEPS, idle_lanes.reactivate_lanes):
        step(due)
    assert (Campaign.objects.get(pk=campaign.pk).state, Lane.objects.get(pk=campaign.pk).held) == ("paused", True)
    assert claimed(due) == 0
    assert row_counts(campaign.pk) == {("queued", ""): 1}
    reopened = AuditEvent.objects.get(action="campaign.reopened")
    assert reopened.details["because"] == "It completed while it was paused, and nobody has resumed it."
    services.resume(campaign, actor=None, now=due)
    assert claimed(due) == 1


def test_what_was_changed_in_a_pause_is_looked_at_before_a_late_report_has_somebody_tried_again() -> None:
    campaign = reported_after_a_pause(revised=True)
    scheduler.reopen_retried(NOW)
    with pytest.raises(ServiceError) as refused:
        services.resume(campaign, actor=None, now=NOW)
    assert refused.value.code == "recording_missing"  # as at a launch: its file is not in the storage


def test_a_retry_by_a_person_does_not_take_back_a_pause_in_which_the_campaign_completed() -> None:
    campaign = campaign_of("paused", expires_at=None)
    sent(campaign, "failed", "no_answer")
    scheduler.complete(NOW)
    services.retry_failed(campaign, accept_duplicate_risk=False, reasons=(), actor=None, now=NOW)
    assert (Campaign.objects.get(pk=campaign.pk).state, claimed(NOW)) == ("paused", 0)
    services.resume(campaign, actor=None, now=NOW)
    assert claimed(NOW) == 1


def test_a_campaign_whose_lane_is_yet_to_be_opened_completes_when_it_is() -> None:
    campaign = campaign_of("running", expires_at=NOW + HOUR, held=True, recordings_set=False)
    sent(campaign, "failed", "no_answer")
    scheduler.complete(NOW)
    assert Campaign.objects.get(pk=campaign.pk).state == "running"
    for step in scheduler.STEPS:
        step(NOW)
    assert (Campaign.objects.get(pk=campaign.pk).state, Lane.objects.get(pk=campaign.pk).held) == ("completed", False)
