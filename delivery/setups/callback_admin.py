"""Callback addresses of a setup in the admin: made or replaced with a page that shows the new one once, and earlier ones ended."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from unfold.decorators import display

from rvm.platform.admin.questions import Question, asks
from rvm.platform.admin.rights import acting_user
from rvm.platform.admin.scoping import ScopedModelAdmin
from rvm.platform.database.clock import database_now
from rvm.platform.errors import ServiceError
from rvm.platform.roles import Right
from rvm.platform.times import moments
from usecases.callbacks.addresses import fixed_address
from usecases.models import TelephonySetup
from usecases.services.callback_secrets import (
    earlier_until,
    end_earlier_callback_secrets,
    fixed_address_since,
    rotate_callback_secret,
)

CHANGE = "admin:usecases_telephonysetup_change"


class SetupCallbackAddress(ScopedModelAdmin):
    """Mixin for the ModelAdmin of setups. Both actions require POST, so that a link cannot trigger them."""

    def get_urls(self) -> list[URLPattern]:
        name = "usecases_telephonysetup"
        return [
            path(
                "<uuid:object_id>/callback-address/",
                asks(self, self.make_callback_address, self.about_new_address),
                name=f"{name}_callback_address",
            ),
            path(
                "<uuid:object_id>/end-earlier-addresses/",
                asks(self, self.end_earlier_addresses, self.about_earlier_addresses),
                name=f"{name}_end_earlier_addresses",
            ),
            *super().get_urls(),
        ]

    @display(description="Callback address for the vendor's webhooks")
    def callback_address(self, setup: TelephonySetup) -> str:
        since, until = fixed_address_since(setup), earlier_until(setup, database_now())
        made = f"made {moments.moment(since)}, and shown then only" if since else "none was made"
        return f"{made}. Earlier addresses work until {moments.moment(until)}." if until else f"{made}."

    def about_new_address(self, request: HttpRequest, object_id: UUID) -> Question:
        setup = self._administered(request, object_id)
        return Question(
            f"Make a new callback address for {setup.name}?",
            "It is shown once, to be registered at the vendor. Earlier addresses work on for a while and then never again: results "
            "that come to them are not heard any more.",
            "Make a new address",
            variant="primary",
        )

    def about_earlier_addresses(self, request: HttpRequest, object_id: UUID) -> Question:
        setup = self._administered(request, object_id)
        if earlier_until(setup, database_now()) is None:
            return Question("End earlier addresses?", "No earlier address works; there is nothing to end.")
        return Question(
            f"End the earlier callback addresses of {setup.name} now?",
            "Right if somebody else knows one. Unsigned results that come to them are not heard from now on, also those of "
            "voicemails that are on their way.",
            "End earlier addresses now",
        )

    def make_callback_address(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        setup = self._administered(request, object_id)
        try:
            rotated = rotate_callback_secret(setup=setup, actor=acting_user(request))
        except ServiceError as refusal:
            messages.error(request, refusal.message)
            return redirect(reverse(CHANGE, args=[object_id]))
        context = {
            **self.admin_site.each_context(request),
            "title": "The new callback address",
            "setup": setup,
            "address": fixed_address(rotated.token),
            "earlier_until": rotated.earlier_until,
        }
        return TemplateResponse(
            request, "delivery/admin/callback_address_shown.html", context, headers={"Cache-Control": "no-store"}
        )

    def end_earlier_addresses(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        setup = self._administered(request, object_id)
        try:
            ended = end_earlier_callback_secrets(setup=setup, actor=acting_user(request))
        except ServiceError as refusal:
            messages.error(request, refusal.message)
        else:
            done = "Earlier addresses work no more." if ended else "No earlier address works; nothing was changed."
            messages.success(request, done)
        return redirect(reverse(CHANGE, args=[object_id]))

    def _administered(self, request: HttpRequest, object_id: UUID) -> TelephonySetup:
        setup: TelephonySetup = self.get_object(request, str(object_id))
        if not self.may(Right.ROTATE, request, setup):
            raise PermissionDenied
        return setup
