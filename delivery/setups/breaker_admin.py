"""Breaker of a setup in the admin: its state, and a button that closes it."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from unfold.decorators import display

from delivery.carriers import carrier_gone
from delivery.engine.circuit_breaker import State, state_of
from delivery.setups.services import close_breaker
from rvm.platform.admin.questions import Question, asks
from rvm.platform.admin.rights import acting_user
from rvm.platform.admin.scoping import ScopedModelAdmin
from rvm.platform.database.clock import database_now
from rvm.platform.errors import ServiceError
from rvm.platform.roles import Right
from rvm.platform.times import moments
from usecases.models import TelephonySetup


class SetupBreaker(ScopedModelAdmin):
    """Mixin for the ModelAdmin of setups. Closing requires POST, so that a link cannot trigger it."""

    def get_urls(self) -> list[URLPattern]:
        close = asks(self, self.close_breaker, self.about_closing)
        name = "usecases_telephonysetup_close_breaker"
        return [path("<uuid:object_id>/close-breaker/", close, name=name), *super().get_urls()]

    @display(description="Stopped after failures")
    def breaker(self, setup: TelephonySetup) -> str:
        state = state_of(setup, database_now())
        if setup.breaker_until is None:
            goes = setup.enabled and not setup.draining and setup.agreed and not carrier_gone(setup)
            return "no: attempts go out" if goes else "no"
        until = moments.moment_to_the_second(setup.breaker_until)
        waits = f"yes, until {until}" if state is State.OPEN else "one attempt is tried"
        return f"{waits}. {setup.breaker_reason}"

    def about_closing(self, request: HttpRequest, object_id: UUID) -> Question:
        setup = self._repaired(request, object_id)
        if setup.breaker_until is None:
            return Question("Send again now?", "Nothing of this setup is held back; attempts go out already.")
        return Question(
            f"Send through {setup.name} again now?",
            f"What waits is sent at once, through a carrier that failed: {setup.breaker_reason} Do it once the carrier or the "
            "account is put right; otherwise it stops again by itself, and what was refused meanwhile may have failed for good.",
            "Send again now",
        )

    def _repaired(self, request: HttpRequest, object_id: UUID) -> TelephonySetup:
        setup: TelephonySetup = self.get_object(request, str(object_id))
        if not self.may(Right.SET_UP, request, setup):
            raise PermissionDenied
        return setup

    def close_breaker(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        setup = self._repaired(request, object_id)
        try:
            close_breaker(setup=setup, actor=acting_user(request))
            messages.success(request, "It is tried again: what waits goes out now.")
        except ServiceError as refusal:
            messages.error(request, refusal.message)
        return redirect(reverse("admin:usecases_telephonysetup_change", args=[object_id]))
