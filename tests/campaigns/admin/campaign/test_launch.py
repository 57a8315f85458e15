"""The last look before a launch: what is heard, from whom, by whom, and a trial on one's own phone."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from campaigns.lifecycle import trial as module
from campaigns.models import Campaign
from campaigns.states import CampaignState
from delivery.carriers.sandbox import Sandbox
from delivery.lane_totals import counts_of
from delivery.models import Voicemail
from rvm.platform.models import AuditEvent, Membership, Workspace
from rvm.platform.roles import Role
from tests.factories import (
    add_recipients,
    attested,
    make_campaign,
    make_import,
    make_recording,
    make_suppression,
    make_use_case,
    make_user,
)
from tests.random_text import without_ids
from usecases.models import UseCase
from usecases.selectors import sender_numbers

pytestmark = pytest.mark.django_db

NEW_YORK, DENVER = "America/New_York", "America/Denver"
OWN, OWN_IN_SANDBOX = "(202) 555-0177", "(555) 001-0001"


@pytest.fixture
def draft(workspace: Workspace) -> Campaign:
    recording = make_recording(workspace, name="Flu shots in May", warnings=["It is very quiet: -46.6 LUFS."])
    return make_campaign(make_use_case(workspace), 3, zones=[[NEW_YORK], [NEW_YORK], [DENVER]], recording=recording)


@pytest.fixture
def _carrier_that_reaches_people(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Sandbox, "simulated", False)


def address(campaign: Campaign, page: str = "launch") -> str:
    return reverse(f"admin:campaigns_campaign_{page}", args=[campaign.pk])


def page_of(client: Client, campaign: Campaign, page: str = "launch") -> str:
    return " ".join(client.get(address(campaign, page)).content.decode().split())


def test_it_plays_the_recording_and_shows_senders_zones_settings_and_warnings(
    operator: Client, draft: Campaign
) -> None:
    page = page_of(operator, draft)
    assert "<audio" in page and "Flu shots in May" in page
    assert draft.recording is not None and draft.recording.warnings
    assert all(warning in page for warning in draft.recording.warnings)
    assert sender_numbers(draft.use_case)[0] in page
    zones = page.partition('id="zones"')[2].partition("</table>")[0]
    assert "Eastern (New York)" in zones and "Mountain (Denver)" in zones
    assert "at the recipient" in page


def test_a_simulated_launch_says_that_it_reaches_nobody(operator: Client, draft: Campaign) -> None:
    page = page_of(operator, draft)
    assert "It reaches nobody" in page and "Simulate it for 3 people" in page
    assert "real people" not in page


@pytest.mark.usefixtures("_carrier_that_reaches_people")
def test_a_real_launch_says_so_in_colour_with_its_carrier_and_the_number_of_people(
    operator: Client, draft: Campaign
) -> None:
    page = page_of(operator, draft)
    reach = page.partition('id="reach"')[2].partition("</div>")[0]
    assert "bg-red-100" in reach and "It reaches real people" in reach
    assert f"through {draft.use_case.setup.name} (Sandbox)" in reach
    assert "for 3 people" in page.partition("needs-approval")[0] and "Launch for 3 people" in page
    Campaign.objects.filter(pk=draft.pk).update(starts_at=timezone.now() + timedelta(hours=1))
    assert "Schedule for 3 people" in page_of(operator, draft)


@pytest.mark.usefixtures("_carrier_that_reaches_people")
def test_who_is_skipped_is_not_counted_in_the_button(operator: Client, draft: Campaign) -> None:
    make_suppression(draft.workspace, next(iter(Voicemail.objects.filter(lane_id=draft.pk))).recipient or "")
    assert "Launch for 2 people" in page_of(operator, draft)


def test_a_list_that_is_not_confirmed_is_named(operator: Client, draft: Campaign) -> None:
    make_import(draft, file_name="second.csv", state="checked")
    make_import(draft, file_name="gone.csv", state="discarded")
    page = page_of(operator, draft)
    assert "The list “second.csv” is not confirmed" in page and "gone.csv" not in page


@pytest.mark.parametrize("state", [CampaignState.RUNNING, CampaignState.COMPLETED])
def test_of_what_was_launched_the_page_leads_back_to_the_campaign(
    operator: Client, draft: Campaign, state: CampaignState
) -> None:
    Campaign.objects.filter(pk=draft.pk).update(state=state)
    answer = operator.get(address(draft)).content.decode()
    assert f"This campaign is {state}. Only a draft can be launched." in answer
    assert address(draft, "change") in answer and "Launch now" not in answer


@pytest.fixture
def scripted(workspace: Workspace) -> Campaign:
    """Two hear the message of one recording, and one that of another."""
    made = make_campaign(make_use_case(workspace), script=[{"clip": "x"}])
    for count, name in ((1, "Hello Ben"), (2, "Hello Ana")):
        recording = make_recording(workspace, name=name, assembled=True)
        add_recipients(made, count, first=10 * count, recording=recording)
    Campaign.objects.filter(pk=made.pk).update(recording=None)
    return Campaign.objects.get(pk=made.pk)


def test_messages_of_a_script_are_played_to_who_may_see_numbers_the_most_heard_first(
    operator: Client, scripted: Campaign
) -> None:
    page = page_of(operator, scripted)
    assert "<audio" not in page and "a message may name its person" in page
    Membership.objects.update(may_see_numbers=True)
    page = page_of(operator, scripted)
    assert page.count("<audio") == 2
    assert page.index("Heard by 2") < page.index("Heard by 1")
    assert AuditEvent.objects.filter(action="campaign.listened", subject_id=scripted.pk).count() == 1


# the trial


def try_out(client: Client, campaign: Campaign, number: str = OWN_IN_SANDBOX, **fields: str) -> Any:
    return client.post(address(campaign, "trial"), {"phone_number": number, "own": "on", **fields}, follow=True)


def test_a_trial_is_one_voicemail_with_the_campaigns_message_and_none_of_its_people(
    operator: Client, draft: Campaign
) -> None:
    counted = counts_of([draft.pk])
    answer = try_out(operator, draft)
    assert [hop[0] for hop in answer.redirect_chain] == [address(draft) + "#trial"]
    tried = Voicemail.objects.exclude(lane_id=draft.pk).get()
    assert (tried.recipient, tried.recording_id, tried.live) == ("+15550010001", draft.recording_id, True)
    assert tried.use_case_id == draft.use_case.pk and tried.sender in sender_numbers(draft.use_case)
    assert tried.metadata == {module.TRIAL_OF: str(draft.pk)} and tried.lane.for_api
    assert tried.expires_at is not None and tried.expires_at <= timezone.now() + module.EXPIRES_AFTER
    assert counts_of([draft.pk]) == counted
    page = answer.content.decode()
    assert "Your trial to" in page and "0001" in page and "+15550010001" not in page
    event = AuditEvent.objects.get(action="campaign.tried")
    assert event.subject_id == draft.pk and event.details["voicemail_id"] == str(tried.pk)
    assert "0001" not in without_ids(event.details)


def test_what_became_of_the_trial_is_shown_until_it_has_ended(operator: Client, draft: Campaign) -> None:
    try_out(operator, draft)
    status = operator.get(address(draft, "trial_status")).content.decode()
    assert "hx-get" in status and "waiting" in status
    Voicemail.objects.exclude(lane_id=draft.pk).update(status="failed", reason="mailbox_full")
    status = operator.get(address(draft, "trial_status")).content.decode()
    assert "hx-get" not in status and "The voicemail box is full." in status


def test_only_who_says_that_the_phone_is_their_own_sends_a_trial(operator: Client, draft: Campaign) -> None:
    assert "Say that it is your own phone" in try_out(operator, draft, own="").content.decode()
    page = try_out(operator, draft, "12345").content.decode()
    assert "This is no phone number" in page and 'value="12345"' in page
    assert not Voicemail.objects.exclude(lane_id=draft.pk).exists()


@pytest.mark.usefixtures("_carrier_that_reaches_people")
def test_every_guard_binds_a_trial_and_says_why_not(operator: Client, draft: Campaign) -> None:
    page = try_out(operator, draft, OWN_IN_SANDBOX).content.decode()
    assert 'value="(555) 001-0001"' in page  # a sandbox number through a carrier that reaches people
    make_suppression(draft.workspace, "+12025550177")
    assert "on the suppression list" in try_out(operator, draft, OWN).content.decode()
    far = (timezone.now() + timedelta(days=3)).isoweekday()
    UseCase.objects.filter(pk=draft.use_case.pk).update(days=[far])
    page = try_out(operator, draft, "(202) 555-0178").content.decode()
    assert "none of the use case" in page and "May be reached next at" in page
    assert not Voicemail.objects.exclude(lane_id=draft.pk).exists()


def test_a_trial_asks_for_what_a_send_asks_for(operator: Client, draft: Campaign) -> None:
    draft.use_case.workspace.sending_enabled = False
    draft.use_case.workspace.save()
    assert "Sending is switched off" in try_out(operator, draft).content.decode()
    Campaign.objects.filter(pk=draft.pk).update(recording=None)
    assert "There is nothing to hear yet" in try_out(operator, draft).content.decode()


def test_a_trial_in_a_script_needs_the_right_to_see_numbers(operator: Client, scripted: Campaign) -> None:
    assert "a message may name its person" in try_out(operator, scripted).content.decode()
    Membership.objects.update(may_see_numbers=True)
    for each in Voicemail.objects.filter(lane_id=scripted.pk):
        attested(each.recording)
    try_out(operator, scripted)
    tried = Voicemail.objects.exclude(lane_id=scripted.pk).get()
    assert tried.recording.name == "Hello Ana"


def test_a_trial_is_for_who_may_launch(viewer: Client, stranger: Client, workspace: Workspace, draft: Campaign) -> None:
    preparer = Client()
    preparer.force_login(
        make_user(workspace=workspace, role=Role.PREPARER, is_staff=True, username="pia", password=None)
    )
    assert try_out(preparer, draft).status_code == 403
    assert (try_out(viewer, draft).status_code, try_out(stranger, draft).status_code) == (403, 404)


def test_a_paused_campaign_can_be_tried_on_a_page_of_its_own(operator: Client, draft: Campaign) -> None:
    Campaign.objects.filter(pk=draft.pk).update(state=CampaignState.PAUSED)
    assert address(draft, "trial") in page_of(operator, draft, "change")
    answer = try_out(operator, draft)
    assert answer.redirect_chain[0][0] == address(draft, "trial") + "#trial"
    assert "Your trial to" in answer.content.decode()
