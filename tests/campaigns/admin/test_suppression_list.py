"""A list of numbers that must not be reached, at the desk: who may import one, into which workspace, and what the page says of it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from campaigns.api.imports import ListUploadHandler
from rvm.platform.models import AuditEvent, Membership, Role, Workspace
from rvm.platform.uploads import MAX_FORM_BYTES
from tests.factories import make_suppression, make_user, make_workspace
from usecases.models import Suppression

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
    user = make_user(workspace=workspace, role=Role.OPERATOR, is_staff=True, username="amy", password=None)
    Membership.objects.create(workspace=second, user=user, role=Role.OPERATOR)
    Membership.objects.create(workspace=third, user=user, role=Role.VIEWER)
    client.force_login(user)
    return client, second


def test_an_operator_gets_there_by_the_button_and_reads_what_became_of_the_rows(
    operator: Client, workspace: Workspace
) -> None:
    make_suppression(workspace, "+12025550101")
    assert PAGE in operator.get(LIST).content.decode()
    asked = operator.get(PAGE)
    assert "nobody can be taken off it again" in text_of(asked)
    assert asked.context["form"]["workspace"].initial == workspace
    answer = post(
        operator,
        workspace,
        b"Phone,Reason\n2025550142,asked\n2025550101,\n202-555-0142,\n2.02E+09,\n2025550143,\n2025550144 x12,\n",
    )
    text = text_of(answer)
    assert f"2 numbers will not be reached by {workspace} any more." in text
    assert "read from the column “Phone”" in text
    for words in ("2 added", "1 on the list already", "1 repeat", "2 cannot be read", "6 rows in all"):
        assert words in text
    assert re.search(r"1 A spreadsheet program rounded this number.*? Row 5", text)
    assert re.search(r"1 This number has an extension; write the number alone.*? Row 7", text)
    assert Suppression.objects.filter(workspace=workspace, source=Suppression.Source.IMPORT).count() == 2
    assert AuditEvent.objects.get(action="suppression_list.imported").actor.username == "olive"


def test_no_page_of_it_shows_a_number(operator: Client, workspace: Workspace) -> None:
    content = post(operator, workspace, b"Phone\n2025550142\n2025550143 x9\n").content.decode()
    assert not re.search(r"20255501\d\d", content)


def test_who_works_for_two_says_whose_list_it_is(operator_of_two: tuple[Client, Workspace]) -> None:
    client, second = operator_of_two
    text = text_of(client.get(PAGE))
    assert "Second" in text and "Third" not in text
    assert client.get(PAGE).context["form"]["workspace"].initial is None
    assert "This field is required" in text_of(post(client, None, b"2025550142\n"))
    post(client, second, b"2025550142\n")
    assert [row.workspace_id for row in Suppression.objects.all()] == [second.pk]


@pytest.mark.parametrize("who", ["viewer", "stranger"])
def test_others_put_nothing_on_the_list(request: pytest.FixtureRequest, workspace: Workspace, who: str) -> None:
    client = request.getfixturevalue(who)
    if who == "viewer":
        assert PAGE not in client.get(LIST).content.decode()
        assert client.get(PAGE).status_code == 403
    answer = post(client, workspace, b"2025550142\n")
    # A stranger may have a list of their own; this workspace is none of their choices.
    assert answer.status_code == (403 if who == "viewer" else 200)
    assert not Suppression.objects.exists()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "No file was chosen."),
        (b"", "There is nothing in this file."),
        (b"%PDF-1.7", "This is a PDF"),
        (b"Name,Town\nAnn,Bern\n", "No column of the list looks like phone numbers"),
    ],
)
def test_what_is_no_list_is_refused_in_words(
    operator: Client, workspace: Workspace, content: bytes | None, sentence: str
) -> None:
    assert sentence in text_of(post(operator, workspace, content))
    assert not Suppression.objects.exists()


def test_a_file_that_is_too_large_is_refused_in_words(
    operator: Client, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ListUploadHandler, "max_bytes", 100)
    answer = operator.post(
        PAGE, {"workspace": workspace.pk, "list": SimpleUploadedFile("stop.csv", b"2" * (MAX_FORM_BYTES + 200))}
    )
    assert answer.status_code == 302
    assert "Split the list" in text_of(operator.get(PAGE))
    assert not Suppression.objects.exists()


def test_a_forged_upload_is_refused(workspace: Workspace) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(make_user(workspace=workspace, role=Role.OPERATOR, is_staff=True, password=None))
    assert post(client, workspace, b"2025550142\n").status_code == 403
    client.get(PAGE)
    token = client.cookies["csrftoken"].value
    assert "1 number will not be reached" in text_of(
        post(client, workspace, b"2025550142\n", csrfmiddlewaretoken=token)
    )
