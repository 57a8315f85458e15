"""Copying a campaign in the admin and over the API: what is chosen, who may, and what a second click does."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from campaigns.lifecycle import scheduler
from campaigns.models import Campaign
from delivery.models import Voicemail
from rvm.platform.database.clock import database_now
from rvm.platform.models import Workspace
from rvm.platform.roles import Role
from tests.factories import Api, add_recipients, make_campaign, make_use_case, make_user

pytestmark = pytest.mark.django_db

ENDINGS = ("busy", "unreported", "mailbox_full")


@pytest.fixture
def ended(workspace: Workspace) -> Campaign:
    """Of six people one was busy, one may have heard it, one has a full box, one is out of time, one was taken out, one has it."""
    campaign = make_campaign(make_use_case(workspace), state="completed", playable=True, name="Flu shots")
    for serial, reason in enumerate(ENDINGS):
        add_recipients(campaign, 1, first=serial, status="failed", reason=reason)
    add_recipients(campaign, 1, first=3, status="expired", reason="expired")
    add_recipients(campaign, 1, first=4, status="canceled", reason="withdrawn")
    add_recipients(campaign, 1, first=5, status="delivered")
    return campaign


def address(campaign: Campaign) -> str:
    return reverse("admin:campaigns_campaign_copy", args=[campaign.pk])


def page_of(client: Client, campaign: Campaign) -> str:
    return " ".join(client.get(address(campaign)).content.decode().split())


def reasons_in(draft: Campaign) -> set[str]:
    scheduler.continue_copies(database_now())
    numbers = {each.recipient for each in Voicemail.objects.filter(lane_id=draft.pk)}
    found = Voicemail.objects.exclude(lane_id=draft.pk)
    return {each.reason for each in found if each.recipient in numbers}


def test_the_page_asks_by_reason_as_that_of_a_retry(operator: Client, ended: Campaign) -> None:
    helps, _, rest = page_of(operator, ended).partition("May have been reached already")
    risky, _, others = rest.partition("Not reached, and another campaign may not help")
    assert 'value="busy" checked' in helps and 'value="expired" checked' in helps
    assert 'value="unreported" disabled' in risky and "Only an administrator may take them along." in risky
    assert 'value="mailbox_full">' in others and "withdrawn" not in others


def test_those_ticked_are_taken_along_and_a_second_click_makes_no_second_draft(
    operator: Client, ended: Campaign
) -> None:
    found = re.search('name="draft_id" value="([^"]+)"', page_of(operator, ended))
    assert found is not None
    body = {"people": "unreached", "reason": ["busy", "mailbox_full"], "draft_id": found[1]}
    for _ in range(2):
        page = operator.post(address(ended), body, follow=True).content.decode()
        assert "“Copy of Flu shots” is a draft" in page and "are being added" in page
    draft = Campaign.objects.get(copied_from=ended)
    assert reasons_in(draft) == {"busy", "mailbox_full"}
    page = operator.get(reverse("admin:campaigns_campaign_change", args=[draft.pk])).content.decode()
    assert "Those were added who were not reached by" in page and "Flu shots" in page


def test_without_people_it_is_the_settings_alone(operator: Client, ended: Campaign) -> None:
    operator.post(address(ended), {"people": "none", "reason": ["busy"]})
    draft = Campaign.objects.get(copied_from=ended)
    assert (draft.is_copying, reasons_in(draft)) == (False, set())


def test_who_may_have_been_reached_is_an_administrators_decision(
    client: Client, operator: Client, ended: Campaign
) -> None:
    body = {"people": "unreached", "reason": ["unreported"], "accept_duplicate_risk": "yes"}
    assert operator.post(address(ended), body).status_code == 403
    client.force_login(make_user(workspace=ended.workspace, is_staff=True, password=None))
    refused = client.post(address(ended), {**body, "accept_duplicate_risk": ""}, follow=True).content.decode()
    assert "may have been reached" in refused and not Campaign.objects.filter(copied_from=ended).exists()
    client.post(address(ended), body)
    assert reasons_in(Campaign.objects.get(copied_from=ended)) == {"unreported"}


def test_whoever_prepares_copies_and_nobody_else(
    viewer: Client, stranger: Client, workspace: Workspace, ended: Campaign
) -> None:
    preparer = Client()
    preparer.force_login(
        make_user(workspace=workspace, role=Role.PREPARER, is_staff=True, username="pia", password=None)
    )
    assert [each.post(address(ended), {}).status_code for each in (viewer, stranger, preparer)] == [403, 404, 302]
    assert Campaign.objects.get(copied_from=ended).created_by is not None


def test_over_the_api_a_copy_says_what_it_is_of_and_when_it_is_complete(api: Api, ended: Campaign) -> None:
    told: Any = api.post(f"campaigns/{ended.pk}/copy", {"name": "Again", "reasons": ["busy", "expired"]})
    assert (told.status_code, told.headers["Location"].rpartition("/")[2]) == (201, told.json()["campaign_id"])
    draft = told.json()
    assert (draft["name"], draft["state"], draft["copied_from_id"], draft["copying"]) == (
        "Again",
        "draft",
        str(ended.pk),
        True,
    )
    scheduler.continue_copies(database_now())
    draft = api.get(f"campaigns/{draft['campaign_id']}").json()
    assert (draft["copying"], draft["voicemails"]) == (False, {"queued": 2})
    refused = api.post(f"campaigns/{ended.pk}/copy", {"reasons": ["withdrawn"]})
    assert (refused.status_code, refused.json()["code"]) == (409, "not_retryable")
