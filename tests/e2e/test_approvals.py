"""A launch of many people, asked for by one person and approved by another, in a real browser."""

from __future__ import annotations

import pytest
from django.test import Client
from selenium.webdriver.common.by import By

from campaigns.models import Campaign
from rvm.platform.models import User, Workspace
from rvm.platform.roles import Role
from tests.e2e.admin_pages import AdminPages
from tests.factories import make_campaign, make_use_case, make_user

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.e2e]


def becomes(admin: AdminPages, user: User) -> None:
    client = Client()
    client.force_login(user)
    admin.browser.add_cookie({"name": "sessionid", "value": client.cookies["sessionid"].value})


def test_one_asks_and_another_approves(admin: AdminPages, workspace: Workspace) -> None:
    Workspace.objects.filter(pk=workspace.pk).update(launch_approval_above=2)
    campaign = make_campaign(make_use_case(workspace), 3, playable=True)
    page = f"/admin/campaigns/campaign/{campaign.pk}/change/"
    admin.go(page)
    admin.press("Launch…")
    admin.reads("wants a second person for everything that reaches more than 2 people")
    admin.press("Ask for approval for 3 people")
    admin.reads("ada asked on", "to launch it, for 3 people", "somebody else has to decide", "Withdraw the request")
    assert not admin.browser.find_elements(By.ID, "approve")

    becomes(admin, make_user(workspace=workspace, role=Role.LAUNCHER, is_staff=True, username="ben", password=None))
    admin.go(page)
    admin.reads("It waits for somebody else's approval.")
    admin.press("Look at it")
    admin.reads("ada asked on", "What is approved")
    admin.press("Approve and launch for 3 people")
    admin.reads("let out as it was asked for", "Running")
    assert str(Campaign.objects.get(pk=campaign.pk).launched_by) == "ada"
