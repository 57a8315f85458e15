"""The login form: it accepts people and refuses the service users behind API keys.

It is not in the admin package, because unfold imports this module before an admin site exists to register with.
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
