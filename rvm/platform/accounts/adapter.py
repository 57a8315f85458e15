"""How allauth's pages behave here: accounts are made by invitation, and addresses come from the deployment's own proxies."""

from __future__ import annotations

import time
from typing import Any

import structlog
from allauth.account import app_settings
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.forms import LoginForm
from allauth.account.internal.flows.login import get_authentication_records
from allauth.core import context
from allauth.mfa.utils import is_mfa_enabled
from django import forms
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from rvm.platform.accounts.single_sign_on.exchange import way_out
from rvm.platform.client_address import client_address

log = structlog.get_logger(__name__)


class AccountAdapter(DefaultAccountAdapter):
    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "username_password_mismatch": "There is no account with this name and password. Both may have small and capital letters.",
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Accounts are made by invitation."""
        return False

    def get_login_stages(self) -> list[str]:
        ours = "rvm.platform.accounts.single_sign_on.admission.SecondFactorStage"
        return [ours if each == "allauth.mfa.stages.AuthenticateStage" else each for each in super().get_login_stages()]

    def get_logout_redirect_url(self, request: HttpRequest) -> str:
        return way_out(request) or str(super().get_logout_redirect_url(request))

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, Any]]:
        names = {"reauthenticate": "Use your password instead", "mfa_reauthenticate": "Use a code instead"}
        found = super().get_reauthentication_methods(user)
        return [{**each, "description": names.get(each["id"], each["description"])} for each in found]

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """A person who has just signed in and enrols a first second factor has said the password a moment ago."""
        required: bool = super().is_reauthentication_required(app=app, **kwargs)
        if app != "allauth.mfa" or is_mfa_enabled(context.request.user):
            return required
        return required and not just_signed_in(context.request)

    def get_reset_password_from_key_url(self, key: str) -> str:
        """At the public address: the host of the request may be a proxy's, or made up."""
        uid, token = key.split("-", 1)
        path = reverse("account_reset_password_from_key", kwargs={"uidb36": uid, "key": token})
        return f"{settings.RVM_PUBLIC_URL}{path}"

    def send_notification_mail(self, *args: Any, **kwargs: Any) -> None:
        """What it tells of has happened, whether the message leaves or not."""
        try:
            super().send_notification_mail(*args, **kwargs)
        except OSError:
            log.exception("notification_not_sent")

    def get_client_ip(self, request: HttpRequest) -> str:
        return client_address(request)


def just_signed_in(request: HttpRequest) -> bool:
    records = get_authentication_records(request, request.user)
    now = time.time()  # noqa: TID251  # the clock by which allauth wrote the records
    return bool(records) and now - records[-1]["at"] < app_settings.REAUTHENTICATION_TIMEOUT


class SignInForm(LoginForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"] = forms.CharField(
            label="Username or e-mail address",
            max_length=254,
            widget=forms.TextInput({"autocomplete": "username", "autofocus": True}),
        )
        self.fields["password"].help_text = ""
        self.order_fields(["login", "password"])
