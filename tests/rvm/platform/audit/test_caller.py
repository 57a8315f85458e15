"""An audit event names the API key and the address of the request in which it was recorded, and nobody's outside one."""

from __future__ import annotations

from typing import Any

import pytest
import structlog
from django.test import Client, RequestFactory

from rvm.platform import audit
from rvm.platform.audit.caller import authenticated_by, called_by
from rvm.platform.models import AuditEvent, Workspace
from tests.factories import Api, make_api_key, make_use_case, make_user

pytestmark = pytest.mark.django_db


def test_an_event_of_the_api_names_its_key_and_the_address_that_the_proxy_saw(
    api: Api, workspace: Workspace, settings: Any
) -> None:
    settings.RVM_PROXIES = 1
    use_case = make_use_case(workspace)
    headers = {"X-Forwarded-For": "6.6.6.6, 2001:db8:1:2:3:4:5:6"}
    response = api.client.patch(
        api.url(f"use-cases/{use_case.pk}"), {"name": "Flu shots"}, content_type="application/json", headers=headers
    )
    assert response.status_code == 200, response.content
    event = AuditEvent.objects.get(action="use_case.updated")
    assert (event.key_id, event.address) == (api.key.pk, "2001:db8:1:2:3:4:5:6")
    assert event.actor_id == api.key.user_id


def test_an_event_of_the_admin_names_the_address_and_no_key(workspace: Workspace) -> None:
    person = make_user(workspace=workspace, is_staff=True, is_superuser=True)
    client = Client(REMOTE_ADDR="198.51.100.2")
    client.force_login(person)
    client.post("/admin/platform/workspace/add/", {"name": "Lakeside", "slug": "lakeside"})
    event = AuditEvent.objects.get(action="workspace.created")
    assert (event.actor_id, event.key_id, event.address) == (person.pk, None, "198.51.100.2")


def test_after_a_request_its_caller_is_forgotten(api: Api, workspace: Workspace) -> None:
    assert api.get("use-cases").status_code == 200
    event = audit.record("tick.ran", workspace, actor=None, workspace=workspace)
    assert (event.key_id, event.address) == (None, None)


def test_log_lines_of_a_request_name_its_address_and_its_key(workspace: Workspace) -> None:
    key, _ = make_api_key(workspace)
    with called_by(RequestFactory().get("/", REMOTE_ADDR="198.51.100.2")):
        authenticated_by(key.pk)
        bound = structlog.contextvars.get_contextvars()
    assert (bound["address"], bound["key"]) == ("198.51.100.2", str(key.pk))
