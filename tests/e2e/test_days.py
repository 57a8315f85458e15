"""The walk of days and times: a day of the United States in a filter, one that is none, and a time zone that is seen everywhere."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import Select

from campaigns.models import Campaign
from rvm.platform.database.ids import uuid7_at
from rvm.platform.models import Workspace
from tests.e2e.admin_pages import AdminPages
from tests.factories import make_use_case, make_voicemail

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
VOICEMAILS = "/admin/delivery/voicemail/"
AT = datetime(2026, 11, 21, 4, 30, tzinfo=UTC)  # still the 20th in New York


def test_a_day_is_filtered_a_wrong_one_is_said_and_a_zone_is_seen_everywhere(
    admin: AdminPages, workspace: Workspace, campaign: Campaign
) -> None:
    Workspace.objects.filter(pk=workspace.pk).update(time_zone="America/New_York")
    made = make_voicemail(make_use_case(workspace), id=uuid7_at(int(AT.timestamp() * 1000)), created_at=AT)

    admin.go(VOICEMAILS)
    admin.reads("Fri, Nov 20, 2026, 11:30 PM EST")
    assert "Days of the time zone Eastern (New York), both included." in admin.browser.page_source

    _filter(admin, "11/20/2026", "Nov 20 2026")
    admin.reads("Fri, Nov 20, 2026, 11:30 PM EST")
    shown = [field.get_attribute("value") for field in _days(admin)]
    assert shown == ["11/20/2026", "11/20/2026"]
    _filter(admin, "11/21/2026", "")
    assert "11:30 PM EST" not in admin.text

    _filter(admin, "13/11/2026", "")
    admin.reads("has no month 13: the month comes before the day. For November 13 write 11/13/2026.")
    assert "11:30 PM EST" not in admin.text
    assert next(field.get_attribute("value") for field in _days(admin)) == "13/11/2026"
    admin.picture("a day that is none")
    admin.press("Export as CSV")
    admin.reads("Nothing was exported.", "For November 13 write 11/13/2026.")

    admin.go("/accounts/time-zone/")
    admin.picture("time zone")
    Select(admin.browser.find_element(By.NAME, "time_zone")).select_by_visible_text("Hawaii (Honolulu)")
    admin.press("Save")
    admin.reads("Your time zone is saved.", "HST")
    for page in (f"delivery/voicemail/{made.pk}", "platform/auditevent", f"campaigns/campaign/{campaign.pk}"):
        admin.go(f"/admin/{page}/")
        assert " EST" not in admin.text and " UTC" not in admin.text, page
    admin.go(VOICEMAILS)
    admin.reads("Fri, Nov 20, 2026, 6:30 PM HST")
    _filter(admin, "11/20/2026", "11/20/2026")  # the workspace's day
    admin.reads("Fri, Nov 20, 2026, 6:30 PM HST")


def _days(admin: AdminPages) -> list[WebElement]:
    return [admin.browser.find_element(By.NAME, f"created_at_{end}") for end in ("from", "to")]


def _filter(admin: AdminPages, first: str, last: str) -> None:
    """Write the days of the filter and apply it, as its form does."""
    script = "arguments[0].value = arguments[1]"
    for field, text in zip(_days(admin), (first, last), strict=True):
        admin.browser.execute_script(script, field, text)
    admin.submit("filter-form")
