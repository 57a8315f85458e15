"""Walks with a workbook: which sheet is read, and what its hidden rows are, of patients and of people who must not be reached."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from campaigns.models import Campaign, OptOutImport, RecipientImport
from tests.e2e.admin_pages import AdminPages
from tests.rvm.spreadsheets.books import book

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


def _two_sheets(made: Any) -> None:
    north, south = made.worksheets
    north.title, south.title = "North", "South"
    north.row_dimensions[3].hidden = True


LIST = book(
    [["Name", "Cell"], ["Ana", "(202) 555-0101"], ["Ben", "(202) 555-0102"], ["Cora", "(202) 555-0103"]],
    [["Patient", "Visit Day", "Mobile"], ["Dev", "Mon", "(202) 555-0104"]],
    change=_two_sheets,
)
HIDDEN = "1 row is hidden in the workbook and left out."
OTHER_SHEET = "Only the sheet “North” is read. There are rows in “South” as well."


def _uploaded(admin: AdminPages, campaign: Campaign) -> None:
    admin.go(reverse("admin:campaigns_campaign_change", args=[campaign.pk]))
    admin.choose_file("patients.xlsx", LIST)
    admin.press("Upload")


def test_hidden_rows_are_seen_and_counted_and_may_be_read(admin: AdminPages, campaign: Campaign) -> None:
    _uploaded(admin, campaign)
    admin.reads(HIDDEN, OTHER_SHEET)
    assert admin.chosen("Rows that are hidden in it") == "are left out"
    admin.press("Check the list")
    admin.work()
    admin.reads("Checked: 2 people can be reached.", HIDDEN)

    admin.choose("Rows that are hidden in it", "are read too")
    admin.press("Check the list")
    admin.reads("This is how the list is read now. Look at its columns, then check it.")
    assert HIDDEN not in admin.text
    admin.press("Check the list")
    admin.work()
    admin.reads("Checked: 3 people can be reached.")


def test_another_sheet_of_a_workbook_is_chosen(admin: AdminPages, campaign: Campaign) -> None:
    _uploaded(admin, campaign)
    assert admin.chosen("Sheet of the workbook") == "North"
    admin.choose("Sheet of the workbook", "South")
    admin.press("Read it so and show it again")
    admin.reads("Only the sheet “South” is read. There are rows in “North” as well.")
    assert admin.chosen("What column 3 is") == "Phone number"
    admin.press("Check the list")
    admin.work()
    admin.reads("Checked: 1 person can be reached.")
    assert RecipientImport.objects.get().sheet == "South"


def test_a_list_of_opt_outs_has_its_sheet_and_hidden_rows_chosen_too(admin: AdminPages) -> None:
    admin.go(reverse("admin:usecases_suppression_import"))
    admin.choose_file("stop.xlsx", LIST)
    admin.press("Import")
    admin.reads(OTHER_SHEET)
    assert (
        admin.chosen("Rows that are hidden in it") == "are read too"
    )  # whom a filter hides has opted out all the same
    admin.press("Check the list")
    admin.work()
    admin.reads("Checked: 3 numbers in it must not be reached.")

    admin.choose("Rows that are hidden in it", "are left out")
    admin.press("Read it so and show it again")
    admin.reads(HIDDEN)
    admin.press("Check the list")
    admin.work()
    admin.reads("Checked: 2 numbers in it must not be reached.")

    admin.choose("Sheet of the workbook", "South")
    admin.press("Read it so and show it again")
    admin.press("Check the list")
    admin.work()
    admin.reads("Checked: 1 number in it must not be reached.")
    assert OptOutImport.objects.get().sheet == "South"
