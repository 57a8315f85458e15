"""The secret key is replaced while people are signed in and links are under way: what the one before signed holds."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from delivery.recordings.links import LinkMalformed, link, open_link
from tests.factories import make_recording, make_user, make_workspace
from tests.rvm.project.test_environment import start

pytestmark = pytest.mark.django_db
NEW = "the-new-secret-key-0123456789-abcdefghijklmnopqrstuvwxyz"


def token_of(address: str) -> str:
    return address.rsplit("/", 1)[1].removesuffix(".mp3")


@pytest.mark.parametrize("is_kept", [True, False])
def test_sessions_and_links_hold_while_the_old_key_is_among_the_fallbacks(settings: Any, is_kept: bool) -> None:
    client = Client()
    client.force_login(make_user(workspace=make_workspace(), is_staff=True))
    token = token_of(link(make_recording()))
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = NEW, [settings.SECRET_KEY] if is_kept else []
    assert client.get("/admin/").status_code == (200 if is_kept else 302)
    if is_kept:
        open_link(token)
        settings.SECRET_KEY_FALLBACKS = []
        # The session was signed anew by the request.
        assert client.get("/admin/").status_code == 200
    with pytest.raises(LinkMalformed):
        open_link(token)


def test_short_fallbacks_are_refused_without_repeating_them() -> None:
    assert start(RVM_SECRET_KEY_FALLBACKS=f"{NEW},{NEW}x").returncode == 0
    assert start(RVM_SECRET_KEY_FALLBACKS="").returncode == 0
    refused = start(RVM_SECRET_KEY_FALLBACKS=f"{NEW},hunter2")
    assert "RVM_SECRET_KEY_FALLBACKS: must be at least 50 characters each" in refused.stderr
    assert "hunter2" not in refused.stderr
