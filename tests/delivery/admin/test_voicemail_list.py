"""The list of voicemails: masked, filtered like the API, found by number, and as cheap with many rows as with few."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote
from uuid import UUID

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.html import strip_tags

from delivery.lifecycle.status import VoicemailStatus
from delivery.models import Voicemail, VoicemailReference
from rvm.platform.admin.exact_search import decrypt_term, encrypt_term
from rvm.platform.database.ids import uuid7_at
from rvm.platform.models import Membership, Workspace
from tests.factories import (
    RECIPIENT,
    make_lane,
    make_recording,
    make_use_case,
    make_user,
    make_voicemail,
    make_workspace,
)
from tests.random_text import without_ids

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
    assert listed(staff, workspace=theirs.workspace_id) == []


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
    assert listed(staff, campaign="none") == [skipped.pk, failed.pk]
    assert listed(staff, created_at_from="2026-01-06") == [campaign.pk, skipped.pk]
    assert listed(staff, created_at_from="2026-01-06", created_at_to="2026-01-06") == [skipped.pk]
    assert listed(staff, use_case=one.pk, status="queued") == [campaign.pk]


@pytest.mark.parametrize("name", ["use_case", "setup"])
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
    assert "0142" not in without_ids(unquote(answer["Location"]))
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


@pytest.fixture
def clinics(client: Client) -> list[Workspace]:
    """Three workspaces of one member, who sees numbers in the last one only; another one has the same number and reference."""
    own = [make_workspace(name=name) for name in ("Alpha", "Beta", "Gamma")]
    person = make_user(workspace=own[0], is_staff=True, password=None)
    for other in own[1:]:
        other.members.add(person)
    Membership.objects.filter(workspace=own[2]).update(may_see_numbers=True)
    client.force_login(person)
    make_voicemail(reference="visit-1")
    return own


def texts(answer: Any) -> str:
    return " ".join(strip_tags(answer.content.decode()).split())


def test_a_search_by_number_shows_every_workspace_of_ones_own_by_its_name(
    client: Client, clinics: list[Workspace]
) -> None:
    rows = [make_voicemail(make_use_case(workspace)) for workspace in clinics[1:]]
    for sought in (RECIPIENT, "202 555 0142"):
        answer = client.post(FIND, {"sought": sought}, follow=True)
        assert [row.pk for row in answer.context["cl"].result_list] == [rows[1].pk, rows[0].pk]
        page = texts(answer)
        assert "Voicemails of Alpha, Beta, Gamma" in page
        assert "All your workspaces are searched; each voicemail names its own." in page
        assert [page.count(text) for text in ("+12025550142", "+•••••••0142")] == [1, 1]  # Gamma's, and Beta's
    narrowed = client.get(f"{answer.request['PATH_INFO']}?{answer.request['QUERY_STRING']}&workspace={clinics[1].pk}")
    assert [row.pk for row in narrowed.context["cl"].result_list] == [rows[0].pk]
    assert "These are voicemails of Beta only." in texts(narrowed)


def test_a_reference_that_two_workspaces_have_is_not_answered_for_the_first(
    client: Client, clinics: list[Workspace]
) -> None:
    rows = [make_voicemail(make_use_case(workspace), reference="visit-1") for workspace in clinics[:2]]
    answer = client.post(FIND, {"sought": "visit-1"}, follow=True)
    assert [row.pk for row in answer.context["cl"].result_list] == [rows[1].pk, rows[0].pk]
    rows[0].delete()
    assert client.post(FIND, {"sought": "visit-1"})["Location"].endswith(f"{rows[1].pk}/change/")


@pytest.mark.parametrize(
    ("sought", "says"),
    [
        ("+12025550199", "No voicemail of Alpha, Beta, Gamma goes to this number, or has it as record number or"),
        ("visit-2", "No voicemail of Alpha, Beta, Gamma has this record number or reference."),
        ("0142", "Only whole values are found: a phone number with its area code, as in (202) 555-0142"),
        ("Alder", "By name, look under People, in the list of one campaign."),
        (str(UUID(int=7)), "No voicemail of your workspaces has this id."),
    ],
)
def test_a_search_that_finds_nothing_says_what_can_be_searched_and_shows_nothing(
    client: Client, clinics: list[Workspace], sought: str, says: str
) -> None:
    make_voicemail(make_use_case(clinics[0]))
    answer = client.post(FIND, {"sought": sought}, follow=True)
    assert says in texts(answer)
    assert list(answer.context["cl"].result_list) == []
    assert sought not in unquote(answer.redirect_chain[-1][0])


def test_what_is_a_reference_and_a_phone_number_is_found_as_the_first_and_told_to_be_the_second(
    staff: Client, workspace: Workspace
) -> None:
    use_case = make_use_case(workspace)
    row = make_voicemail(use_case, reference="2025550199")
    other = make_voicemail(use_case, recipient="+12025550199")
    answer = staff.post(FIND, {"sought": "2025550199"}, follow=True)
    assert answer.redirect_chain[-1][0].endswith(f"{row.pk}/change/")
    assert "It is a phone number as well, to which voicemails went" in texts(answer)
    answer = staff.post(FIND, {"sought": "+12025550199"}, follow=True)
    assert [found.pk for found in answer.context["cl"].result_list] == [other.pk]


def test_the_list_names_its_workspace_and_offers_the_others(client: Client, clinics: list[Workspace]) -> None:
    make_use_case(clinics[1], name="Recall")
    page = texts(client.get(LIST))
    assert "Voicemails of Alpha" in page and "These are voicemails of Alpha only. Show those of AlphaBetaGamma" in page
    page = texts(client.get(LIST, {"workspace": str(clinics[1].pk)}))
    assert "Voicemails of Beta" in page and "Recall" in page


def test_who_has_one_workspace_is_asked_for_none(staff: Client, workspace: Workspace) -> None:
    page = texts(staff.get(LIST))
    assert f"Voicemails of {workspace.name}" in page and "Show those of" not in page


def test_an_export_is_of_one_workspace(client: Client, clinics: list[Workspace]) -> None:
    make_voicemail(make_use_case(clinics[0]))
    found = client.post(FIND, {"sought": RECIPIENT})["Location"]
    assert "Export as CSV" not in texts(client.get(found))
    refused = client.get(found.replace("?", "export/?"), follow=True)
    assert "an export is of one workspace" in texts(refused)
    assert "Export as CSV" in texts(client.get(f"{found}&workspace={clinics[0].pk}"))


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
