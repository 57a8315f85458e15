"""The button that downloads the list: what its filters show, masked as the list is, and recorded."""

from __future__ import annotations

import csv
import html
import io
import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from delivery.exports import COLUMNS
from rvm.platform.admin.exact_search import encrypt_term
from rvm.platform.models import AuditEvent, Workspace
from rvm.platform.roles import Role
from tests.factories import RECIPIENT, make_campaign, make_recording, make_use_case, make_user, make_voicemail

pytestmark = pytest.mark.django_db

LIST = reverse("admin:delivery_voicemail_changelist")
EXPORT = reverse("admin:delivery_voicemail_export")


def table(answer: Any) -> list[dict[str, str]]:
    assert answer.status_code == 200 and answer.streaming
    return list(csv.DictReader(io.StringIO(answer.getvalue().decode("utf-8-sig"), newline="")))


def references(answer: Any) -> str:
    return "".join(row["reference"] for row in table(answer))


def test_the_button_keeps_the_filters_and_leads_to_all_their_pages(staff: Client, workspace: Workspace) -> None:
    use_case, recording = make_use_case(workspace), make_recording(workspace)
    for number in range(60):
        make_voicemail(use_case, recording=recording, status="failed", reason="busy", reference=f"{number},")
    make_voicemail(use_case, recording=recording, reference="queued")
    page = staff.get(f"{LIST}?status=failed&p=2").content.decode()
    [address] = re.findall(r'href="([^"]*/export/[^"]*)"', page)
    assert references(staff.get(html.unescape(address))) == "".join(f"{number}," for number in reversed(range(60)))


@pytest.mark.parametrize("sees", [False, True])
def test_numbers_and_names_are_in_it_for_those_who_may_see_them(
    client: Client, workspace: Workspace, sees: bool
) -> None:
    make_voicemail(make_use_case(workspace), merge_fields={"name": "Ann Lee"})
    viewer = make_user(workspace=workspace, is_staff=True, role=Role.COMPLIANCE, may_see_numbers=sees, password=None)
    client.force_login(viewer)
    [row] = table(client.get(EXPORT))
    assert row["recipient_phone_number"] == ("(202) 555-0142" if sees else "•••••••0142")
    assert (row.get("name") == "Ann Lee") is sees and (list(row) == list(COLUMNS)) is not sees


def test_the_files_name_says_of_which_clinic_campaign_and_status_it_is(client: Client, workspace: Workspace) -> None:
    Workspace.objects.filter(pk=workspace.pk).update(name='Lakeside "North"; Clinic')
    campaign = make_campaign(make_use_case(workspace), name="Flu shots\r\n2026")
    client.force_login(make_user(workspace=workspace, is_staff=True, role=Role.ADMIN, password=None))
    query = {"campaign": str(campaign.pk), "status": ["failed", "expired"]}
    [_, name] = client.get(EXPORT, query)["Content-Disposition"].split("filename=")
    assert re.fullmatch(r'"voicemails-lakeside-north-clinic-flu-shots-2026-failed-expired-\d{4}-\d\d-\d\d\.csv"', name)


def test_another_workspaces_rows_are_not_in_it(staff: Client, workspace: Workspace) -> None:
    theirs = make_voicemail(reference="theirs")
    make_voicemail(make_use_case(workspace), reference="ours")
    assert references(staff.get(EXPORT)) == "ours"
    for asked in ({"workspace": str(theirs.workspace_id)}, {"setup": str(theirs.setup_id)}):
        assert "Nothing was exported." in staff.get(EXPORT, asked, follow=True).content.decode()


def test_what_was_found_by_number_is_exported_and_the_audit_holds_no_number(
    staff: Client, workspace: Workspace
) -> None:
    use_case = make_use_case(workspace)
    make_voicemail(use_case, reference="a")
    make_voicemail(use_case, recipient="+12025550143", reference="b")
    assert references(staff.get(EXPORT, {"number": encrypt_term(RECIPIENT), "status": "queued"})) == "a"
    event = AuditEvent.objects.get(action="voicemail.exported")
    assert event.actor is not None and event.actor.username == "boss" and event.workspace == workspace
    assert event.details == {"filters": {"number": ["[number]"], "status": ["queued"]}, "numbers_shown": False}


def test_it_is_for_members_only_and_is_read_by_a_link(client: Client, staff: Client, workspace: Workspace) -> None:
    assert staff.post(EXPORT).status_code == 405
    client.logout()
    assert client.get(EXPORT).status_code == 302
    client.force_login(make_user(is_staff=True, password=None))
    assert client.get(EXPORT, follow=True).status_code == 403


def test_a_filter_that_does_not_exist_leads_back_to_the_list(staff: Client) -> None:
    assert staff.get(EXPORT, {"recipient__contains": "1"}).status_code in (302, 400)
