"""Members over the API: those of the workspace, with what an administrator sees of each, in a fixed number of statements."""

from __future__ import annotations

import pytest
from allauth.mfa.models import Authenticator
from django.db import connection
from django.test.utils import CaptureQueriesContext

from rvm.platform.models import Membership
from rvm.platform.roles import Role
from tests.factories import Api, make_api, make_user

pytestmark = pytest.mark.django_db


def test_a_member_is_told_with_role_and_second_factor_and_since_when(api: Api) -> None:
    user = make_user(
        workspace=api.key.workspace,
        role=Role.LAUNCHER,
        username="ana",
        first_name="Ana",
        last_name="Alder",
        email="ana@clinic.example",
        may_see_numbers=True,
    )
    Authenticator.objects.create(user=user, type=Authenticator.Type.TOTP, data={})
    answer = api.get("members").json()
    [told] = answer["items"]
    membership = Membership.objects.get()
    assert told.pop("member_since") == membership.created_at.isoformat().replace("+00:00", "Z")
    assert told == {
        "id": str(membership.pk),
        "user_id": str(user.pk),
        "username": "ana",
        "name": "Ana Alder",
        "email": "ana@clinic.example",
        "role": "launcher",
        "may_see_numbers": True,
        "active": True,
        "second_factor": True,
    }
    assert (answer["has_more"], answer["continuation_token"]) == (False, None)


def test_others_are_not_listed_and_who_is_switched_off_is_told_so(api: Api) -> None:
    make_user(username="of-nowhere")
    make_user(workspace=make_api().key.workspace, username="of-another")
    left = make_user(workspace=api.key.workspace, username="left")
    make_user(workspace=api.key.workspace, username="off", is_active=False)
    Membership.objects.filter(user=left).delete()
    told = api.get("members").json()["items"]
    assert [(member["username"], member["active"], member["second_factor"]) for member in told] == [
        ("off", False, False)
    ]


def test_members_are_listed_newest_first_in_pages_and_by_role(api: Api) -> None:
    for name, role in (("a", Role.ADMIN), ("b", Role.VIEWER), ("c", Role.ADMIN)):
        make_user(workspace=api.key.workspace, username=name, role=role)
    first = api.get("members", limit=2).json()
    rest = api.get("members", limit=2, continuation_token=first["continuation_token"]).json()
    assert [member["username"] for member in first["items"] + rest["items"]] == ["c", "b", "a"]
    assert [member["username"] for member in api.get("members", role="admin").json()["items"]] == ["c", "a"]
    assert api.get("members", role="owner").status_code == 422


def test_members_cost_no_statement_each(api: Api) -> None:
    counts = []
    for _ in range(2):
        make_user(workspace=api.key.workspace)
        api.get("members")
        with CaptureQueriesContext(connection) as statements:
            assert api.get("members").status_code == 200
        counts.append(len(statements))
    assert counts[0] == counts[1]


def test_what_an_account_does_not_have_is_null(api: Api) -> None:
    make_user(workspace=api.key.workspace, username="plain", first_name="", last_name="", email="")
    [told] = api.get("members").json()["items"]
    assert (told["username"], told["name"], told["email"]) == ("plain", None, None)
