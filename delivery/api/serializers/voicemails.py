"""Serializers of voicemails and their drops in responses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from rest_framework import serializers

from delivery.api.serializers.eligibility import DECISIONS
from delivery.kept_decisions import after_hours, kept_decision
from delivery.lifecycle.reasons import Reason
from delivery.lifecycle.status import DropStatus, VoicemailStatus
from delivery.models import KeptDecision, Voicemail
from delivery.selectors.voicemails import drops_of
from rvm.platform.api.rows.serializers import FormerIdField, OptionalChoiceField, OptionalTextField, RowSerializer
from rvm.platform.audit.numbers_shown import whole

MADE_BY_TEST_KEY = "False if a test key created it: it is sent to the sandbox carrier only."
VOICEMAIL_STATUSES = [status.value for status in VoicemailStatus]
DROP_STATUSES = [status.value for status in DropStatus]
_REASONS = [reason.value for reason in Reason]
# What `VoicemailSerializer` shows is made of: columns of voicemails, and of the rows that they name.
SHOWN = (
    *(
        "id",
        "workspace_id",
        "setup_id",
        "use_case_id",
        "lane_id",
        "recording_id",
        "live",
        "recipient",
        "number_removed_at",
        "last4",
    ),
    *(
        "sender",
        "reference",
        "record_number",
        "metadata",
        "status",
        "reason",
        "carrier_code",
        "carrier_text",
        "attempts",
    ),
    *("not_before", "expires_at", "created_at", "sending_at", "accepted_at", "ended_at", "updated_at"),
)
SHOWN_OF_OTHERS = {
    "recording": ("assembled", "duration_ms"),
    "lane": ("for_api", "expires_at"),
    "setup": ("carrier",),
}


class VoicemailSerializer(RowSerializer[Voicemail]):
    beside = frozenset({"drops", "last_decision"})
    voicemail_id = serializers.UUIDField(source="pk", help_text="The same as `id`.")
    setup_id = serializers.UUIDField(
        help_text="The use case's setup at creation; `drops` have the setups that were used."
    )
    use_case_id = serializers.UUIDField()
    campaign_id = serializers.UUIDField(allow_null=True)
    recording_id = serializers.UUIDField(
        allow_null=True,
        help_text="Null, as is `duration_ms`, if it was joined for its person and the key may not see numbers: it may tell a name.",
    )
    live = serializers.BooleanField(help_text=MADE_BY_TEST_KEY)
    recipient_phone_number = OptionalTextField(
        help_text="Masked except for the last four digits, unless the key may see numbers; null once it is removed.",
    )
    number_removed_at = serializers.DateTimeField(
        allow_null=True,
        help_text="When number, record number and metadata were removed, with time or by an erasure of the person.",
    )
    sender_phone_number = OptionalTextField(
        help_text="A campaign's voicemail gets its sender when it is sent; null before."
    )
    reference = OptionalTextField()
    record_number = OptionalTextField(help_text="The patient's. Masked completely, unless the key may see numbers.")
    metadata = serializers.DictField(allow_null=True)
    status = serializers.ChoiceField(VOICEMAIL_STATUSES)
    reason = OptionalChoiceField(_REASONS, help_text="Why it ended in a status other than delivered, or waits again.")
    reason_detail = OptionalTextField()
    waiting_for = OptionalTextField(
        help_text="The reason of the guard that makes it wait until `not_before`, such as `outside_window`, or why its setup sends "
        "nothing new: `setup_draining`, `carrier_gone`, `ringing_not_allowed`; null if none does.",
    )
    carrier = serializers.CharField()
    carrier_code = OptionalTextField(help_text="The carrier's own code.")
    carrier_text = OptionalTextField(
        help_text="The carrier's message. Without a code it is RVM's own: why nothing was sent, or what keeps it waiting.",
    )
    attempts = serializers.IntegerField(help_text="The number of drops.")
    duration_ms = serializers.IntegerField(allow_null=True, help_text="Of the recording.")
    not_before = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(
        allow_null=True,
        help_text="A campaign's voicemail expires with the campaign; null before it has begun and once it is completed.",
    )
    created_at = serializers.DateTimeField(help_text="When it was queued.")
    sending_at = serializers.DateTimeField(allow_null=True, help_text="When the latest drop began.")
    accepted_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True, help_text="When it reached its final status.")
    updated_at = serializers.DateTimeField()

    def to_representation(self, voicemail: Voicemail) -> dict[str, Any]:
        """The fields above; the context has the other arguments of `represented`."""
        return represented(voicemail, reveal=self.context["reveal"], waiting_for=self.context["waiting_for"])


def represented(voicemail: Voicemail, *, reveal: bool, waiting_for: Mapping[UUID, str]) -> dict[str, Any]:
    """The fields of VoicemailSerializer. Phone and record numbers are masked unless `reveal`; `waiting_for` has reasons by id.

    It does not use the fields, because serializing the up to 200 rows of a page field by field took most of the request's time. A
    test compares its keys with the fields."""
    recording, lane, number = voicemail.recording, voicemail.lane, voicemail.recipient
    if number is not None:
        number = whole(number, voicemail.workspace_id) if reveal else voicemail.masked_recipient
    tells = reveal or not recording.assembled
    return {
        "id": voicemail.id,
        "voicemail_id": voicemail.id,
        "setup_id": voicemail.setup_id,
        "use_case_id": voicemail.use_case_id,
        "campaign_id": None if lane.for_api else voicemail.lane_id,
        "recording_id": recording.pk if tells else None,
        "live": voicemail.live,
        "recipient_phone_number": number,
        "number_removed_at": voicemail.number_removed_at,
        "sender_phone_number": voicemail.sender or None,
        "reference": voicemail.reference or None,
        "record_number": (voicemail.record_number if reveal else voicemail.masked_record_number) or None,
        "metadata": voicemail.metadata,
        "status": voicemail.status,
        "reason": voicemail.reason or None,
        "reason_detail": voicemail.reason_detail or None,
        "waiting_for": waiting_for.get(voicemail.id),
        "carrier": voicemail.setup.carrier,
        "carrier_code": voicemail.carrier_code or None,
        "carrier_text": voicemail.carrier_text or None,
        "attempts": voicemail.attempts,
        "duration_ms": recording.duration_ms if tells else None,
        "not_before": voicemail.not_before,
        "expires_at": voicemail.expiry,
        "created_at": voicemail.created_at,
        "sending_at": voicemail.sending_at,
        "accepted_at": voicemail.accepted_at,
        "ended_at": voicemail.ended_at,
        "updated_at": voicemail.updated_at,
    }


class DropSerializer(RowSerializer[Any]):
    drop_id = FormerIdField(
        help_text="The same as `id`: the idempotency key and reference that the carrier has for this attempt."
    )
    number = serializers.IntegerField(help_text="1 for the first attempt.")
    setup_id = serializers.UUIDField()
    carrier = serializers.CharField(source="setup.carrier")
    sender_phone_number = serializers.CharField(source="sender")
    status = serializers.ChoiceField(DROP_STATUSES)
    reason = OptionalChoiceField(_REASONS)
    reason_detail = OptionalTextField()
    carrier_code = OptionalTextField()
    carrier_text = OptionalTextField()
    carrier_reference = OptionalTextField()
    created_at = serializers.DateTimeField()
    accepted_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)


class KeptDecisionSerializer(serializers.Serializer[KeptDecision]):
    """The latest decision of the guards about a voicemail that was withheld, or sent at the end of its hours."""

    step = serializers.ChoiceField(
        KeptDecision.Step.values,
        help_text="What it was made for: a first request, a repeated one, or a new suppression of the number.",
    )
    decision = serializers.ChoiceField(DECISIONS)
    reason = OptionalTextField(help_text="Of the first guard that objected.")
    decided_at = serializers.DateTimeField()
    until = serializers.DateTimeField(allow_null=True, help_text="Of a deferral: when it is decided again.")
    hours_end = serializers.DateTimeField(
        allow_null=True,
        help_text="Of a voicemail that was sent shortly before it: when the allowed time ended where the person may be.",
    )
    after_hours = serializers.BooleanField(
        allow_null=True, help_text="Whether the carrier accepted or left it only after `hours_end`; null without one."
    )
    facts = serializers.DictField(
        help_text="What it was decided on: time zones, states, hours, versions of state rules and number plan, ids of suppressions; "
        "never a number, name or address."
    )

    def to_representation(self, kept: KeptDecision) -> dict[str, Any]:
        sent = kept.hours_end is not None
        return {
            "step": kept.step,
            "decision": kept.decision,
            "reason": kept.reason or None,
            "decided_at": kept.decided_at,
            "until": None if sent else kept.until,
            "hours_end": kept.hours_end,
            "after_hours": self.context["after_hours"],
            "facts": kept.known_facts,
        }


class VoicemailDetailSerializer(VoicemailSerializer):
    last_decision = KeptDecisionSerializer(
        allow_null=True, help_text="Null if the guards never withheld it, as with most voicemails that are sent."
    )
    drops = DropSerializer(many=True, help_text="The attempts, in order.")

    def to_representation(self, voicemail: Voicemail) -> dict[str, Any]:
        drops, kept = list(drops_of(voicemail)), kept_decision(voicemail)
        context = {"after_hours": after_hours(kept, drops) if kept else None}
        return {
            **super().to_representation(voicemail),
            "last_decision": KeptDecisionSerializer(kept, context=context).data if kept else None,
            "drops": DropSerializer(drops, many=True).data,
        }
