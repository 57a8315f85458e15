"""Workbooks as lists of campaigns: the sheet that is read, the rows that it hides, and what the check says of both."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from typing import Any

import pytest
from django.utils import timezone

from campaigns.imports import service, staging
from campaigns.imports.error_report import error_report
from campaigns.lifecycle.transitions import Superseded
from campaigns.models import RecipientImport
from rvm.platform.errors import ServiceError
from rvm.platform.models import AuditEvent
from tests.campaigns.imports.lists import STATEMENT, checked, imported, make_campaign, recipients, upload
from tests.children import in_calls, none_left
from tests.rvm.spreadsheets.books import book, raw

pytestmark = pytest.mark.django_db
NOW = timezone.now()


def filtered(made: Any) -> None:
    """The filter of a person who wants to see Ana and Cora, and a second list."""
    people, others = made.worksheets
    people.title, others.title = "North", "South"
    people.row_dimensions[3].hidden = True


PEOPLE = [["Name", "Cell", "MRN"], ["Ana", "(202) 555-0101", "a"], ["Ben", "(202) 555-0102", "b"], ["Cora", "123", "c"]]
OTHERS = [["Name", "Cell"], ["Dev", "(202) 555-0104"]]
LIST = book(PEOPLE, OTHERS, change=filtered)
HIDDEN = "1 row is hidden in the workbook and left out. If these people are meant too, have hidden rows read."
OTHER_SHEET = "Only the sheet “North” is read. There are rows in “South” as well."


def read_as(row: RecipientImport, **changes: Any) -> RecipientImport:
    return service.read_as(row, changes, actor=None, now=NOW)


def test_an_upload_says_which_sheet_is_read_and_what_is_left_out() -> None:
    row = upload(make_campaign(), LIST)
    row.refresh_from_db()
    assert (row.format, row.sheet, row.hidden_rows) == ("xlsx", "North", False)
    assert row.sheets == [
        {"name": "North", "visibility": "visible", "has_rows": True},
        {"name": "South", "visibility": "visible", "has_rows": True},
    ]
    assert service.warnings(row) == [OTHER_SHEET, HIDDEN]
    assert [cells[0] for cells in service.sample(row).rows] == ["Ana", "Cora"]


def test_hidden_rows_are_nobody_who_is_reached_and_the_check_counts_them() -> None:
    campaign = make_campaign()
    row = imported(campaign, LIST)
    assert recipients(campaign) == ["+12025550101"]
    assert row.rows_read == 2
    assert service.warnings(row)[:2] == [OTHER_SHEET, HIDDEN]


def test_hidden_rows_are_reached_where_somebody_says_so() -> None:
    campaign = make_campaign()
    row = read_as(upload(campaign, LIST), hidden_rows=True)
    assert service.warnings(row) == [OTHER_SHEET]
    row = service.check(row, actor=None, now=NOW)
    staging.stage(row)
    assert row.rows_read == 3
    assert AuditEvent.objects.get(action="import.read_as").details["hidden_rows"] is True


def test_another_sheet_is_chosen_by_name_and_its_columns_are_guessed_anew() -> None:
    row = read_as(upload(make_campaign(), LIST), sheet="South")
    assert (row.sheet, len(row.columns)) == ("South", 2)
    assert service.warnings(row) == ["Only the sheet “South” is read. There are rows in “North” as well."]
    assert service.sample(row).rows == [["Dev", "(202) 555-0104"]]


def test_a_list_of_before_there_was_a_choice_gets_one_when_it_is_read_in_another_way() -> None:
    row = upload(make_campaign(), LIST)
    RecipientImport.objects.update(sheet="", sheets=[])
    row.refresh_from_db()
    row = read_as(row, hidden_rows=True)
    assert (row.sheet, len(row.sheets)) == ("North", 2)


@pytest.mark.parametrize(
    ("content", "changes", "field"),
    [
        (LIST, {"sheet": "East"}, "sheet"),
        (LIST, {"sheet": 7}, "sheet"),
        (LIST, {"hidden_rows": "yes"}, "hidden_rows"),
        (b"Cell\r\n2025550101\r\n", {"sheet": "North"}, "sheet"),
    ],
)
def test_a_choice_that_there_is_not_is_refused(content: bytes, changes: dict[str, Any], field: str) -> None:
    row = upload(make_campaign(), content)
    with pytest.raises(ServiceError) as refusal:
        read_as(row, **changes)
    assert (refusal.value.code, refusal.value.field) == ("invalid_choice", field)


def test_a_list_that_is_read_has_notices_only_of_itself() -> None:
    row = upload(make_campaign(), b"Cell\r\n2025550101\r\n")
    assert (row.sheet, row.sheets, service.warnings(row)) == ("", [], [])


def test_the_error_report_has_the_rows_that_the_workbook_shows() -> None:
    row = checked(make_campaign(), LIST)
    header, *rows = error_report(row)
    assert header[:3] == PEOPLE[0]
    assert [(cells[0], cells[3]) for cells in rows] == [("Cora", "4")]


def test_formulas_without_results_are_said_once_before_anybody_is_counted() -> None:
    row = '<row r="{0}"><c r="A{0}" t="str"><v>{1}</v></c><c r="B{0}"><f>"(202) 555-0101"</f></c></row>'
    cells = '<row r="1"><c t="str"><v>Name</v></c><c t="str"><v>Phone</v></c></row>'
    uploaded = upload(make_campaign(), raw(cells + row.format(2, "Ana") + row.format(3, "Ben")))
    assert service.warnings(uploaded) == [
        "2 cells of column B hold formulas whose results are not saved in the workbook (#N/A). Open it in Excel, save it, and "
        "upload it again."
    ]


def test_a_workbook_whose_rows_contradict_each_other_is_not_taken() -> None:
    twice = '<row r="1"><c><v>2025550101</v></c></row><row r="1"><c><v>2025550102</v></c></row>'
    with pytest.raises(ServiceError) as refusal:
        upload(make_campaign(), raw(twice))
    assert (refusal.value.code, refusal.value.facts["why"]) == ("import_unreadable", "rows_disordered")


LONG = raw("".join(f"<row><c><v>{2025550100 + at}</v></c></row>" for at in range(60_000)))


def test_a_check_whose_reader_is_killed_fails_with_what_to_do_and_leaves_no_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert none_left()
    make = staging.encoder_for

    def killing(*of_list: Any) -> Any:
        encode = make(*of_list)

        def kill(*said: Any) -> bytes:
            for reader in in_calls():
                with suppress(ProcessLookupError):  # it is killed for each row, until it is gone
                    os.kill(reader, signal.SIGKILL)
            return encode(*said)

        return kill

    monkeypatch.setattr(staging, "encoder_for", killing)
    row = checked(make_campaign(), LONG)
    assert (row.state, row.counts["accepted"]) == ("failed", 0)
    assert "try it once more" in row.error
    assert in_calls() == set()


def test_a_check_that_is_broken_off_leaves_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    assert none_left()

    def broken(*_: Any) -> int:
        raise Superseded

    monkeypatch.setattr(staging, "_progress", broken)
    row = service.check(upload(make_campaign(), LONG), actor=None, now=NOW)
    with pytest.raises(Superseded) as caught:
        staging.stage(row)
    assert caught.value.__traceback__ is not None  # its frames are still there
    assert in_calls() == set()


def test_confirmed_people_are_those_that_the_check_counted() -> None:
    campaign = make_campaign()
    row = checked(campaign, LIST)
    assert row.counts["accepted"] == 1
    row = service.confirm(row, consent_statement=STATEMENT, actor=None, now=NOW)
    assert row.state == "importing"
