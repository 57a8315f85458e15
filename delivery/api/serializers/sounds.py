"""Serializers of uploaded recordings and clips, and of recordings and clips in responses."""

from __future__ import annotations

from rest_framework import serializers

from delivery.audio.levels import WAVEFORM_PEAKS
from delivery.models import Clip, Recording
from delivery.recordings.links import link
from delivery.recordings.storage import MAX_NAME_LENGTH
from rvm.platform.api.fields import StrictSerializer, TextField

RECORDING_HELP = "MP3, 10 to 60 seconds, at most 8 MB."


class PlayerLinkField(serializers.URLField):
    """A signed link that plays the recording or clip, created for each response."""

    def __init__(self) -> None:
        super().__init__(help_text="Plays without a key for 15 minutes; answers Range requests.")

    def get_attribute(self, sound: Recording | Clip) -> str:
        return link(sound)


class RecordingUpload(StrictSerializer):
    audio = serializers.FileField(allow_empty_file=True, help_text=RECORDING_HELP)
    name = TextField(required=False, max_length=MAX_NAME_LENGTH, help_text="By default the file's name.")


class ClipUpload(StrictSerializer):
    audio = serializers.FileField(allow_empty_file=True, help_text="MP3, 0.2 to 60 seconds, at most 8 MB.")
    name = TextField(
        required=False,
        max_length=MAX_NAME_LENGTH,
        help_text="The spoken text, such as a first name; by default the file's name.",
    )


class AudioLevelsSerializer(serializers.Serializer[Recording]):
    peak_dbfs = serializers.FloatField(help_text="The loudest sample, in dB below full scale (0).")
    rms_dbfs = serializers.FloatField(help_text="The mean power, in dB below full scale.")
    loudness_lufs = serializers.FloatField(
        allow_null=True, help_text="Integrated loudness (ITU-R BS.1770); null if nothing is above -70."
    )
    clipped_percent = serializers.FloatField(help_text="The percentage of samples in clipped peaks.")
    leading_silence_seconds = serializers.FloatField(source="leading_silence")
    trailing_silence_seconds = serializers.FloatField(source="trailing_silence")

    def get_attribute(self, recording: Recording) -> Recording | None:
        return recording if recording.measured else None


class RecordingSerializer(serializers.Serializer[Recording]):
    recording_id = serializers.UUIDField(source="pk")
    name = serializers.CharField()
    sha256 = serializers.CharField(help_text="Of the stored frames, without tags.")
    size_bytes = serializers.IntegerField()
    duration_ms = serializers.IntegerField()
    bitrate_kbps = serializers.IntegerField()
    bitrate_mode = serializers.CharField()
    sample_rate = serializers.IntegerField()
    channels = serializers.IntegerField()
    encoder = serializers.CharField(allow_blank=True)
    warnings = serializers.ListField(
        child=serializers.CharField(), help_text="Sentences for the person who recorded it."
    )
    created_at = serializers.DateTimeField()
    levels = AudioLevelsSerializer(
        allow_null=True,
        help_text="Null if the recording was joined from clips, or is not measured yet; getting this one recording measures it.",
    )


class RecordingDetailSerializer(RecordingSerializer):
    waveform = serializers.ListField(
        child=serializers.IntegerField(min_value=0, max_value=255),
        min_length=WAVEFORM_PEAKS,
        max_length=WAVEFORM_PEAKS,
        allow_null=True,
        help_text="Peaks over the whole length, for drawing; 255 is full scale. Null if `levels` is null.",
    )
    audio_url = PlayerLinkField()


class ClipSerializer(serializers.Serializer[Clip]):
    clip_id = serializers.UUIDField(source="pk")
    name = serializers.CharField()
    sha256 = serializers.CharField(help_text="Of the stored frames, without tags.")
    size_bytes = serializers.IntegerField()
    duration_ms = serializers.IntegerField()
    bitrate_kbps = serializers.IntegerField()
    sample_rate = serializers.IntegerField(help_text="Clips can be joined if this and `channels` are equal.")
    channels = serializers.IntegerField()
    warnings = serializers.ListField(
        child=serializers.CharField(), help_text="Sentences for the person who recorded it."
    )
    created_at = serializers.DateTimeField()


class ClipDetailSerializer(ClipSerializer):
    audio_url = PlayerLinkField()
