"""A list of numbers that must not be reached, in the admin: who may import one, into which workspace, and what the page says
of it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from campaigns.api.imports import ListUploadHandler
from campaigns.models import OptOutImport
from campaigns.opt_outs.runner import work
from rvm.platform.models import AuditEvent, Membership, Workspace
from rvm.platform.roles import Role
from rvm.platform.uploads import MAX_FORM_BYTES
from tests.campaigns.opt_outs.lists import imported, undone, uploaded
from tests.factories import make_suppression, make_user, make_workspace
from usecases.models import Suppression
from usecases.suppressions import is_suppressed, suppress

pytestmark = pytest.mark.django_db
PAGE = reverse("admin:usecases_suppression_import")
LIST = reverse("admin:usecases_suppression_changelist")


def post(client: Client, workspace: Workspace | None, content: bytes | None, **fields: Any) -> Any:
    posted: dict[str, Any] = {"workspace": workspace.pk if workspace else "", **fields}
    if content is not None:
        posted["list"] = SimpleUploadedFile("stop.csv", content)
    return client.post(PAGE, posted)


def text_of(answer: Any) -> str:
    assert answer.status_code == 200, answer
    return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())


@pytest.fixture
def operator_of_two(client: Client, workspace: Workspace) -> tuple[Client, Workspace]:
    """Operates `workspace` and the second; only looks at a third."""
    second, third = make_workspace(name="Second"), make_workspace(name="Third")
    user = make_user(workspace=workspace, role=Role.COMPLIANCE, is_staff=True, username="amy", password=None)
    Membership.objects.create(workspace=second, user=user, role=Role.COMPLIANCE)
    Membership.objects.create(workspace=third, user=user, role=Role.VIEWER)
    client.force_login(user)
    return client, second


def page(row: OptOutImport, action: str = "change") -> str:
    return reverse(f"admin:campaigns_optoutimport_{action}", args=[row.pk])


def do(client: Client, row: OptOutImport, action: str, **posted: Any) -> str:
    """The page as it is then, and what was said, once the workers have done their part."""
    assert client.post(page(row, action), posted).status_code == 302
    work()
    return text_of(client.get(page(row)))


def test_compliance_gets_there_by_the_button_and_goes_step_by_step(compliance: Client, workspace: Workspace) -> None:
    make_suppression(workspace, "+12025550101")
    assert PAGE in compliance.get(LIST).content.decode()
    asked = compliance.get(PAGE)
    assert "Nobody is listed by the upload" in text_of(asked)
    assert asked.context["form"]["workspace"].initial == workspace
    answer = post(
        compliance,
        workspace,
        b"Phone,Reason\n2025550142,asked\n2025550101,\n202-555-0142,\n2.02E+09,\n2025550143,\n2025550144 x12,\n",
    )
    row = OptOutImport.objects.get()
    assert answer["Location"] == page(row)
    text = text_of(compliance.get(page(row)))
    assert "Look whether the columns are read rightly" in text and "•••" in text
    text = do(compliance, row, "read_as", check="1", column=["phone", "reason"])
    for words in ("2 to be added", "1 on the list already", "1 stand twice", "2 rows cannot be read", "6 rows in all"):
        assert words in text
    assert re.search(r"1 A spreadsheet program rounded this number.*? Row 5", text)
    assert re.search(r"1 This number has an extension; write the number alone.*? Row 7", text)
    assert "Put 3 numbers on the list" in text
    assert Suppression.objects.count() == 1
    text = do(compliance, row, "confirm")
    assert "Listed: 2 numbers were added" in text
    # The list says it of the number, too, that was there already.
    assert Suppression.objects.filter(workspace=workspace, source=Suppression.Source.IMPORT).count() == 3
    assert AuditEvent.objects.get(action="opt_outs.confirmed").actor.username == "cora"
    assert "stop.csv" in text_of(compliance.get(reverse("admin:campaigns_optoutimport_changelist")))


def test_a_list_of_patients_is_asked_about_and_confirmed_with_a_tick(
    compliance: Client, workspace: Workspace, make: Any
) -> None:
    make(workspace, recipients=3, state="scheduled")
    post(compliance, workspace, b"Mobile,OK to call\n2025550100,Yes\n2025550101,Yes\n2025550102,No\n")
    row = OptOutImport.objects.get()
    page_of_it = compliance.get(page(row)).content.decode()
    assert "Answer the questions" in page_of_it and "Is it a list of patients" in page_of_it
    assert page_of_it.index('id="questions"') < page_of_it.index("Check the list")
    assert "Say what this column is" in do(compliance, row, "check")
    text = do(compliance, row, "read_as", check="1", column=["phone", ""])
    assert "This looks like a list of patients: 2 rows say" in text and "3 of 3 numbers wait in a campaign." in text
    assert text.index("looks like a list of patients") < text.index("Put 3 numbers on the list")
    assert "This is a list of people who must not be reached." in text
    assert "Say that this is a list of people" in do(compliance, row, "confirm")
    assert not Suppression.objects.exists()
    assert "Listed: 3 numbers" in do(compliance, row, "confirm", must_not_be_reached="yes")


def test_an_administrator_undoes_it_as_a_whole(operator: Client, workspace: Workspace, client: Client) -> None:
    row = imported(workspace, "Phone\n2025550142\n2025550143\n")
    suppress(workspace_id=workspace.pk, number="+12025550142", source=Suppression.Source.PERSON, reason="asked")
    assert page(row, "undo") not in operator.get(page(row)).content.decode()
    assert operator.post(page(row, "undo")).status_code == 403
    administrator = Client()
    administrator.force_login(
        make_user(workspace=workspace, role=Role.ADMIN, is_staff=True, username="ada", password=None)
    )
    assert "reach these people by another campaign" in text_of(administrator.get(page(row)))
    text = do(administrator, row, "undo")
    assert "Undone: 1 number was taken off the suppression list. 1 number stays, because somebody else" in text
    assert [row.number for row in Suppression.objects.all()] == ["+12025550142"]
    assert AuditEvent.objects.get(action="opt_outs.undo_began").actor.username == "ada"


def test_a_list_is_discarded(compliance: Client, workspace: Workspace) -> None:
    post(compliance, workspace, b"2025550142\n")
    assert "Discarded: nobody was listed." in do(compliance, OptOutImport.objects.get(), "discard")


def test_the_open_page_follows_the_work(compliance: Client, workspace: Workspace) -> None:
    post(compliance, workspace, b"2025550142\n")
    row = OptOutImport.objects.get()
    compliance.post(page(row, "check"))
    fetched = compliance.get(page(row, "progress"), {"seen": "checking"})
    assert page(row, "progress") in fetched.content.decode()
    work()
    assert "HX-Refresh" in compliance.get(page(row, "progress"), {"seen": "checking"}).headers


def test_no_page_of_it_shows_a_number(compliance: Client, workspace: Workspace) -> None:
    post(compliance, workspace, b"Phone\n2025550142\n2025550143 x9\n")
    row = OptOutImport.objects.get()
    compliance.post(page(row, "check"))
    pages = [compliance.get(page(row)).content.decode()]
    work()
    pages.append(compliance.get(page(row)).content.decode())
    compliance.post(page(row, "confirm"))
    work()
    pages.append(compliance.get(page(row)).content.decode())
    assert not any(re.search(r"20255501\d\d", content) for content in pages)


def test_who_may_see_numbers_sees_the_rows_and_that_is_recorded(compliance: Client, workspace: Workspace) -> None:
    Membership.objects.update(may_see_numbers=True)
    post(compliance, workspace, b"Phone\n2025550142\n")
    assert "2025550142" in text_of(compliance.get(page(OptOutImport.objects.get())))
    assert AuditEvent.objects.filter(action="opt_outs.read").count() == 1


@pytest.mark.parametrize("action", ["read_as", "check", "confirm", "discard", "undo"])
@pytest.mark.parametrize(("who", "status"), [("viewer", 403), ("stranger", 404)])
def test_others_do_nothing_with_it(
    request: pytest.FixtureRequest, workspace: Workspace, action: str, who: str, status: int
) -> None:
    row = uploaded(workspace, "Phone\n2025550142\n")
    client = request.getfixturevalue(who)
    assert client.post(page(row, action)).status_code == status
    assert client.get(page(row)).status_code == (200 if who == "viewer" else 404)
    row.refresh_from_db()
    assert row.state == "uploaded"


def test_a_number_that_a_list_holds_can_be_entered_by_hand_and_stays_then(
    compliance: Client, workspace: Workspace
) -> None:
    row = imported(workspace, "Phone\n2025550142\n")
    said = {"workspace": workspace.pk, "phone_number": "(202) 555-0142", "kind": "opt_out", "reason": "asked us"}
    add = reverse("admin:usecases_suppression_add")
    assert compliance.post(add, said).status_code == 302
    assert Suppression.objects.get(source=Suppression.Source.PERSON).import_id is None
    assert "on the workspace" in text_of(compliance.post(add, said))
    assert undone(row).taken_back == 0
    assert is_suppressed(workspace.pk, "+12025550142")


def test_who_works_for_two_says_whose_list_it_is(operator_of_two: tuple[Client, Workspace]) -> None:
    client, second = operator_of_two
    text = text_of(client.get(PAGE))
    assert "Second" in text and "Third" not in text
    assert client.get(PAGE).context["form"]["workspace"].initial is None
    assert "This field is required" in text_of(post(client, None, b"2025550142\n"))
    post(client, second, b"2025550142\n")
    assert [row.workspace_id for row in OptOutImport.objects.all()] == [second.pk]


@pytest.mark.parametrize("who", ["viewer", "stranger"])
def test_others_put_nothing_on_the_list(request: pytest.FixtureRequest, workspace: Workspace, who: str) -> None:
    client = request.getfixturevalue(who)
    if who == "viewer":
        assert PAGE not in client.get(LIST).content.decode()
        assert client.get(PAGE).status_code == 403
    answer = post(client, workspace, b"2025550142\n")
    # A stranger may have a list of their own; this workspace is none of their choices.
    assert answer.status_code == (403 if who == "viewer" else 200)
    assert not OptOutImport.objects.exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "No file was chosen."),
        (b"", "There is nothing in this file."),
        (b"%PDF-1.7", "This is a PDF"),
    ],
)
def test_what_is_no_list_is_refused_in_words(
    compliance: Client, workspace: Workspace, content: bytes | None, message: str
) -> None:
    assert message in text_of(post(compliance, workspace, content))
    assert not Suppression.objects.exists()


def test_a_file_that_is_too_large_is_refused_in_words(
    compliance: Client, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ListUploadHandler, "max_bytes", 100)
    answer = compliance.post(
        PAGE, {"workspace": workspace.pk, "list": SimpleUploadedFile("stop.csv", b"2" * (MAX_FORM_BYTES + 200))}
    )
    assert answer.status_code == 302
    assert "Split the list" in text_of(compliance.get(PAGE))
    assert not Suppression.objects.exists()


def test_a_forged_upload_is_refused(workspace: Workspace) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(make_user(workspace=workspace, role=Role.COMPLIANCE, is_staff=True, password=None))
    assert post(client, workspace, b"2025550142\n").status_code == 403
    client.get(PAGE)
    token = client.cookies["csrftoken"].value
    assert post(client, workspace, b"2025550142\n", csrfmiddlewaretoken=token).status_code == 302
    assert OptOutImport.objects.count() == 1
