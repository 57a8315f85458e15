"""Requests of the API have no session, no person and no messages, whatever cookies they bring; pages have."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.factories import make_user, make_workspace


@pytest.mark.django_db
def test_a_session_opens_pages_and_is_not_read_for_the_api() -> None:
    client = Client()
    client.force_login(make_user(workspace=make_workspace()))
    page, answer = client.get("/admin/"), client.get("/v1/auth/me")
    assert answer.status_code == 401
    names = ("session", "user", "_messages")
    assert [hasattr(page.wsgi_request, name) for name in names] == [True] * 3
    assert not hasattr(answer.wsgi_request, "session") and not hasattr(answer.wsgi_request, "_messages")
    assert not answer.cookies and "Cookie" not in answer.get("Vary", "")
    assert answer["X-Frame-Options"] == page["X-Frame-Options"] and answer["X-Content-Type-Options"] == "nosniff"
