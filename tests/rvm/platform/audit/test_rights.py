"""A change of rights is on record: whose, from what to what, and who it was is known after the row is gone."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from rvm.platform.models import AuditEvent, Membership, User, Workspace
from rvm.platform.roles import Role
from tests.factories import make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def chief(workspace: Workspace) -> Client:
    client = Client()
    client.force_login(make_user(workspace=workspace, is_staff=True, is_superuser=True, password=None))
    return client


@pytest.fixture
def nurse(workspace: Workspace) -> Membership:
    user = make_user(workspace=workspace, role=Role.VIEWER, username="nora", password=None)
    return user.memberships.get()


def event(action: str) -> AuditEvent:
    return AuditEvent.objects.get(action=action)


def test_a_changed_membership_says_whose_rights_went_from_what_to_what(
    chief: Client, nurse: Membership, workspace: Workspace
) -> None:
    answer = chief.post(
        f"/admin/platform/membership/{nurse.pk}/change/", {"role": Role.LAUNCHER.value, "may_see_numbers": "on"}
    )
    assert answer.status_code == 302, answer.content
    told = event("membership.updated")
    assert told.workspace_id == workspace.pk
    assert told.details == {
        "name": f"nora in {workspace}",
        "user_id": str(nurse.user_id),
        "username": "nora",
        "changes": {"may_see_numbers": ["False", "True"], "role": ["viewer", "launcher"]},
    }


def test_after_a_membership_is_deleted_its_event_says_whose_it_was_and_what_it_allowed(
    chief: Client, nurse: Membership
) -> None:
    Membership.objects.filter(pk=nurse.pk).update(may_see_numbers=True)
    chief.post(f"/admin/platform/membership/{nurse.pk}/delete/", {"post": "yes"})
    assert not Membership.objects.filter(pk=nurse.pk).exists()
    details = event("membership.deleted").details
    assert (details["username"], details["user_id"]) == ("nora", str(nurse.user_id))
    assert (details["was"]["role"], details["was"]["may_see_numbers"]) == ("viewer", "True")


@pytest.mark.parametrize("right", ["is_superuser", "is_active"])
def test_a_changed_account_says_which_right_changed(chief: Client, nurse: Membership, right: str) -> None:
    user = nurse.user
    body = {
        name: "on" for name in ("is_active", "is_staff", "is_superuser") if bool(getattr(user, name)) != (name == right)
    }
    answer = chief.post(
        f"/admin/platform/user/{user.pk}/change/", {"first_name": "", "last_name": "", "email": "", **body}
    )
    assert answer.status_code == 302, answer.content
    told = event("user.updated")
    assert told.details["name"] == "nora" and told.subject_id == user.pk
    assert told.details["changes"][right] == [str(getattr(user, right)), str(not getattr(user, right))]


def test_a_switch_of_a_workspace_says_what_it_was(chief: Client, workspace: Workspace) -> None:
    page = chief.get(f"/admin/platform/workspace/{workspace.pk}/change/")
    form = page.context["adminform"].form
    body: dict[str, Any] = {name: value for name, value in form.initial.items() if value not in (None, False, [])}
    body.pop("sending_enabled")
    answer = chief.post(f"/admin/platform/workspace/{workspace.pk}/change/", body)
    assert answer.status_code == 302, answer.content
    assert event("workspace.updated").details["changes"] == {"sending_enabled": ["True", "False"]}


def test_a_password_that_an_administrator_sets_is_on_record_without_the_password(
    chief: Client, nurse: Membership
) -> None:
    new = "a-long-enough-one-2026"
    answer = chief.post(
        f"/admin/platform/user/{nurse.user_id}/password/",
        {"password1": new, "password2": new, "usable_password": "true"},
    )
    assert answer.status_code == 302, answer.content
    told = event("user.password_changed")
    assert told.subject_id == nurse.user_id and told.actor is not None and told.actor != nurse.user
    assert User.objects.get(pk=nurse.user_id).check_password(new)
    assert not any(new in str(one.details) for one in AuditEvent.objects.all())
