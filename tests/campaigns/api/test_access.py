"""Who may: every route of this layer asks for a key of its workspace and for a scope, and knows no other workspace's rows."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from campaigns.api import urls
from campaigns.models import Campaign, LaunchApproval, OptOutImport, RecipientImport, Withdrawal
from delivery.models import Lane, Voicemail
from rvm.platform.models import AuditEvent
from rvm.platform.scopes import Scope
from tests.campaigns.api.calling import LIST, make_campaign
from tests.campaigns.api.calling import upload_directly as make_import
from tests.campaigns.opt_outs.lists import uploaded as upload_opt_outs
from tests.factories import Api, add_recipients, make_api, make_recording, make_use_case, make_workspace

pytestmark = pytest.mark.django_db

ROUTES = [
    (method, str(pattern.pattern), pattern.callback.view_class.required_scopes["GET" if method == "HEAD" else method])
    for pattern in urls.urlpatterns
    for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
    if hasattr(pattern.callback.view_class, method.lower() if method != "HEAD" else "get")
]
UPLOADS = [("POST", f"{urls.ONE}/imports"), ("POST", "opt-out-lists")]
WITH_IDS = [route for route in ROUTES if "<" in route[1]]
SENDING = (
    "launch",
    "unschedule",
    "pause",
    "resume",
    "cancel",
    "retry-failed",
    "<uuid:withdrawal_id>/confirm",
)


@pytest.fixture
def campaign(db: None) -> Campaign:
    """Of a workspace of its own, with recipients and a list."""
    use_case = make_use_case()
    campaign = make_campaign(use_case, make_recording(use_case.workspace))
    add_recipients(campaign, 2)
    make_import(campaign, LIST)
    upload_opt_outs(campaign.workspace, LIST)
    Withdrawal.objects.create(workspace=campaign.workspace, campaign=campaign, voicemail_ids=[])
    LaunchApproval.objects.create(campaign=campaign, kind="launch", people=2, above=1, version=b"v")
    return campaign


def address(route: str, campaign: Campaign) -> str:
    ids = {
        "campaign_id": campaign.pk,
        "import_id": campaign.imports.get().pk,
        "opt_out_list_id": OptOutImport.objects.get(workspace_id=campaign.workspace_id).pk,
        "withdrawal_id": campaign.withdrawals.get().pk,
    }
    return re.sub(r"<uuid:(\w+)>", lambda match: str(ids[match[1]]), route)


def state(media: Path) -> list[Any]:
    tables = (Campaign, Lane, LaunchApproval, RecipientImport, OptOutImport, Voicemail)
    rows: list[Any] = [list(table._default_manager.order_by("pk").values()) for table in tables]
    return [*rows, AuditEvent.objects.count(), sorted(file for file in media.rglob("*") if file.is_file())]


def test_the_table_of_routes_is_not_empty() -> None:
    assert {route for _, route, _ in ROUTES} == {str(pattern.pattern) for pattern in urls.urlpatterns}
    assert len(WITH_IDS) >= 26


def test_what_reaches_people_needs_a_scope_apart_from_what_prepares_it() -> None:
    for method, route, scope in ROUTES:
        if route.endswith(SENDING):
            assert scope is Scope.CAMPAIGNS_SEND
        elif route.endswith(("approval", "withdrawals")):
            assert scope is (Scope.CAMPAIGNS_READ if method in ("GET", "HEAD") else Scope.CAMPAIGNS_SEND)
        elif route.startswith("opt-out-lists"):
            taking_back = {"undo": Scope.OPT_OUTS_UNDO, "lift": Scope.SUPPRESSIONS_LIFT}
            changes = taking_back.get(route.rpartition("/")[2], Scope.OPT_OUTS_WRITE)
            assert scope is (Scope.OPT_OUTS_READ if method in ("GET", "HEAD") else changes)
        elif route == "people/search":
            assert scope is Scope.PEOPLE_READ
        elif route == "people/erase":
            assert scope is Scope.PEOPLE_ERASE
        else:
            assert scope is (Scope.CAMPAIGNS_READ if method in ("GET", "HEAD") else Scope.CAMPAIGNS_WRITE)


# A copy is another campaign.
CHANGING = [route for route in WITH_IDS if route[2] is Scope.CAMPAIGNS_WRITE and not route[1].endswith("/copy")]


@pytest.mark.parametrize(("method", "route", "scope"), CHANGING)
def test_what_is_to_be_sent_by_itself_is_changed_by_who_may_send_only(
    method: str, route: str, scope: Scope, campaign: Campaign, media: Path
) -> None:
    assert len(CHANGING) == 6
    Campaign.objects.update(state="scheduled")
    writer = make_api(campaign.workspace, scopes=[scope])
    before = state(media)
    body = {"starts_at": "2020-01-01T00:00:00Z"} if method == "PATCH" else {}
    response = writer.send(method, address(route, campaign), body)
    assert (response.status_code, response.json()["code"]) == (403, "missing_scope")
    assert state(media) == before
    both = make_api(campaign.workspace, scopes=[scope, Scope.CAMPAIGNS_SEND])
    assert both.send(method, address(route, campaign), {}).status_code != 403


@pytest.mark.parametrize(("method", "route", "scope"), WITH_IDS)
def test_another_workspaces_rows_do_not_exist(
    method: str, route: str, scope: Scope, api: Api, campaign: Campaign, media: Path
) -> None:
    before = state(media)
    response = api.send(method, address(route, campaign), {})
    assert response.status_code == 404
    assert state(media) == before
    if method != "HEAD":
        assert response.json()["code"] == "not_found"


@pytest.mark.parametrize(("method", "route", "scope"), [route for route in WITH_IDS if "import_id" in route[1]])
def test_an_import_is_found_under_its_own_campaign_only(
    method: str, route: str, scope: Scope, campaign: Campaign, media: Path
) -> None:
    other = make_campaign(campaign.use_case)
    path = address(route, campaign).replace(str(campaign.pk), str(other.pk))
    before = state(media)
    assert make_api(campaign.workspace).send(method, path, {}).status_code == 404
    assert [kept for kept in state(media)[:6]] == before[:6]


@pytest.mark.parametrize(("method", "route", "scope"), ROUTES)
def test_another_workspaces_address_does_not_exist(
    method: str, route: str, scope: Scope, campaign: Campaign, media: Path
) -> None:
    api = make_api(make_workspace())
    api.workspace_id = campaign.workspace_id
    before = state(media)
    assert api.send(method, address(route, campaign), {}).status_code == 404
    assert state(media) == before


@pytest.mark.parametrize(("method", "route", "scope"), ROUTES)
def test_a_key_without_the_scope_is_refused(
    method: str, route: str, scope: Scope, campaign: Campaign, media: Path
) -> None:
    api = make_api(campaign.workspace, scopes=[other for other in Scope if other is not scope])
    before = state(media)
    response = api.send(method, address(route, campaign), {})
    assert response.status_code == 403
    assert state(media) == before
    if method != "HEAD":
        assert response.json()["code"] == "missing_scope"
        assert scope.value in response.json()["detail"]


@pytest.mark.parametrize(("method", "route", "scope"), ROUTES)
def test_the_named_scope_is_enough(method: str, route: str, scope: Scope, campaign: Campaign) -> None:
    more = [Scope.NUMBERS_READ] if scope in (Scope.PEOPLE_READ, Scope.PEOPLE_ERASE) else []
    api = make_api(campaign.workspace, scopes=[scope, *more])
    # A body in JSON is not what an upload takes.
    expected = (415,) if (method, route) in UPLOADS else (200, 201, 204, 409, 422)
    assert api.send(method, address(route, campaign), {}).status_code in expected


@pytest.mark.parametrize(("method", "route", "scope"), ROUTES)
def test_without_a_key_nothing_is_answered(
    method: str, route: str, scope: Scope, campaign: Campaign, media: Path
) -> None:
    api = make_api(campaign.workspace)
    api.client = Client()
    before = state(media)
    assert api.send(method, address(route, campaign), {}).status_code == 401
    assert state(media) == before
