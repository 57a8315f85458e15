"""Who may log in: people. The service user behind an API key acts through its key only.

Beside the admin package, not in it: unfold loads this before its admin site is there to register with.
"""

from __future__ import annotations

from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import ValidationError
from unfold.forms import AuthenticationForm

from rvm.platform.models import User


class LoginForm(AuthenticationForm):
    def confirm_login_allowed(self, user: AbstractBaseUser) -> None:
        super().confirm_login_allowed(user)
        if isinstance(user, User) and user.is_service:
            raise ValidationError("This account acts for an API key and cannot log in.", code="service_user")
