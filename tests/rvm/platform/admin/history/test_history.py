"""Every page of a row leads to its history: its part of the audit, as much of it as the reader may see."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.db import models
from django.test import Client
from django.urls import reverse

from campaigns.models import Withdrawal
from rvm.platform.admin.history.model_admin import PAGE
from rvm.platform.models import AuditEvent, Membership, User, Workspace
from rvm.platform.roles import Role
from tests.campaigns.admin.conftest import make_campaign
from tests.factories import make_import, make_setup, make_use_case, make_user, make_voicemail, make_workspace
from tests.rvm.platform.admin.every_row import make_every_row
from tests.rvm.platform.admin.records.conftest import signed_in
from tests.rvm.platform.audit.conftest import record

pytestmark = pytest.mark.django_db


def address(row: Any, page: str = "history") -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_{page}", args=[row.pk])


def history(client: Client, row: Any, **query: Any) -> list[str]:
    page = client.get(address(row), query)
    assert page.status_code == 200
    cells = re.findall(r'<td class="py-2 pr-4 min-w-64">(.*?)</td>', page.content.decode(), re.DOTALL)
    return [re.sub("<[^>]+>", "", cell) for cell in cells]


WITH_HISTORY = [
    model for model in admin.site._registry if isinstance(model._meta.pk, models.UUIDField) and model is not AuditEvent
]


@pytest.mark.parametrize("model", WITH_HISTORY, ids=lambda model: model._meta.label_lower)
def test_every_page_of_a_row_links_to_a_history_that_opens(model: Any, client: Client) -> None:
    row = make_every_row(make_workspace())[model]
    client.force_login(make_user(is_staff=True, is_superuser=True, password=None))
    page = client.get(address(row, "change"))
    assert page.status_code == 200
    assert address(row) in page.content.decode()
    assert client.get(address(row)).status_code == 200


def test_the_history_of_a_campaign_says_who_launched_it_and_what_became_of_its_lists(
    desk: Client, maria: User, workspace: Workspace
) -> None:
    campaign, other = make_campaign(workspace, name="Flu shots"), make_campaign(workspace, name="Other")
    voicemail = make_voicemail(lane=campaign.lane)
    uploaded = make_import(campaign, file_name="a.csv")
    withdrawal = Withdrawal.objects.create(workspace=workspace, campaign=campaign, voicemail_ids=[voicemail.pk])
    record("import.uploaded", uploaded, maria, workspace)
    record("campaign.launched", campaign, maria, workspace)
    record("campaign.launched", other, maria, workspace)
    record("campaign.people_withdrawn", withdrawal, maria, workspace)
    assert history(desk, campaign) == [
        "Maria Lopez took people out of the campaign Flu shots",
        "Maria Lopez launched the campaign Flu shots",
        "Maria Lopez uploaded the list a.csv",
        "The platform created the campaign Flu shots",
    ]


def test_who_may_not_read_the_audit_sees_who_changed_a_row_and_not_who_looked(
    desk: Client, reader: User, maria: User, workspace: Workspace
) -> None:
    voicemail = make_voicemail(make_use_case(workspace))
    record("voicemail.read", voicemail, maria, workspace)
    record("voicemail.canceled", voicemail, maria, workspace)
    ending = f"the voicemail …{voicemail.pk.hex[-8:]}"
    assert history(signed_in(reader), voicemail) == [f"Maria Lopez canceled {ending}"]
    assert history(desk, voicemail) == [f"Maria Lopez canceled {ending}", f"Maria Lopez looked at {ending}"]
    assert b"Request id" not in signed_in(reader).get(address(voicemail)).content


def test_a_history_is_of_rows_that_the_reader_may_open(desk: Client, maria: User) -> None:
    theirs = make_setup(make_workspace())
    record("setup.updated", theirs, maria, theirs.workspace)
    assert desk.get(address(theirs)).status_code == 404
    assert desk.get("/admin/usecases/telephonysetup/nonsense/history/").status_code == 404


def test_the_history_of_a_workspace_is_for_those_who_may_read_its_audit(
    desk: Client, reader: User, maria: User, workspace: Workspace
) -> None:
    record("person.searched", workspace, maria, workspace, by="name", found=3)
    client = signed_in(reader)
    assert client.get(address(workspace)).status_code == 403
    assert address(workspace) not in client.get(address(workspace, "change")).content.decode()
    assert history(desk, workspace) == ["Maria Lopez searched for people in Lakeside Clinic"]


def test_the_history_of_an_account_has_its_memberships_and_sign_ins_but_of_the_readers_workspaces_only(
    desk: Client, reader: User, maria: User, workspace: Workspace
) -> None:
    elsewhere = make_workspace()
    there = Membership.objects.create(workspace=elsewhere, user=reader, role=Role.ADMIN)
    record("membership.created", there, None, elsewhere)
    record("membership.created", reader.memberships.get(workspace=workspace), maria, workspace)
    record("user.signed_in", reader, reader, None)
    assert history(desk, reader) == ["reader signed in", "Maria Lopez added reader"]
    assert history(signed_in(make_user(workspace=workspace, role=Role.VIEWER, is_staff=True)), reader) == [
        "Maria Lopez added reader"
    ]


def test_a_long_history_is_read_in_pages(desk: Client, maria: User, workspace: Workspace) -> None:
    setup = make_setup(workspace)
    events = [record("setup.updated", setup, maria, workspace) for _ in range(PAGE + 3)]
    first = desk.get(address(setup)).content.decode()
    assert len(history(desk, setup)) == PAGE
    assert f"?before={events[3].pk}" in first
    assert len(history(desk, setup, before=str(events[3].pk))) == 3
    assert b"Older" not in desk.get(address(setup), {"before": str(events[3].pk)}).content


def test_the_history_counts_nothing(
    desk: Client, maria: User, workspace: Workspace, django_assert_max_num_queries: Any
) -> None:
    setup = make_setup(workspace)
    for _ in range(10):
        record("setup.updated", setup, maria, workspace)
    with django_assert_max_num_queries(10) as queries:
        history(desk, setup)
    assert not [each for each in queries.captured_queries if "COUNT(" in each["sql"]]


def test_what_is_changed_in_the_admin_is_in_the_audit_and_not_in_a_second_log(
    desk: Client, workspace: Workspace
) -> None:
    person = make_user(username="peter", password=None)
    membership = Membership.objects.create(workspace=workspace, user=person, role=Role.VIEWER)
    changed = desk.post(address(membership, "change"), {"role": Role.ADMIN})
    assert changed.status_code == 302
    removed = desk.post(address(membership, "delete"), {"post": "yes"})
    assert removed.status_code == 302
    assert list(AuditEvent.objects.order_by("id").values_list("action", flat=True)) == [
        "membership.updated",
        "membership.deleted",
    ]
    assert not LogEntry.objects.exists()
