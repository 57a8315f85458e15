"""Lanes in the admin with what this layer knows: the campaign of each, and its state in place of the hold.

Lanes belong to a lower layer, which must not import this one, so their ModelAdmin is registered again.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from unfold.decorators import display

from campaigns.admin.labels import STATE_COLOURS
from campaigns.models import Campaign
from campaigns.states import EDITABLE, CampaignState
from delivery.admin.lanes import CountedList, LaneAdmin
from delivery.models import Lane
from rvm.platform.admin.lists import RestrictedChangeList

admin.site.unregister(Lane)


class LanesOfCampaigns(CountedList):
    """Lanes of launched campaigns and of programs. That of a draft, or of what begins later, is held by design."""

    def get_queryset(self, request: HttpRequest, *args: Any, **kwargs: Any) -> QuerySet[Any]:
        found = super().get_queryset(request, *args, **kwargs)
        return found.exclude(pk__in=Campaign.objects.filter(state__in=EDITABLE).values("pk"))

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        campaigns = Campaign.objects.in_bulk([row.pk for row in self.result_list if not row.for_api])
        for row in self.result_list:
            row.campaign = campaigns.get(row.pk)


@admin.register(Lane)
class LanesWithCampaigns(LaneAdmin):
    list_display: ClassVar[Any] = (
        "named",
        "campaign_link",
        "state",
        "in_it",
        "pace_per_second",
        "priority",
        "workspace",
    )
    fields: ClassVar[Any] = ("named", "campaign_link", *LaneAdmin.fields[1:])
    readonly_fields: ClassVar[Any] = ("campaign_link", *LaneAdmin.readonly_fields)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[RestrictedChangeList]:
        return LanesOfCampaigns

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        lane = super().get_object(request, object_id, from_field)
        lane.campaign = Campaign.objects.filter(pk=lane.pk).first()
        return lane

    @display(description="Campaign")
    def campaign_link(self, lane: Any) -> str:
        if lane.campaign is None:
            return "-"
        address = reverse("admin:campaigns_campaign_change", args=[lane.pk])
        return format_html('<a class="text-link underline" href="{}">{}</a>', address, lane.campaign.name)

    @display(description="State", label={"open": "success", "held": "warning", **STATE_COLOURS})
    def state(self, lane: Any) -> str:
        paused = lane.campaign is not None and lane.campaign.state == CampaignState.PAUSED
        return CampaignState.PAUSED.value if paused else super().state(lane)
