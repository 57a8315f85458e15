"""The page about a workspace's data: days within bounds, what would go, legal holds; for those who may decide it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from rvm.platform.database.clock import database_now
from rvm.platform.models import AuditEvent, Erasure, LegalHold, Workspace
from rvm.platform.retention import holds, rules
from rvm.platform.retention_kinds import DECIDED, RetentionKind
from rvm.platform.roles import Role
from tests.factories import make_campaign, make_use_case, make_user, make_voicemail, make_workspace
from tests.posted_forms import posted

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(client: Client, workspace: Workspace) -> Client:
    client.force_login(make_user(workspace=workspace, role=Role.COMPLIANCE, is_staff=True, password=None))
    return client


def address(workspace: Workspace, what: str = "") -> str:
    return reverse(f"admin:platform_workspace_retention{what}", args=[workspace.pk])


def days(**changed: int) -> dict[str, Any]:
    return {**{kind.value: 30 for kind in DECIDED}, "numbers": 2192, **changed}


def page(client: Client, workspace: Workspace) -> str:
    return client.get(address(workspace)).content.decode()


def test_it_says_what_the_next_purge_removes_before_anything_is_changed(desk: Client, workspace: Workspace) -> None:
    make_voicemail(make_use_case(workspace), status="failed", ended_at=database_now() - timedelta(days=100))
    assert "The next purge removes: voicemails: 0, opt-outs as they were sent: 0." in page(desk, workspace)
    shown = desk.post(address(workspace, "_days"), {**days(numbers=60), "look": "yes"}).content.decode()
    assert "not saved yet" in shown and "The next purge removes: voicemails: 1, opt-outs as they were sent: 0." in shown
    assert rules.days_of(workspace.pk)[RetentionKind.NUMBERS] == 2192
    assert desk.post(address(workspace, "_days"), days(numbers=60)).status_code == 302
    assert rules.days_of(workspace.pk)[RetentionKind.NUMBERS] == 60
    event = AuditEvent.objects.get(action="retention.changed", details__kind="numbers")
    assert (event.details["was"], event.details["now"]) == (2192, 60)


def test_days_that_somebody_else_changed_meanwhile_are_told(desk: Client, workspace: Workspace) -> None:
    had = posted(desk.get(address(workspace)), "days")
    demo = make_user(workspace=workspace, username="demo", password=None)
    rules.set_days(workspace, RetentionKind.NUMBERS, 90, actor=demo)
    told = desk.post(address(workspace, "_days"), {**had, "recordings": "40"})
    assert "from 2192 to 90, by demo." in told.content.decode()
    assert rules.days_of(workspace.pk)[RetentionKind.RECORDINGS] != 40
    assert desk.post(address(workspace, "_days"), posted(told, "days")).status_code == 302
    days = rules.days_of(workspace.pk)
    assert (days[RetentionKind.NUMBERS], days[RetentionKind.RECORDINGS]) == (90, 40)


@pytest.mark.parametrize(("kind", "wrong"), [("numbers", 29), ("lists", 0), ("lists", 31), ("drafts", 731)])
def test_days_outside_of_their_bounds_are_refused(desk: Client, workspace: Workspace, kind: str, wrong: int) -> None:
    response = desk.post(address(workspace, "_days"), days(**{kind: wrong}))
    assert response.status_code == 200 and "Ensure this value is" in response.content.decode()
    assert not AuditEvent.objects.filter(action="retention.changed").exists()


def test_a_hold_is_placed_on_a_campaign_and_lifted_with_reasons(desk: Client, workspace: Workspace) -> None:
    campaign = make_campaign(make_use_case(workspace), name="Flu shots")
    assert desk.post(address(workspace, "_hold"), {"covers": str(campaign.pk), "reason": ""}).status_code == 200
    assert not LegalHold.objects.exists()
    desk.post(address(workspace, "_hold"), {"covers": str(campaign.pk), "reason": "Alder v. Clinic"})
    desk.post(address(workspace, "_hold"), {"covers": "", "reason": "Audit"})
    first, second = holds.standing(workspace.pk).order_by("id")
    assert (first.campaign_id, first.name, second.campaign_id, second.name) == (
        campaign.pk,
        "Flu shots",
        None,
        workspace.name,
    )
    assert "Alder v. Clinic" in page(desk, workspace)
    assert desk.post(address(workspace, "_lift"), {"chosen": first.pk}).status_code == 200
    desk.post(address(workspace, "_lift"), {"chosen": first.pk, "reason": "Settled"})
    assert list(holds.standing(workspace.pk)) == [second]
    assert "Settled" in page(desk, workspace)
    assert AuditEvent.objects.filter(action="legal_hold.lifted").count() == 1
    assert desk.post(address(workspace, "_lift"), {"chosen": first.pk, "reason": "Again"}).status_code == 302


def test_campaigns_and_holds_of_others_are_none(desk: Client, workspace: Workspace) -> None:
    other = make_campaign(make_use_case(make_workspace()))
    hold = holds.place(other.workspace, campaign_id=None, name="A", reason="B", actor=None)
    assert desk.post(address(workspace, "_hold"), {"covers": str(other.pk), "reason": "A"}).status_code == 200
    assert desk.post(address(workspace, "_lift"), {"chosen": hold.pk, "reason": "A"}).status_code == 302
    assert desk.get(address(other.workspace)).status_code == 404
    assert holds.standing(other.workspace_id).get() == hold


def test_who_may_not_decide_reads_the_page_without_forms(client: Client, workspace: Workspace) -> None:
    client.force_login(make_user(workspace=workspace, role=Role.LAUNCHER, is_staff=True, password=None))
    Erasure.objects.create(workspace=workspace, number_indexes=["00"], counts={"voicemails": 3}, reason="By letter")
    text = page(client, workspace)
    assert "Numbers and fields of people: 2192 days" in text and "Place a hold" not in text
    assert "(By letter); voicemails: 3. Not finished" in text
    for what in ("_days", "_hold", "_lift"):
        assert client.post(address(workspace, what), {}).status_code == 403
