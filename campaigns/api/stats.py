"""Views of a campaign's preview, its progress, and the export of its voicemails."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import ClassVar
from uuid import UUID

from django.http.response import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from campaigns.api import examples
from campaigns.api.base import CampaignsView
from campaigns.api.serializers.stats import (
    CampaignExportQuery,
    CampaignPreviewQuery,
    CampaignPreviewSerializer,
    CampaignProgressSerializer,
)
from campaigns.planning.plan import plan_of
from campaigns.planning.preview import preview
from campaigns.planning.progress import progress
from campaigns.selectors import retries
from delivery.api.exports import EXPORTED
from delivery.downloads import voicemail_download
from delivery.selectors.voicemails import voicemails
from rvm.platform.api.rendering import AnyAccept
from rvm.platform.database.clock import database_now
from rvm.platform.scopes import Scope

TAGS = ["Campaigns"]


class PreviewView(CampaignsView):
    required_scopes: ClassVar = {"GET": Scope.CAMPAIGNS_READ}
    heavy: ClassVar = frozenset({"GET"})
    query_class: ClassVar = CampaignPreviewQuery

    @extend_schema(
        operation_id="preview_campaign",
        summary="Preview a launch",
        description="How many people would be reached at once, how many later and when, and how many not at all and why, for a "
        "launch now or at `starts_at`. The decision is the same as the one before sending. Of people whose hours never meet it "
        "says why and what would heal it.",
        tags=TAGS,
        parameters=[CampaignPreviewQuery],
        responses={200: CampaignPreviewSerializer},
        examples=[examples.PREVIEW],
    )
    def get(self, request: Request, workspace_id: UUID, campaign_id: UUID) -> Response:
        query = self.query_class(data=request.query_params)
        query.is_valid(raise_exception=True)
        now = database_now()
        plan = plan_of(self.find_campaign(campaign_id), now, rehearsal=query.validated_data["rehearsal"])
        return Response(CampaignPreviewSerializer(preview(plan, now)).data)


class StatsView(CampaignsView):
    required_scopes: ClassVar = {"GET": Scope.CAMPAIGNS_READ}

    @extend_schema(
        operation_id="get_campaign_stats",
        summary="See how far a campaign is",
        description="Read from counters, so it can be polled every few seconds, whatever the size of the campaign.",
        tags=TAGS,
        responses={200: CampaignProgressSerializer},
        examples=[examples.STATS],
    )
    def get(self, request: Request, workspace_id: UUID, campaign_id: UUID) -> Response:
        campaign = self.find_campaign(campaign_id)
        data = {**asdict(progress(campaign, database_now())), "retry": retries(campaign).first()}
        return Response(CampaignProgressSerializer(data).data)


class ExportView(CampaignsView):
    required_scopes: ClassVar = {"GET": Scope.CAMPAIGNS_READ}
    heavy: ClassVar = frozenset({"GET"})
    query_class: ClassVar = CampaignExportQuery
    content_negotiation_class = AnyAccept

    @extend_schema(
        operation_id="export_campaign",
        summary="Export a campaign's voicemails",
        description="The same as `GET /voicemail/export` for this campaign: CSV with all its voicemails, newest first, with the "
        f"filters of the list. With the scope `{Scope.NUMBERS_READ.value}` recipients are not masked, and the merge fields of the "
        "lists are added.",
        tags=TAGS,
        parameters=[CampaignExportQuery],
        responses={(200, "text/csv"): EXPORTED},
    )
    def get(self, request: Request, workspace_id: UUID, campaign_id: UUID) -> HttpResponseBase:
        query = self.query_class(data=request.query_params)
        query.is_valid(raise_exception=True)
        self.ask_by_filters(query.filters, "CampaignExport")
        campaign = self.find_campaign(campaign_id)
        return voicemail_download(
            voicemails(self.workspace, replace(query.voicemail_filter(), campaign_id=campaign.pk), live=campaign.live),
            workspace=self.workspace,
            actor=self.actor,
            reveal=self.may_see_numbers,
            filters=query.filters,
            e164=query.e164,
            subject=campaign,
            called=(campaign.name,),
        )
