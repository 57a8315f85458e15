"""A list from the upload to recipients: guessed, overridden, checked, confirmed; refused in sentences, hidden where need be."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from campaigns.api.imports import ListUploadHandler
from campaigns.imports.runner import work
from campaigns.models import Campaign, RecipientImport
from campaigns.states import ImportState
from delivery.models import Voicemail
from delivery.recordings.clips import store_clip
from rvm.platform.models import AuditEvent, Membership, Workspace
from rvm.platform.roles import Role
from rvm.platform.times.moments import moment
from tests.delivery.audio.mp3_bytes import encoded
from tests.factories import make_user
from tests.rvm.spreadsheets.books import book

pytestmark = pytest.mark.django_db

ROWS = """First Name,Mobile,Zip,Appointment Day
Ana,(202) 555-0100,20001,Mon
Zoë,202.555.0101,20001,Tue
Twice,(202) 555-0100,20001,Mon
Short,12345,20001,Mon
"""
SAID = {"consent_statement": "All are patients of ours who agreed to be reached."}


def at(row: RecipientImport, page: str = "change") -> str:
    return reverse(f"admin:campaigns_recipientimport_{page}", args=[row.pk])


def send(client: Client, campaign: Campaign, data: bytes | str = ROWS, name: str = "patients.csv") -> Any:
    file = SimpleUploadedFile(name, data.encode() if isinstance(data, str) else data, "text/csv")
    return client.post(reverse("admin:campaigns_campaign_upload", args=[campaign.pk]), {"list": file}, follow=True)


def uploaded(client: Client, campaign: Campaign, data: bytes | str = ROWS) -> RecipientImport:
    answer = send(client, campaign, data)
    row = RecipientImport.objects.get(campaign=campaign)
    assert answer.redirect_chain[-1][0] == at(row)
    return row


def reading(row: RecipientImport, **said: Any) -> dict[str, Any]:
    """The page's form as it stands, and what is changed in it."""
    return {"encoding": row.encoding, "delimiter": "comma", "header_row": row.header_row, "column": row.columns, **said}


def reveal(workspace: Workspace) -> None:
    Membership.objects.filter(workspace=workspace).update(may_see_numbers=True)


def test_from_the_file_to_recipients_step_by_step(operator: Client, workspace: Workspace, campaign: Campaign) -> None:
    reveal(workspace)
    row = uploaded(operator, campaign)
    page = operator.get(at(row)).content.decode()
    assert "Look whether the columns are read rightly" in page and "(202) 555-0100" in page
    assert '<option value="phone" selected>Phone number</option>' in page
    assert '<option value="appointment_day" selected>Day of the appointment</option>' in page
    assert "by its name and what stands in it" in page

    page = operator.post(at(row, "read_as"), reading(row, check="1"), follow=True).content.decode()
    assert "Every row is being checked; nobody is queued yet." in page
    assert f'hx-get="{at(row, "progress")}?seen=checking"' in page
    work()
    assert operator.get(at(row, "progress"), {"seen": "checking"})["HX-Refresh"] == "true"
    page = operator.get(at(row)).content.decode()
    assert "Checked: 2 people can be reached. Nobody is added before you confirm." in page
    assert "An earlier row has this number for another person" in page and "4 (as row 2, other in first name)" in page
    assert "Row 5" in page
    assert "Import 2 people" in page
    assert not Voicemail.objects.filter(lane_id=campaign.pk).exists()

    report = b"".join(operator.get(at(row, "errors"))).decode()
    assert "Short" in report and "Twice" in report and "Zoë" not in report
    page = operator.post(at(row, "confirm"), SAID, follow=True).content.decode()
    assert "2 people are being imported." in page
    work()
    page = operator.get(at(row)).content.decode()
    assert "Imported: 2 people were added to the campaign." in page
    assert {found.recipient for found in Voicemail.objects.filter(lane_id=campaign.pk)} == {
        "+12025550100",
        "+12025550101",
    }
    row.refresh_from_db()
    assert (row.consent_statement, str(row.confirmed_by)) == (SAID["consent_statement"], "olive")
    assert row.consent_stated_at is not None
    page = operator.get(reverse("admin:campaigns_campaign_change", args=[campaign.pk])).content.decode()
    assert f"“{SAID['consent_statement']}” olive, {moment(row.consent_stated_at)}" in page


def test_who_looked_at_another_reading_is_told_and_nothing_is_read_or_imported(
    operator: Client, workspace: Workspace, campaign: Campaign
) -> None:
    row = uploaded(operator, campaign)
    demo = Client()
    demo.force_login(make_user(workspace=workspace, role=Role.LAUNCHER, is_staff=True, username="demo", password=None))
    old = operator.get(at(row)).context["version"]
    columns = [*row.columns[:-1], ""]
    demo.post(at(row, "read_as"), reading(row, column=columns, version=old))
    page = operator.post(at(row, "read_as"), reading(row, check="1", version=old), follow=True).content.decode()
    assert "This list was changed while you had its page open, so nothing was done." in page and "demo " in page
    row.refresh_from_db()
    assert (row.state, row.columns) == (ImportState.UPLOADED, columns)

    demo.post(at(row, "check"))
    work()
    seen = operator.get(at(row)).context["version"]
    demo.post(at(row, "read_as"), reading(row, column=columns, header_row="2"))
    demo.post(at(row, "check"))
    work()
    refused = operator.post(at(row, "confirm"), {**SAID, "version": seen})
    assert "so nothing was done" in refused.content.decode()
    assert f">{SAID['consent_statement']}</textarea>" in refused.content.decode()
    row.refresh_from_db()
    assert row.state == ImportState.CHECKED


def test_nothing_is_imported_without_a_statement(operator: Client, campaign: Campaign) -> None:
    row = uploaded(operator, campaign)
    operator.post(at(row, "check"))
    work()
    operator.post(at(row, "confirm"), {"consent_statement": "  "})
    row.refresh_from_db()
    assert row.state == ImportState.CHECKED


def test_another_reading_is_shown_and_what_the_page_said_of_old_columns_is_forgotten(
    operator: Client, campaign: Campaign
) -> None:
    row = uploaded(operator, campaign, ROWS.replace(",", ";"))
    assert row.delimiter == ";"
    operator.post(at(row, "read_as"), reading(row, delimiter="tab"))
    row.refresh_from_db()
    assert (row.delimiter, row.state) == ("\t", ImportState.UPLOADED)
    operator.post(at(row, "read_as"), reading(row, delimiter="semicolon"))
    row.refresh_from_db()
    assert row.delimiter == ";" and row.columns[1] == "phone"


def test_a_column_is_what_the_person_says(operator: Client, campaign: Campaign) -> None:
    row = uploaded(operator, campaign)
    said = reading(row, column=["name", "phone", "postal_code", ""])
    page = operator.post(at(row, "read_as"), said, follow=True).content.decode()
    assert "This is how the list is read now." in page
    row.refresh_from_db()
    assert row.columns == ["name", "phone", "postal_code", ""]
    page = operator.post(
        at(row, "read_as"), {**said, "column": ["phone", "phone", "", ""]}, follow=True
    ).content.decode()
    assert "Two columns are read as “Phone number” (phone); say of one of them that it is something else." in page


def test_every_column_is_told_with_its_first_cells_what_it_is_taken_for_and_how_surely(
    operator: Client, workspace: Workspace, campaign: Campaign
) -> None:
    reveal(workspace)
    row = uploaded(operator, campaign, "Name,Cell,Telephone,Telephone,Misc\nAna,2025550101,2025550102,2025550103,a\n")
    columns = operator.get(at(row)).context["columns"]
    assert [(column.header, column.cells, column.sure, column.why) for column in columns] == [
        ("Name", ["Ana"], "Sure", "by its name and what stands in it"),
        ("Cell", ["2025550101"], "Sure", "by its name and what stands in it"),
        ("Telephone", ["2025550102"], "Probably", "by its place; the next one is as good"),
        ("Telephone", ["2025550103"], "Sure", "by its name and what stands in it"),
        ("Misc", ["a"], "Not sure", "nothing about it is known here"),
    ]


def test_a_sheet_and_its_hidden_rows_are_chosen_and_seen_before_they_are_checked(
    operator: Client, workspace: Workspace, campaign: Campaign
) -> None:
    def two(made: Any) -> None:
        made.worksheets[0].title, made.worksheets[1].title = "North", "South"
        made.worksheets[0].row_dimensions[2].hidden = True

    reveal(workspace)
    people = [["Name", "Cell"], ["Ana", "(202) 555-0101"], ["Ben", "(202) 555-0102"]]
    send(operator, campaign, book(people, [["Cell", "Name"], ["(202) 555-0103", "Cora"]], change=two), "patients.xlsx")
    row = RecipientImport.objects.get()
    page = operator.get(at(row)).content.decode()
    assert "1 row is hidden in the workbook and left out" in page and "There are rows in “South” as well" in page
    for said, seen in (({"hidden_rows": "read"}, "Ana"), ({"sheet": "South"}, "Cora")):
        page = operator.post(at(row, "read_as"), reading(row, check="1", **said), follow=True).content.decode()
        assert "This is how the list is read now. Look at its columns, then check it." in page and seen in page
        row.refresh_from_db()
        assert row.state == ImportState.UPLOADED
    assert (row.sheet, row.hidden_rows, row.columns) == ("South", True, ["phone", "name"])
    operator.post(at(row, "read_as"), reading(row, sheet="West"))
    row.refresh_from_db()
    assert row.sheet == "South"


@pytest.mark.parametrize(
    "said",
    [
        {"encoding": "utf-99"},
        {"delimiter": "x"},
        {"column": ["Phone!", "phone", "", ""]},
        {"column": []},
    ],
    ids=["encoding", "delimiter", "no name", "no column"],
)
def test_a_form_that_no_page_made_is_refused_or_changes_nothing(
    operator: Client, campaign: Campaign, said: dict[str, Any]
) -> None:
    row = uploaded(operator, campaign)
    assert operator.post(at(row, "read_as"), reading(row, **said)).status_code == 302
    before = row.columns
    row.refresh_from_db()
    assert (row.columns, row.encoding) == (before, "utf-8")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "There is nothing in this file"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" * 20, "This is a PDF"),
        (bytes(range(256)) * 8, "This file is not text"),
    ],
    ids=["empty", "pdf", "garbage"],
)
def test_what_is_no_list_is_refused_in_a_sentence(
    operator: Client, campaign: Campaign, data: bytes, message: str
) -> None:
    assert message in send(operator, campaign, data).content.decode()
    assert not RecipientImport.objects.exists()


def test_no_file_at_all_is_said(operator: Client, campaign: Campaign) -> None:
    upload = reverse("admin:campaigns_campaign_upload", args=[campaign.pk])
    assert "No file was chosen." in operator.post(upload, follow=True).content.decode()


def test_a_file_that_is_too_large_is_refused_in_a_sentence(
    operator: Client, campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ListUploadHandler, "max_bytes", 10_000)
    for size in (10_001, 2_000_000):  # over while it is read, and over by what was announced
        page = send(operator, campaign, b"x" * size).content.decode()
        assert "The file is larger than 100 MB" in page
    assert not RecipientImport.objects.exists()


def test_an_upload_without_the_pages_token_is_refused(workspace: Workspace, campaign: Campaign) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(Membership.objects.create(workspace=workspace, role="admin", user=_staff()).user)
    assert send(client, campaign).status_code == 403
    assert not RecipientImport.objects.exists()


def _staff() -> Any:
    from tests.factories import make_user

    return make_user(is_staff=True, password=None)


def test_the_file_is_never_on_disk_or_in_the_media_in_clear(operator: Client, campaign: Campaign, media: Any) -> None:
    uploaded(operator, campaign)
    files = [path.read_bytes() for path in media.rglob("*") if path.is_file()]
    assert files and not [data for data in files if b"555" in data or b"Ana" in data]


def test_who_may_not_see_numbers_sees_the_shape_of_the_rows(operator: Client, campaign: Campaign) -> None:
    row = uploaded(operator, campaign)
    page = operator.get(at(row)).content.decode()
    for hidden in ("555-0100", "202.555", "Ana", "Zoë", "20001"):
        assert hidden not in page
    assert "•••••••0100" in page and ">xxx<" in page and ">00000<" in page
    assert "You may not see numbers here" in page
    operator.post(at(row, "check"))
    work()
    assert "a colleague who may see numbers can download it" in operator.get(at(row)).content.decode()
    answer = operator.get(at(row, "errors"), follow=True)
    assert "you may not see numbers here" in answer.content.decode()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le"])
def test_no_other_reading_of_a_list_shows_its_rows_to_whom_it_hides_them(
    operator: Client, campaign: Campaign, encoding: str
) -> None:
    row = uploaded(operator, campaign, "Quisquilia,(202) 555-0100\nZebedeus,(202) 555-0123\n")
    assert not row.header_row
    operator.post(at(row, "read_as"), reading(row, encoding=encoding, header_row=1))
    row.refresh_from_db()
    assert (row.encoding, row.header_row) == (encoding, 1)
    page = operator.get(at(row)).content.decode()
    shown = page.casefold() + page.encode("utf-16-le").decode("latin-1").casefold()
    assert not [name for name in ("quisquilia", "zebedeus", "55-01") if name in shown]


def test_who_sees_the_rows_is_recorded(operator: Client, workspace: Workspace, campaign: Campaign) -> None:
    row = uploaded(operator, campaign)
    operator.get(at(row))
    assert not AuditEvent.objects.filter(action="import.read").exists()
    reveal(workspace)
    operator.get(at(row))
    assert AuditEvent.objects.filter(action="import.read", subject_id=row.pk, actor__username="olive").exists()


def test_a_viewer_looks_and_changes_nothing(operator: Client, viewer: Client, campaign: Campaign) -> None:
    row = uploaded(operator, campaign)
    page = viewer.get(at(row)).content.decode()
    assert "Check the list" not in page and "Discard" not in page
    for action in ("read_as", "check", "confirm", "discard"):
        assert viewer.post(at(row, action)).status_code == 403
    row.refresh_from_db()
    assert row.state == ImportState.UPLOADED


def test_a_stranger_finds_nothing(operator: Client, stranger: Client, campaign: Campaign) -> None:
    row = uploaded(operator, campaign)
    for page in ("change", "progress", "errors"):
        assert stranger.get(at(row, page)).status_code == 404
    for action in ("read_as", "check", "confirm", "discard"):
        assert stranger.post(at(row, action)).status_code == 404
    assert str(row.pk) not in stranger.get(reverse("admin:campaigns_recipientimport_changelist")).content.decode()


@pytest.mark.parametrize("action", ["read_as", "check", "confirm"])
def test_a_link_does_nothing(operator: Client, campaign: Campaign, action: str) -> None:
    assert operator.get(at(uploaded(operator, campaign), action)).status_code == 405


def test_a_discarded_list_is_done_with(operator: Client, campaign: Campaign) -> None:
    row = uploaded(operator, campaign)
    page = operator.post(at(row, "discard"), follow=True).content.decode()
    assert "“patients.csv” is discarded; its file is removed within moments." in page
    page = operator.get(at(row)).content.decode()
    assert "Discarded: nobody was added" in page and "Check the list" not in page


def test_what_comes_too_early_or_too_late_is_refused_in_a_sentence(operator: Client, campaign: Campaign) -> None:
    row = uploaded(operator, campaign)
    page = operator.post(at(row, "confirm"), SAID, follow=True).content.decode()
    assert 'class="errornote' in page
    row.refresh_from_db()
    assert row.state == ImportState.UPLOADED


def test_the_list_of_lists_costs_the_same_with_many(operator: Client, workspace: Workspace, campaign: Campaign) -> None:
    def statements() -> int:
        with CaptureQueriesContext(connection) as captured:
            page = operator.get(reverse("admin:campaigns_recipientimport_changelist"))
        assert "to be checked" in page.content.decode()
        return len(captured)

    uploaded(operator, campaign)
    few = statements()
    for _ in range(9):
        send(operator, campaign)
    assert statements() == few


def test_what_the_first_people_would_hear_is_listened_to_before_the_import(
    operator: Client, workspace: Workspace, make: Any
) -> None:
    clips = {
        name: str(store_clip(workspace, name, encoded(seconds)).pk) for name, seconds in (("Hello", 9), ("Ana", 2))
    }
    part = {"field": "first_name", "clips": {"Ana": clips["Ana"]}, "otherwise": None}
    campaign = make(workspace, recording=None, script=[{"clip": clips["Hello"]}, part])
    row = uploaded(operator, campaign)
    assert "Join and listen" not in operator.get(at(row)).content.decode()
    assert "a message may name its person" in operator.get(at(row, "heard")).content.decode()
    reveal(workspace)
    assert "Join and listen" in operator.get(at(row)).content.decode()
    page = operator.get(at(row, "heard")).content.decode()
    assert page.count("<audio") == 1
    assert "has no clip for this person&#x27;s first_name" in page
