"""Administrators invite people; whoever has the link takes it up, once, with a password that nobody else knows."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.db.models import F
from django.test import Client
from django.urls import reverse

from rvm.platform.accounts import invitations
from rvm.platform.accounts.invitations import VALID_FOR
from rvm.platform.errors import ServiceError
from rvm.platform.models import AuditEvent, Invitation, Membership, User, Workspace
from rvm.platform.roles import Role
from tests.factories import make_user, make_workspace
from tests.rvm.platform.accounts.conftest import PASSWORD, sign_in, signed_in

pytestmark = pytest.mark.django_db

PAGE = "/accounts/invitation/"
EMAIL = "nora@clinic.example"
NEW = {
    "first_name": "Nora",
    "last_name": "Nurse",
    "password1": "quite-a-long-word-there",
    "password2": "quite-a-long-word-there",
}


@pytest.fixture
def ada(workspace: Workspace) -> User:
    return make_user(workspace=workspace, role=Role.ADMIN, username="ada", is_staff=True, password=None)


@pytest.fixture
def at_admin(client: Client, ada: User) -> Client:
    client.force_login(ada)
    return client


def invite(client: Client, workspace: Workspace, email: str = EMAIL, **fields: Any) -> Any:
    form = {"workspace": workspace.pk, "email": email, "role": Role.LAUNCHER, "may_see_numbers": "on", **fields}
    return client.post(reverse("admin:platform_invitation_add"), form)


def link_in(text: str) -> str:
    found = re.search(r"http://127\.0\.0\.1:8000(/accounts/invitation/\?token=[\w-]+)", text)
    assert found, text
    return found[1]


def sent_link() -> str:
    return link_in(mail.outbox[-1].body)


def act(client: Client, invitation: Invitation, name: str) -> Any:
    return client.post(reverse(f"admin:platform_invitation_{name}", args=[invitation.pk]))


def open_link(link: str, client: Client | None = None) -> tuple[Client, str]:
    client = client or Client()
    return client, client.get(link, follow=True).content.decode()


def actions() -> list[str]:
    return [*AuditEvent.objects.order_by("id").values_list("action", flat=True)]


# who invites


def test_an_administrator_of_a_workspace_invites_a_person_who_makes_an_account(
    at_admin: Client, workspace: Workspace, ada: User
) -> None:
    assert invite(at_admin, workspace, "Nora@Clinic.example").status_code == 302
    assert mail.outbox[0].to == [EMAIL]
    client, page = open_link(sent_link())
    assert "Welcome to" in page and "Launcher" in page
    assert client.post(PAGE, NEW)["Location"] == reverse("admin:index")
    nora = User.objects.get(username=EMAIL)
    assert (nora.email, nora.first_name, nora.is_staff, nora.is_superuser) == (EMAIL, "Nora", True, False)
    membership = Membership.objects.get(user=nora)
    assert (membership.workspace, membership.role, membership.may_see_numbers) == (workspace, Role.LAUNCHER, True)
    assert client.get("/admin/").status_code == 200
    told = ["user.invited", "user.created", "user.password_changed", "invitation.accepted", "user.signed_in"]
    assert [action for action in actions() if action in told] == [
        "user.invited", "user.password_changed", "user.created", "invitation.accepted", "user.signed_in",
    ]  # fmt: skip
    assert AuditEvent.objects.get(action="user.invited").actor == ada


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMIN])
def test_nobody_else_of_the_workspace_invites(client: Client, workspace: Workspace, role: Role) -> None:
    client.force_login(make_user(workspace=workspace, role=role, is_staff=True, password=None))
    assert invite(client, workspace).status_code == 403
    assert not Invitation.objects.exists()


def test_nobody_invites_into_a_workspace_of_others(at_admin: Client) -> None:
    assert invite(at_admin, make_workspace()).status_code == 200
    assert not Invitation.objects.exists()


def test_invitations_of_other_workspaces_are_not_found(at_admin: Client, ada: User) -> None:
    theirs, _ = invitations.invite(make_workspace(), EMAIL, Role.VIEWER, may_see_numbers=False, actor=ada)
    assert EMAIL not in at_admin.get(reverse("admin:platform_invitation_changelist")).content.decode()
    assert act(at_admin, theirs, "renew").status_code == act(at_admin, theirs, "withdraw").status_code == 404


def test_a_member_and_an_invited_person_are_not_invited_again(
    at_admin: Client, workspace: Workspace, maria: User
) -> None:
    assert "is a member of the workspace already" in invite(at_admin, workspace, maria.email).content.decode()
    invite(at_admin, workspace)
    assert "is invited already" in invite(at_admin, workspace, EMAIL.upper()).content.decode()
    assert Invitation.objects.count() == 1


# the link


def test_a_link_works_once(at_admin: Client, workspace: Workspace) -> None:
    invite(at_admin, workspace)
    client, _ = open_link(sent_link())
    client.post(PAGE, NEW)
    assert "no longer valid" in open_link(sent_link())[1]


def test_a_link_ends_after_a_week(at_admin: Client, workspace: Workspace) -> None:
    invite(at_admin, workspace)
    Invitation.objects.update(expires_at=F("expires_at") - VALID_FOR - timedelta(seconds=1))
    client, page = open_link(sent_link())
    assert "no longer valid" in page
    client.post(PAGE, NEW)
    assert not User.objects.filter(username=EMAIL).exists()


def test_a_withdrawn_invitation_opens_nothing_also_where_its_page_is_open(
    at_admin: Client, workspace: Workspace
) -> None:
    invite(at_admin, workspace)
    client, _ = open_link(sent_link())
    act(at_admin, Invitation.objects.get(), "withdraw")
    assert "no longer valid" in client.post(PAGE, NEW).content.decode()
    assert not User.objects.filter(username=EMAIL).exists()
    assert act(at_admin, Invitation.objects.get(), "renew").status_code == 403
    assert actions()[-1] == "invitation.withdrawn"


def test_sent_again_it_has_a_new_link_and_the_old_one_ends(at_admin: Client, workspace: Workspace) -> None:
    invite(at_admin, workspace)
    old = sent_link()
    act(at_admin, Invitation.objects.get(), "renew")
    assert "no longer valid" in open_link(old)[1]
    assert "Welcome" in open_link(sent_link())[1]


def test_the_database_has_no_link(at_admin: Client, workspace: Workspace) -> None:
    invite(at_admin, workspace)
    token = sent_link().partition("token=")[2]
    row = Invitation.objects.values().get()
    assert token not in str(row) and token not in str([*AuditEvent.objects.values()])


def test_the_link_is_in_no_log(at_admin: Client, workspace: Workspace, caplog: pytest.LogCaptureFixture) -> None:
    invite(at_admin, workspace)
    open_link(sent_link())
    assert sent_link().partition("token=")[2] not in caplog.text


@pytest.mark.parametrize("link", [PAGE, f"{PAGE}?token=", f"{PAGE}?token=guessed", f"{PAGE}?token=%00"])
def test_a_guess_opens_nothing(link: str) -> None:
    client, page = open_link(link)
    assert "no longer valid" in page
    assert "no longer valid" in client.post(PAGE, NEW).content.decode()


def test_without_a_server_of_email_the_inviter_is_shown_the_link_once(
    at_admin: Client, workspace: Workspace, settings: Any
) -> None:
    settings.RVM_SENDS_EMAIL = False
    shown = invite(at_admin, workspace)
    assert "no-store" in shown["Cache-Control"]
    assert "Welcome" in open_link(link_in(shown.content.decode()))[1]
    again = at_admin.get(reverse("admin:platform_invitation_change", args=[Invitation.objects.get().pk]))
    assert "token=" not in again.content.decode()


def test_a_server_that_does_not_answer_loses_no_invitation(
    at_admin: Client, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr("django.core.mail.backends.locmem.EmailBackend.send_messages", away)
    assert link_in(invite(at_admin, workspace).content.decode())


# who has an account


def test_a_person_who_has_an_account_signs_in_and_joins(at_admin: Client, maria: User) -> None:
    other = make_workspace()
    Membership.objects.create(workspace=other, user=User.objects.get(username="ada"), role=Role.ADMIN)
    invite(at_admin, other, maria.email, role=Role.VIEWER)
    client, page = open_link(sent_link())
    assert "You have an account already" in page
    assert client.post(PAGE, NEW).status_code == 200
    assert sign_in(client, password=PASSWORD, next=PAGE)["Location"] == PAGE
    assert "Join as maria" in client.get(PAGE).content.decode()
    assert client.post(PAGE)["Location"] == reverse("admin:index")
    assert Membership.objects.get(workspace=other, user=maria).role == Role.VIEWER
    assert maria.check_password(PASSWORD)


def test_who_is_a_member_keeps_the_role(at_admin: Client, workspace: Workspace, maria: User) -> None:
    Membership.objects.filter(user=maria).update(role=Role.VIEWER)
    invite(at_admin, workspace, role=Role.ADMIN)
    client = Client()
    client.force_login(maria)
    open_link(sent_link(), client)
    client.post(PAGE)
    assert Membership.objects.get(user=maria).role == Role.VIEWER


def test_a_person_who_left_has_no_access_until_invited_again(
    at_admin: Client, workspace: Workspace, maria: User
) -> None:
    membership = Membership.objects.get(user=maria)
    at_work = Client()
    at_work.force_login(maria)
    delete = reverse("admin:platform_membership_delete", args=[membership.pk])
    assert at_admin.post(delete, {"post": "yes"}).status_code == 302
    assert at_work.get("/admin/").status_code == 302
    back = Client()
    sign_in(back)
    assert signed_in(back)
    assert back.get("/admin/", follow=True).status_code == 403
    invite(at_admin, workspace, maria.email)
    open_link(sent_link(), back)
    back.post(PAGE)
    assert back.get("/admin/").status_code == 200


def test_a_weak_or_differing_password_makes_no_account(at_admin: Client, workspace: Workspace) -> None:
    invite(at_admin, workspace)
    client, _ = open_link(sent_link())
    for wrong in ({"password2": "another"}, {"password1": EMAIL, "password2": EMAIL}, {"first_name": ""}):
        page = client.post(PAGE, {**NEW, **wrong})
        assert page.context["form"].errors
    assert not User.objects.filter(username=EMAIL).exists()


def test_where_only_the_identity_provider_signs_in_no_password_is_asked(
    at_admin: Client, workspace: Workspace, settings: Any
) -> None:
    settings.RVM_OIDC_ONLY = True
    invite(at_admin, workspace)
    client, page = open_link(sent_link())
    assert "password" not in page.lower()
    assert client.post(PAGE, {"first_name": "Nora", "last_name": "Nurse"})["Location"] == reverse("account_login")
    assert not User.objects.get(username=EMAIL).has_usable_password()


def test_of_two_acceptances_one_holds(workspace: Workspace, ada: User, maria: User) -> None:
    _, link = invitations.invite(make_workspace(), EMAIL, Role.VIEWER, may_see_numbers=False, actor=ada)
    token = link.partition("token=")[2]
    invitations.accept(token, maria)
    with pytest.raises(ServiceError):
        invitations.accept_as_new(token, EMAIL, "Nora", "Nurse", NEW["password1"])
    assert not User.objects.filter(username=EMAIL).exists()
