"""How voicemails, drops and recordings look in answers: built by hand, because a page of 200 goes out on every look at a list.

The serializers beside the functions describe the same for the OpenAPI document; a test holds the two equal.
"""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from delivery.audio.levels import WAVEFORM_PEAKS
from delivery.lifecycle.reasons import REASONS, Reason
from delivery.lifecycle.status import DropStatus, VoicemailStatus
from delivery.models import Clip, Drop, Recording, Voicemail
from rvm.platform.errors import ServiceError

VOICEMAIL_STATUSES = [status.value for status in VoicemailStatus]
DROP_STATUSES = [status.value for status in DropStatus]
MADE_BY_TEST_KEY = "False where a test key made it: it goes to the sandbox carrier only."
_REASONS = ["", *(reason.value for reason in Reason)]


class VoicemailAnswer(serializers.Serializer[Any]):
    voicemail_id = serializers.UUIDField()
    setup_id = serializers.UUIDField(help_text="The use case's setup when this was created; `drops` say what was used.")
    use_case_id = serializers.UUIDField()
    campaign_id = serializers.UUIDField(allow_null=True)
    recording_id = serializers.UUIDField()
    live = serializers.BooleanField(help_text=MADE_BY_TEST_KEY)
    recipient_phone_number = serializers.CharField(
        help_text="Masked but for the last four unless the key may see numbers."
    )
    sender_phone_number = serializers.CharField(
        allow_blank=True, help_text="Of a campaign's voicemail it is chosen when it is sent; empty before."
    )
    reference = serializers.CharField(allow_blank=True)
    record_number = serializers.CharField(
        allow_blank=True, help_text="The patient's. Masked wholly unless the key may see numbers."
    )
    metadata = serializers.DictField(allow_null=True)
    status = serializers.ChoiceField(VOICEMAIL_STATUSES)
    reason = serializers.ChoiceField(_REASONS, help_text="Why it ended as anything but delivered, or waits again.")
    reason_detail = serializers.CharField(allow_blank=True)
    carrier = serializers.CharField()
    carrier_code = serializers.CharField(allow_blank=True, help_text="The carrier's own code.")
    carrier_text = serializers.CharField(
        allow_blank=True,
        help_text="What the carrier said. Without a code it is RVM's own sentence: why nothing was sent, or what keeps it waiting.",
    )
    attempts = serializers.IntegerField(help_text="Drops that were made.")
    duration_ms = serializers.IntegerField(help_text="Of the recording.")
    not_before = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(
        allow_null=True,
        help_text="A campaign's voicemail expires with it; null before the campaign has begun and once it is completed.",
    )
    created_at = serializers.DateTimeField(help_text="When it was queued.")
    sending_at = serializers.DateTimeField(allow_null=True, help_text="When the latest drop began.")
    accepted_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True, help_text="When it came to its final status.")
    updated_at = serializers.DateTimeField()


def voicemail_answer(voicemail: Voicemail, *, reveal: bool) -> dict[str, Any]:
    """`reveal`: show whole numbers, also that of the record."""
    return {
        "voicemail_id": voicemail.pk,
        "setup_id": voicemail.setup_id,
        "use_case_id": voicemail.use_case_id,
        "campaign_id": None if voicemail.lane.for_api else voicemail.lane_id,
        "recording_id": voicemail.recording_id,
        "live": voicemail.live,
        "recipient_phone_number": voicemail.recipient if reveal else voicemail.masked_recipient,
        "sender_phone_number": voicemail.sender,
        "reference": voicemail.reference,
        "record_number": (voicemail.record_number or "") if reveal else voicemail.masked_record_number,
        "metadata": voicemail.metadata,
        "status": voicemail.status,
        "reason": voicemail.reason,
        "reason_detail": voicemail.reason_sentence,
        "carrier": voicemail.setup.carrier,
        "carrier_code": voicemail.carrier_code,
        "carrier_text": voicemail.carrier_text,
        "attempts": voicemail.attempts,
        "duration_ms": voicemail.recording.duration_ms,
        "not_before": voicemail.not_before,
        "expires_at": voicemail.expiry,
        "created_at": voicemail.created_at,
        "sending_at": voicemail.sending_at,
        "accepted_at": voicemail.accepted_at,
        "ended_at": voicemail.ended_at,
        "updated_at": voicemail.updated_at,
    }


class DropAnswer(serializers.Serializer[Any]):
    drop_id = serializers.UUIDField(help_text="The key and reference that the carrier has for this attempt.")
    number = serializers.IntegerField(help_text="1 for the first attempt.")
    setup_id = serializers.UUIDField()
    carrier = serializers.CharField()
    sender_phone_number = serializers.CharField()
    status = serializers.ChoiceField(DROP_STATUSES)
    reason = serializers.ChoiceField(_REASONS)
    reason_detail = serializers.CharField(allow_blank=True)
    carrier_code = serializers.CharField(allow_blank=True)
    carrier_text = serializers.CharField(allow_blank=True)
    carrier_reference = serializers.CharField(allow_blank=True)
    created_at = serializers.DateTimeField()
    accepted_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)


def drop_answer(drop: Drop) -> dict[str, Any]:
    return {
        "drop_id": drop.pk,
        "number": drop.number,
        "setup_id": drop.setup_id,
        "carrier": drop.setup.carrier,
        "sender_phone_number": drop.sender,
        "status": drop.status,
        "reason": drop.reason,
        "reason_detail": REASONS[Reason(drop.reason)].sentence if drop.reason else "",
        "carrier_code": drop.carrier_code,
        "carrier_text": drop.carrier_text,
        "carrier_reference": drop.carrier_reference,
        "created_at": drop.created_at,
        "accepted_at": drop.accepted_at,
        "ended_at": drop.ended_at,
    }


class VoicemailDetail(VoicemailAnswer):
    drops = DropAnswer(many=True, help_text="The attempts, in order.")


class VoicemailPage(serializers.Serializer[Any]):
    items = VoicemailAnswer(many=True)
    continuation_token = serializers.CharField(allow_null=True)
    has_more = serializers.BooleanField()


class BatchError(serializers.Serializer[Any]):
    code = serializers.CharField()
    detail = serializers.CharField()
    pointer = serializers.CharField()
    voicemail_id = serializers.UUIDField(
        required=False, help_text="The first voicemail's, where the reference is used."
    )


class BatchItem(serializers.Serializer[Any]):
    """Either the queued voicemail or an `error`."""

    index = serializers.IntegerField(help_text="The row's place in `recipients`, from 0.")
    voicemail_id = serializers.UUIDField(required=False)
    sender_phone_number = serializers.CharField(required=False)
    status = serializers.ChoiceField(VOICEMAIL_STATUSES, required=False)
    error = BatchError(required=False)


class BatchAnswer(serializers.Serializer[Any]):
    queued = serializers.IntegerField()
    refused = serializers.IntegerField()
    items = BatchItem(many=True)


def batch_item(index: int, outcome: Voicemail | ServiceError) -> dict[str, Any]:
    if isinstance(outcome, ServiceError):
        pointer = f"/recipients/{index}" + (f"/{outcome.field}" if outcome.field else "")
        return {
            "index": index,
            "error": {"code": outcome.code, "detail": outcome.sentence, "pointer": pointer, **outcome.facts},
        }
    return {
        "index": index,
        "voicemail_id": outcome.pk,
        "sender_phone_number": outcome.sender,
        "status": outcome.status,
    }


class LevelsAnswer(serializers.Serializer[Any]):
    peak_dbfs = serializers.FloatField(help_text="The loudest sample, in dB below full scale (0).")
    rms_dbfs = serializers.FloatField(help_text="The mean power, in dB below full scale.")
    loudness_lufs = serializers.FloatField(
        allow_null=True, help_text="Integrated loudness (ITU-R BS.1770); null where nothing is above -70."
    )
    clipped_percent = serializers.FloatField(help_text="Of the samples: in peaks that are cut off flat.")
    leading_silence_seconds = serializers.FloatField()
    trailing_silence_seconds = serializers.FloatField()


class RecordingAnswer(serializers.Serializer[Any]):
    recording_id = serializers.UUIDField()
    name = serializers.CharField()
    sha256 = serializers.CharField(help_text="Of the frames as they are kept and served, without tags.")
    size_bytes = serializers.IntegerField()
    duration_ms = serializers.IntegerField()
    bitrate_kbps = serializers.IntegerField()
    bitrate_mode = serializers.CharField()
    sample_rate = serializers.IntegerField()
    channels = serializers.IntegerField()
    encoder = serializers.CharField(allow_blank=True)
    warnings = serializers.ListField(child=serializers.CharField(), help_text="Sentences for whoever recorded it.")
    created_at = serializers.DateTimeField()
    levels = LevelsAnswer(
        allow_null=True,
        help_text="How it sounds. Null where joined from clips or older than the measurement; getting it alone measures it.",
    )


# As the columns are called.
_OF_A_RECORDING = [str(name) for name in RecordingAnswer().fields if str(name) not in ("recording_id", "levels")]


def recording_answer(recording: Recording) -> dict[str, Any]:
    return {
        "recording_id": recording.pk,
        **{name: getattr(recording, name) for name in _OF_A_RECORDING},
        "levels": _levels_answer(recording),
    }


def _levels_answer(recording: Recording) -> dict[str, Any] | None:
    if recording.clipped_share is None:
        return None
    return {
        "peak_dbfs": recording.peak_dbfs,
        "rms_dbfs": recording.rms_dbfs,
        "loudness_lufs": recording.loudness_lufs,
        "clipped_percent": round(recording.clipped_share * 100, 3),
        "leading_silence_seconds": recording.leading_silence,
        "trailing_silence_seconds": recording.trailing_silence,
    }


class RecordingDetail(RecordingAnswer):
    waveform = serializers.ListField(
        child=serializers.IntegerField(min_value=0, max_value=255),
        min_length=WAVEFORM_PEAKS,
        max_length=WAVEFORM_PEAKS,
        allow_null=True,
        help_text="Peaks over the whole length, to draw; 255 is full scale. Null where `levels` is.",
    )
    audio_url = serializers.URLField(help_text="Plays without a key for 15 minutes; answers Range requests.")


def recording_detail(recording: Recording, audio_url: str) -> dict[str, Any]:
    return {
        **recording_answer(recording),
        "waveform": None if recording.waveform is None else list(recording.waveform),
        "audio_url": audio_url,
    }


class RecordingPage(serializers.Serializer[Any]):
    items = RecordingAnswer(many=True)
    continuation_token = serializers.CharField(allow_null=True)
    has_more = serializers.BooleanField()


class ClipAnswer(serializers.Serializer[Any]):
    clip_id = serializers.UUIDField()
    name = serializers.CharField()
    sha256 = serializers.CharField(help_text="Of the frames as they are kept and served, without tags.")
    size_bytes = serializers.IntegerField()
    duration_ms = serializers.IntegerField()
    bitrate_kbps = serializers.IntegerField()
    sample_rate = serializers.IntegerField(help_text="Clips that are joined must agree in this and in `channels`.")
    channels = serializers.IntegerField()
    warnings = serializers.ListField(child=serializers.CharField(), help_text="Sentences for whoever recorded it.")
    created_at = serializers.DateTimeField()


_OF_A_CLIP = [str(name) for name in ClipAnswer().fields if str(name) != "clip_id"]


def clip_answer(clip: Clip) -> dict[str, Any]:
    return {"clip_id": clip.pk, **{name: getattr(clip, name) for name in _OF_A_CLIP}}


class ClipDetail(ClipAnswer):
    audio_url = serializers.URLField(help_text="Plays without a key for 15 minutes; answers Range requests.")


class ClipPage(serializers.Serializer[Any]):
    items = ClipAnswer(many=True)
    continuation_token = serializers.CharField(allow_null=True)
    has_more = serializers.BooleanField()
