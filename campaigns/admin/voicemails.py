"""Voicemails in the admin with what this layer knows: their campaign, what they wait for, and the page of their recipient.

Voicemails belong to a lower layer, which must not import this one, so their ModelAdmin is registered again.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from unfold.decorators import display

from campaigns.admin.labels import STATE_COLOURS, dated_name
from campaigns.admin.people.labels import PersonClock, when
from campaigns.models import Campaign
from campaigns.people.record import campaigns_of
from campaigns.states import CampaignState
from delivery.admin.colours import STATUS_COLOURS, worded
from delivery.admin.voicemail_filters import FILTERS, Choice, in_workspace, listed_workspaces
from delivery.admin.voicemails import VoicemailAdmin, VoicemailList
from delivery.lifecycle.status import VoicemailStatus
from delivery.models import Lane, Voicemail
from rvm.platform.admin.lists import RestrictedChangeList
from rvm.platform.database.clock import database_now
from rvm.platform.database.ids import ids_in

# A select with more entries is not usable. The page of an older campaign leads to its voicemails.
MAX_CAMPAIGNS = 200
_NONE = "none"
# Nothing is sent for a campaign in one of these states, so its voicemails are not said to be queued.
_WAITING_STATES = (CampaignState.DRAFT, CampaignState.SCHEDULED, CampaignState.PAUSED)
_WAITING_COLOURS = {state.value: STATE_COLOURS[state] for state in _WAITING_STATES if state in STATE_COLOURS}

admin.site.unregister(Voicemail)


class CampaignFilter(Choice):
    title, parameter_name, argument = "campaign", "campaign", "campaign_id"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The newest campaigns and the requested one."""
        known = Campaign.objects.filter(workspace__in=listed_workspaces(request)).order_by("-id")
        rows = list(known[:MAX_CAMPAIGNS])
        asked = ids_in(request.GET.getlist(self.parameter_name)[:1])
        rows += [row for row in known.filter(pk__in=asked) if row not in rows]
        named = [(str(row.pk), in_workspace(dated_name(row), row, request)) for row in rows]
        return [*named, (_NONE, "None, sent by programs")]

    def chosen(self, request: HttpRequest, queryset: QuerySet[Any], asked: str) -> QuerySet[Any]:
        if asked == _NONE:
            lanes = Lane.objects.filter(workspace__in=listed_workspaces(request), for_api=True)
            return queryset.filter(lane__in=list(lanes.values_list("pk", flat=True)))
        return super().chosen(request, queryset, asked)


class VoicemailsOfCampaigns(VoicemailList):
    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        campaigns, now = campaigns_of(self.result_list), database_now()
        for row in self.result_list:
            row.campaign = campaigns.get(row.lane_id)
            row.when = waits_for(row, row.campaign, now)


@admin.register(Voicemail)
class VoicemailsWithCampaigns(VoicemailAdmin):
    list_filter: ClassVar[Any] = (*FILTERS[:2], CampaignFilter, *FILTERS[2:])
    list_select_related: ClassVar[Any] = (*VoicemailAdmin.list_select_related, "lane")
    columns_of_above = ("campaign_link",)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[RestrictedChangeList]:
        return VoicemailsOfCampaigns

    @display(description="Campaign")
    def campaign_link(self, voicemail: Any) -> str:
        if voicemail.campaign is None:
            return "-"
        return format_html(
            '<a class="text-link underline" href="{}">{}</a>', _address(voicemail.campaign), voicemail.campaign.name
        )

    @display(description="Status", label={**STATUS_COLOURS, **_WAITING_COLOURS})
    def coloured(self, voicemail: Any) -> tuple[str, str]:
        return worded(status_shown(voicemail, voicemail.campaign))

    @display(description="Reason")
    def why(self, voicemail: Any) -> str:
        found = super().why(voicemail)
        said = voicemail.when or "-" if found == "-" else found
        return format_html('<div class="min-w-48 whitespace-normal">{}</div>', said) if said != "-" else said

    def called(self, request: HttpRequest) -> list[str]:
        campaign = Campaign.objects.filter(pk__in=ids_in([request.GET.get("campaign", "")]))
        return [*campaign.values_list("name", flat=True), *super().called(request)]

    def life(self, request: HttpRequest, voicemail: Voicemail) -> dict[str, Any]:
        campaign = campaigns_of([voicemail]).get(voicemail.lane_id)
        told = {
            **super().life(request, voicemail),
            "person_address": reverse("person_of_voicemail", args=[voicemail.pk]),
            "status": status_shown(voicemail, campaign),
            "when": waits_for(voicemail, campaign, database_now()),
        }
        if campaign is not None:
            told |= {"campaign_name": campaign.name, "campaign_address": _address(campaign)}
        if told["status"] in (CampaignState.DRAFT, CampaignState.SCHEDULED):
            first, *rest = told["events"]
            told["events"] = [replace(first, status=told["status"], text="Added to its campaign."), *rest]
        return told


def status_shown(voicemail: Voicemail, campaign: Campaign | None) -> str:
    """The voicemail's status, or while it waits for its campaign, the campaign's state."""
    waits = campaign is not None and voicemail.status == VoicemailStatus.QUEUED and campaign.state in _WAITING_STATES
    return campaign.state if campaign is not None and waits else voicemail.status


def waits_for(voicemail: Voicemail, campaign: Campaign | None, now: datetime) -> str:
    """The sentence that says when a queued voicemail goes, or what it waits for, by the reader's clock; empty for another."""
    if voicemail.status != VoicemailStatus.QUEUED:
        return ""
    return when(voicemail, campaign, now, PersonClock(""))


def _address(campaign: Campaign) -> str:
    return reverse("admin:campaigns_campaign_change", args=[campaign.pk])
