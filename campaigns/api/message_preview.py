"""View of the recordings for the first rows of a list, so that a user can listen to them before confirming the list."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from campaigns.api.base import CampaignsView
from campaigns.api.serializers.imports import MessagePreviewSerializer
from campaigns.imports.message_preview import MAX_ROWS, sample_of_list
from rvm.platform import audit
from rvm.platform.scopes import Scope


class MessagePreviewView(CampaignsView):
    required_scopes: ClassVar = {"GET": Scope.CAMPAIGNS_READ}
    heavy: ClassVar = frozenset({"GET"})

    @extend_schema(
        operation_id="get_import_recordings",
        summary="Listen to what the first rows would hear",
        description=f"The first {MAX_ROWS} rows of the list, each with its recording, which is joined now if it does not exist yet.",
        tags=["Recipient imports"],
        responses={200: MessagePreviewSerializer},
    )
    def get(self, request: Request, workspace_id: UUID, campaign_id: UUID, import_id: UUID) -> Response:
        recipient_import = self.find_import(self.find_campaign(campaign_id), import_id)
        reveal = self.may_see_numbers
        samples = sample_of_list(recipient_import)
        if not reveal:
            samples = [replace(sample, recording=None, link=None) for sample in samples]
        audit.record(
            "import.listened", recipient_import, actor=self.actor, workspace=self.workspace, numbers_shown=reveal
        )
        return Response(MessagePreviewSerializer({"items": samples}).data)
