"""Who may: every route of this layer asks for a key of its workspace and for a scope, and knows no other workspace's rows."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

import pytest
from django.test import Client

from delivery.setups import urls as urls_setups
from rvm.platform.models import Workspace
from rvm.platform.scopes import Scope
from tests.factories import Api, make_api, make_consent, make_use_case, make_workspace
from usecases.api import urls
from usecases.models import Consent, NumberAssignment, PhoneNumber, Suppression, TelephonySetup, UseCase
from usecases.suppressions import suppress

pytestmark = pytest.mark.django_db

READ = {
    "use-cases": Scope.USE_CASES_READ,
    "phone-numbers": Scope.SETUPS_READ,
    "setups": Scope.SETUPS_READ,
    "suppressions": Scope.SUPPRESSIONS_READ,
    "consents": Scope.CONSENTS_READ,
}
WRITE = {
    "use-cases": Scope.USE_CASES_WRITE,
    "phone-numbers": Scope.SETUPS_WRITE,
    "setups": Scope.SETUPS_WRITE,
    "suppressions": Scope.SUPPRESSIONS_WRITE,
    "consents": Scope.CONSENTS_WRITE,
}

ROUTES = [
    (method, str(pattern.pattern), WRITE if method in ("POST", "PUT", "PATCH", "DELETE") else READ)
    for pattern in (*urls.urlpatterns, *urls_setups.urlpatterns)
    for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
    if hasattr(pattern.callback.view_class, method.lower() if method != "HEAD" else "get")
]
WITH_IDS = [route for route in ROUTES if "<" in route[1]]


def scope_of(route: str, table: dict[str, Scope]) -> Scope:
    return Scope.SUPPRESSIONS_LIFT if route.endswith("/lift") else table[route.partition("/")[0]]


def address(route: str, use_case: UseCase) -> str:
    ids = {
        "use_case_id": use_case.pk,
        "setup_id": use_case.setup_id,
        "phone_number_id": use_case.phone_numbers.get().pk,
        "suppression_id": suppression_of(use_case.workspace_id).pk,
        "consent_id": consent_of(use_case.workspace).pk,
    }
    return re.sub(r"<uuid:(\w+)>", lambda match: str(ids[match[1]]), route)


def suppression_of(workspace_id: UUID) -> Suppression:
    return suppress(workspace_id=workspace_id, number="+12025550142", source=Suppression.Source.API)[0]


def consent_of(workspace: Workspace) -> Consent:
    return Consent.objects.filter(workspace=workspace).first() or make_consent(workspace)


def state() -> list[Any]:
    tables = (TelephonySetup, UseCase, PhoneNumber, NumberAssignment, Suppression, Consent)
    return [list(table.objects.order_by("pk").values()) for table in tables]


def test_the_table_of_routes_is_not_empty() -> None:
    assert len(ROUTES) == 42
    assert len(WITH_IDS) == 27


@pytest.mark.parametrize(("method", "route", "table"), WITH_IDS)
def test_another_workspaces_rows_do_not_exist(method: str, route: str, table: dict[str, Scope], api: Api) -> None:
    theirs = address(route, make_use_case())
    before = state()
    response = api.send(method, theirs, {})
    assert response.status_code == 404
    assert state() == before
    if method != "HEAD":
        assert response.json()["code"] in (
            "not_found",
            "setup_not_found",
            "use_case_not_found",
            "suppression_not_found",
            "consent_not_found",
        )


@pytest.mark.parametrize("mine", ["phone_number", "use_case"])
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_an_assignment_does_not_cross_workspaces(method: str, mine: str, api: Api) -> None:
    own, foreign = make_use_case(api.key.workspace), make_use_case()
    number = (own if mine == "phone_number" else foreign).phone_numbers.get()
    use_case = foreign if mine == "phone_number" else own
    before = state()
    assert api.send(method, f"phone-numbers/{number.pk}/use-cases/{use_case.pk}").status_code == 404
    assert state() == before


@pytest.mark.parametrize(("method", "route", "table"), ROUTES)
def test_another_workspaces_address_does_not_exist(method: str, route: str, table: dict[str, Scope]) -> None:
    use_case = make_use_case()
    api = make_api(make_workspace())
    api.workspace_id = use_case.workspace_id
    theirs = address(route, use_case)
    before = state()
    assert api.send(method, theirs, {}).status_code == 404
    assert state() == before


@pytest.mark.parametrize(("method", "route", "table"), ROUTES)
def test_a_key_without_the_scope_is_refused(method: str, route: str, table: dict[str, Scope]) -> None:
    use_case = make_use_case()
    needed = scope_of(route, table)
    api = make_api(use_case.workspace, scopes=[scope for scope in Scope if scope is not needed])
    theirs = address(route, use_case)
    before = state()
    response = api.send(method, theirs, {})
    assert response.status_code == 403
    assert state() == before
    if method != "HEAD":
        assert response.json()["code"] == "missing_scope"
        assert needed.value in response.json()["detail"]


@pytest.mark.parametrize(("method", "route", "table"), ROUTES)
def test_the_named_scope_is_enough(method: str, route: str, table: dict[str, Scope]) -> None:
    use_case = make_use_case()
    api = make_api(use_case.workspace, scopes=[scope_of(route, table)])
    assert api.send(method, address(route, use_case), {}).status_code in (200, 201, 204, 409, 422)


@pytest.mark.parametrize(("method", "route", "table"), ROUTES)
def test_without_a_key_nothing_is_answered(method: str, route: str, table: dict[str, Scope]) -> None:
    use_case = make_use_case()
    api = make_api(use_case.workspace)
    api.client = Client()
    theirs = address(route, use_case)
    before = state()
    assert api.send(method, theirs, {}).status_code == 401
    assert state() == before
