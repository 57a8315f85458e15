"""A second person, as a program meets it: the launch is refused, and the request can be read and withdrawn."""

from __future__ import annotations

from typing import Any

import pytest

from campaigns.lifecycle import service as services
from campaigns.models import Campaign, LaunchApproval
from delivery.lifecycle.status import VoicemailStatus
from rvm.platform.database.clock import database_now
from rvm.platform.models import IdempotencyKey, Workspace
from rvm.platform.scopes import Scope
from tests.campaigns.api.calling import refusal
from tests.factories import Api, add_recipients, make_api, make_campaign, make_use_case, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign(workspace: Workspace, api: Api) -> Campaign:
    Workspace.objects.filter(pk=workspace.pk).update(launch_approval_above=2)
    return make_campaign(make_use_case(workspace), 3, playable=True)


def path(campaign: Campaign, name: str = "approval") -> str:
    return f"campaigns/{campaign.pk}/{name}"


@pytest.mark.parametrize("headers", [{}, {"Idempotency_Key": "one"}])
def test_a_launch_of_many_is_refused_and_the_request_is_kept(
    api: Api, campaign: Campaign, headers: dict[str, Any]
) -> None:
    answer = api.post(path(campaign, "launch"), **headers)
    assert refusal(answer, 409) == "approval_needed"
    kept = LaunchApproval.objects.get()
    told = answer.json()
    assert (told["approval_id"], told["people"], told["approval_above"]) == (str(kept.pk), 3, 2)
    assert kept.asked_by == api.key.user
    assert not IdempotencyKey.objects.exists()
    assert api.get(f"campaigns/{campaign.pk}").json()["state"] == "draft"
    assert refusal(api.post(path(campaign, "launch"), **headers), 409) == "approval_needed"
    assert LaunchApproval.objects.count() == 1


def test_what_becomes_of_the_request_can_be_read(api: Api, campaign: Campaign) -> None:
    assert refusal(api.get(path(campaign)), 404) == "not_found"
    api.post(path(campaign, "launch"))
    told = api.get(path(campaign)).json()
    assert (told["kind"], told["state"], told["people"], told["approval_above"]) == ("launch", "waiting", 3, 2)
    services.approve(LaunchApproval.objects.get(), actor=make_user(), now=database_now())
    assert api.get(path(campaign)).json()["state"] == "approved"
    assert api.get(f"campaigns/{campaign.pk}").json()["state"] == "running"


def test_a_request_is_withdrawn_by_who_may_send(api: Api, campaign: Campaign) -> None:
    api.post(path(campaign, "launch"))
    writer = make_api(campaign.workspace, scopes=[Scope.CAMPAIGNS_READ, Scope.CAMPAIGNS_WRITE])
    assert refusal(writer.delete(path(campaign)), 403) == "missing_scope"
    assert api.delete(path(campaign)).json()["state"] == "withdrawn"
    assert refusal(api.delete(path(campaign)), 409) == "approval_ended"


def test_a_change_of_a_scheduled_campaign_of_many_makes_it_a_draft_again(api: Api, campaign: Campaign) -> None:
    Campaign.objects.filter(pk=campaign.pk).update(state="scheduled", starts_at="2100-01-01T00:00:00Z")
    answer = api.patch(f"campaigns/{campaign.pk}", {"max_attempts": 2})
    assert (answer.status_code, answer.json()["state"]) == (200, "draft")


def test_a_retry_of_many_is_refused_and_kept_too(api: Api, campaign: Campaign) -> None:
    Campaign.objects.filter(pk=campaign.pk).update(state="running")
    add_recipients(campaign, 3, status=VoicemailStatus.FAILED, reason="busy", first=10)
    assert refusal(api.post(path(campaign, "retry-failed"), {"reasons": ["busy"]}), 409) == "approval_needed"
    told = api.get(path(campaign)).json()
    assert (told["kind"], told["people"], told["reasons"]) == ("retry", 3, ["busy"])
