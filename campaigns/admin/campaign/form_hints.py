"""Hints below a choice in the campaign form, updated when it changes: the policy of the use case, a player of the recording."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.views.decorators.http import require_safe

from campaigns.models import Campaign
from delivery.admin.player import player
from delivery.models import Recording
from delivery.recordings.recordings import measured
from rvm.platform.admin.large_tables import RecordAdmin
from rvm.platform.database.ids import id_in
from usecases.models import UseCase
from usecases.policy_text import policy_text
from usecases.rules_in_force import rules_in_force
from usecases.selectors import sender_numbers


class FormHints(RecordAdmin):
    """Mixin of the campaigns' ModelAdmin: the hints of the form."""

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("hints/use-case/", wrap(require_safe(self.about_use_case)), name="campaigns_campaign_use_case"),
            path("hints/recording/", wrap(require_safe(self.about_recording)), name="campaigns_campaign_recording"),
            *super().get_urls(),
        ]

    def hint(self, form: Any, campaign: Campaign | None) -> None:
        for name, address in (
            ("use_case", "campaigns_campaign_use_case"),
            ("recording", "campaigns_campaign_recording"),
        ):
            field = form.base_fields[name]
            asked = {"hx-get": reverse(f"admin:{address}"), "hx-trigger": "load, change", "hx-target": f"#about-{name}"}
            field.widget.attrs.update(asked)
            field.help_text = format_html('<span id="about-{}">{}</span>', name, _BEFORE[name])
        # Whoever comes back from the page that uploads a recording chooses it here, with what was typed meanwhile.
        query: dict[str, Any] = {"again": "1", **({"workspace": campaign.workspace_id} if campaign else {})}
        form.base_fields["recording"].help_text += format_html(
            '<span hx-get="{}?{}" hx-trigger="visibilitychange from:document" hx-include="[name=recording]" '
            'hx-target="#about-recording"></span>',
            reverse("admin:campaigns_campaign_recording"),
            urlencode(query),
        )

    def about_use_case(self, request: HttpRequest) -> HttpResponse:
        use_case = self._chosen(request, UseCase, "use_case")
        context: dict[str, Any] = {"use_case": use_case}
        if use_case:
            context |= {"senders": sender_numbers(use_case), "policy_text": policy_text(use_case, rules_in_force())}
        return TemplateResponse(request, "campaigns/admin/about_use_case.html", context)

    def about_recording(self, request: HttpRequest) -> HttpResponse:
        recording = self._chosen(request, Recording, "recording")
        context: dict[str, Any] = {"recording": recording, "player": player(measured(recording)) if recording else ""}
        if request.GET.get("again"):
            offered = self.choices(Recording, request)
            if workspace := id_in(request.GET.get("workspace", "")):
                offered = offered.filter(workspace=workspace)
            context["offered"] = offered
        return TemplateResponse(request, "campaigns/admin/about_recording.html", context)

    def _chosen(self, request: HttpRequest, model: Any, name: str) -> Any:
        try:
            return self.choices(model, request).filter(pk=request.GET.get(name) or None).first()
        except ValidationError:
            return None


_BEFORE = {
    "use_case": "Why and from whom people are reached. Once the campaign has recipients it stays.",
    "recording": "Leave it empty where each person's message is joined from clips.",
}
