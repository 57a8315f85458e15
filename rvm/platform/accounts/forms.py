"""The form by which a person asks for a link to choose a new password."""

from __future__ import annotations

from typing import Any

import structlog
from allauth.account.forms import ResetPasswordForm as AllauthResetPasswordForm
from allauth.core import context
from django import forms
from django.conf import settings
from django.http import HttpRequest

from rvm.platform.accounts import limits
from rvm.platform.accounts.limits import DAY, HOUR, MINUTE, Limit
from rvm.platform.client_address import client_address
from rvm.platform.database.clock import database_now

log = structlog.get_logger(__name__)

# A clinic shares an address.
BY_ADDRESS = Limit(20, MINUTE, HOUR, HOUR)
TO_MAILBOX = Limit(3, 10 * MINUTE, HOUR, DAY)


class ResetPasswordForm(AllauthResetPasswordForm):
    """Sends one message for every request, also to unknown addresses, so that neither answer nor time tells accounts apart.

    A mailbox that has had some is sent no more for a while, and the page does not say so.
    """

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if not settings.RVM_SENDS_EMAIL:
            raise forms.ValidationError(
                "This deployment sends no e-mail. Ask an administrator of your workspace for a link."
            )
        if self.errors:
            return cleaned
        now = database_now()
        if limits.request("reset from", client_address(context.request), BY_ADDRESS, now).refused_for:
            raise forms.ValidationError("Too many requests came from your network. Try again in an hour.")
        if not limits.request("reset to", cleaned["email"].casefold(), TO_MAILBOX, now).refused_for:
            self._send(context.request)
        return cleaned

    def _send(self, request: HttpRequest) -> None:
        try:
            super().save(request)
        except OSError:
            log.exception("reset_not_sent")
            raise forms.ValidationError(
                "The message could not be sent. Try again later, or ask an administrator of your workspace for a link."
            ) from None

    def save(self, request: HttpRequest, **_: Any) -> str:
        """The message has been sent already, while its failure could still be told."""
        email: str = self.cleaned_data["email"]
        return email
