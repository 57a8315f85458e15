"""The time zone of the desk: each page shows and reads times in the zone of its person, who may choose it on a page.

Elsewhere, also in the API, in workers and in files that are sent while they are made, it stays UTC.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.mixins import LoginRequiredMixin
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.views.generic import FormView

from rvm.platform import audit
from rvm.platform.admin.pickers import ZoneField
from rvm.platform.admin.rights import acting_user, rights_of
from rvm.platform.times.zones import common_zone, person_zone, zone_name

_PAGES = ("/admin/", "/accounts/")


class TimeZoneMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        try:
            return self.get_response(request)
        finally:
            timezone.deactivate()  # the thread serves others

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> None:
        """Only for a session, because a look at the user makes a response depend on cookies."""
        if not request.path.startswith(_PAGES) or settings.SESSION_COOKIE_NAME not in request.COOKIES:
            return
        if request.user.is_authenticated:
            timezone.activate(person_zone(acting_user(request), rights_of(request).time_zones.values()))


class TimeZoneForm(forms.Form):
    def __init__(self, *args: Any, of_workspaces: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["time_zone"] = ZoneField(f"As my workspaces: {of_workspaces}")


class TimeZoneView(LoginRequiredMixin, FormView):
    template_name = "accounts/time_zone.html"
    form_class = TimeZoneForm

    def get_form_kwargs(self) -> dict[str, Any]:
        zone = common_zone(rights_of(self.request).time_zones.values())
        return {**super().get_form_kwargs(), "of_workspaces": zone_name(zone.key)}

    def get_initial(self) -> dict[str, Any]:
        return {"time_zone": acting_user(self.request).time_zone}

    @transaction.atomic
    def form_valid(self, form: TimeZoneForm) -> HttpResponse:
        user, chosen = acting_user(self.request), form.cleaned_data["time_zone"]
        if chosen != user.time_zone:
            changes = {"time_zone": [user.time_zone, chosen]}
            user.time_zone = chosen
            user.save(update_fields=["time_zone"])
            audit.record("user.updated", user, actor=user, workspace=None, name=user.get_username(), changes=changes)
        messages.success(self.request, "Your time zone is saved.")
        return super().form_valid(form)

    def get_success_url(self) -> str:
        return reverse("account_time_zone")
