"""Test of a setup in the admin: a button, and the test before a new setup or new credentials are enabled."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.views.decorators.http import require_POST
from unfold.decorators import display

from delivery.carriers.abilities import AccountCheck
from delivery.carriers.base import Carrier
from delivery.setups.connection_test import check_account, check_setup, keep_check
from delivery.setups.services import update_setup
from rvm.platform.admin.questions import page_of_row
from rvm.platform.admin.rights import acting_user
from rvm.platform.admin.scoping import ScopedModelAdmin
from rvm.platform.errors import ServiceError
from rvm.platform.request_values import RequestValue
from rvm.platform.roles import Right
from rvm.platform.times import moments
from usecases.models import TelephonySetup


@dataclass(frozen=True, slots=True)
class Enabling:
    """A setup that is saved and to be enabled once `carrier` is tested, with the credentials that replace its own, if any do."""

    setup: TelephonySetup
    carrier: Carrier = field(repr=False)
    credentials: dict[str, str] | None = field(default=None, repr=False)


_ENABLING = RequestValue[Enabling]("enabling")


class SetupConnectionTest(ScopedModelAdmin):
    """Mixin for the ModelAdmin of setups. A form is saved in one transaction, so what has to be tested is enabled after it."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(require_POST(self.test))
        return [path("<uuid:object_id>/test/", view, name="usecases_telephonysetup_test"), *super().get_urls()]

    @display(description="Last test of the credentials")
    def tested(self, setup: TelephonySetup) -> str:
        if setup.tested_at is None:
            return "not tested since they were entered"
        return f"{'passed' if setup.test_ok else 'failed'} {moments.moment(setup.tested_at)}. {setup.test_detail}"

    def test(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        setup: TelephonySetup = self.get_object(request, str(object_id))
        if not self.may(Right.SET_UP, request, setup):
            raise PermissionDenied
        try:
            found = check_setup(setup)
        except ServiceError as refusal:
            messages.warning(request, refusal.message)
        else:
            keep_check(setup, found, acting_user(request))
            held = found.ok and setup.enabled and setup.breaker_until is not None
            more = " It is still stopped after failures: “Send again now…” sends at once what waits." if held else ""
            (messages.success if found.ok else messages.error)(request, f"{found.detail}{more}")
        return redirect(page_of_row(self, object_id))

    def enable_after_test(self, request: HttpRequest, enabling: Enabling) -> None:
        """Have the setup tested and enabled once the form is saved."""
        _ENABLING.set(request, enabling)

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = super().changeform_view(request, *args, **kwargs)
        enabling = _ENABLING.get(request)
        if enabling is not None and response.status_code == 302:
            try:
                self._enable(request, enabling)
            except ServiceError as refusal:
                messages.error(request, f"It is not enabled: {refusal.message}")
        return response

    def _enable(self, request: HttpRequest, enabling: Enabling) -> None:
        setup, carrier, actor = enabling.setup, enabling.carrier, acting_user(request)
        found = check_account(carrier) if isinstance(carrier, AccountCheck) else None
        if found is not None and not found.ok:
            if enabling.credentials is None:
                keep_check(setup, found, actor)
                messages.error(request, f"It is not enabled, because its test failed: {found.detail}")
            else:
                messages.error(
                    request,
                    f"All but the new credentials was saved, because their test failed: {found.detail} To save them regardless, "
                    "switch “enabled” off.",
                )
            return
        enabled = update_setup(setup=setup, credentials=enabling.credentials, actor=actor, enabled=True)
        if found is not None:
            keep_check(enabled, found, actor)
            messages.success(request, f"Tested and enabled: {found.detail}")
        else:
            labels = ", ".join(each.label for each in carrier.credential_fields if carrier.credentials.get(each.name))
            messages.warning(
                request,
                f"Enabled without a test, because {carrier.label} offers none that reaches nobody. Untested: {labels}. Send a "
                "voicemail to a phone of yours.",
            )
