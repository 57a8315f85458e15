"""The check of a name and a password, the only one: every way to sign in with a password leads here."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest

from rvm.platform.accounts.people import person_named
from rvm.platform.models import User


class PasswordBackend(ModelBackend):
    """Accepts people by username or e-mail address, and no service user of an API key.

    An unknown name costs one hash, as a known one does, and gets the same answer.
    """

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **credentials: Any
    ) -> User | None:
        if not username or password is None:
            return None
        user = person_named(username)
        if user is None:
            User().set_password(password)
            return None
        return user if user.check_password(password) and self.user_can_authenticate(user) else None
