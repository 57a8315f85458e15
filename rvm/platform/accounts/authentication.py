"""The check of a name and a password, the only one: every way to sign in with a password leads here."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from rvm.platform.accounts import limits, record
from rvm.platform.accounts.people import person_named
from rvm.platform.client_address import UNKNOWN, client_address
from rvm.platform.database.clock import database_now
from rvm.platform.models import User


class PasswordBackend(ModelBackend):
    """Accepts people by username or e-mail address, and no service user of an API key.

    An unknown name costs and counts what a known one does, and gets the same answers.
    """

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **credentials: Any
    ) -> User | None:
        """Raises ValidationError, before the password is looked at, while the account or the address has to wait."""
        if not username or password is None:
            return None
        user, now = person_named(username), database_now()
        account, address = limits.account_key(user, username), client_address(request) if request else UNKNOWN
        tried = limits.attempt(account, address, now)
        if tried.refused_for:
            raise ValidationError(too_many(tried.refused_for), code="too_many")
        if self._is_right(user, password):
            limits.succeed(tried, now)
            return user
        record.sign_in_failed(user, username, tried.then_wait)
        return None

    def _is_right(self, user: User | None, password: str) -> bool:
        if user is None:
            User().set_password(password)
            return False
        right = user.check_password(password) and self.user_can_authenticate(user)
        # The platform's operators keep a way in while the identity provider is away.
        return right and (user.is_superuser or not settings.RVM_OIDC_ONLY)


def too_many(wait: timedelta) -> str:
    return (
        f"Too many wrong passwords. Try again in {in_minutes(wait)}, ask for a new password, or ask an administrator of your "
        "workspace to let you in."
    )


def in_minutes(wait: timedelta) -> str:
    minutes = math.ceil(wait / limits.MINUTE)
    return f"{minutes} {'minute' if minutes == 1 else 'minutes'}"
