"""Every page of the desk is in the zone of its person; days in filters are those of the workspace."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from rvm.platform.database.ids import uuid7_at
from rvm.platform.models import AuditEvent, User, Workspace
from rvm.platform.roles import Role
from tests.factories import make_use_case, make_user, make_voicemail, make_workspace
from usecases.models import Consent

pytestmark = pytest.mark.django_db

AT = datetime(2026, 11, 21, 4, 30, tzinfo=UTC)  # still the 20th in New York
VOICEMAILS, MINE = "/admin/delivery/voicemail/", "/accounts/time-zone/"


@pytest.fixture
def workspace() -> Workspace:
    return make_workspace(time_zone="America/New_York")


@pytest.fixture
def person(workspace: Workspace) -> User:
    return make_user(workspace=workspace, role=Role.ADMIN, is_staff=True, password=None)


@pytest.fixture
def desk(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


@pytest.fixture
def voicemail(workspace: Workspace) -> Any:
    return make_voicemail(make_use_case(workspace), id=uuid7_at(int(AT.timestamp() * 1000)), created_at=AT)


def listed(desk: Client, **query: str) -> list[Any]:
    return [row.pk for row in desk.get(VOICEMAILS, query).context["cl"].result_list]


def test_a_person_sees_the_zone_of_the_workspace_until_choosing_one(desk: Client, person: User, voicemail: Any) -> None:
    page = desk.get(VOICEMAILS).content.decode()
    assert "Fri, Nov 20, 2026, 11:30 PM EST" in page
    assert "As my workspaces: Eastern (New York)" in desk.get(MINE).content.decode()
    saved = desk.post(MINE, {"time_zone": "Pacific/Honolulu"}, follow=True)
    assert "Your time zone is saved." in saved.content.decode()
    person.refresh_from_db()
    assert person.time_zone == "Pacific/Honolulu"
    event = AuditEvent.objects.get(action="user.updated")
    assert (event.actor, event.details["changes"]) == (person, {"time_zone": ["", "Pacific/Honolulu"]})
    for page in (VOICEMAILS, f"{VOICEMAILS}{voicemail.pk}/change/"):
        shown = desk.get(page).content.decode()
        assert "Fri, Nov 20, 2026, 6:30" in shown and "HST" in shown and " EST" not in shown
    assert "HST" in desk.get("/admin/platform/auditevent/").content.decode()
    desk.post(MINE, {"time_zone": ""})
    assert "11:30 PM EST" in desk.get(VOICEMAILS).content.decode()


def test_what_is_no_zone_is_refused(desk: Client, person: User) -> None:
    page = desk.post(MINE, {"time_zone": "America/Nowhere"})
    assert page.status_code == 200 and "Select a valid choice" in page.content.decode()
    person.refresh_from_db()
    assert person.time_zone == ""


def test_an_administrator_sets_the_zone_of_the_workspace(desk: Client, workspace: Workspace, voicemail: Any) -> None:
    address = f"/admin/platform/workspace/{workspace.pk}/change/"
    form = desk.get(address).context["adminform"].form
    data = {name: form[name].value() for name in form.fields if form[name].value() not in (None, False)}
    assert desk.post(address, {**data, "time_zone": "America/Phoenix"}).status_code == 302
    workspace.refresh_from_db()
    assert workspace.time_zone == "America/Phoenix"
    told = AuditEvent.objects.get(action="workspace.updated").details["changes"]
    assert told["time_zone"] == ["America/New_York", "America/Phoenix"]
    assert "Fri, Nov 20, 2026, 9:30 PM MST" in desk.get(VOICEMAILS).content.decode()


def test_days_in_filters_are_those_of_the_workspace_whoever_asks(desk: Client, person: User, voicemail: Any) -> None:
    for zone in ("", "Asia/Tokyo"):
        User.objects.filter(pk=person.pk).update(time_zone=zone)
        assert listed(desk, created_at_from="11/20/2026", created_at_to="11/20/2026") == [voicemail.pk]
        assert listed(desk, created_at_from="11/21/2026") == []
    page = desk.get(VOICEMAILS).content.decode()
    assert "Days of the time zone Eastern (New York)" in page


def test_a_time_in_a_form_is_read_in_the_persons_zone_which_the_form_names(desk: Client, workspace: Workspace) -> None:
    address = "/admin/usecases/consent/add/"
    assert "When it was given, Eastern (New York) time" in desk.get(address).content.decode()
    data = {
        "workspace": str(workspace.pk), "phone_number": "(202) 555-0142", "purposes": ["appointment"],
        "basis": "express_consent", "source": "signed form", "evidence": "folder 7",
    }  # fmt: skip
    wrong = desk.post(address, {**data, "at": "13/11/2025 9:00 am"}).content.decode()
    assert "For November 13 write 11/13/2025." in wrong
    answer = desk.post(address, {**data, "at": "11/13/2025 9:00 am"})
    assert answer.status_code == 302, answer.content.decode()
    assert Consent.objects.get().at == datetime(2025, 11, 13, 14, tzinfo=UTC)


def test_the_zone_of_one_page_does_not_stay_for_the_next(desk: Client) -> None:
    desk.get(VOICEMAILS)
    assert timezone.get_current_timezone_name() == "UTC"


def test_files_have_utc_and_are_named_by_the_day_of_the_workspace(
    desk: Client, workspace: Workspace, voicemail: Any
) -> None:
    answer = desk.get(f"{VOICEMAILS}export/", {"workspace": str(workspace.pk)})
    assert b"2026-11-21T04:30:00Z" in b"".join(answer.streaming_content)  # type: ignore[attr-defined]
    assert not list(get_messages(answer.wsgi_request))


def test_a_page_reads_the_memberships_once_also_for_its_zone(desk: Client, voicemail: Any) -> None:
    with CaptureQueriesContext(connection) as asked:
        desk.get(VOICEMAILS)
    assert sum('FROM "platform_membership"' in query["sql"] for query in asked) == 1
