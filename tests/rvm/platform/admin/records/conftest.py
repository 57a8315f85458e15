"""A workspace with two people, and events about what they did."""

from __future__ import annotations

import pytest
from django.test import Client

from rvm.platform.models import User, Workspace
from rvm.platform.roles import Role
from tests.factories import make_user, make_workspace

LIST = "/admin/platform/auditevent/"


@pytest.fixture
def workspace(db: None) -> Workspace:
    return make_workspace(name="Lakeside Clinic")


@pytest.fixture
def maria(workspace: Workspace) -> User:
    """An administrator of the workspace."""
    return make_user(
        workspace=workspace, is_staff=True, password=None, username="maria", first_name="Maria", last_name="Lopez"
    )


@pytest.fixture
def reader(workspace: Workspace) -> User:
    """Somebody who may only look."""
    return make_user(workspace=workspace, role=Role.VIEWER, is_staff=True, password=None, username="reader")


@pytest.fixture
def desk(maria: User) -> Client:
    return signed_in(maria)


def signed_in(user: User) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(user)
    return client
