"""allauth's pages of the second factor, with what happens on them on record."""

from __future__ import annotations

from typing import Any, ClassVar

from allauth.account.internal.flows.login import record_authentication
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.views import GenerateRecoveryCodesView, ViewRecoveryCodesView
from allauth.mfa.totp.views import ActivateTOTPView, DeactivateTOTPView
from django.conf import settings
from django.db import transaction
from django.http import HttpResponse
from django.urls import reverse

from rvm.platform import audit
from rvm.platform.accounts.second_factor import codes, guard
from rvm.platform.accounts.sessions import end_sessions


class EnrolView(ActivateTOTPView):
    """The first code counts as a sign-in with the second factor, and is used up by it."""

    @transaction.atomic
    def form_valid(self, form: Any) -> HttpResponse:
        response = super().form_valid(form)
        user = self.request.user
        row = Authenticator.objects.get(user=user, type=Authenticator.Type.TOTP)
        codes.remember(row, form.step)
        audit.record("second_factor.enrolled", user, actor=user, workspace=None)
        if self.did_generate_recovery_codes:
            audit.record("recovery_codes.created", user, actor=user, workspace=None)
        record_authentication(self.request, user, "mfa", id=row.pk, type=row.type, reauthenticated=True)
        return response


class RemoveView(DeactivateTOTPView):
    """Without a second factor, no other session goes on, and where one is required the next page asks for a new one."""

    extra_context: ClassVar[dict[str, Any]] = {"required": lambda: settings.RVM_REQUIRE_SECOND_FACTOR}

    @transaction.atomic
    def form_valid(self, form: Any) -> HttpResponse:
        user = self.request.user
        response = super().form_valid(form)
        audit.record("second_factor.removed", user, actor=user, workspace=None)
        guard.forget(self.request)
        end_sessions(user.pk, but=self.request.session.session_key)
        return response


class NewRecoveryCodesView(GenerateRecoveryCodesView):
    @transaction.atomic
    def form_valid(self, form: Any) -> HttpResponse:
        response = super().form_valid(form)
        audit.record("recovery_codes.created", self.request.user, actor=self.request.user, workspace=None)
        return response


class RecoveryCodesView(ViewRecoveryCodesView):
    """Leads on to the page that was wanted before the person had to enrol."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        context["onward"] = self.request.session.pop(guard.WANTED, None) or reverse("admin:index")
        return context
