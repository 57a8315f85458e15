"""What happens to accounts, for the audit: who signs in and out, who fails, whose password changes.

Of an unknown name there is a keyed hash only, as the subject's id: a password may have been typed where the name belongs, and the
same name has the same id.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from allauth.account import signals
from allauth.core import context
from django.contrib.auth.signals import user_logged_out
from django.db.models import Model
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from rvm.platform import audit
from rvm.platform.accounts import limits
from rvm.platform.client_address import client_address
from rvm.platform.database.clock import database_now
from rvm.platform.models import User


def sign_in_failed(user: User | None, name: str, then_wait: timedelta, **details: Any) -> None:
    """A wrong password or code, and the lock-out if the account or the address now has to wait."""
    subject, details = user or _unknown(name), {"known": user is not None, **details}
    _record("user.sign_in_failed", subject, **details)
    if then_wait:
        _record("user.locked_out", subject, **details, seconds=int(then_wait.total_seconds()))


def _unknown(name: str) -> User:
    digest = salted_hmac("rvm.unknown-name", name.casefold(), algorithm="sha256").digest()
    return User(pk=UUID(bytes=digest[:16]))


def _record(action: str, subject: Model, *, actor: User | None = None, **details: Any) -> None:
    audit.record(action, subject, actor=actor or _signed_in_user(), workspace=None, **details)


def _signed_in_user() -> User | None:
    """The user of the request that is being answered, if there is one."""
    user = getattr(context.request, "user", None)
    return user if isinstance(user, User) else None


@receiver(signals.user_logged_in)
def _signed_in(request: HttpRequest, user: User, **details: Any) -> None:
    limits.trust(user, client_address(request), database_now())
    by = {"by": "single_sign_on"} if details.get("sociallogin") else {}
    _record("user.signed_in", user, actor=user, **by)


@receiver(user_logged_out)
def _signed_out(user: User | None, **_: Any) -> None:
    if isinstance(user, User):
        _record("user.signed_out", user, actor=user)


@receiver(signals.password_reset)
def _reset(request: HttpRequest, user: User, **_: Any) -> None:
    """A person who reads the account's mail is let in from here."""
    now = database_now()
    limits.clear(user, now)
    limits.trust(user, client_address(request), now)
    _record("user.password_reset", user, actor=user)


class PasswordChangeRecorder:
    """A password validator that accepts every password: Django tells validators of each change, however it is made."""

    def validate(self, password: str, user: User | None = None) -> None:
        return None

    def password_changed(self, password: str, user: User | None = None) -> None:
        if user is not None and not user.is_service:
            _record("user.password_changed", user)

    def get_help_text(self) -> str:
        return "When it changes, you are signed out everywhere else."
