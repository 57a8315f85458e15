"""What the first rows of a list would hear, to be listened to before the list is confirmed."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from campaigns.api.base import CampaignsView
from campaigns.imports.message_preview import MAX_ROWS, sample_of_list
from campaigns.scripts.personalization import Sample
from rvm.platform import audit
from rvm.platform.scopes import Scope


class HeardRow(serializers.Serializer[Any]):
    """Either a recording or a `code`. Who may not see numbers is not told who hears what: the recording may name the person."""

    recording_id = serializers.UUIDField(allow_null=True)
    duration_ms = serializers.IntegerField(allow_null=True)
    audio_url = serializers.URLField(
        allow_null=True, help_text="Plays without a key for 15 minutes. Null unless the key may see numbers."
    )
    code = serializers.CharField(allow_blank=True, help_text="Why this row would be refused, such as `clip_missing`.")
    detail = serializers.CharField(allow_blank=True)


class HeardAnswer(serializers.Serializer[Any]):
    items = HeardRow(many=True, help_text="In the order of the rows of `sample`.")


class HeardView(CampaignsView):
    required_scopes: ClassVar = {"GET": Scope.CAMPAIGNS_READ}

    @extend_schema(
        operation_id="get_import_recordings",
        summary="Listen to what the first rows would hear",
        description=f"The first {MAX_ROWS} rows of the list, each with its recording, joined now where nobody has heard it yet.",
        tags=["Recipient imports"],
        responses={200: HeardAnswer},
    )
    def get(self, request: Request, workspace_id: UUID, campaign_id: UUID, import_id: UUID) -> Response:
        recipient_import = self.find_import(self.find_campaign(campaign_id), import_id)
        reveal = self.may_see_numbers
        items = [_heard(sample, reveal) for sample in sample_of_list(recipient_import)]
        audit.record(
            "import.listened", recipient_import, actor=self.actor, workspace=self.workspace, numbers_shown=reveal
        )
        return Response({"items": items})


def _heard(sample: Sample, reveal: bool) -> dict[str, Any]:
    recording = sample.recording if reveal else None
    return {
        "recording_id": recording.pk if recording else None,
        "duration_ms": recording.duration_ms if recording else None,
        "audio_url": sample.link if recording else None,
        "code": sample.code,
        "detail": sample.sentence,
    }
