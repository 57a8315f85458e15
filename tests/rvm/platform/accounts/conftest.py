"""A person, and ways to try to be her."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from rvm.platform.database.clock import database_now
from rvm.platform.models import User, Workspace
from tests.factories import make_user

PASSWORD = "a-password-for-maria"
SIGN_IN = "/accounts/login/"


@pytest.fixture(autouse=True)
def _hashes_are_cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django.contrib.auth.hashers.PBKDF2PasswordHasher.iterations", 1)


@pytest.fixture
def maria(workspace: Workspace) -> User:
    return make_user(
        workspace=workspace, username="maria", email="maria@clinic.example", password=PASSWORD, is_staff=True
    )


def sign_in(client: Client, name: str = "maria", password: str = PASSWORD, **fields: str) -> Any:
    return client.post(SIGN_IN, {"login": name, "password": password, **fields})


def signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def tries(address: str, name: str = "maria", password: str = PASSWORD) -> Any:
    """A sign-in from an address, with a browser of its own."""
    return sign_in(Client(REMOTE_ADDR=address), name, password)


def let_in(address: str, name: str = "maria", password: str = PASSWORD) -> bool:
    return bool(tries(address, name, password).status_code == 302)


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[timedelta], None]:
    """Sets the clock of sign-ins forward."""
    ahead = timedelta()

    def go(by: timedelta) -> None:
        nonlocal ahead
        ahead += by

    for module in ("authentication", "record"):
        monkeypatch.setattr(f"rvm.platform.accounts.{module}.database_now", lambda: database_now() + ahead)
    return go
