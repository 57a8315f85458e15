"""The list of voicemails: masked, filtered like the API, found by number, and as cheap with many rows as with few."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from delivery.lifecycle.status import VoicemailStatus
from delivery.models import Voicemail, VoicemailReference
from rvm.platform.admin.exact_search import decrypt_term, encrypt_term
from rvm.platform.database.ids import uuid7_at
from rvm.platform.models import Workspace
from tests.factories import (
    RECIPIENT,
    make_lane,
    make_recording,
    make_use_case,
    make_user,
    make_voicemail,
    make_workspace,
)

pytestmark = pytest.mark.django_db

LIST = reverse("admin:delivery_voicemail_changelist")
FIND = reverse("admin:delivery_voicemail_find")


def listed(client: Client, **query: Any) -> list[Any]:
    answer = client.get(LIST, query)
    assert answer.status_code == 200, answer.get("Location")
    return [row.pk for row in answer.context["cl"].result_list]


def id_at(year: int, month: int, day: int) -> Any:
    return uuid7_at(int(datetime(year, month, day, 12, tzinfo=UTC).timestamp() * 1000))


def test_newest_first_and_one_workspace_at_a_time(staff: Client, workspace: Workspace) -> None:
    old, new = (make_voicemail(make_use_case(workspace)) for _ in range(2))
    theirs = make_voicemail()
    assert listed(staff) == [new.pk, old.pk]
    assert listed(staff, workspace=theirs.workspace_id) == [new.pk, old.pk]


def test_a_member_of_two_workspaces_chooses_one(client: Client) -> None:
    first, second = make_workspace(name="Alpha"), make_workspace(name="Beta")
    person = make_user(workspace=first, is_staff=True, password=None)
    second.members.add(person)
    client.force_login(person)
    here, there = make_voicemail(make_use_case(first)), make_voicemail(make_use_case(second))
    assert listed(client) == [here.pk]
    assert listed(client, workspace=second.pk) == [there.pk]


@pytest.mark.parametrize("sees", [False, True])
def test_numbers_are_masked_unless_the_membership_shows_them(client: Client, workspace: Workspace, sees: bool) -> None:
    make_voicemail(make_use_case(workspace))
    person = make_user(workspace=workspace, is_staff=True, may_see_numbers=sees, password=None)
    client.force_login(person)
    page = client.get(LIST).content.decode()
    assert (RECIPIENT in page) is sees
    assert ("+•••••••0142" in page) is not sees


def test_a_superuser_without_such_a_membership_sees_them_masked(client: Client, workspace: Workspace) -> None:
    make_voicemail(make_use_case(workspace))
    client.force_login(make_user(is_staff=True, is_superuser=True, password=None))
    assert RECIPIENT not in client.get(LIST).content.decode()


def test_the_filters_are_those_of_the_api(staff: Client, workspace: Workspace) -> None:
    one, other = make_use_case(workspace), make_use_case(workspace)
    failed = make_voicemail(one, status=VoicemailStatus.FAILED, reason="busy", id=id_at(2026, 1, 5))
    skipped = make_voicemail(other, status=VoicemailStatus.SKIPPED, reason="suppressed", id=id_at(2026, 1, 6))
    campaign = make_voicemail(lane=make_lane(one), id=id_at(2026, 1, 7))
    assert listed(staff) == [campaign.pk, skipped.pk, failed.pk]
    assert listed(staff, use_case=one.pk) == [campaign.pk, failed.pk]
    assert listed(staff, setup=other.setup_id) == [skipped.pk]
    assert listed(staff, status="failed") == [failed.pk]
    assert listed(staff, status=["failed", "skipped"]) == [skipped.pk, failed.pk]
    assert listed(staff, reason="suppressed") == [skipped.pk]
    assert listed(staff, lane=campaign.lane_id) == [campaign.pk]
    assert listed(staff, created_at_from="2026-01-06") == [campaign.pk, skipped.pk]
    assert listed(staff, created_at_from="2026-01-06", created_at_to="2026-01-06") == [skipped.pk]
    assert listed(staff, use_case=one.pk, status="queued") == [campaign.pk]


@pytest.mark.parametrize("name", ["use_case", "setup", "lane"])
def test_an_id_of_another_workspace_finds_nothing(staff: Client, workspace: Workspace, name: str) -> None:
    make_voicemail(make_use_case(workspace))
    theirs = make_voicemail()
    assert listed(staff, **{name: getattr(theirs, f"{name}_id")}) == []
    page = staff.get(LIST).content.decode()
    assert str(getattr(theirs, f"{name}_id")) not in page


@pytest.mark.parametrize("typed", [RECIPIENT, "(202) 555-0142", "202 555 0142"])
def test_a_number_is_found_exactly_and_stays_out_of_the_address(
    staff: Client, workspace: Workspace, typed: str
) -> None:
    use_case = make_use_case(workspace)
    wanted = make_voicemail(use_case)
    make_voicemail(use_case, recipient="+12025550143")
    make_voicemail()
    answer = staff.post(FIND, {"sought": typed})
    assert answer.status_code == 302
    assert "0142" not in unquote(answer["Location"])
    found = staff.get(answer["Location"])
    assert [row.pk for row in found.context["cl"].result_list] == [wanted.pk]
    assert RECIPIENT not in found.content.decode()


def test_a_number_is_not_searched_by_a_link(staff: Client) -> None:
    assert staff.get(FIND, {"sought": RECIPIENT}).status_code == 405


@pytest.mark.parametrize(
    "token",
    ["", "x", "AAAA", encrypt_term(RECIPIENT)[:-4], "+12025550142"],
    ids=["empty", "short", "foreign", "cut off", "number"],  # sealing differs each time, names may not
)
def test_a_token_that_was_not_made_here_is_no_search(token: str) -> None:
    assert decrypt_term(token) is None
    assert decrypt_term(encrypt_term(RECIPIENT)) == RECIPIENT


def test_an_id_or_a_reference_leads_to_the_voicemails_page(staff: Client, workspace: Workspace) -> None:
    voicemail = make_voicemail(make_use_case(workspace), reference="2025550142")
    # A test voicemail may have the same one; it is found by its id.
    test = make_voicemail(voicemail.use_case, reference="2025550142", live=False)
    for row in (test, voicemail):
        VoicemailReference.objects.create(
            workspace=workspace, live=row.live, reference="2025550142", voicemail_id=row.pk
        )
    page = reverse("admin:delivery_voicemail_change", args=[voicemail.pk])
    assert staff.post(FIND, {"sought": str(voicemail.pk)})["Location"] == page
    assert staff.post(FIND, {"sought": " 2025550142 "})["Location"] == page


def test_a_test_voicemail_is_told_from_live_ones(staff: Client, workspace: Workspace) -> None:
    voicemail = make_voicemail(make_use_case(workspace), live=False)
    shown = f"{voicemail.setup.name} (test)"
    page = reverse("admin:delivery_voicemail_change", args=[voicemail.pk])
    assert [shown in staff.get(path).content.decode() for path in (LIST, page)] == [True, True]
    Voicemail.objects.update(live=True)
    assert [shown in staff.get(path).content.decode() for path in (LIST, page)] == [False, False]


def test_another_workspaces_id_or_reference_is_not_found(staff: Client) -> None:
    theirs = make_voicemail(reference="visit-1")
    VoicemailReference.objects.create(
        workspace=theirs.workspace, live=True, reference="visit-1", voicemail_id=theirs.pk
    )
    by_id = staff.post(FIND, {"sought": str(theirs.pk)}, follow=True).content.decode()
    assert "No voicemail of your workspaces has this id." in by_id
    by_reference = staff.post(FIND, {"sought": "visit-1"}, follow=True).content.decode()
    assert "has this record number or reference." in by_reference


def test_every_workspace_of_ones_own_is_searched_unless_one_is_chosen(client: Client) -> None:
    first, second, third = (make_workspace(name=name) for name in ("Alpha", "Beta", "Gamma"))
    person = make_user(workspace=first, is_staff=True, password=None)
    for other in (second, third):
        other.members.add(person)
    client.force_login(person)
    there = make_voicemail(make_use_case(second), reference="visit-1")
    make_voicemail(make_use_case(third))
    page = reverse("admin:delivery_voicemail_change", args=[there.pk])
    assert client.post(FIND, {"sought": "visit-1"})["Location"] == page
    answer = client.post(FIND, {"sought": RECIPIENT}, follow=True)
    assert [row.pk for row in answer.context["cl"].result_list] == [there.pk]
    assert "These are those of Beta; Gamma also sent to this number." in answer.content.decode()
    chosen = client.post(FIND, {"sought": RECIPIENT, "kept": f"workspace={first.pk}"}, follow=True).content.decode()
    assert "No voicemail of Alpha goes to this number." in chosen
    nowhere = client.post(FIND, {"sought": "visit-2"}, follow=True).content.decode()
    assert "No voicemail of Alpha, Beta, Gamma has this record number or reference." in nowhere


def statements(client: Client) -> list[str]:
    with CaptureQueriesContext(
        connection,
    ) as captured:
        assert client.get(LIST).status_code == 200
    return [query["sql"] for query in captured]


def test_the_page_costs_the_same_with_3_and_with_300_rows_and_counts_nothing(
    staff: Client, workspace: Workspace
) -> None:
    use_case, recording = make_use_case(workspace), make_recording(workspace)
    for _ in range(3):
        make_voicemail(use_case, recording=recording)
    few = statements(staff)
    for _ in range(297):
        make_voicemail(use_case, recording=recording)
    many = statements(staff)
    assert len(many) == len(few) < 20
    assert not [sql for sql in many if "COUNT(" in sql.upper()]
    assert len(listed(staff)) == 50
    assert len(listed(staff, p=6)) == 50
    assert listed(staff, p=7) == []
