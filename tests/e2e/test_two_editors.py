"""Two people at the form of one campaign, in a real browser: the second is told, keeps what was typed, and saves on purpose."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.test import Client

from campaigns.models import Campaign
from rvm.platform.database.clock import database_now
from rvm.platform.models import User, Workspace
from rvm.platform.roles import Role
from tests.e2e.admin_pages import AdminPages
from tests.factories import make_campaign, make_use_case, make_user

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.e2e]


def becomes(admin: AdminPages, user: User) -> None:
    client = Client()
    client.force_login(user)
    admin.browser.add_cookie({"name": "sessionid", "value": client.cookies["sessionid"].value})


def asks_before_it_is_left(admin: AdminPages) -> bool:
    return bool(
        admin.browser.execute_script("return !window.dispatchEvent(new Event('beforeunload', {cancelable: true}))")
    )


def set_start(admin: AdminPages, moment: datetime) -> None:
    """As the browser's picker does."""
    admin.browser.execute_script(
        "const field = document.getElementsByName('starts_at')[0]; field.value = arguments[0];"
        "field.dispatchEvent(new Event('input', {bubbles: true}))",
        f"{moment:%Y-%m-%dT%H:%M}",
    )


def test_the_second_editor_is_told_and_saves_on_purpose(
    admin: AdminPages, administrator: User, workspace: Workspace
) -> None:
    sunday = (database_now() + timedelta(days=5)).replace(hour=9, minute=0, second=0, microsecond=0)
    campaign = make_campaign(
        make_use_case(workspace), 3, name="Flu shots", time_zone="UTC", starts_at=sunday, playable=True
    )
    edit = f"/admin/campaigns/campaign/{campaign.pk}/edit/"
    ben = make_user(workspace=workspace, role=Role.LAUNCHER, is_staff=True, username="ben", password=None)
    becomes(admin, ben)
    admin.go(edit)
    assert not asks_before_it_is_left(admin)
    of_ben = admin.browser.current_window_handle

    admin.browser.switch_to.new_window("tab")
    admin.go(edit)
    becomes(admin, administrator)
    admin.go(edit)
    monday = sunday + timedelta(days=1, hours=1)
    set_start(admin, monday)
    admin.press("Save")
    admin.reads("“Flu shots” is saved.")
    admin.browser.close()

    admin.browser.switch_to.window(of_ben)
    becomes(admin, ben)
    admin.write("name", "Flu shots of December")
    assert asks_before_it_is_left(admin)
    admin.press("Save")
    admin.reads("This campaign was changed while you had it open, so nothing is saved yet.", "Start: from", "by ada.")
    assert admin.browser.find_element("name", "name").get_attribute("value") == "Flu shots of December"
    assert admin.browser.find_element("name", "starts_at").get_attribute("value") == f"{monday:%Y-%m-%dT%H:%M}"
    assert Campaign.objects.get().name == "Flu shots"
    admin.press("Save")
    admin.reads("“Flu shots of December” is saved.")
    saved = Campaign.objects.get()
    assert (saved.name, saved.starts_at) == ("Flu shots of December", monday)
