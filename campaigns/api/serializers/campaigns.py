"""Serializers of campaigns, and of retries of their failed voicemails, in requests and responses."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from campaigns.api.serializers.fields import CountsField, KeptScriptField, ScriptField
from campaigns.models import Campaign
from campaigns.models.campaign import CANARY_SETTINGS, MAX_NAME_LENGTH
from campaigns.states import ApprovalKind, ApprovalState, CampaignState, CanaryState, RetryState
from delivery.api.serializers.voicemails import MADE_BY_TEST_KEY
from delivery.lifecycle.reasons import Reason
from delivery.models import Lane
from delivery.models.lane import LANE_SETTINGS
from rvm.platform.api.fields import IdField, MomentField, StrictModelSerializer, StrictSerializer, TextField, YesField
from rvm.platform.api.lists import WorldQuery
from rvm.platform.api.rows.serializers import FormerIdField, OptionalTextField, RowSerializer

CAMPAIGN_STATES = [state.value for state in CampaignState]
APPROVAL_STATES = [state.value for state in ApprovalState]
APPROVAL_KINDS = [kind.value for kind in ApprovalKind]
CANARY_STATES = [state.value for state in CanaryState]
RETRY_STATES = [state.value for state in RetryState]
REASONS = [reason.value for reason in Reason]


_CLOCK = "([01][0-9]|2[0-3]):[0-5][0-9]"
# RFC 3339, but that the offset may be left out.
_LOCAL_TIME = rf"^[0-9]{{4}}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T{_CLOCK}:[0-5][0-9](\.[0-9]+)?(Z|[+-]{_CLOCK})?$"


@extend_schema_field({"type": "string", "pattern": _LOCAL_TIME})
class LocalTimeField(MomentField):
    """A time with or without an offset. The service takes a time without one as local time in the campaign's time zone."""

    def enforce_timezone(self, value: datetime) -> datetime:
        if value.tzinfo is not None:
            return super().enforce_timezone(value)
        if not 1970 <= value.year < 9999:
            self.fail("overflow")  # outside these years the conversion to UTC can fail
        return value


class _OfCampaign(StrictModelSerializer):
    class Meta:
        model = Campaign
        fields = ("name", "time_zone", *CANARY_SETTINGS)


class _OfLane(StrictModelSerializer):
    class Meta:
        model = Lane
        fields = LANE_SETTINGS
        extra_kwargs: ClassVar[dict[str, Any]] = {
            "days": {
                "allow_empty": False,
                "error_messages": {"empty": "Name at least one weekday, or null for every day."},
            }
        }


class CampaignChanges(StrictSerializer):
    """The fields of a campaign that can be changed. The use case determines a setting that is null, and its limits always apply."""

    use_case_id = IdField(help_text="It cannot change once the campaign has recipients.")
    recording_id = IdField(required=False, allow_null=True, help_text="What everybody hears.")
    script = ScriptField(
        required=False,
        allow_null=True,
        help_text='Instead of one recording: its parts in order, each a clip, `{"clip": id}`, or chosen by a field of the list, '
        '`{"field": "first_name", "clips": {"ana": id}, "otherwise": id or null}`. In place of clips by value, `clips` may be a list '
        'of ids, each heard where the field says its name, or `"by_name"` for all clips that the script does not name elsewhere; '
        "answers have clips by value.",
    )
    starts_at = LocalTimeField(
        required=False,
        allow_null=True,
        help_text="A launched campaign waits until then. Without an offset it is a time in `time_zone`.",
    )
    ends_at = LocalTimeField(
        required=False,
        allow_null=True,
        help_text="Unsent voicemails expire then. Without an offset it is a time in `time_zone`.",
    )

    def get_fields(self) -> dict[str, Any]:
        """The fields above, plus those of the models' columns with their types, bounds and help texts."""
        of_campaign, of_lane = _OfCampaign().get_fields(), _OfLane().get_fields()
        return {"name": of_campaign.pop("name"), **super().get_fields(), **of_campaign, **of_lane}


class NewCampaign(CampaignChanges):
    """A campaign to create."""


class CampaignQuery(WorldQuery):
    state = serializers.ChoiceField(CAMPAIGN_STATES, required=False)
    use_case_id = IdField(required=False)
    setup_id = IdField(required=False, help_text="The use case's setup now.")
    created_after = MomentField(required=False, help_text="From this time on.")
    created_before = MomentField(required=False, help_text="Earlier than this.")


class VoicemailCountsField(CountsField):
    """The campaign's entry in `context["voicemails"]`, which has the form of `delivery.lane_totals.counts_of`."""

    def get_attribute(self, campaign: Campaign) -> dict[str, int]:
        counts: dict[str, int] = self.context["voicemails"][campaign.pk]
        return counts


class CanarySerializer(serializers.Serializer[Any]):
    state = serializers.ChoiceField(
        CANARY_STATES,
        source="canary.state",
        help_text="`under_way`: the others wait. `passed`: it went on by itself. `stopped`: it was paused. `overruled`: it was "
        "resumed all the same. `stalled`: they could not be sent to for too long, so it was paused; `resume` goes on with them. "
        "`ended`: over without a verdict.",
    )
    people = serializers.IntegerField(source="canary.people", help_text="How many people are tried first.")
    tried = serializers.IntegerField(source="found.tried", help_text="How many of them have been tried so far.")
    enough = serializers.IntegerField(help_text="How many final reports are waited for.")
    reported = serializers.IntegerField(source="found.reported", help_text="How many have a final report.")
    delivered = serializers.IntegerField(source="found.delivered")
    failed = CountsField("Those that failed, by reason.", source="found.failed")
    failed_of_sending = serializers.IntegerField(
        help_text="How many of these tell of the carrier, the account or the recording, which is what counts."
    )
    began_at = serializers.DateTimeField(source="canary.began_at")
    tried_at = serializers.DateTimeField(
        source="canary.tried_at",
        allow_null=True,
        help_text="When the last of them was tried; the wait counts from then.",
    )
    ended_at = serializers.DateTimeField(source="canary.ended_at", allow_null=True)
    message = OptionalTextField(
        help_text="What is waited for and since when, or the verdict, as sentences; null while everything goes its way."
    )


@extend_schema_field(CanarySerializer(allow_null=True))
class CanaryField(serializers.Field[Any, Any, Any, Any]):
    """The campaign's entry in `context["canaries"]`, if it has one."""

    def __init__(self, **options: Any) -> None:
        super().__init__(read_only=True, **options)

    def get_attribute(self, campaign: Campaign) -> Any:
        return self.context["canaries"].get(campaign.pk)

    def to_representation(self, progress: Any) -> Any:
        return CanarySerializer(progress).data


class CampaignSerializer(RowSerializer[Any]):
    beside = frozenset({"canary", "voicemails"})
    campaign_id = FormerIdField()
    name = serializers.CharField()
    state = serializers.ChoiceField(CAMPAIGN_STATES)
    live = serializers.BooleanField(source="lane.live", help_text=MADE_BY_TEST_KEY)
    use_case_id = serializers.UUIDField(source="lane.use_case_id")
    setup_id = serializers.UUIDField(source="lane.use_case.setup_id", help_text="The use case's setup now.")
    recording_id = serializers.UUIDField(allow_null=True)
    script = KeptScriptField(allow_null=True)
    time_zone = serializers.CharField()
    starts_at = serializers.DateTimeField(allow_null=True)
    ends_at = serializers.DateTimeField(allow_null=True)
    window_start = serializers.TimeField(source="lane.window_start", allow_null=True)
    window_end = serializers.TimeField(source="lane.window_end", allow_null=True)
    days = serializers.ListField(
        source="lane.days", child=serializers.IntegerField(), allow_null=True, help_text="1 is Monday."
    )
    pace_per_second = serializers.FloatField(source="lane.pace_per_second", allow_null=True)
    priority = serializers.IntegerField(source="lane.priority")
    max_attempts = serializers.IntegerField(source="lane.max_attempts", allow_null=True)
    retry_minutes = serializers.IntegerField(source="lane.retry_minutes", allow_null=True)
    canary_size = serializers.IntegerField(allow_null=True)
    canary_max_failed_percent = serializers.IntegerField()
    canary_wait_minutes = serializers.IntegerField()
    canary = CanaryField(help_text="The first people, who are tried before the others; null if there are none.")
    copied_from_id = serializers.UUIDField(allow_null=True, help_text="The campaign that it is a copy of.")
    copying = serializers.BooleanField(
        source="is_copying",
        help_text="Whether people who were not reached there are still being added; no launch before.",
    )
    voicemails = VoicemailCountsField("Its voicemails by status; statuses without voicemails are left out.")
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    launched_at = serializers.DateTimeField(allow_null=True, help_text="When sending began, or was scheduled to.")
    ended_at = serializers.DateTimeField(allow_null=True)


class RetryFailed(StrictSerializer):
    accept_duplicate_risk = YesField(
        default=False, help_text="Include those that may have reached the person; needs an additional scope."
    )
    reasons = serializers.ListField(
        default=list,
        child=serializers.ChoiceField(REASONS),
        max_length=len(REASONS),
        help_text="Only those that failed for one of these; an empty list means every reason that a retry can help.",
    )


class CopyCampaign(StrictSerializer):
    name = TextField(
        required=False, allow_blank=True, max_length=MAX_NAME_LENGTH, help_text="“Copy of …” if it is left out."
    )
    reasons = serializers.ListField(
        default=list,
        child=serializers.ChoiceField(REASONS),
        max_length=len(REASONS),
        help_text="Add those who were not reached for one of these reasons, such as `busy`, `expired` or `canceled`; without any, "
        "nobody is added.",
    )
    accept_duplicate_risk = YesField(
        default=False, help_text="Include those that may have been reached; needs an additional scope."
    )


class CampaignRetrySerializer(RowSerializer[Any]):
    retry_id = FormerIdField()
    state = serializers.ChoiceField(RETRY_STATES, help_text="While it is running, the counts grow.")
    reasons = serializers.ListField(
        child=serializers.CharField(), help_text="As asked for; an empty list means every reason that a retry can help."
    )
    accept_duplicate_risk = serializers.BooleanField()
    matching = serializers.IntegerField(
        help_text="Voicemails that had failed for these reasons at the request. At the end, those neither queued nor left out have "
        "changed their status meanwhile."
    )
    queued = serializers.IntegerField(help_text="Voicemails that were queued again so far.")
    left_out = CountsField(
        "Voicemails that were not queued again, by cause: `suppressed`, `attempts_used_up` after ten drops, `number_removed`, "
        "`recording_removed`, or `copied` into another campaign."
    )
    asked_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)
    stopped_because = OptionalTextField(help_text="Why it was stopped, as a sentence; null if it was not.")


class LaunchApprovalSerializer(RowSerializer[Any]):
    approval_id = FormerIdField()
    kind = serializers.ChoiceField(
        APPROVAL_KINDS,
        help_text="What it lets out: the launch, a retry of the failed, or going on after a change while paused.",
    )
    state = serializers.ChoiceField(
        APPROVAL_STATES,
        help_text="`approved`: it was let out in the same moment. `fallen`: what would be sent has changed since.",
    )
    people = serializers.IntegerField(help_text="How many people it was asked for.")
    approval_above = serializers.IntegerField(
        source="above", help_text="The workspace wanted a second person for more people than this."
    )
    reasons = serializers.ListField(child=serializers.CharField(), help_text="Of a retry: as asked for.")
    accept_duplicate_risk = serializers.BooleanField(help_text="Of a retry.")
    asked_at = serializers.DateTimeField()
    decided_at = serializers.DateTimeField(allow_null=True)
    remark = OptionalTextField(help_text="Why it was declined, or has fallen.")
