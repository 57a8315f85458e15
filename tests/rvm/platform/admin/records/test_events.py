"""The audit at the desk: sentences with links, filters, a search, and an export that is on record itself."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from rvm.platform.models import AuditEvent, Membership, Organisation, User, Workspace
from tests.factories import make_api, make_setup, make_use_case, make_user, make_workspace
from tests.rvm.platform.admin.records.conftest import LIST, signed_in
from tests.rvm.platform.audit.conftest import record

pytestmark = pytest.mark.django_db


def told(client: Client, **query: Any) -> list[str]:
    """The sentences of the list."""
    page = client.get(LIST, query)
    assert page.status_code == 200
    cells = re.findall(r"min-w-64 whitespace-normal\">(.*?)</div>", page.content.decode(), re.DOTALL)
    return [re.sub("<[^>]+>", "", cell) for cell in cells]


def at(event: AuditEvent, moment: datetime) -> None:
    """Nobody can change an event but this test, which lets the table forget its triggers."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("UPDATE platform_auditevent SET at = %s WHERE id = %s", [moment, event.pk])
        cursor.execute("SET LOCAL session_replication_role = origin")


def test_each_event_is_a_sentence_with_a_link_to_what_it_is_about(
    desk: Client, maria: User, workspace: Workspace
) -> None:
    use_case = make_use_case(workspace, name="Flu shots")
    record("use_case.updated", use_case, maria, workspace, changes={"pace": ["1", "2"]})
    page = desk.get(LIST).content.decode()
    assert told(desk) == ["Maria Lopez changed the use case Flu shots"]
    assert reverse("admin:usecases_usecase_change", args=[use_case.pk]) in page
    assert "Pace: 1 → 2" in page
    assert "{who}" not in page and "{it}" not in page


def test_what_the_reader_may_not_open_is_no_link(desk: Client, maria: User, workspace: Workspace) -> None:
    organisation = Organisation.objects.get(pk=workspace.organisation_id)
    record("organisation.updated", organisation, maria, workspace)
    assert reverse("admin:platform_organisation_change", args=[organisation.pk]) not in desk.get(LIST).content.decode()


def test_names_are_text_and_no_markup(desk: Client, maria: User, workspace: Workspace) -> None:
    record("use_case.created", make_use_case(workspace, name="<script>alert(1)</script>{who}"), maria, workspace)
    page = desk.get(LIST)
    assert page.status_code == 200
    assert b"<script>alert(1)" not in page.content and b"&lt;script&gt;alert(1)" in page.content


def test_a_page_of_events_asks_for_the_names_of_all_rows_together(
    desk: Client, maria: User, workspace: Workspace, django_assert_max_num_queries: Any
) -> None:
    for number in range(20):
        record("use_case.created", make_use_case(workspace, name=f"Day {number}"), maria, workspace)
        record("setup.created", make_setup(workspace, name=f"Front desk {number}"), maria, workspace)
    with django_assert_max_num_queries(14):
        assert len(told(desk)) == 40


def test_the_list_is_filtered_by_person_action_object_and_day(desk: Client, maria: User, workspace: Workspace) -> None:
    peter = make_user(username="peter", password=None)  # has left
    use_case, setup = make_use_case(workspace, name="Flu shots"), make_setup(workspace, name="Front desk")
    first = record("use_case.created", use_case, maria, workspace)
    second = record("use_case.updated", use_case, peter, workspace)
    third = record("setup.updated", setup, maria, workspace)
    now = datetime.now(UTC)
    for event, days in ((first, 2), (second, 1), (third, 0)):
        at(event, now - timedelta(days=days))
    created, changed, of_setup = (
        "Maria Lopez created the use case Flu shots",
        "peter changed the use case Flu shots",
        "Maria Lopez changed the telephony setup Front desk",
    )
    today, yesterday = now.date(), now.date() - timedelta(days=1)
    assert told(desk) == [of_setup, changed, created]
    assert told(desk, actor=str(peter.pk)) == [changed]
    assert told(desk, action="use_case.created") == [created]
    assert told(desk, object="usecases.usecase") == [changed, created]
    assert told(desk, at_from=str(today)) == [of_setup]
    assert told(desk, at_to=str(yesterday)) == [changed, created]
    assert told(desk, at_from=str(yesterday), at_to=str(yesterday)) == [changed]
    assert told(desk, at_from=f"{yesterday:%m/%d/%Y}", at_to=f"{yesterday:%b %d}") == [changed]
    assert told(desk, at_from="13/11/2026") == []
    assert told(desk, at_to="9999-12-31") == []
    assert told(desk, actor="nobody") == []
    choices = desk.get(LIST).content.decode()
    assert "peter" in choices and "changed the use case" in choices


def test_the_choice_of_people_are_those_who_have_acted_in_the_readers_workspaces(
    desk: Client, maria: User, workspace: Workspace
) -> None:
    elsewhere, stranger = make_workspace(), make_user(username="stranger", password=None)
    record("workspace.updated", elsewhere, stranger, elsewhere)
    api = make_api(workspace)
    record("workspace.updated", workspace, api.key.user, workspace)
    record("workspace.updated", workspace, maria, workspace)
    page = desk.get(LIST).content.decode()
    assert "stranger" not in page
    assert f"API key {api.key.name}</option>" in page and "Maria Lopez</option>" in page


@pytest.mark.parametrize("sought", ["flu", "Lopez", "maria lopez", "r-17", "the row", "the event"])
def test_the_search_finds_names_ids_and_requests(sought: str, desk: Client, maria: User, workspace: Workspace) -> None:
    use_case = make_use_case(workspace, name="Flu shots")
    event = record("use_case.created", use_case, maria, workspace)
    record("setup.created", make_setup(workspace, name="Front desk"), None, workspace)
    text = {"the row": str(use_case.pk), "the event": str(event.pk)}.get(sought, sought)
    if sought == "r-17":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica")
            cursor.execute("UPDATE platform_auditevent SET request_id = 'r-17' WHERE id = %s", [event.pk])
            cursor.execute("SET LOCAL session_replication_role = origin")
    assert told(desk, q=text) == ["Maria Lopez created the use case Flu shots"]
    assert told(desk, q="nothing like it") == []


def test_the_names_of_other_workspaces_find_nothing(desk: Client, maria: User, workspace: Workspace) -> None:
    elsewhere = make_workspace()
    record("use_case.created", make_use_case(elsewhere, name="Flu shots"), maria, elsewhere)
    assert told(desk, q="flu") == told(desk) == []


def test_an_event_has_a_page_with_all_that_is_known(desk: Client, maria: User, workspace: Workspace) -> None:
    membership = Membership.objects.get(user=maria)
    event = record("membership.updated", membership, maria, workspace, changes={"role": ["viewer", "admin"]})
    page = desk.get(reverse("admin:platform_auditevent_change", args=[event.pk])).content.decode()
    for words in ("changed the rights of", "Role: viewer → admin", "membership.updated", str(membership.pk)):
        assert words in page


def test_who_is_no_administrator_may_not_read_the_audit(reader: User, maria: User, workspace: Workspace) -> None:
    event = record("workspace.updated", workspace, maria, workspace)
    client = signed_in(reader)
    assert client.get(LIST).status_code == 403
    assert client.get(f"{LIST}export/").status_code == 403
    assert client.get(reverse("admin:platform_auditevent_change", args=[event.pk])).status_code in (403, 404)


def exported(client: Client, **query: Any) -> list[list[str]]:
    response = client.get(f"{LIST}export/", query)
    assert response.status_code == 200 and response["Content-Type"] == "text/csv; charset=utf-8"
    text = b"".join(response.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    return list(csv.reader(io.StringIO(text)))


def test_the_export_holds_what_the_filters_show_and_is_on_record(
    desk: Client, maria: User, workspace: Workspace
) -> None:
    harmful = make_use_case(workspace, name="=HYPERLINK(1)")
    record("use_case.deleted", harmful, maria, workspace, name="=HYPERLINK(1)")
    record("workspace.updated", workspace, maria, workspace, fields=["name"])
    header, *rows = exported(desk, action="use_case.deleted", q="HYPER")
    assert header[:3] == ["at", "what happened", "who"]
    assert [row[1] for row in rows] == ["Maria Lopez deleted the use case =HYPERLINK(1)"]
    assert rows[0][6] == "Name: =HYPERLINK(1)"
    event = AuditEvent.objects.get(action="audit_event.exported")
    assert (event.actor, event.workspace, event.subject_id) == (maria, workspace, workspace.pk)
    assert event.details["filters"] == {"action": ["use_case.deleted"], "q": ["[number]"]}


def test_a_name_in_the_export_is_no_formula(desk: Client, workspace: Workspace) -> None:
    actor = make_user(username="=1+1", password=None)
    record("workspace.updated", workspace, actor, workspace)
    _, _, row = exported(desk)  # the export itself is the newest event
    assert row[2] == "'=1+1"


def test_the_export_is_of_one_workspace_that_the_reader_administers(desk: Client, maria: User) -> None:
    another = make_workspace()
    record("workspace.updated", another, None, another)
    Membership.objects.create(workspace=another, user=maria, role="admin")
    assert desk.get(f"{LIST}export/").status_code == 302
    _, *rows = exported(desk, workspace__id__exact=str(another.pk))
    assert [row[3] for row in rows] == ["audit_event.exported", "workspace.updated"]
