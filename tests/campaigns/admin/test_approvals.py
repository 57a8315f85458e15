"""A second person at the desk: asking, deciding, and who may do which."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from campaigns.models import Campaign, LaunchApproval
from delivery.lifecycle.status import VoicemailStatus
from rvm.platform.models import AuditEvent, Workspace
from rvm.platform.roles import Role
from tests.factories import add_recipients, make_campaign, make_use_case, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def large(workspace: Workspace) -> Campaign:
    Workspace.objects.filter(pk=workspace.pk).update(launch_approval_above=2)
    return make_campaign(make_use_case(workspace), 3, playable=True)


def signed_in(workspace: Workspace, role: Role, **fields: Any) -> Client:
    client = Client()
    client.force_login(make_user(workspace=workspace, role=role, is_staff=True, password=None, **fields))
    return client


def at(row: Campaign | LaunchApproval, name: str) -> str:
    keys = [row.pk] if isinstance(row, Campaign) else [row.campaign_id, row.pk]
    return reverse(f"admin:campaigns_campaign_{name}", args=keys)


def text_of(answer: Any) -> str:
    return html.unescape(" ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split()))


def ask(client: Client, campaign: Campaign) -> LaunchApproval:
    answer = client.post(at(campaign, "launch"))
    approval = LaunchApproval.objects.get(state="waiting")
    assert (answer.status_code, answer["Location"]) == (302, at(approval, "approval"))
    return approval


def test_the_launch_page_says_that_somebody_else_decides(operator: Client, large: Campaign) -> None:
    text = text_of(operator.get(at(large, "launch")))
    assert "wants a second person for everything that reaches more than 2 people" in text
    assert "Ask for approval" in text
    Workspace.objects.update(launch_approval_above=None)
    assert "Ask for approval" not in text_of(operator.get(at(large, "launch")))


def test_who_asked_sees_who_has_to_decide_and_may_withdraw(operator: Client, large: Campaign) -> None:
    approval = ask(operator, large)
    page = operator.get(at(approval, "approval"))
    text = text_of(page)
    assert "olive asked on" in text and "to launch it, for 3 people" in text
    assert "somebody else has to decide" in text
    assert 'id="approve"' not in page.content.decode()
    assert "It waits for somebody else's approval." in text_of(operator.get(at(large, "change")))
    operator.post(at(approval, "approve"))
    large.refresh_from_db()
    assert large.state == "draft"
    assert "The request is withdrawn" in text_of(operator.post(at(approval, "withdraw_request"), follow=True))


def test_another_approves_what_is_on_the_page(operator: Client, large: Campaign, workspace: Workspace) -> None:
    approval, other = ask(operator, large), signed_in(workspace, Role.LAUNCHER, username="ben")
    text = text_of(other.get(at(approval, "approval")))
    assert "Approve and launch for 3 people" in text and large.recording is not None and large.recording.name in text
    assert "let out as it was asked for" in text_of(other.post(at(approval, "approve"), follow=True))
    large.refresh_from_db()
    assert (large.state, str(large.launched_by)) == ("running", "olive")
    assert "Approved by ben" in text_of(other.get(at(approval, "approval")))
    event = AuditEvent.objects.get(action="campaign.approval_approved")
    assert str(event.actor) == "ben"


def test_another_declines_with_a_reason_that_is_shown(operator: Client, large: Campaign, workspace: Workspace) -> None:
    approval, other = ask(operator, large), signed_in(workspace, Role.LAUNCHER, username="ben")
    assert "Say why" in text_of(other.post(at(approval, "decline"), {"reason": ""}, follow=True))
    other.post(at(approval, "decline"), {"reason": "Last year's recording."})
    assert "Declined by ben" in text_of(operator.get(at(large, "change")))
    assert "Last year's recording." in text_of(operator.get(at(large, "change")))


@pytest.mark.parametrize("role", [Role.VIEWER, Role.PREPARER, Role.COMPLIANCE])
def test_who_may_not_approve_looks_only(operator: Client, large: Campaign, workspace: Workspace, role: Role) -> None:
    approval, other = ask(operator, large), signed_in(workspace, role)
    page = other.get(at(approval, "approval"))
    assert page.status_code == 200 and b"<form method" not in page.content.split(b"What is approved")[1]
    for name in ("approve", "decline", "withdraw_request"):
        assert other.post(at(approval, name), {"reason": "No."}).status_code == 403
    assert LaunchApproval.objects.get().state == "waiting"


def test_a_stranger_finds_no_request(operator: Client, large: Campaign, stranger: Client) -> None:
    approval = ask(operator, large)
    assert stranger.get(at(approval, "approval")).status_code == 404
    assert stranger.post(at(approval, "approve")).status_code == 404


def test_a_request_is_found_under_its_own_campaign_only(operator: Client, large: Campaign) -> None:
    approval = ask(operator, large)
    other = make_campaign(large.use_case)
    assert operator.get(reverse("admin:campaigns_campaign_approval", args=[other.pk, approval.pk])).status_code == 404


def test_a_link_decides_nothing(operator: Client, large: Campaign, workspace: Workspace) -> None:
    approval = ask(operator, large)
    other = signed_in(workspace, Role.LAUNCHER)
    assert [other.get(at(approval, name)).status_code for name in ("approve", "decline", "withdraw_request")] == [
        405
    ] * 3


def test_a_retry_of_many_asks_too(operator: Client, large: Campaign, workspace: Workspace) -> None:
    Campaign.objects.filter(pk=large.pk).update(state="running")
    add_recipients(large, 3, status=VoicemailStatus.FAILED, reason="busy", first=10)
    operator.post(at(large, "retry"), {"reason": ["busy"]})
    approval = LaunchApproval.objects.get()
    other = signed_in(workspace, Role.LAUNCHER)
    assert "Approve and retry for 3 people" in text_of(other.get(at(approval, "approval")))
    other.post(at(approval, "approve"))
    assert large.retries.get().queued == 3


def test_the_size_is_set_by_administrators_and_audited_with_old_and_new_value(
    operator: Client, compliance: Client, workspace: Workspace
) -> None:
    address = reverse("admin:platform_workspace_change", args=[workspace.pk])
    said = {"name": workspace.name, "sending_enabled": "on", "launch_approval_above": "500"}
    assert operator.post(address, said).status_code == compliance.post(address, said).status_code == 403
    admin = signed_in(workspace, Role.ADMIN)
    assert admin.post(address, said).status_code == 302
    workspace.refresh_from_db()
    assert workspace.launch_approval_above == 500
    assert AuditEvent.objects.get(action="workspace.updated").details == {
        "name": workspace.name,
        "changes": {"launch_approval_above": ["None", "500"]},
    }
