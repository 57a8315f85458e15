"""Serializers of recipient imports, of their rejected rows, and of the recordings for their first rows."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from campaigns.api.serializers.fields import CountsField
from campaigns.api.serializers.uploaded_lists import (
    FILE,
    PROGRESS,
    READ_AS,
    TIMES,
    ListFileField,
    ListPreviewSerializer,
    ListReading,
    ListSampleSerializer,
    UploadedListSerializer,
    columns_field,
)
from campaigns.models import RecipientImport
from campaigns.models.recipient_import import MAX_STATEMENT_LENGTH
from campaigns.states import ImportState, RowOutcome
from rvm.platform.api.fields import StrictSerializer, TextField, YesFilter
from rvm.platform.api.rows.serializers import FormerIdField, OptionalTextField
from rvm.spreadsheets.columns.kinds import KINDS, REPEATED

IMPORT_STATES = [state.value for state in ImportState]
OUTCOMES = [outcome.value for outcome in RowOutcome]
ANSWERS = ("yes", "no", "nothing", "unclear", "next_number")


class ImportReading(ListReading):
    """How the file of a list of recipients is read. A field that is left out does not change, except that `columns` are guessed
    again if the file is read in another way."""

    hidden_rows = YesFilter(
        required=False, help_text="Whether rows that the workbook hides or crosses out are read; false by default."
    )
    columns = columns_field(
        f"{', '.join(KINDS)}, or the name of a merge field of your own; null or empty if it is not read.",
        repeated=REPEATED,
    )


class ImportUpload(ImportReading):
    """A list of recipients to upload, with how it is read. A field that is left out is guessed from the file."""

    file = ListFileField()


class ImportConfirmation(StrictSerializer):
    consent_statement = TextField(
        max_length=MAX_STATEMENT_LENGTH,
        help_text="Your attestation of these people's consent to be called. It is stored.",
    )


class RecipientImportSerializer(UploadedListSerializer):
    import_id = FormerIdField()
    campaign_id = serializers.UUIDField()
    state = serializers.ChoiceField(IMPORT_STATES)
    rows_read = serializers.IntegerField(help_text="Rows that were checked.")
    counts = CountsField("Rows by outcome.", *OUTCOMES)
    codes = CountsField("Rows that were not accepted, by code.")
    answers = CountsField(
        "Rows by their answer about consent, if a column asks for it: `yes`, `no`, `nothing`, `unclear`. "
        "`next_number`: people whose first phone cannot be reached, so that a later one is used.",
        *ANSWERS,
    )
    consent_statement = OptionalTextField(
        help_text="The attestation on which its people are reached; null until it is confirmed."
    )
    consent_stated_at = serializers.DateTimeField(allow_null=True, help_text="When that was attested.")
    consent_stated_by = serializers.UUIDField(
        source="confirmed_by_id",
        allow_null=True,
        help_text="The person or the API key's service user that attested it.",
    )

    class Meta:
        model = RecipientImport
        fields: tuple[str, ...] = (
            "id",
            "import_id",
            "campaign_id",
            *FILE,
            *READ_AS,
            *PROGRESS,
            "codes",
            "answers",
            "consent_statement",
            "consent_stated_at",
            "consent_stated_by",
            *TIMES,
        )


class RowErrorSerializer(serializers.Serializer[Any]):
    row_number = serializers.IntegerField(help_text="The number that a spreadsheet program shows beside the row.")
    outcome = serializers.ChoiceField(OUTCOMES)
    code = serializers.CharField()
    detail = serializers.CharField(source="message")
    earlier_row = serializers.IntegerField(
        allow_null=True, help_text="The earlier row of this list that has the same number."
    )
    differs = serializers.ListField(
        child=serializers.CharField(),
        help_text="For `same_phone`, the columns in which this row and `earlier_row` differ.",
    )


class ImportPreviewSerializer(ListPreviewSerializer):
    first_errors = RowErrorSerializer(many=True, help_text="The first rejected rows of each code.")
    sample = ListSampleSerializer(
        allow_null=True,
        help_text="The first rows by the current reading; cells are hidden unless the key may see numbers. Null while rows are "
        "checked or imported, and once the file is removed.",
    )


class RecipientImportDetailSerializer(ImportPreviewSerializer, RecipientImportSerializer):
    class Meta(RecipientImportSerializer.Meta):
        fields = (*RecipientImportSerializer.Meta.fields, "reading", "warnings", "first_errors", "sample")


class RowMessageSerializer(serializers.Serializer[Any]):
    """The recording for one row, or the `code` that says why there is none.

    The recording may name the person, so it is null unless the key may see numbers."""

    recording_id = serializers.UUIDField(source="recording.pk", allow_null=True)
    duration_ms = serializers.IntegerField(source="recording.duration_ms", allow_null=True)
    audio_url = serializers.URLField(
        source="link",
        allow_null=True,
        help_text="Plays without a key for 15 minutes. Null unless the key may see numbers.",
    )
    code = OptionalTextField(help_text="Why this row would be refused, such as `clip_missing`.")
    detail = OptionalTextField(source="message")


class MessagePreviewSerializer(serializers.Serializer[Any]):
    items = RowMessageSerializer(many=True, help_text="In the order of the rows of `sample`.")
