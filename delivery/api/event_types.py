"""Types of the events of this layer: what becomes of voicemails, and recordings that a carrier refuses."""

from __future__ import annotations

from rest_framework import serializers

from delivery.lifecycle.reasons import Reason
from delivery.lifecycle.status import VoicemailStatus
from rvm.platform.api.rows.serializers import OptionalChoiceField
from rvm.platform.events.types import EventType

# A voicemail that is being sent is told once it is known what became of that.
TOLD = [status for status in VoicemailStatus if status is not VoicemailStatus.SENDING]
_DESCRIPTIONS = {
    VoicemailStatus.QUEUED: "A failed voicemail is queued again, because somebody retries it.",
    VoicemailStatus.UNCERTAIN: "The carrier may or may not have taken the voicemail; it is being found out.",
    VoicemailStatus.ACCEPTED: "The carrier has taken the voicemail and will report what becomes of it.",
    VoicemailStatus.DELIVERED: "The carrier reports that the message is in the mailbox.",
    VoicemailStatus.FAILED: "The message was not left; the reason says why. A late report can still correct a guess.",
    VoicemailStatus.SKIPPED: "The person must not be reached, so nothing was sent; the reason says why.",
    VoicemailStatus.CANCELED: "The voicemail was withdrawn before it was sent.",
    VoicemailStatus.EXPIRED: "The voicemail was not sent before its time ran out.",
}


class VoicemailEventSerializer(serializers.Serializer[None]):
    voicemail_id = serializers.UUIDField()
    status = serializers.ChoiceField([status.value for status in TOLD])
    reason = OptionalChoiceField([reason.value for reason in Reason], help_text="As of the voicemail.")
    attempts = serializers.IntegerField(help_text="How often it was submitted to a carrier so far.")
    use_case_id = serializers.UUIDField()
    campaign_id = serializers.UUIDField(allow_null=True, help_text="Null for a voicemail of the API.")


class RecordingEventSerializer(serializers.Serializer[None]):
    recording_id = serializers.UUIDField()
    setup_id = serializers.UUIDField()


TYPES = [
    *(EventType(f"voicemail.{status}", _DESCRIPTIONS[status], VoicemailEventSerializer) for status in TOLD),
    EventType(
        "recording.refused",
        "The setup's carrier refuses the recording, so no voicemail is sent with it there.",
        RecordingEventSerializer,
    ),
]
