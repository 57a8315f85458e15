"""Each response that shows whole numbers is one event: how many, by which route, and a keyed hash of what was asked for."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError, transaction
from django.db.models import Q
from django.test import Client

from delivery.carriers.abilities import Check
from delivery.setups import api as setups
from rvm.platform import audit
from rvm.platform.models import AuditEvent, Workspace
from rvm.platform.scopes import Scope
from tests.factories import Api, make_api, make_consent, make_suppression, make_use_case, make_user, make_voicemail
from tests.rvm.project.access.routes import ADMIN
from tests.rvm.project.access.test_admin_access import Visitor, bodies, bytes_of
from tests.rvm.project.access.test_api_access import SCOPES, call
from tests.rvm.project.access.test_numbers_shown import Search
from tests.rvm.project.access.world import World, make_world, person

pytestmark = pytest.mark.django_db
NUMBERS = [f"+1202555010{place}" for place in range(4)]


@pytest.fixture
def patients(workspace: Workspace) -> list[Any]:
    use_case = make_use_case(workspace)
    return [make_voicemail(use_case, recipient=number, reference=number[-4:]) for number in [*NUMBERS, NUMBERS[0]]]


def looks() -> list[AuditEvent]:
    return [*AuditEvent.objects.filter(action="numbers.shown").order_by("id")]


@pytest.mark.usefixtures("patients")
def test_a_page_of_the_api_is_one_event_with_the_count_of_its_numbers(api: Api, workspace: Workspace) -> None:
    assert len(api.get("voicemail").json()["items"]) == 5
    [event] = looks()
    assert event.details == {
        "count": 4,
        "route": "GET /v1/<uuid:workspace_id>/voicemail",
        "filter": event.details["filter"],
    }
    assert (event.workspace_id, event.actor_id, event.key_id) == (workspace.pk, api.key.user_id, api.key.pk)
    assert (event.subject_type, event.subject_id) == ("platform.workspace", workspace.pk)


@pytest.mark.usefixtures("patients")
def test_equal_questions_have_equal_hashes_which_hold_no_number(api: Api) -> None:
    for number, limit in ((NUMBERS[1], 1), (NUMBERS[1], 2), (NUMBERS[2], 1)):
        assert api.post("voicemail/search", {"recipient_phone_number": number, "limit": limit}).status_code == 200
    first, again, other = [event.details for event in looks()]
    assert first["filter"] == again["filter"] != other["filter"]
    assert re.fullmatch("[0-9a-f]{64}", first["filter"]) and first["count"] == 1
    assert not any(number[2:] in str(details) for details in (first, other) for number in NUMBERS)


def test_a_hash_of_one_workspace_is_not_that_of_another() -> None:
    for _ in range(2):
        api = make_api()
        make_suppression(api.key.workspace, NUMBERS[0])
        assert api.get("suppressions?active=true").status_code == 200
    one, other = looks()
    assert one.details["filter"] != other.details["filter"]


def test_one_row_consents_and_suppressions_count_too(api: Api, workspace: Workspace, patients: list[Any]) -> None:
    consent, suppression = make_consent(workspace), make_suppression(workspace)
    for path in (
        f"voicemail/{patients[0].pk}",
        "consents",
        f"consents/{consent.pk}",
        "suppressions",
        f"suppressions/{suppression.pk}",
    ):
        assert api.get(path).status_code == 200, path
    assert [event.details["count"] for event in looks()] == [1] * 5


@pytest.mark.usefixtures("patients")
def test_where_no_whole_number_is_shown_there_is_no_event(workspace: Workspace) -> None:
    masked = make_api(workspace, scopes=[scope for scope in Scope if scope is not Scope.NUMBERS_READ])
    assert masked.get("voicemail").json()["items"]
    full = make_api(workspace)
    assert full.get("voicemail?reference=none").json()["items"] == []
    assert full.get("use-cases").status_code == 200
    assert looks() == []


def test_a_number_that_the_caller_has_just_given_is_not_shown(api: Api, workspace: Workspace) -> None:
    voicemail = make_voicemail(make_use_case(workspace))
    order = {"use_case_id": str(voicemail.use_case_id), "recording_id": str(voicemail.recording_id)}
    sent = api.post("voicemail", {**order, "recipient_phone_number": NUMBERS[1]})
    assert sent.status_code == 201 and sent.json()["recipient_phone_number"] == NUMBERS[1]
    assert api.post("suppressions", {"recipient_phone_number": NUMBERS[3], "reason": "opt_out"}).status_code in (
        200,
        201,
    )
    assert looks() == []


@pytest.fixture
def desk(workspace: Workspace) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(make_user(workspace=workspace, is_staff=True, may_see_numbers=True, password=None))
    return client


@pytest.mark.usefixtures("patients")
def test_a_page_of_the_desk_is_one_event(desk: Client, workspace: Workspace) -> None:
    page = desk.get("/admin/delivery/voicemail/")
    assert NUMBERS[1] in page.content.decode()
    [event] = looks()
    assert event.details == {"count": 4, "route": "GET /admin/delivery/voicemail/", "filter": ""}
    assert event.workspace_id == workspace.pk and event.actor is not None and event.key_id is None


@pytest.mark.usefixtures("patients")
def test_a_search_by_number_at_the_desk_has_the_same_hash_each_time(desk: Client) -> None:
    for _ in range(2):
        found = desk.post("/admin/delivery/voicemail/find/", {"sought": NUMBERS[1]}, follow=True)
        assert found.status_code == 200 and NUMBERS[1] in found.content.decode()
    one, other = looks()
    assert one.details == other.details and one.details["count"] == 1 and one.details["filter"]


@pytest.mark.usefixtures("patients")
def test_a_person_without_the_right_makes_no_event(workspace: Workspace) -> None:
    client = Client()
    client.force_login(make_user(workspace=workspace, is_staff=True, password=None))
    assert client.get("/admin/delivery/voicemail/").status_code == 200
    assert looks() == []


@pytest.mark.usefixtures("patients")
def test_a_page_whose_event_cannot_be_written_is_not_sent(
    api: Api, desk: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(action: str, *arguments: Any, **details: Any) -> None:
        raise DatabaseError(action)

    monkeypatch.setattr(audit, "record", refuse)
    for answer in (api.get("voicemail"), desk.get("/admin/delivery/voicemail/")):
        assert answer.status_code == 500
        assert not any(number[2:] in answer.content.decode() for number in NUMBERS)


# Wherever a number is sent.


@pytest.fixture
def world(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    settings.MEDIA_ROOT = str(tmp_path)
    monkeypatch.setattr(setups, "check_setup", lambda setup: Check(True, "asked"))
    return make_world()


def recordings() -> int:
    """How many events there are of numbers that were shown, and of exports with numbers."""
    return AuditEvent.objects.filter(Q(action="numbers.shown") | Q(details__numbers_shown=True)).count()


class Ledger:
    """Which routes sent something confidential, with an event and without one."""

    def __init__(self, world: World) -> None:
        self.search, self.recorded, self.unrecorded = Search(world), set[str](), set[str]()

    def note(self, name: str, ask: Callable[[], Any]) -> None:
        before = recordings()
        if self.search(bytes_of(ask())):
            (self.recorded if recordings() > before else self.unrecorded).add(name)


SHOW_NUMBERS = {
    "/admin/people/<str:token>/",
    "/admin/usecases/consent/export/",
    "/admin/delivery/voicemail/",
    "/admin/delivery/voicemail/<path:object_id>/change/",
    "/admin/usecases/suppression/<path:object_id>/change/",
    "/admin/usecases/consent/<path:object_id>/change/",
    "/admin/campaigns/recipientimport/<path:object_id>/change/",
}


@pytest.mark.parametrize("part", range(4))
def test_no_page_of_the_desk_sends_a_number_without_an_event(world: World, part: int) -> None:
    reader = person(world, may_see_numbers=True)
    visitor, ledger, routes = Visitor(reader), Ledger(world), ADMIN[part::4]
    for route in routes:
        for number, address in enumerate(world.addresses(route, reader)):
            ledger.note(f"GET {route.address}", partial(visitor.ask, "GET", address))
            for body in bodies(route, world) if number == 0 else []:
                with transaction.atomic():
                    ledger.note(f"POST {route.address}", partial(visitor.ask, "POST", address, body))
                    transaction.set_rollback(True)
    assert ledger.unrecorded == set()
    assert ledger.recorded >= {f"GET {route.address}" for route in routes if route.address in SHOW_NUMBERS}


def test_no_operation_of_the_api_sends_a_number_without_an_event(world: World) -> None:
    api, ledger = make_api(world.workspace), Ledger(world)
    for operation in SCOPES:
        with transaction.atomic():
            ledger.note(operation, partial(call, api, operation, world.api))
            transaction.set_rollback(True)
    assert ledger.unrecorded == set()
    assert ledger.recorded >= {
        "GET voicemail",
        "POST voicemail/search",
        "GET voicemail/export",
        "GET suppressions",
        "GET suppressions/{suppression_id}",
        "GET consents",
        "POST consents/{consent_id}/revoke",
    }
