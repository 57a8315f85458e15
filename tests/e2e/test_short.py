"""The two walks that CI takes: patients whose list has a column that is not understood, and people who must not be reached."""

from __future__ import annotations

import pytest
from django.urls import reverse

from campaigns.models import Campaign, OptOutImport, RecipientImport
from campaigns.states import ImportState, OptOutState
from delivery.models import Voicemail
from rvm.platform.models import Workspace
from tests.e2e.admin_pages import AdminPages
from usecases.models import Suppression

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]

PATIENTS = b"""Recall of the north clinic
First Name,Last Name,Mobile,Home Phone,Date of Birth,Street,City,State,Zip,Provider,Appointment Day,Time,Flag
Ana,Alder,(202) 555-0101,,1970-01-01,1 Elm St,Washington,DC,20001,Dr. Gray,Mon,9:00 am,Yes
Ben,Birch,,(202) 555-0102,1971-01-01,2 Elm St,Washington,DC,20001,Dr. Gray,Mon,9:20 am,Yes
Cora,Cedar,(202) 555-0103,,1972-01-01,3 Elm St,Washington,DC,20001,Dr. Gray,Tue,9:40 am,No
Dev,Date,(202) 555-0104,,1973-01-01,4 Elm St,Washington,DC,20001,Dr. Gray,Tue,10:00 am,
Eve,Alder,(202) 555-0101,,1974-01-01,1 Elm St,Washington,DC,20001,Dr. Gray,Wed,10:20 am,Yes
"""
OPT_OUTS = b"Mobile,OK to call\n2025550100,Yes\n2025550101,Yes\n2025550102,No\n"


def test_a_column_that_is_not_understood_is_asked_about_before_anybody_is_checked(
    admin: AdminPages, campaign: Campaign
) -> None:
    admin.go(reverse("admin:campaigns_campaign_change", args=[campaign.pk]))
    admin.choose_file("recall.csv", PATIENTS)
    admin.press("Upload")
    admin.reads(
        "Answer the questions about its columns", "Above it stands, and is not read: Recall of the north clinic"
    )
    assert admin.chosen("What column 3 is") == "Phone number"
    assert admin.is_above(admin.by_id("questions"), admin.button("Check the list"))
    assert "Flag: It answers yes or no" in " ".join(admin.by_id("questions").text.split())
    assert admin.fits(admin.by_id("columns"))
    assert admin.is_beside(admin.button(f"Back to {campaign.name}"), admin.button("Discard the list…"))

    admin.press("Check the list")
    admin.reads("Say what this column is before the list is checked", "“Flag” (column 13)")
    assert RecipientImport.objects.get().state == ImportState.UPLOADED

    admin.choose("What column 13 is", "Consent: yes means may be reached")
    admin.press("Check the list")
    admin.work()
    admin.reads(
        "Checked: 2 people can be reached. Nobody is added before you confirm.",
        "3 say yes to being reached",
        "1 say no",
        "1 say nothing, which is no yes",
        "1 have no number in the first phone column and are reached at their next one",
        "7 (as row 3, other in first name",
    )
    admin.write("consent_statement", "All of them agreed at registration.")
    admin.press("Import 2 people")
    admin.work()
    admin.reads("Imported: 2 people were added to the campaign.")
    assert {each.recipient for each in Voicemail.objects.all()} == {"+12025550101", "+12025550102"}


def test_a_list_of_opt_outs_is_confirmed_with_a_tick_and_undone(admin: AdminPages, workspace: Workspace) -> None:
    admin.go(reverse("admin:usecases_suppression_import"))
    admin.choose_file("stop.csv", OPT_OUTS)
    admin.press("Import")
    admin.reads("Is it a list of patients")
    assert admin.is_above(admin.by_id("questions"), admin.button("Check the list"))
    admin.choose("What column 2 is", "Not read: it decides nothing")
    admin.press("Check the list")
    admin.work()
    admin.reads("Checked: 3 numbers in it must not be reached.", "This looks like a list of patients: 2 rows say")
    admin.button("Put 3 numbers on the list").click()  # the browser asks for the tick first
    assert OptOutImport.objects.get().state == OptOutState.CHECKED
    admin.tick("must_not_be_reached")
    admin.press("Put 3 numbers on the list")
    admin.work()
    admin.reads("Listed: 3 numbers were added, and not reached any more.")
    assert Suppression.objects.filter(workspace=workspace).count() == 3

    admin.tick("sure")
    admin.press("Undo")
    admin.work()
    admin.reads("Undone: 3 numbers were taken off the suppression list.")
    assert not Suppression.objects.exists()
