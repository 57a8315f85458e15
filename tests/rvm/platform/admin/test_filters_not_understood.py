"""A filter that is not understood is said and lists nothing, on every list of the admin; nothing is exported by it."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.messages import get_messages
from django.test import Client, RequestFactory

from rvm.platform.admin.day_filter import DaysFilter
from rvm.platform.database.ids import id_in
from rvm.platform.models import User, Workspace
from tests.factories import make_use_case, make_user, make_voicemail, make_workspace
from tests.rvm.platform.admin.every_row import make_every_row

pytestmark = pytest.mark.django_db

NONSENSE = ("nonsense", "00000000-0000-0000-0000-000000000000", "13/11/2026")
VOICEMAILS = "/admin/delivery/voicemail/"


@pytest.fixture
def workspace() -> Workspace:
    return make_workspace()


@pytest.fixture
def everybody(workspace: Workspace) -> User:
    """Who may look at every list, and is a member of one workspace."""
    return make_user(workspace=workspace, is_staff=True, is_superuser=True, password=None)


@pytest.fixture
def desk(everybody: User) -> Client:
    client = Client()
    client.force_login(everybody)
    return client


def look(desk: Client, address: str, query: dict[str, str]) -> tuple[list[Any], list[str]]:
    """The rows and the errors of a list."""
    answer = desk.get(address, query)
    assert answer.status_code == 200, (address, query)
    texts = [str(message) for message in get_messages(answer.wsgi_request) if message.level_tag == "error"]
    return list(answer.context["cl"].result_list), texts


def asked(user: User, **query: str) -> Any:
    request = RequestFactory().get("/admin/", query)
    request.user = user
    return request


@pytest.fixture
def lists(workspace: Workspace, everybody: User) -> list[tuple[Any, Any]]:
    """Every admin of a table with its list, of rows of two workspaces."""
    for place in (workspace, make_workspace()):
        make_every_row(place)
    owns: list[Any] = list(admin.site._registry.values())
    return [(own, own.get_changelist_instance(asked(everybody))) for own in owns]


def test_no_filter_of_any_list_is_ignored_when_it_is_not_understood(lists: Any, everybody: User) -> None:
    for own, page in lists:
        names = {name for spec in page.filter_specs for name in spec.expected_parameters()}
        names |= {entry.parameter_name for entry in own.list_filter if hasattr(entry, "parameter_name")}
        cases = [{name: value} for name in sorted(names) for value in NONSENSE]
        cases += [{"p": value} for value in ("nonsense", "7", "0", "-1")]
        for case in cases:
            found = own.get_changelist_instance(asked(everybody, **case))
            somebody = "actor" in case and id_in(case["actor"])  # who has done nothing
            assert len(found.faults) == (0 if somebody else 1), (own, case)
            assert list(found.result_list) == [], (own, case)


def test_what_a_filter_offers_is_understood_and_an_empty_value_is_no_filter(lists: Any, everybody: User) -> None:
    for own, page in lists:
        assert page.faults == [], own
        plain = [row.pk for row in page.result_list]
        for spec in page.filter_specs:
            if not hasattr(spec, "form_class") or isinstance(spec, DaysFilter):
                continue
            form = next(iter(spec.choices(page)))["form"]
            for name, field in form.fields.items():
                for value, _ in field.choices:
                    found = own.get_changelist_instance(asked(everybody, **{name: str(value)}))
                    assert found.faults == [], (own, name, value)
                    assert value or [row.pk for row in found.result_list] == plain, (own, name)


def test_a_search_of_a_list_without_one_is_said(lists: Any, everybody: User) -> None:
    for own, _ in lists:
        found = own.get_changelist_instance(asked(everybody, q="zzz-nothing"))
        searches = bool(own.search_fields) or "get_search_results" in vars(type(own))
        assert list(found.result_list) == [], own
        assert bool(found.faults) is not searches, own


def test_another_workspace_is_no_choice_for_a_member_of_one(workspace: Workspace) -> None:
    make_use_case(workspace)
    client = Client()
    client.force_login(make_user(workspace=workspace, is_staff=True, password=None))
    address = "/admin/usecases/usecase/"
    assert len(look(client, address, {"workspace__id__exact": str(workspace.pk)})[0]) == 1
    rows, errors = look(client, address, {"workspace__id__exact": str(make_workspace().pk)})
    assert rows == [] and "The filter “workspace” has no choice" in errors[0]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"created_at_from": "13/11/2026"}, "For November 13 write 11/13/2026."),
        ({"created_at_to": "soon"}, "Write it as month/day/year (11/20/2026), Nov 20, 2026 or 2026-11-20."),
        ({"created_at_from": "11/21/2026", "created_at_to": "11/20/2026"}, "The last day is before the first day."),
        ({"status": "gone"}, "The filter “status” has no choice “gone”"),
        ({"number": "2025550142"}, "The filter “number” has no choice"),
    ],
)
def test_a_wrong_filter_of_voicemails_says_why_and_exports_nothing(
    desk: Client, workspace: Workspace, query: dict[str, str], words: str
) -> None:
    make_voicemail(make_use_case(workspace))
    here = {"workspace": str(workspace.pk), **query}
    rows, errors = look(desk, VOICEMAILS, here)
    assert rows == [] and words in errors[0]
    refusal = desk.get(f"{VOICEMAILS}export/", here)
    assert refusal.status_code == 302
    answer = desk.get(refusal.headers["Location"])
    texts = [str(message) for message in get_messages(answer.wsgi_request)]
    assert texts[0] == "Nothing was exported." and words in texts[1]


def test_the_days_of_a_filter_are_read_as_people_write_them_and_shown_as_they_were_read(
    desk: Client, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    voicemail = make_voicemail(make_use_case(workspace))
    monkeypatch.setattr("rvm.platform.admin.day_filter.database_now", lambda: voicemail.created_at)
    day = f"{voicemail.created_at:%b %-d}"
    query = {"workspace": str(workspace.pk), "created_at_from": day, "created_at_to": "today"}
    assert look(desk, VOICEMAILS, query) == ([voicemail], [])
    page = desk.get(VOICEMAILS, query).content.decode()
    assert f'value="{voicemail.created_at:%m/%d/%Y}"' in page
    assert look(desk, VOICEMAILS, {**query, "created_at_to": "yesterday"})[0] == []
    assert 'placeholder="11/20/2026"' in desk.get(VOICEMAILS).content.decode()


def test_a_page_beyond_the_last_one_is_said(desk: Client, workspace: Workspace) -> None:
    use_case = make_use_case(workspace)
    for _ in range(51):
        make_voicemail(use_case)
    assert len(look(desk, VOICEMAILS, {"p": "2"})[0]) == 1
    rows, errors = look(desk, VOICEMAILS, {"p": "3"})
    assert (rows, errors) == ([], ["This list has no page “3”. Go to its first page."])
