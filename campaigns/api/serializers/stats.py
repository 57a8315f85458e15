"""Serializers of a campaign's preview and progress, and of the filters of its export."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from campaigns.api.serializers.campaigns import CampaignRetrySerializer
from campaigns.api.serializers.fields import CountsField
from campaigns.api.serializers.imports import IMPORT_STATES
from campaigns.planning.closed_hours import TARGETS, Part
from delivery.api.serializers.filters import ExportQuery
from rvm.platform.api.fields import StrictSerializer, YesFilter
from rvm.platform.api.rows.serializers import OptionalTextField


class WindowOpeningSerializer(serializers.Serializer[Any]):
    at = serializers.DateTimeField()
    count = serializers.IntegerField(source="people")


class CampaignPreviewQuery(StrictSerializer):
    rehearsal = YesFilter(
        default=False,
        help_text="Whether a simulated setup is treated as one that reaches people, so that all guards bind. It changes nothing for "
        "others.",
    )


class HeldBackSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField()
    count = serializers.IntegerField(source="people")
    facts = serializers.DictField(
        help_text="What it was decided on: time zones, states, hours, versions; never a number, name or address."
    )


class ClosedGroupSerializer(serializers.Serializer[Any]):
    count = serializers.IntegerField(source="people")
    zones = serializers.ListField(child=serializers.CharField(), help_text="Time zones in which they may be.")
    states = serializers.ListField(
        child=serializers.CharField(), help_text="States in which they may be; none means that it may be any."
    )
    opens_at = serializers.DateTimeField(
        allow_null=True,
        help_text="Their first allowed time, after the end of the campaign; null if there is none at all.",
    )
    parts = serializers.ListField(
        child=serializers.ChoiceField(list(Part)),
        help_text="What closes their hours: each part without which alone they would be reached, or all that bind if none is.",
    )
    explanation = serializers.CharField(help_text="The same as a sentence.")


class ProposalSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    target = serializers.ChoiceField(
        TARGETS, help_text="What has to change: `PATCH` this campaign, or its use case, with `changes`."
    )
    text = serializers.CharField()
    count = serializers.IntegerField(source="people", help_text="People who could be reached then.")
    changes = serializers.DictField(help_text="The body of the PATCH.")


class ClosedSerializer(serializers.Serializer[Any]):
    count = serializers.IntegerField(source="people")
    groups = ClosedGroupSerializer(many=True, help_text="The largest groups, up to 20.")
    proposals = ProposalSerializer(
        many=True,
        help_text="Changes that have been tried on these people; of several fields where no fewer let so many be reached. "
        "Without one of the campaign, no hours, days and end that it may have let any of them be reached within 62 days.",
    )


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
    stopped = OptionalTextField(
        help_text="What keeps everybody waiting now, such as a switch that is off, as a sentence; the figures are for "
        "the time after that.",
    )
    simulated = serializers.BooleanField(
        help_text="Whether the carrier is simulated and reaches nobody: neither hours, days, holidays, state rules, caps nor the age "
        "of a consent bind then, except in a rehearsal."
    )
    rehearsal = serializers.BooleanField(help_text="Whether this is a rehearsal, in which all of these bind.")
    capped = serializers.IntegerField(
        help_text="People who have had as many messages at the start as the caps allow; they wait, and are counted in `later` and "
        "`expiring`."
    )
    capped_is_estimated = serializers.BooleanField(
        help_text="Whether `capped`, and when these people are reached, is estimated from a sample of a long list."
    )
    held_back = HeldBackSerializer(many=True, help_text="The largest groups of those who are skipped, up to 10.")
    closed = ClosedSerializer(
        help_text="People whose hours never meet before the end of the campaign, why, and what would heal it. They are among "
        "`expiring`."
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
