"""The page on which people choose the time zone in which they see times."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.mixins import LoginRequiredMixin
from django.db import transaction
from django.http import HttpResponse
from django.urls import reverse
from django.views.generic import FormView

from rvm.platform import audit
from rvm.platform.admin.pickers import ZoneField
from rvm.platform.admin.rights import acting_user, rights_of
from rvm.platform.times.zones import common_zone, zone_name


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
