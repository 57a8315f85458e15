"""Pages about errors say what happened and lead on; the API keeps its problems."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.template.loader import get_template
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from rvm.platform.database.ids import uuid7
from rvm.platform.models import Workspace
from rvm.platform.roles import Role
from tests.factories import make_api, make_api_key, make_user

pytestmark = pytest.mark.django_db

FIRST_PAGE = 'href="/admin/"'


@pytest.fixture
def viewer(client: Client, workspace: Workspace) -> Client:
    client.force_login(make_user(workspace=workspace, role=Role.VIEWER, is_staff=True, username="vi", password=None))
    return client


def test_an_unknown_page_leads_to_the_first_one(client: Client) -> None:
    page = client.get("/no/such/page")
    assert page.status_code == 404
    assert "There is no such page" in page.content.decode()
    assert FIRST_PAGE in page.content.decode()


def test_a_page_that_the_role_does_not_allow_names_who_is_signed_in_and_the_way_out(viewer: Client) -> None:
    page = viewer.get(reverse("admin:platform_apikey_changelist"))
    assert page.status_code == 403
    text = page.content.decode()
    assert "An administrator of the workspace can give you another role." in text
    assert "You are signed in as vi." in text
    assert FIRST_PAGE in text and reverse("admin:logout") in text


def test_a_reason_that_somebody_wrote_is_shown(client: Client, workspace: Workspace) -> None:
    client.force_login(make_user(workspace=workspace, role=Role.ADMIN, is_staff=True, password=None))
    key, _ = make_api_key(workspace)
    revoke = reverse("admin:platform_apikey_revoke", args=[key.pk])
    client.post(revoke)
    assert "A revoked key stays revoked" in client.post(revoke).content.decode()


def test_a_form_with_an_old_token_is_told_to_be_opened_anew() -> None:
    page = Client(enforce_csrf_checks=True).post("/accounts/login/", {"login": "maria"})
    assert page.status_code == 403
    assert "nothing was saved" in page.content.decode()
    assert FIRST_PAGE in page.content.decode()


def test_the_address_of_a_button_opened_as_a_page_leads_on(viewer: Client) -> None:
    page = viewer.get(reverse("admin:platform_invitation_renew", args=[uuid7()]))
    assert page.status_code == 405
    assert "There is no page at this address" in page.content.decode()


def test_the_page_of_a_crash_needs_neither_a_request_nor_the_database() -> None:
    with CaptureQueriesContext(connection) as queries:
        assert FIRST_PAGE in get_template("500.html").render()
    assert not queries.captured_queries


NOBODY = "/v1/00000000-0000-0000-0000-000000000000"


@pytest.mark.parametrize(
    "path", ["/v1/", "/v1", "//v1/x", "/v1//x", f"{NOBODY}/nothing", f"{NOBODY}/voicemail/", "/v1/%2e%2e/x"]
)
@pytest.mark.parametrize("method", ["GET", "POST", "TRACE", "PROPFIND", "X"])
def test_the_api_has_problems_and_no_pages(client: Client, path: str, method: str) -> None:
    answer: Any = client.generic(method, "/", b"", "application/json", PATH_INFO=path)
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "PROPFIND", "X"])
def test_a_method_that_no_address_takes_is_refused(method: str, workspace: Workspace) -> None:
    api = make_api(workspace)
    answer: Any = api.client.generic(method, api.url("voicemail"))
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
