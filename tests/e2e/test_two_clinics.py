"""The walk of a front desk of two clinics: a number is searched in both, opted out in one, and what that stopped is seen."""

from __future__ import annotations

import pytest
from django.urls import reverse
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from campaigns.models import Campaign
from delivery.models import Voicemail
from rvm.platform.models import Membership, User, Workspace
from rvm.platform.roles import Role
from tests.e2e.admin_pages import AdminPages
from tests.factories import make_use_case, make_voicemail, make_workspace
from tests.random_text import without_ids

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
LIST = reverse("admin:delivery_voicemail_changelist")


def search(admin: AdminPages, text: str) -> None:
    field = admin.browser.find_element(By.NAME, "sought")
    admin._left_by(lambda: field.send_keys(text, Keys.ENTER))
    admin.picture(f"searched {len(text)}")


def test_a_number_is_found_in_both_clinics_and_what_its_opt_out_stopped_is_seen(
    admin: AdminPages, administrator: User, workspace: Workspace, campaign: Campaign
) -> None:
    other = make_workspace(name="A-Team Pediatrics")  # the first by name
    Membership.objects.create(workspace=other, user=administrator, role=Role.VIEWER)
    make_voicemail(make_use_case(other, name="Recall"), status="delivered", recipient="+12025550140")
    waiting = make_voicemail(
        lane=campaign.lane, recipient="+12025550140", reference="10482", recording=campaign.recording
    )

    admin.go(LIST)
    admin.reads("These are voicemails of A-Team Pediatrics only.", "Recall")
    search(admin, "0140")
    admin.reads("Only whole values are found: a phone number with its area code", "has this record number or reference")
    assert not admin.browser.find_elements(By.CSS_SELECTOR, "#result_list tbody a")

    search(admin, "(202) 555-0140")
    admin.reads(
        "All your workspaces are searched", workspace.name, campaign.name, "Not launched: its campaign is a draft."
    )
    assert "0140" not in without_ids(admin.browser.current_url)
    admin.choose("All your workspaces are searched", workspace.name)
    admin.press("Show")
    admin.reads(f"These are voicemails of {workspace.name} only.", campaign.name)

    search(admin, "10482")
    admin.reads(campaign.name, "10482", "Not launched: its campaign is a draft.")
    admin.press("Their person")
    admin.reads("A-Team Pediatrics: voicemails", "It does not hold for A-Team Pediatrics")
    admin.press(f"Opt out at {workspace.name}")
    admin.reads(
        f"On the suppression list of {workspace.name} from now on.",
        "Waiting for this number here before: 1 voicemail; now: no voicemail.",
        "It does not hold for A-Team Pediatrics.",
    )
    waiting.refresh_from_db()
    assert (waiting.status, waiting.reason) == ("skipped", "suppressed")
    assert Voicemail.objects.filter(status="skipped").count() == 1
