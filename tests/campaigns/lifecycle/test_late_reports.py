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
from delivery.lifecycle.transitions import Transition
from delivery.models import Drop, Lane
from delivery.reports.inbox import merge, receive
from delivery.services.retries import retry
from delivery.worker import maintenance
from tests.delivery.standings import counted, make_drop, standing
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
    assert standing(campaign.pk) == counted(campaign.pk) == {("failed", reason.value): 1}
    assert Campaign.objects.get(pk=campaign.pk).state == "completed"


@pytest.mark.parametrize("reason", [Reason.NO_ANSWER, Reason.SPAM_BLOCKED])
def test_a_failure_reported_after_a_campaign_was_canceled_keeps_its_reason(reason: Reason) -> None:
    campaign = campaign_of("running", expires_at=NOW + HOUR)
    drop = sent(campaign)
    services.cancel(campaign, actor=None, now=NOW)
    report(drop, ReportStatus.FAILED, reason)
    scheduler.cancel_rest(NOW)
    assert standing(campaign.pk) == counted(campaign.pk) == {("failed", reason.value): 1}


def test_who_waits_again_in_a_campaign_that_completed_early_expires_at_its_end() -> None:
    """As where a failure was being written while the campaign completed."""
    campaign = campaign_of("completed")
    Campaign.objects.filter(pk=campaign.pk).update(ends_at=NOW + HOUR)
    add_recipients(campaign, 1)
    scheduler.reopen_retried(NOW)
    assert Lane.objects.get(pk=campaign.pk).expires_at == NOW + HOUR
    maintenance.expire(NOW + HOUR)
    scheduler.complete(NOW + HOUR)
    assert standing(campaign.pk) == {("expired", "expired"): 1}
    assert Campaign.objects.get(pk=campaign.pk).state == "completed"


def test_a_retry_by_a_person_outlasts_the_end_of_a_campaign_that_is_over() -> None:
    campaign = campaign_of("completed")
    sent(campaign, "failed", "no_answer")
    retry = services.retry_failed(campaign, accept_duplicate_risk=False, reasons=(), actor=None, now=NOW)
    assert retry.queued == 1
    maintenance.expire(NOW)
    assert standing(campaign.pk) == {("queued", ""): 1}


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
    assert standing(campaign.pk) == {("expired", "expired"): 1}


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
    assert standing(campaign.pk) == {("queued", ""): 1}
    now = NOW if seen == "before its end" else NOW + HOUR
    for at in (now, NOW + HOUR):
        scheduler.reopen_retried(at)
        idle_lanes.mark_stirring_active(at)
        assert all(claim(route, 9, at, HOUR).claims == [] for route in active_routes(at, 9))
        maintenance.expire(at)
        scheduler.complete(at)
    assert standing(campaign.pk) == counted(campaign.pk) == {("expired", "expired"): 1}
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
    assert standing(campaign.pk) == {("expired", "expired"): 1}
