"""Voicemails in the admin with what this layer knows: their campaign, and the page of their recipient.

Voicemails belong to a lower layer, which must not import this one, so their ModelAdmin is registered again.
"""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from campaigns.models import Campaign
from delivery.admin.voicemails import VoicemailAdmin
from delivery.models import Voicemail

admin.site.unregister(Voicemail)


@admin.register(Voicemail)
class VoicemailsWithCampaigns(VoicemailAdmin):
    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        voicemail: Voicemail = self.get_object(request, object_id)
        context = {**(extra_context or {}), "person_address": reverse("person_of_voicemail", args=[voicemail.pk])}
        campaign = None if voicemail.lane.for_api else Campaign.objects.filter(pk=voicemail.lane_id).first()
        if campaign is not None:
            context["campaign_name"] = campaign.name
            context["campaign_address"] = reverse("admin:campaigns_campaign_change", args=[campaign.pk])
        return super().change_view(request, object_id, form_url, context)
