"""Serializers of a campaign's preview and progress, and of the filters of its export."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from campaigns.api.serializers.campaigns import CampaignRetrySerializer
from campaigns.api.serializers.fields import CountsField
from campaigns.api.serializers.imports import IMPORT_STATES
from delivery.api.serializers.filters import ExportQuery


class WindowOpeningSerializer(serializers.Serializer[Any]):
    at = serializers.DateTimeField()
    count = serializers.IntegerField(source="people")


class CampaignPreviewSerializer(serializers.Serializer[Any]):
    """The preview of a launch. `total` is the sum of `now`, the counts of `later` and of `skipped`, and `expiring`."""

    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()
    total = serializers.IntegerField()
    now = serializers.IntegerField(help_text="People who may be reached as soon as it starts.")
    later = WindowOpeningSerializer(
        many=True, help_text="People who may be reached from a later time on, such as their morning."
    )
    skipped = CountsField("People who will not be reached, by reason.")
    expiring = serializers.IntegerField(help_text="People whose turn would come after the end of the campaign.")
    finishes_at = serializers.DateTimeField(allow_null=True, help_text="When the last voicemail is sent, at this pace.")
    pace_per_second = serializers.FloatField()
    stopped = serializers.CharField(
        allow_blank=True,
        help_text="What keeps everybody waiting now, such as a switch that is off, as a sentence; the figures are for "
        "the time after that.",
    )
    simulated = serializers.BooleanField(
        help_text="Whether the carrier is simulated and reaches nobody: no hours, days, holidays or state rules bind then."
    )


class OpenImportSerializer(serializers.Serializer[Any]):
    import_id = serializers.UUIDField(source="id")
    file_name = serializers.CharField()
    state = serializers.ChoiceField(IMPORT_STATES)
    rows_read = serializers.IntegerField()
    rows_imported = serializers.IntegerField()


class CampaignProgressSerializer(serializers.Serializer[Any]):
    total = serializers.IntegerField()
    by_status = CountsField("Voicemails by status.")
    by_reason = CountsField("Voicemails by reason.")
    rate_per_second = serializers.FloatField(help_text="The recent rate, in voicemails per second.")
    finishes_at = serializers.DateTimeField(
        allow_null=True, help_text="An estimate; null if nothing waits or can be sent."
    )
    waiting_by_zone = serializers.DictField(
        child=serializers.IntegerField(),
        help_text="Queued voicemails by the time zones that the person may be in, joined by commas.",
    )
    open_imports = OpenImportSerializer(many=True)
    retry = CampaignRetrySerializer(
        allow_null=True, help_text="The last retry of failed voicemails; null if there was none."
    )


class CampaignExportQuery(ExportQuery):
    """The filters of the export of voicemails, without those that the campaign determines."""

    live = None  # type: ignore[assignment]
    campaign_id = None  # type: ignore[assignment]
    use_case_id = None  # type: ignore[assignment]
