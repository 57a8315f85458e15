"""The forms into which codes are written: allauth's, with codes that are used once and tries that are counted in PostgreSQL."""

from __future__ import annotations

from typing import Any

from allauth.core import context
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.totp.internal.auth import SECRET_SESSION_KEY, generate_totp_secret
from django import forms
from django.core.exceptions import ValidationError

from rvm.platform.accounts import limits, record
from rvm.platform.accounts.authentication import in_minutes
from rvm.platform.accounts.second_factor import codes
from rvm.platform.accounts.second_factor.secrets import seal, unseal
from rvm.platform.client_address import client_address
from rvm.platform.database.clock import database_now
from rvm.platform.encryption.crypto import Undecryptable
from rvm.platform.models import User

TOO_MANY = "Too many wrong codes. Try again in {}, or ask an administrator of your workspace to let you in."
UNREADABLE = "The second factor of this account cannot be read any more. Ask an administrator to reset it."


def code_field(label: str) -> forms.CharField:
    return forms.CharField(
        label=label,
        max_length=40,
        widget=forms.TextInput({"autocomplete": "one-time-code", "inputmode": "numeric", "autofocus": True}),
    )


class _UsesCodeUp(forms.Form):
    user: User

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"] = code_field("Code")

    def clean_code(self) -> str:
        code, now = self.cleaned_data["code"], database_now()
        tried = limits.attempt(limits.code_key(self.user), client_address(context.request), now)
        if tried.refused_for:
            raise ValidationError(TOO_MANY.format(in_minutes(tried.refused_for)), code="too_many")
        try:
            found = codes.use(self.user, code, now)
        except Undecryptable as error:
            raise ValidationError(UNREADABLE, code="unreadable") from error
        if found is None:
            record.sign_in_failed(self.user, "", tried.then_wait, step="second_factor")
            raise get_adapter().validation_error("incorrect_code")
        limits.succeed(tried, now)
        self.authenticator = found
        found.user = self.user
        return str(code)


class SignInCodeForm(_UsesCodeUp, AuthenticateForm):
    """The second step of signing in."""


class AgainCodeForm(_UsesCodeUp, ReauthenticateForm):
    """A code again, before something that only the person may do."""


class EnrolForm(forms.Form):
    """A first code, which shows that the app has the secret; until then the session holds it, encrypted."""

    code = code_field("Code that the app shows")

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        session = context.request.session
        sealed = session.get(SECRET_SESSION_KEY) if self.is_bound else None
        if sealed is None:
            sealed = session[SECRET_SESSION_KEY] = seal(generate_totp_secret(), user.pk)
        self.secret = unseal(sealed)

    def clean_code(self) -> str:
        code: str = self.cleaned_data["code"]
        step = codes.step_of(self.secret, code, database_now())
        if step is None:
            raise get_adapter().validation_error("incorrect_code")
        self.step = step
        return code
