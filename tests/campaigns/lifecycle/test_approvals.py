"""A launch or a retry of many people needs a second person, who approves exactly what was asked for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from django.db import transaction

from campaigns.imports import service as imports
from campaigns.lifecycle import approvals
from campaigns.lifecycle import service as services
from campaigns.lifecycle.approvals import BOUND_FIELDS, ApprovalNeeded
from campaigns.models import Campaign, CampaignRetry, LaunchApproval, RecipientImport
from campaigns.states import ALWAYS_EDITABLE
from delivery.lifecycle.status import VoicemailStatus
from delivery.models import Lane, Voicemail
from rvm.platform.api.keys import rotate_api_key
from rvm.platform.errors import ServiceError
from rvm.platform.models import AuditEvent, User, Workspace
from tests.factories import (
    add_recipients,
    make_api_key,
    make_campaign,
    make_import,
    make_recording,
    make_use_case,
    make_user,
)
from tests.sessions import Session

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)
HOUR = timedelta(hours=1)


def ready(count: int = 3, *, above: int | None = 2, **fields: Any) -> Campaign:
    """A draft that can be launched, in a workspace that wants a second person for more than `above`."""
    campaign = make_campaign(count=count, zones=[["America/New_York"]], playable=True, **fields)
    Workspace.objects.filter(pk=campaign.workspace_id).update(launch_approval_above=above)
    return Campaign.objects.get(pk=campaign.pk)


@pytest.fixture
def ann(db: None) -> User:
    return make_user(username="ann", password=None)


@pytest.fixture
def ben(db: None) -> User:
    return make_user(username="ben", password=None)


def launch(campaign: Campaign, actor: User | None) -> Campaign:
    return services.launch(campaign, actor=actor, now=NOW)


def asked(campaign: Campaign, actor: User | None) -> LaunchApproval:
    with pytest.raises(ApprovalNeeded) as caught:
        launch(campaign, actor)
    return caught.value.approval


def approve(approval: LaunchApproval, actor: User) -> Campaign:
    return services.approve(approval, actor=actor, now=NOW)


def code(verb: Callable[..., object], *arguments: Any, **named: Any) -> str:
    with pytest.raises(ServiceError) as caught:
        verb(*arguments, **named)
    return caught.value.code


def state(row: Any) -> str:
    row.refresh_from_db()
    return str(row.state)


def events(campaign: Campaign) -> list[str]:
    return list(AuditEvent.objects.filter(subject_id=campaign.pk).order_by("id").values_list("action", flat=True))


# when


@pytest.mark.parametrize(
    ("above", "live", "needed"),
    [(None, True, False), (3, True, False), (2, True, True), (0, True, True), (2, False, False)],
)
def test_a_second_person_is_needed_for_more_than_the_workspace_says(
    above: int | None, live: bool, needed: bool
) -> None:
    assert approvals.needed(ready(3, above=above, live=live), 3) is needed


def test_a_launch_of_many_launches_nothing_and_is_a_request(ann: User) -> None:
    campaign = ready()
    approval = asked(campaign, ann)
    assert (approval.asked_by, approval.people, approval.above, approval.kind) == (ann, 3, 2, "launch")
    assert state(campaign) == "draft" and Lane.objects.get(pk=campaign.pk).held
    assert events(campaign) == ["campaign.approval_asked"]


def test_a_launch_of_few_needs_nobody(ann: User) -> None:
    campaign = ready(2)
    assert launch(campaign, ann).state == "running"
    assert not LaunchApproval.objects.exists()


def test_what_cannot_be_launched_is_not_asked_for(ann: User) -> None:
    assert code(launch, ready(0, above=0), ann) == "no_recipients"
    assert not LaunchApproval.objects.exists()


def test_the_same_is_asked_for_once(ann: User, ben: User) -> None:
    campaign = ready()
    assert asked(campaign, ann) == asked(campaign, ann) == asked(campaign, ben)
    assert LaunchApproval.objects.get().asked_by == ann


# by whom


def test_another_person_approves_and_it_is_launched_as_asked_for(ann: User, ben: User) -> None:
    campaign = ready()
    approval = asked(campaign, ann)
    assert approve(approval, ben).state == "running"
    campaign.refresh_from_db()
    assert (campaign.launched_by, state(approval), approval.decided_by) == (ann, "approved", ben)
    assert events(campaign) == ["campaign.approval_asked", "campaign.approval_approved", "campaign.launched"]
    approved = AuditEvent.objects.get(action="campaign.approval_approved")
    assert (approved.actor, approved.details["asked_by"], approved.details["people"]) == (ben, str(ann.pk), 3)


def test_who_asked_approves_nothing_and_declines_nothing(ann: User) -> None:
    approval = asked(ready(), ann)
    assert code(approve, approval, ann) == "forbidden"
    assert code(services.decline, approval, reason="No.", actor=ann) == "forbidden"
    assert (state(approval), state(approval.campaign)) == ("waiting", "draft")


def test_who_made_or_rotated_the_key_that_asked_is_no_second_person(ann: User, ben: User) -> None:
    campaign = ready()
    eve = make_user(username="eve", password=None)
    key, _ = make_api_key(campaign.workspace, actor=ann)
    rotate_api_key(key, actor=ben)
    approval = asked(campaign, key.user)
    assert [code(approve, approval, maker) for maker in (ann, ben)] == ["forbidden"] * 2
    other, _ = make_api_key(campaign.workspace, actor=eve)
    assert code(approve, approval, other.user) == "forbidden"  # a key is nobody
    assert approve(approval, eve).state == "running"


def test_who_has_seen_a_key_that_made_the_key_that_asked_is_no_second_person(ann: User, ben: User) -> None:
    campaign = ready()
    first, _ = make_api_key(campaign.workspace, actor=ann)
    second, _ = make_api_key(campaign.workspace, actor=first.user, maker=first)
    approval = asked(campaign, second.user)
    assert code(approve, approval, ann) == "forbidden"
    assert approve(approval, ben).state == "running"


def test_a_declined_request_says_why_and_is_asked_for_anew(ann: User, ben: User) -> None:
    approval = asked(ready(), ann)
    assert code(services.decline, approval, reason=" ", actor=ben) == "reason_missing"
    services.decline(approval, reason="The recording is last year's.", actor=ben)
    assert (state(approval), approval.remark) == ("declined", "The recording is last year's.")
    assert code(approve, approval, ben) == "approval_ended"
    assert asked(approval.campaign, ann) != approval


def test_a_withdrawn_request_cannot_be_approved(ann: User, ben: User) -> None:
    approval = asked(ready(), ann)
    services.withdraw_request(approval, actor=ann)
    assert (state(approval), code(approve, approval, ben)) == ("withdrawn", "approval_ended")


# of what


def test_all_that_can_be_set_is_approved_but_what_changes_nothing_that_is_sent() -> None:
    assert set(BOUND_FIELDS) & ALWAYS_EDITABLE == set()
    assert {"recording", "script", "starts_at", "ends_at", "use_case", "window_start", "days", "max_attempts"} <= set(
        BOUND_FIELDS
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"window_end": time(12)},
        {"days": [1, 2]},
        {"starts_at": NOW + HOUR},
        {"ends_at": NOW + 5 * HOUR},
        {"max_attempts": 2},
        {"recording": None},
    ],
)
def test_a_request_falls_when_what_would_be_sent_is_changed(ann: User, ben: User, changes: dict[str, Any]) -> None:
    campaign = ready()
    approval = asked(campaign, ann)
    if "recording" in changes:
        changes = {"recording": make_recording(campaign.workspace)}
    services.edit(campaign, changes, actor=ben, now=NOW)
    assert (state(approval), code(approve, approval, ben)) == ("fallen", "approval_ended")
    assert next(iter(changes)) in approval.remark
    assert state(campaign) == "draft"


def test_a_request_stays_when_only_name_pace_and_priority_change(ann: User, ben: User) -> None:
    campaign = ready()
    approval = asked(campaign, ann)
    services.edit(campaign, {"name": "Flu", "pace_per_second": 1.0, "priority": 3}, actor=ann, now=NOW)
    assert approve(approval, ben).state == "running"


def test_a_request_falls_when_it_would_reach_more_people(ann: User, ben: User) -> None:
    campaign = ready()
    approval = asked(campaign, ann)
    add_recipients(campaign, 1, zones=[["America/New_York"]], first=10)
    assert code(approve, approval, ben) == "approval_ended"
    assert (state(approval), state(campaign)) == ("fallen", "draft")


def test_who_leaves_meanwhile_does_not_make_it_fall(ann: User, ben: User) -> None:
    campaign = ready(4)
    approval = asked(campaign, ann)
    Voicemail.objects.filter(pk=Voicemail.objects.filter(lane=campaign.lane).first().pk).update(status="canceled")  # type: ignore[union-attr]
    assert approve(approval, ben).state == "running"


def test_a_list_that_is_confirmed_makes_it_fall(ann: User) -> None:
    campaign = ready()
    approval = asked(campaign, ann)
    imports.confirm(checked_list(campaign, 1), consent_statement="They agreed.", actor=ann, now=NOW)
    assert (state(approval), approval.remark) == ("fallen", "People were added by another list.")


def test_a_canceled_campaign_has_no_request(ann: User) -> None:
    approval = asked(ready(), ann)
    services.cancel(approval.campaign, actor=ann, now=NOW)
    assert state(approval) == "fallen"


# what is scheduled


def test_a_scheduled_launch_of_many_is_taken_back_by_a_change(ann: User, ben: User) -> None:
    campaign = ready(starts_at=NOW + HOUR)
    campaign = approve(asked(campaign, ann), ben)
    assert campaign.state == "scheduled"
    services.edit(campaign, {"pace_per_second": 2.0}, actor=ann, now=NOW)
    assert state(campaign) == "scheduled"
    services.edit(campaign, {"recording": make_recording(campaign.workspace)}, actor=ann, now=NOW)
    assert state(campaign) == "draft"
    assert "recording" in AuditEvent.objects.get(action="campaign.unscheduled").details["because"]
    assert code(launch, campaign, ann) in ("approval_needed", "recording_missing")


def test_a_scheduled_launch_of_few_that_grows_is_taken_back(ann: User) -> None:
    campaign = ready(2, starts_at=NOW + HOUR)
    campaign = launch(campaign, ann)
    assert campaign.state == "scheduled"
    imports.confirm(checked_list(campaign, 1), consent_statement="They agreed.", actor=ann, now=NOW)
    assert state(campaign) == "draft"


def test_a_scheduled_launch_of_few_may_be_changed(ann: User) -> None:
    campaign = launch(ready(2, starts_at=NOW + HOUR), ann)
    services.edit(campaign, {"starts_at": NOW + 2 * HOUR}, actor=ann, now=NOW)
    assert state(campaign) == "scheduled"


def test_what_is_taken_back_to_a_draft_is_approved_anew(ann: User, ben: User) -> None:
    campaign = ready(starts_at=NOW + HOUR)
    approve(asked(campaign, ann), ben)
    services.unschedule(campaign, actor=ann, now=NOW)
    assert asked(campaign, ann).state == "waiting"


# a retry


def failed(count: int, **fields: Any) -> Campaign:
    campaign = ready(0, state="completed", **fields)
    add_recipients(campaign, count, status=VoicemailStatus.FAILED, reason="busy")
    return campaign


def retry(campaign: Campaign, actor: User | None, reasons: tuple[str, ...] = ()) -> CampaignRetry:
    return services.retry_failed(campaign, accept_duplicate_risk=False, reasons=reasons, actor=actor, now=NOW)


def test_a_retry_of_many_needs_a_second_person_too(ann: User, ben: User) -> None:
    campaign = failed(3)
    with pytest.raises(ApprovalNeeded) as caught:
        retry(campaign, ann, ("busy",))
    approval = caught.value.approval
    assert (approval.kind, approval.people, approval.reasons) == ("retry", 3, ["busy"])
    assert not CampaignRetry.objects.exists()
    services.approve(approval, actor=ben, now=NOW)
    made = CampaignRetry.objects.get()
    assert (made.asked_by, made.reasons, made.queued) == (ann, ["busy"], 3)


def test_a_retry_of_few_needs_nobody(ann: User) -> None:
    assert retry(failed(2), ann).queued == 2


def test_a_retry_falls_when_more_have_failed_meanwhile(ann: User, ben: User) -> None:
    campaign = failed(3)
    with pytest.raises(ApprovalNeeded) as caught:
        retry(campaign, ann)
    add_recipients(campaign, 1, status=VoicemailStatus.FAILED, reason="busy", first=20)
    assert code(approve, caught.value.approval, ben) == "approval_ended"


# two at once


@pytest.mark.django_db(transaction=True)
def test_two_launches_at_once_are_one_request(ann: User, ben: User) -> None:
    campaign = ready()
    with transaction.atomic():
        mine = asked(campaign, ann)
        other = Session(lambda: asked(campaign, ben))
        other.wait_until_blocked()
    assert other.result() == mine
    assert LaunchApproval.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_an_edit_before_an_approval_at_once_makes_it_fall(ann: User, ben: User) -> None:
    campaign = ready()
    approval = asked(campaign, ann)
    with transaction.atomic():
        services.edit(campaign, {"window_end": time(12)}, actor=ann, now=NOW)
        other = Session(lambda: code(approve, approval, ben))
        other.wait_until_blocked()
    assert (other.result(), state(campaign)) == ("approval_ended", "draft")


@pytest.mark.django_db(transaction=True)
def test_an_edit_after_an_approval_at_once_is_refused(ann: User, ben: User) -> None:
    campaign = ready()
    approval = asked(campaign, ann)
    with transaction.atomic():
        approve(approval, ben)
        other = Session(lambda: code(services.edit, campaign, {"window_end": time(12)}, actor=ann, now=NOW))
        other.wait_until_blocked()
    assert (other.result(), state(campaign)) == ("campaign_begun", "running")


@pytest.mark.django_db(transaction=True)
def test_two_approvals_at_once_launch_once(ann: User, ben: User) -> None:
    eve, campaign = make_user(username="eve", password=None), ready()
    approval = asked(campaign, ann)
    with transaction.atomic():
        approve(approval, ben)
        other = Session(lambda: code(approve, approval, eve))
        other.wait_until_blocked()
    assert (other.result(), state(campaign)) == ("approval_ended", "running")


def checked_list(campaign: Campaign, accepted: int) -> RecipientImport:
    return make_import(campaign, state="checked", counts={"accepted": accepted})


def test_a_use_case_of_its_own_is_part_of_what_is_approved(ann: User) -> None:
    campaign = ready()
    before = approvals.version_of(campaign)
    campaign.lane.use_case = make_use_case(campaign.workspace)
    assert approvals.version_of(campaign) != before


def test_a_draft_that_is_scheduled_meanwhile_is_not_changed_by_who_saw_a_draft(ann: User) -> None:
    """Who prepares drafts only would else decide what is sent."""
    campaign = ready(2, starts_at=NOW + HOUR)
    seen, listed = Campaign.objects.get(pk=campaign.pk), checked_list(campaign, 1)
    launch(campaign, ann)
    assert code(services.edit, seen, {"max_attempts": 2}, actor=ann, now=NOW) == "campaign_state"
    listed.campaign = seen
    assert code(imports.confirm, listed, consent_statement="They agreed.", actor=ann, now=NOW) == "campaign_state"
    assert state(campaign) == "scheduled"
