"""Walks with a workbook: which sheet is read, and what its hidden rows are, of patients and of people who must not be reached."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from campaigns.models import Campaign, OptOutImport, RecipientImport
from tests.e2e.desk import Desk
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


def _uploaded(desk: Desk, campaign: Campaign) -> None:
    desk.go(reverse("admin:campaigns_campaign_change", args=[campaign.pk]))
    desk.choose_file("patients.xlsx", LIST)
    desk.press("Upload")


def test_hidden_rows_are_seen_and_counted_and_may_be_read(desk: Desk, campaign: Campaign) -> None:
    _uploaded(desk, campaign)
    desk.reads(HIDDEN, OTHER_SHEET)
    assert desk.chosen("Rows that are hidden in it") == "are left out"
    desk.press("Check the list")
    desk.work()
    desk.reads("Checked: 2 people can be reached.", HIDDEN)

    desk.choose("Rows that are hidden in it", "are read too")
    desk.press("Check the list")
    desk.reads("This is how the list is read now. Look at its columns, then check it.")
    assert HIDDEN not in desk.text
    desk.press("Check the list")
    desk.work()
    desk.reads("Checked: 3 people can be reached.")


def test_another_sheet_of_a_workbook_is_chosen(desk: Desk, campaign: Campaign) -> None:
    _uploaded(desk, campaign)
    assert desk.chosen("Sheet of the workbook") == "North"
    desk.choose("Sheet of the workbook", "South")
    desk.press("Read it so and show it again")
    desk.reads("Only the sheet “South” is read. There are rows in “North” as well.")
    assert desk.chosen("What column 3 is") == "Phone number"
    desk.press("Check the list")
    desk.work()
    desk.reads("Checked: 1 person can be reached.")
    assert RecipientImport.objects.get().sheet == "South"


def test_a_list_of_opt_outs_has_its_sheet_and_hidden_rows_chosen_too(desk: Desk) -> None:
    desk.go(reverse("admin:usecases_suppression_import"))
    desk.choose_file("stop.xlsx", LIST)
    desk.press("Import")
    desk.reads(OTHER_SHEET)
    assert desk.chosen("Rows that are hidden in it") == "are read too"  # whom a filter hides has opted out all the same
    desk.press("Check the list")
    desk.work()
    desk.reads("Checked: 3 numbers in it must not be reached.")

    desk.choose("Rows that are hidden in it", "are left out")
    desk.press("Read it so and show it again")
    desk.reads(HIDDEN)
    desk.press("Check the list")
    desk.work()
    desk.reads("Checked: 2 numbers in it must not be reached.")

    desk.choose("Sheet of the workbook", "South")
    desk.press("Read it so and show it again")
    desk.press("Check the list")
    desk.work()
    desk.reads("Checked: 1 number in it must not be reached.")
    assert OptOutImport.objects.get().sheet == "South"
