"""Administrators let people in again who are locked out or forgot the password, and gain no account by it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from rvm.platform.models import AuditEvent, Membership, User, Workspace
from rvm.platform.roles import Role
from tests.factories import make_user, make_workspace
from tests.rvm.platform.accounts.conftest import let_in, tries

pytestmark = pytest.mark.django_db

HOME = "192.0.2.7"
CHOSEN = "quite-another-word-now"


@pytest.fixture
def at_admin(client: Client, workspace: Workspace) -> Client:
    client.force_login(make_user(workspace=workspace, role=Role.ADMIN, is_staff=True, password=None))
    return client


def press(client: Client, user: User, name: str) -> Any:
    return client.post(reverse(f"admin:platform_user_{name}", args=[user.pk]))


def buttons(client: Client, user: User) -> str:
    return client.get(reverse("admin:platform_user_change", args=[user.pk])).content.decode()


def test_an_administrator_lets_a_person_in_who_is_locked_out(at_admin: Client, maria: User) -> None:
    assert "Let in" not in buttons(at_admin, maria)
    for _ in range(6):
        tries(HOME, password="wrong")
    assert not let_in(HOME)
    assert "Let in" in buttons(at_admin, maria)
    assert press(at_admin, maria, "let_in").status_code == 302
    assert let_in(HOME)
    assert AuditEvent.objects.filter(action="user.let_in", subject_id=maria.pk).count() == 1


@pytest.mark.parametrize("name", ["let_in", "password_link"])
def test_nobody_else_does(maria: User, workspace: Workspace, name: str) -> None:
    for role in set(Role) - {Role.ADMIN}:
        client = Client()
        client.force_login(make_user(workspace=workspace, role=role, is_staff=True, password=None))
        assert press(client, maria, name).status_code == 403
    elsewhere = Client()
    elsewhere.force_login(make_user(workspace=make_workspace(), role=Role.ADMIN, is_staff=True, password=None))
    assert press(elsewhere, maria, name).status_code == 404


def link_of(page: Any) -> str:
    found = re.search(r"http://127\.0\.0\.1:8000(/accounts/password/reset/key/[\w-]+/)", page.content.decode())
    assert found
    return found[1]


def choose(path: str) -> Any:
    client = Client()
    page = client.get(path, follow=True)
    return client.post(page.request["PATH_INFO"], {"password1": CHOSEN, "password2": CHOSEN})


def test_an_administrator_makes_a_link_with_which_the_person_chooses_a_password(at_admin: Client, maria: User) -> None:
    shown = press(at_admin, maria, "password_link")
    assert "no-store" in shown["Cache-Control"]
    assert choose(link_of(shown)).status_code == 302
    assert let_in(HOME, password=CHOSEN)
    assert AuditEvent.objects.filter(action="user.password_link_made", subject_id=maria.pk).count() == 1


def test_nobody_gains_the_account_of_a_person_of_other_workspaces_too_or_of_a_superuser(
    at_admin: Client, maria: User, workspace: Workspace
) -> None:
    boss = make_user(workspace=workspace, is_superuser=True, is_staff=True, password=None)
    Membership.objects.create(workspace=make_workspace(), user=maria)
    for user in (boss, maria):
        assert press(at_admin, user, "password_link").status_code == 403
        assert "Make a link" not in buttons(at_admin, user)
    assert press(at_admin, maria, "let_in").status_code == 302


def test_a_superuser_makes_an_account_whose_person_chooses_the_first_password(client: Client) -> None:
    client.force_login(make_user(is_superuser=True, is_staff=True, password=None))
    form = {"username": "nora", "email": "nora@clinic.example", "is_staff": "on"}
    shown = client.post(reverse("admin:platform_user_add"), form)
    nora = User.objects.get(username="nora")
    assert nora.is_staff and not nora.has_usable_password()
    choose(link_of(shown))
    assert let_in(HOME, "nora", CHOSEN)
    assert 'name="password' not in client.get(reverse("admin:platform_user_add")).content.decode()
