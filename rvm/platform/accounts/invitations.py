"""Invitations: an administrator of a workspace gives a role to an e-mail address, and whoever has the link takes it up, once.

The link is a secret that only its message has: the database has its hash. It ends by itself, by withdrawal, and when a newer one is
sent. Who has no account makes one with it and chooses the password; who has one signs in and joins.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from allauth.account.adapter import get_adapter
from django.conf import settings
from django.db import transaction
from django.urls import reverse

from rvm.platform import audit
from rvm.platform.accounts.people import person_named
from rvm.platform.database.clock import database_now
from rvm.platform.encryption.tokens import digest_of
from rvm.platform.errors import ServiceError
from rvm.platform.models import Invitation, Membership, User, Workspace
from rvm.platform.roles import Role

VALID_FOR = timedelta(days=7)
_TOKEN_BYTES = 32


def invite(
    workspace: Workspace, email: str, role: Role, *, may_see_numbers: bool, actor: User
) -> tuple[Invitation, str]:
    """A new invitation and its link. Raises ServiceError if the person is a member or invited already."""
    email = email.strip().lower()
    now = database_now()
    person = person_named(email)
    if person and Membership.objects.filter(workspace=workspace, user=person).exists():
        raise ServiceError(
            "conflict", "This person is a member of the workspace already; change that membership.", field="email"
        )
    if Invitation.objects.filter(workspace=workspace, email=email, accepted_at=None, withdrawn_at=None).exists():
        raise ServiceError("conflict", "This address is invited already; send that invitation again.", field="email")
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    with transaction.atomic():
        invitation = Invitation.objects.create(
            workspace=workspace,
            email=email,
            role=role,
            may_see_numbers=may_see_numbers,
            invited_by=actor,
            digest=digest_of(token),
            expires_at=now + VALID_FOR,
        )
        _record("user.invited", invitation, actor, role=role, may_see_numbers=may_see_numbers)
    return invitation, link(token)


def renew(invitation: Invitation, *, actor: User) -> str:
    """A new link; the one before ends. Raises ServiceError if the invitation has been accepted or withdrawn."""
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    with transaction.atomic():
        locked = _locked_open(invitation)
        locked.digest, locked.expires_at = digest_of(token), database_now() + VALID_FOR
        locked.save(update_fields=["digest", "expires_at"])
        _record("invitation.renewed", locked, actor)
    return link(token)


def withdraw(invitation: Invitation, *, actor: User) -> None:
    """Raises ServiceError if it has been accepted or withdrawn."""
    with transaction.atomic():
        locked = _locked_open(invitation)
        locked.withdrawn_at = database_now()
        locked.save(update_fields=["withdrawn_at"])
        _record("invitation.withdrawn", locked, actor)


def valid_invitation(token: str, now: datetime) -> Invitation | None:
    """The invitation that this link opens now."""
    found = Invitation.objects.filter(digest=digest_of(token), accepted_at=None, withdrawn_at=None, expires_at__gt=now)
    return found.select_related("workspace", "invited_by").first()


def accept(token: str, user: User) -> Membership:
    """Join the workspace. Raises ServiceError if the link is not valid any more; the account of a member stays as it is."""
    now = database_now()
    with transaction.atomic():
        # Of two acceptances at once, the second finds the invitation accepted.
        found = Invitation.objects.select_for_update().filter(digest=digest_of(token)).first()
        invitation = found and valid_invitation(token, now)
        if not invitation:
            raise ServiceError("conflict", "This invitation is no longer valid.")
        return _take_up(invitation, user, now)


def accept_as_new(token: str, email: str, first_name: str, last_name: str, password: str | None) -> User:
    """Make the account, which is named by its e-mail address, and join. Raises ServiceError as `accept`, and then makes none.

    Without a password the person signs in by the identity provider."""
    with transaction.atomic():
        user = _make_account(email, first_name, last_name, password)
        accept(token, user)
    return user


@transaction.atomic
def accept_at_address(email: str, first_name: str, last_name: str) -> User | None:
    """Make the account of a person whose address an identity provider has verified, and join where it is invited; None if nowhere."""
    email, now = email.strip().lower(), database_now()
    known = person_named(email)
    valid = Invitation.objects.filter(email=email, accepted_at=None, withdrawn_at=None, expires_at__gt=now)
    found = list(valid.select_for_update(of=("self",)).select_related("workspace").order_by("pk"))
    if known or not found:
        return None
    user = _make_account(email, first_name, last_name, None)
    for invitation in found:
        _take_up(invitation, user, now)
    return user


def send(invitation: Invitation, address: str) -> bool:
    """Send the link to the invited address; whether the server of e-mail took it."""
    if not settings.RVM_SENDS_EMAIL:
        return False
    context = {"invitation": invitation, "link": address, "days": VALID_FOR.days}
    try:
        get_adapter().send_mail("accounts/email/invitation", invitation.email, context)
    except OSError:
        return False
    return True


def link(token: str) -> str:
    """The token is in the query, which logs leave out."""
    return f"{settings.RVM_PUBLIC_URL}{reverse('account_invitation')}?token={token}"


def _make_account(email: str, first_name: str, last_name: str, password: str | None) -> User:
    user = User(username=email, email=email, first_name=first_name, last_name=last_name, is_staff=True)
    user.set_password(password)
    user.save()
    audit.record("user.created", user, actor=user, workspace=None, name=user.username)
    return user


def _take_up(invitation: Invitation, user: User, now: datetime) -> Membership:
    membership, joined = Membership.objects.get_or_create(
        workspace=invitation.workspace,
        user=user,
        defaults={"role": invitation.role, "may_see_numbers": invitation.may_see_numbers},
    )
    if not user.is_staff:
        user.is_staff = True
        user.save(update_fields=["is_staff"])
    invitation.accepted_at, invitation.accepted_by = now, user
    invitation.save(update_fields=["accepted_at", "accepted_by"])
    _record("invitation.accepted", invitation, user, membership=str(membership.pk), joined=joined)
    return membership


def _locked_open(invitation: Invitation) -> Invitation:
    locked = Invitation.objects.select_for_update(of=("self",)).select_related("workspace").get(pk=invitation.pk)
    if locked.accepted_at or locked.withdrawn_at:
        raise ServiceError("conflict", "This invitation has been accepted or withdrawn.")
    return locked


def _record(action: str, invitation: Invitation, actor: User, **details: object) -> None:
    audit.record(action, invitation, actor=actor, workspace=invitation.workspace, **details)
