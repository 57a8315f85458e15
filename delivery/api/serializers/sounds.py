"""Serializers of uploaded recordings and clips, and of recordings and clips in responses."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail

from delivery.audio.conversion import conversion_done
from delivery.audio.levels import WAVEFORM_PEAKS
from delivery.models import Clip, Recording
from delivery.recordings.attestations import incomplete
from delivery.recordings.links import link
from delivery.recordings.storage import MAX_NAME_LENGTH
from rvm.platform.api.fields import StrictSerializer, TextField, YesFilter
from rvm.platform.api.lists import PageQuery
from rvm.platform.api.rows.serializers import FormerIdField, OptionalTextField, RowSerializer
from rvm.platform.outbound.targets import MAX_LENGTH
from usecases.attestations.recordings import CHECKLIST, NO_DETAILS, VOICE, Said, Statement, Voice, missing_fields

_OTHERS = "Another format, such as M4A or WAV, where the workspace has `converts_audio` on."
RECORDING_HELP = f"MP3, 10 to 60 seconds, at most 8 MB. {_OTHERS}"


class PlayerLinkField(serializers.URLField):
    """A signed link that plays the recording or clip, created for each response."""

    def __init__(self) -> None:
        super().__init__(help_text="Plays without a key for 15 minutes; answers Range requests.")

    def get_attribute(self, sound: Recording | Clip) -> str:
        return link(sound)


class StatementFields(StrictSerializer):
    """The checklist of a statement about what a sound says. Where one field is given, all that are needed must be."""

    clip: ClassVar[bool] = False
    voice = serializers.ChoiceField([voice.value for voice in Voice], required=False, help_text=VOICE[1])
    says_caller = YesFilter(required=False, help_text=CHECKLIST[Said.CALLER][1])
    says_callback_number = YesFilter(required=False, help_text=CHECKLIST[Said.CALLBACK_NUMBER][1])
    says_opt_out_number = YesFilter(required=False, help_text=CHECKLIST[Said.OPT_OUT_NUMBER][1])
    says_synthetic_voice = YesFilter(required=False, help_text=CHECKLIST[Said.SYNTHETIC_VOICE][1])
    no_health_details = YesFilter(required=False, help_text=NO_DETAILS[1])

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        given = {name: attrs.pop(name) for name in _STATEMENT if name in attrs}
        attrs["statement"] = self._statement(given) if self.stated(given) else None
        return attrs

    def stated(self, given: dict[str, Any]) -> bool:
        return bool(given)

    def _statement(self, given: dict[str, Any]) -> Statement:
        statement = Statement(
            voice=Voice(given["voice"]) if given.get("voice") else None,
            says=frozenset(said for said, (name, _) in CHECKLIST.items() if given.get(name)),
            no_health_details=bool(given.get("no_health_details")),
        )
        if missing := missing_fields(statement, clip=self.clip):
            raise serializers.ValidationError(
                {name: [ErrorDetail(incomplete(name).message, "statement_incomplete")] for name in missing}
            )
        return statement


_STATEMENT = ("voice", *(name for name, _ in CHECKLIST.values()), NO_DETAILS[0])


class NewRecordingStatement(StatementFields):
    """A statement about a recording: everything has to be so."""

    def stated(self, given: dict[str, Any]) -> bool:
        return True


class NewClipStatement(NewRecordingStatement):
    """A statement about a clip: what it says of what a message has to say, which the other clips of a script complete."""

    clip = True


class RecordingUpload(StatementFields):
    audio = serializers.FileField(allow_empty_file=True, help_text=RECORDING_HELP)
    name = TextField(required=False, max_length=MAX_NAME_LENGTH, help_text="By default the file's name.")


class ClipUpload(StatementFields):
    clip = True
    audio = serializers.FileField(allow_empty_file=True, help_text=f"MP3, 0.2 to 60 seconds, at most 8 MB. {_OTHERS}")
    name = TextField(
        required=False,
        max_length=MAX_NAME_LENGTH,
        help_text="The spoken text, such as a first name; by default the file's name.",
    )


_URL_HELP = (
    "An `https://` address that gives the file to anybody who has it, fetched once, at port 443 or 8443; no redirect is followed. "
    f"At most 8 MB within 15 seconds. {_OTHERS}"
)


class RecordingFromUrl(StatementFields):
    url = TextField(max_length=MAX_LENGTH, trim_whitespace=False, help_text=_URL_HELP)
    name = TextField(
        required=False, max_length=MAX_NAME_LENGTH, help_text="By default what the file is called in the address."
    )


class ClipFromUrl(RecordingFromUrl):
    clip = True


class SoundQuery(PageQuery):
    archived = YesFilter(required=False, help_text="True for those that are archived; otherwise they are left out.")


class SoundChanges(StrictSerializer):
    name = TextField(max_length=MAX_NAME_LENGTH, help_text="Without a patient's name or number.")


class AudioLevelsSerializer(serializers.Serializer[Recording]):
    peak_dbfs = serializers.FloatField(help_text="The loudest sample, in dB below full scale (0).")
    rms_dbfs = serializers.FloatField(help_text="The mean power on a telephone, in dB below full scale.")
    loudness_lufs = serializers.FloatField(
        allow_null=True, help_text="Integrated loudness on a telephone (ITU-R BS.1770); null if nothing is above -70."
    )
    clipped_percent = serializers.FloatField(help_text="The percentage of samples in clipped peaks.")
    leading_silence_seconds = serializers.FloatField(source="leading_silence")
    trailing_silence_seconds = serializers.FloatField(source="trailing_silence")

    def get_attribute(self, recording: Recording) -> Recording | None:
        return recording if recording.measured else None


class AttestationSerializer(serializers.Serializer[Recording | Clip]):
    """A statement about what a recording or a clip says."""

    stated_at = serializers.DateTimeField(source="attested_at")
    stated_by = serializers.UUIDField(
        source="attested_by_id",
        allow_null=True,
        help_text="The person or the API key's service user; null for a recording joined from clips, which has it from them.",
    )
    by_another = serializers.BooleanField(
        source="attested_by_another", help_text="Whether it is by somebody other than who uploaded the sound."
    )
    voice = serializers.ChoiceField([voice.value for voice in Voice])
    says = serializers.ListField(child=serializers.ChoiceField([said.value for said in Said]))

    def __init__(self) -> None:
        super().__init__(
            source="*",
            allow_null=True,
            help_text="The statement about what it says; null if there is none: then nothing of it is sent through a real carrier.",
        )

    def get_attribute(self, sound: Recording | Clip) -> Recording | Clip | None:
        return sound if sound.attested else None


class ConversionField(OptionalTextField):
    """What was done with a file that was no MP3."""

    def __init__(self) -> None:
        super().__init__(
            source="converted_from",
            help_text="What was done with a file that was no MP3, as a sentence; null for an MP3.",
        )

    def to_representation(self, value: str) -> Any:
        return conversion_done(value)


class RecordingSerializer(RowSerializer[Recording]):
    beside = frozenset({"levels", "waveform"})
    passing = frozenset({"audio_url"})
    recording_id = FormerIdField()
    name = serializers.CharField()
    sha256 = serializers.CharField(help_text="Of the stored frames, without tags, in hex.")
    size_bytes = serializers.IntegerField(help_text="Of the stored frames.")
    duration_ms = serializers.IntegerField()
    bitrate_kbps = serializers.IntegerField()
    bitrate_mode = serializers.CharField()
    sample_rate = serializers.IntegerField()
    channels = serializers.IntegerField()
    encoder = OptionalTextField()
    conversion = ConversionField()
    warnings = serializers.ListField(
        child=serializers.CharField(), help_text="Sentences for the person who recorded it."
    )
    created_at = serializers.DateTimeField()
    archived_at = serializers.DateTimeField(
        allow_null=True, help_text="When it was archived: it is used for nothing new. Null if it is not."
    )
    sound_removed_at = serializers.DateTimeField(
        allow_null=True,
        help_text="When its sound was deleted or removed with time; uploaded again it gets the same id.",
    )
    attestation = AttestationSerializer()
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
        help_text="Peaks over the whole length on a telephone, for drawing; 255 is full scale. Null if `levels` is null.",
    )
    audio_url = PlayerLinkField()


class ClipSerializer(RowSerializer[Clip]):
    passing = frozenset({"audio_url"})
    clip_id = FormerIdField()
    name = serializers.CharField()
    sha256 = serializers.CharField(help_text="Of the stored frames, without tags, in hex.")
    size_bytes = serializers.IntegerField(help_text="Of the stored frames.")
    duration_ms = serializers.IntegerField()
    bitrate_kbps = serializers.IntegerField()
    sample_rate = serializers.IntegerField(help_text="Clips can be joined if this and `channels` are equal.")
    channels = serializers.IntegerField()
    conversion = ConversionField()
    warnings = serializers.ListField(
        child=serializers.CharField(), help_text="Sentences for the person who recorded it."
    )
    created_at = serializers.DateTimeField()
    archived_at = serializers.DateTimeField(
        allow_null=True, help_text="When it was archived: it is used for nothing new. Null if it is not."
    )
    sound_removed_at = serializers.DateTimeField(
        allow_null=True,
        help_text="When its sound was deleted or removed with time; uploaded again it gets the same id.",
    )
    attestation = AttestationSerializer()


class ClipDetailSerializer(ClipSerializer):
    audio_url = PlayerLinkField()
