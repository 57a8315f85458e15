"""What is done with a campaign: by POST only, by whoever may, and refused by its state in a sentence."""

from __future__ import annotations

from datetime import date, time, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from campaigns.lifecycle.service import edit
from campaigns.models import Campaign
from campaigns.states import CampaignState
from delivery.lifecycle.status import VoicemailStatus
from delivery.models import Lane, Voicemail
from delivery.recordings.recordings import store_recording
from rvm.platform.models import AuditEvent, Membership, Workspace
from rvm.platform.roles import Role
from tests.delivery.audio.mp3_bytes import encoded
from tests.factories import make_use_case, make_user, make_voicemail
from usecases.models import StateFreeze, UseCase

pytestmark = pytest.mark.django_db

C = CampaignState


def at(campaign: Campaign, page: str) -> str:
    return reverse(f"admin:campaigns_campaign_{page}", args=[campaign.pk])


def state_of(campaign: Campaign) -> str:
    campaign.refresh_from_db()
    return campaign.state


@pytest.mark.parametrize("action", ["pause", "resume", "unschedule", "stop_retry", "upload", "heal"])
def test_a_link_does_nothing(operator: Client, campaign: Campaign, action: str) -> None:
    assert operator.get(at(campaign, action)).status_code == 405


@pytest.mark.parametrize("action", ["launch", "cancel", "retry"])
def test_what_cannot_be_taken_back_asks_first_and_does_nothing_by_that(
    operator: Client, make: Any, workspace: Workspace, action: str
) -> None:
    campaign = make(workspace, recipients=2, state=C.DRAFT)
    assert operator.get(at(campaign, action)).status_code == 200
    assert state_of(campaign) == C.DRAFT


@pytest.mark.parametrize(
    "action", ["launch", "pause", "resume", "unschedule", "cancel", "retry", "stop_retry", "upload", "heal"]
)
def test_a_viewer_may_not_and_a_stranger_finds_nothing(
    viewer: Client, stranger: Client, make: Any, workspace: Workspace, action: str
) -> None:
    campaign = make(workspace, recipients=1, state=C.RUNNING)
    assert viewer.post(at(campaign, action)).status_code == 403
    assert stranger.post(at(campaign, action)).status_code == 404
    assert state_of(campaign) == C.RUNNING


@pytest.mark.parametrize(
    ("action", "was", "becomes", "told"),
    [
        ("pause", C.RUNNING, C.PAUSED, "It is paused: nothing new is sent."),
        ("resume", C.PAUSED, C.RUNNING, "It goes on where it was."),
        ("unschedule", C.SCHEDULED, C.DRAFT, "It is a draft again"),
        ("cancel", C.RUNNING, C.CANCELED, "It is canceled"),
        ("cancel", C.DRAFT, C.CANCELED, "It is canceled"),
    ],
)
def test_an_operator_does_it(
    operator: Client, make: Any, workspace: Workspace, action: str, was: str, becomes: str, told: str
) -> None:
    campaign = make(workspace, recipients=1, state=was)
    answer = operator.post(at(campaign, action), follow=True)
    assert told in answer.content.decode()
    assert state_of(campaign) == becomes
    assert AuditEvent.objects.filter(subject_id=campaign.pk, actor__username="olive").exists()


@pytest.mark.parametrize(
    ("action", "state"), [("pause", C.DRAFT), ("resume", C.RUNNING), ("unschedule", C.RUNNING), ("cancel", C.COMPLETED)]
)
def test_what_does_not_fit_the_state_is_refused_in_a_sentence(
    operator: Client, make: Any, workspace: Workspace, action: str, state: str
) -> None:
    campaign = make(workspace, recipients=1, state=state)
    page = operator.post(at(campaign, action), follow=True).content.decode()
    assert f"This campaign is {'a draft' if state == C.DRAFT else state}. Only one that is " in page
    assert state_of(campaign) == state


def test_a_launch_shows_what_will_happen_and_starts_it(operator: Client, make: Any, workspace: Workspace) -> None:
    recording = store_recording(workspace, "Flu", encoded(12))
    campaign = make(workspace, recipients=2, recording=recording)
    asked = operator.get(at(campaign, "launch")).content.decode()
    assert "2 of 2" in asked and "Simulate it for 2 people" in asked
    assert "It is launched" in operator.post(at(campaign, "launch"), follow=True).content.decode()
    assert state_of(campaign) == C.RUNNING
    campaign.lane.refresh_from_db()
    assert not campaign.lane.held


def test_a_launch_of_something_else_than_was_looked_at_is_refused_and_says_who_changed_it(
    operator: Client, make: Any, workspace: Workspace
) -> None:
    campaign = make(workspace, recipients=2, recording=store_recording(workspace, "Flu", encoded(12)))
    looked_at = {"version": operator.get(at(campaign, "launch")).context["version"]}
    demo = make_user(workspace=workspace, username="demo", password=None)
    edit(campaign, {"max_attempts": 2}, actor=demo, now=timezone.now())
    page = operator.post(at(campaign, "launch"), looked_at, follow=True).content.decode()
    assert "What would be sent was changed while you had this page open, so it was not launched." in page
    assert "demo changed " in page
    assert state_of(campaign) == C.DRAFT
    looked_at = {"version": operator.get(at(campaign, "launch")).context["version"]}
    edit(campaign, {"name": "Renamed"}, actor=demo, now=timezone.now())
    assert "It is launched" in operator.post(at(campaign, "launch"), looked_at, follow=True).content.decode()


def test_a_launch_that_cannot_be_says_why(operator: Client, make: Any, workspace: Workspace) -> None:
    campaign = make(workspace, recipients=1, recording=None)
    page = operator.post(at(campaign, "launch"), follow=True).content.decode()
    assert "The campaign has no recording; choose what people will hear." in page
    assert state_of(campaign) == C.DRAFT


@pytest.fixture
def ended(make: Any, workspace: Workspace) -> Campaign:
    """One that was busy, one that may have heard it, one whose box is full."""
    campaign: Campaign = make(workspace, state=C.COMPLETED)
    for last, reason in enumerate(("busy", "unreported", "mailbox_full")):
        make_voicemail(
            lane=campaign.lane, recipient=f"+1202555010{last}", status=VoicemailStatus.FAILED, reason=reason, live=True
        )
    return campaign


def queued(campaign: Campaign) -> set[str]:
    found = Voicemail.objects.filter(lane_id=campaign.pk, status=VoicemailStatus.QUEUED)
    return {voicemail.recipient for voicemail in found}


def test_a_retry_asks_by_reason_and_names_the_risk_apart(operator: Client, ended: Campaign) -> None:
    page = operator.get(at(ended, "retry")).content.decode()
    helps, _, rest = page.partition("May have been reached already")
    risky, _, useless = rest.partition("Trying again would not help")
    assert 'value="busy" checked' in helps
    assert 'value="unreported" disabled' in risky
    assert "Only an administrator may send to them again." in risky
    assert "The voicemail box is full." in useless and "mailbox_full" not in page


def test_only_what_was_ticked_is_sent_again(operator: Client, ended: Campaign) -> None:
    page = operator.post(at(ended, "retry"), {"reason": ["busy"]}, follow=True).content.decode()
    assert "Queued again for 1 person" in page
    assert queued(ended) == {"+12025550100"}
    assert state_of(ended) == C.RUNNING


def test_nothing_ticked_is_nothing_retried(operator: Client, ended: Campaign) -> None:
    assert "Nothing was ticked" in operator.post(at(ended, "retry"), {}, follow=True).content.decode()
    assert not queued(ended)


def test_an_operator_accepts_no_risk(operator: Client, ended: Campaign) -> None:
    asked = {"reason": ["unreported"], "accept_duplicate_risk": "yes"}
    assert operator.post(at(ended, "retry"), asked).status_code == 403
    assert not queued(ended)


def test_an_administrator_accepts_the_risk_by_name(operator: Client, ended: Campaign) -> None:
    Membership.objects.filter(user__username="olive").update(role=Role.ADMIN)
    page = operator.post(at(ended, "retry"), {"reason": ["unreported"]}, follow=True).content.decode()
    assert "Tick that you accept the risk, or leave them out." in page
    assert not queued(ended)
    operator.post(at(ended, "retry"), {"reason": ["unreported"], "accept_duplicate_risk": "yes"})
    assert queued(ended) == {"+12025550101"}


def test_a_large_retry_goes_on_in_the_background_and_can_be_stopped(
    operator: Client, viewer: Client, ended: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("campaigns.lifecycle.retries.BATCH", 2)
    for last in range(3, 6):
        make_voicemail(lane=ended.lane, recipient=f"+1202555010{last}", status=VoicemailStatus.FAILED, reason="busy")
    page = operator.post(at(ended, "retry"), {"reason": ["busy"]}, follow=True).content.decode()
    assert "They are being queued again; this page shows how far that is." in page
    progress = "The failed are being queued again: 2 of 4 people looked at, 2 queued."
    stop, again = f"{at(ended, 'change')}../stop_retry/", at(ended, "retry")
    assert progress in page and stop in page and again not in page
    seen = viewer.get(at(ended, "change")).content.decode()
    assert progress in seen and stop not in seen
    assert viewer.post(at(ended, "stop_retry")).status_code == 403
    page = operator.post(again, {"reason": ["busy"]}, follow=True).content.decode()
    assert "are being queued again already, 2 of 4 so far." in page
    page = operator.post(at(ended, "stop_retry"), follow=True).content.decode()
    assert "The retry is stopped: who is not queued again yet stays as they are." in page
    assert "The retry was stopped with 2 people queued again. A person or a program stopped it." in page
    assert stop not in page and again in page
    assert len(queued(ended)) == 2


def closed(make: Any, workspace: Workspace, **fields: Any) -> Campaign:
    """A draft whose days its use case does not have any more, and a month long: each day of the week comes, also without holidays."""
    ends_at = timezone.now() + timedelta(days=30)
    campaign = make(workspace, recipients=2, state=C.DRAFT, ends_at=ends_at, **fields)
    UseCase.objects.filter(pk=campaign.use_case.pk).update(days=[1])
    Lane.objects.filter(pk=campaign.pk).update(days=[2])
    return campaign


def test_hours_that_never_meet_are_explained_in_a_rehearsal_and_healed_by_one_click(
    operator: Client, make: Any, workspace: Workspace
) -> None:
    campaign = closed(make, workspace)
    plain = operator.get(at(campaign, "preview")).content.decode()
    assert "neither hours, days, holidays and state rules nor caps nor the age of consent bind" in plain
    assert f'hx-get="{at(campaign, "preview")}?rehearsal=1"' in plain
    assert 'id="closed-hours"' not in plain
    rehearsed = operator.get(at(campaign, "preview"), {"rehearsal": "1"}).content.decode()
    assert "A rehearsal: as if its carrier reached people" in rehearsed
    assert "No allowed time comes for 2 of them before the end." in rehearsed
    assert "Send on all days of the use case (Monday)." in rehearsed
    assert rehearsed.count("Do this") == 1
    said = operator.post(at(campaign, "heal"), {"proposal": "campaign_days", "rehearsal": "1"}, follow=True)
    assert "Done: 2 people more can be reached; see the preview." in said.content.decode()
    campaign.lane.refresh_from_db()
    assert campaign.lane.days is None
    assert AuditEvent.objects.filter(action="campaign.updated", subject_id=campaign.pk).exists()
    again = operator.post(at(campaign, "heal"), {"proposal": "campaign_days", "rehearsal": "1"}, follow=True)
    assert "That is not needed any more, or would not help; see the preview." in again.content.decode()


def test_days_and_an_end_that_never_meet_are_healed_by_one_click(
    operator: Client, make: Any, workspace: Workspace
) -> None:
    """The campaign's only day is none of its use case's, whose next day comes after the end."""
    today = timezone.now().isoweekday()
    campaign = make(workspace, recipients=2, state=C.DRAFT, ends_at=timezone.now() + timedelta(days=2))
    UseCase.objects.filter(pk=campaign.use_case.pk).update(days=[(today + 4) % 7 + 1], sends_on_holidays=True)
    Lane.objects.filter(pk=campaign.pk).update(days=[today % 7 + 1])
    rehearsed = operator.get(at(campaign, "preview"), {"rehearsal": "1"}).content.decode()
    assert "No change of the campaign" not in rehearsed
    assert rehearsed.count("Do this") == 1
    assert ", and end the campaign on " in rehearsed
    asked = {"proposal": "campaign_days_and_end", "rehearsal": "1"}
    said = operator.post(at(campaign, "heal"), asked, follow=True).content.decode()
    assert "Done: 2 people more can be reached; see the preview." in said
    assert 'id="closed-hours"' not in operator.get(at(campaign, "preview"), {"rehearsal": "1"}).content.decode()


def test_where_no_change_of_the_campaign_helps_the_preview_says_so_and_what_does(
    operator: Client, make: Any, workspace: Workspace
) -> None:
    campaign = make(workspace, recipients=2, state=C.DRAFT)
    hours = {"window_start": time(10), "window_end": time(18)}
    UseCase.objects.filter(pk=campaign.use_case.pk).update(**hours, days=list(range(1, 8)), sends_on_holidays=True)
    Lane.objects.filter(pk=campaign.pk).update(**hours)
    apart = ["America/St_Johns", "Pacific/Guam"]
    Voicemail.objects.filter(lane_id=campaign.pk).update(zones=apart)
    said = "No change of the campaign's hours, days or end lets them be reached within 62 days. Leave them out"
    shown = operator.get(at(campaign, "preview"), {"rehearsal": "1"}).content.decode()
    assert f"{said}, or give a list that says their state, ZIP or time zone." in shown
    StateFreeze.objects.create(state="TX", starts_on=date(2020, 1, 1))
    Voicemail.objects.filter(lane_id=campaign.pk).update(zones=["America/Chicago", "state:TX"])
    shown = operator.get(at(campaign, "preview"), {"rehearsal": "1"}).content.decode()
    assert f"{said}.</p>" in shown


def test_only_an_administrator_changes_the_use_case_and_nobody_a_campaign_that_has_begun(
    operator: Client, make: Any, workspace: Workspace
) -> None:
    use_case = make_use_case(workspace, window_start=time(8), window_end=time(8, 30))
    campaign = make(workspace, recipients=2, state=C.DRAFT, use_case=use_case)
    Voicemail.objects.filter(lane_id=campaign.pk).update(zones=["America/Chicago", "America/New_York", "state:KY"])
    shown = operator.get(at(campaign, "preview"), {"rehearsal": "1"}).content.decode()
    assert "Widen the use case&#x27;s hours to" in shown and "Do this" not in shown
    asked = {"proposal": "use_case_hours", "rehearsal": "1"}
    assert operator.post(at(campaign, "heal"), asked).status_code == 403
    Membership.objects.filter(workspace=workspace).update(role=Role.ADMIN)
    assert "Do this" in operator.get(at(campaign, "preview"), {"rehearsal": "1"}).content.decode()
    assert operator.post(at(campaign, "heal"), asked).status_code == 302
    use_case.refresh_from_db()
    assert (use_case.window_start, use_case.window_end) == (time(8), time(11, 30))
    begun = closed(make, workspace)
    Campaign.objects.filter(pk=begun.pk).update(state=C.RUNNING)
    assert operator.post(at(begun, "heal"), {"proposal": "campaign_days", "rehearsal": "1"}).status_code == 403
