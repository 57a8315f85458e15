"""What callers may send about voicemails and recordings."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from delivery.api.fields import NO_OBJECT, ObjectField
from delivery.carriers import CARRIERS
from delivery.identifiers import MAX_RECORD_NUMBER
from delivery.lifecycle.reasons import Reason
from delivery.lifecycle.status import VoicemailStatus
from delivery.recordings.storage import MAX_NAME_LENGTH
from delivery.selectors import VoicemailFilter
from delivery.services.screening import MAX_METADATA_BYTES, MAX_REFERENCE_LENGTH, Recipient
from rvm.phone_numbers.numbers import E164
from rvm.platform.api.fields import IdField, StrictSerializer, TextField, YesField, no_such_field
from rvm.platform.api.lists import WorldQuery
from rvm.platform.errors import ServiceError

MAX_RECIPIENTS = 1000
MAX_STATUSES = 20


class _WhenFields(StrictSerializer):
    not_before = serializers.DateTimeField(required=False, help_text="Not sent earlier; at most 366 days ahead.")
    expires_at = serializers.DateTimeField(
        required=False, help_text="Expires unsent at this time; by default after the use case's `expires_after_hours`."
    )


class _RecipientFields(StrictSerializer):
    recipient_phone_number = TextField(
        trim_whitespace=False, help_text="E.164; `^\\+1\\d{10}$` unless the workspace opened other countries."
    )
    reference = TextField(
        required=False,
        allow_blank=True,
        trim_whitespace=False,
        max_length=MAX_REFERENCE_LENGTH,
        help_text="Your own name for it, unique for ever among the workspace's live voicemails, and among its test ones: a second "
        "use answers 409 with the first's id. It is shown and logged in clear: put no record number or other PHI here.",
    )
    record_number = TextField(
        required=False,
        allow_blank=True,
        max_length=MAX_RECORD_NUMBER,
        help_text="The patient's medical record, chart or account number. Kept encrypted, shown as phone numbers are, and found by "
        "the search; several voicemails may have the same.",
    )
    metadata = ObjectField(
        required=False,
        help_text=f"Returned as given, at most {MAX_METADATA_BYTES} bytes as JSON. Put no names, numbers or other PHI here.",
    )


class _SendFields(_RecipientFields, _WhenFields):
    use_case_id = IdField(help_text="Why and from whom; decides the sender number.")

    def recipient(self) -> Recipient:
        data = self.validated_data
        return Recipient(
            data["recipient_phone_number"],
            data.get("reference", ""),
            data.get("metadata"),
            data.get("record_number", ""),
        )


class SendUploadRequest(_SendFields):
    audio = serializers.FileField(allow_empty_file=True, help_text="MP3, 10 to 60 seconds, at most 8 MB.")


class SendRecordingRequest(_SendFields):
    recording_id = IdField(help_text="A recording of the workspace.")


class BatchRecipient(_RecipientFields):
    """One row of a batch."""


@extend_schema_field(BatchRecipient(many=True))
class RecipientsField(serializers.Field[Any, Any, Any, Any]):
    """1 to 1,000 rows; each is read by itself, so that a bad one does not fail the rest."""

    default_error_messages = {
        "invalid": "This must be a list of objects.",
        "too_many": f"A batch has 1 to {MAX_RECIPIENTS} recipients; this one has {{count}}.",
    }

    def to_internal_value(self, data: Any) -> list[Recipient | ServiceError]:
        if not isinstance(data, list):
            self.fail("invalid")
        if not 1 <= len(data) <= MAX_RECIPIENTS:
            self.fail("too_many", count=len(data))
        return [read_recipient(entry) for entry in data]

    def to_representation(self, value: Any) -> Any:
        return value


_ROW_TYPES: dict[str, tuple[type, str]] = {
    "recipient_phone_number": (str, "This must be a string."),
    "reference": (str, "This must be a string."),
    "record_number": (str, "This must be a string."),
    "metadata": (dict, NO_OBJECT),
}


def read_recipient(entry: object) -> Recipient | ServiceError:
    """One row of a batch, by hand: a serializer would take half a second for a thousand."""
    if not isinstance(entry, dict):
        return ServiceError("invalid", "This must be an object.")
    for name, value in entry.items():
        if name not in _ROW_TYPES:
            return ServiceError("unknown_field", no_such_field(_ROW_TYPES), field=name)
        expected, sentence = _ROW_TYPES[name]
        if not isinstance(value, expected):
            return ServiceError("invalid", sentence, field=name)
    if "recipient_phone_number" not in entry:
        return ServiceError("required", "This field is required.", field="recipient_phone_number")
    return Recipient(
        entry["recipient_phone_number"],
        entry.get("reference", ""),
        entry.get("metadata"),
        entry.get("record_number", ""),
    )


class BatchRequest(_WhenFields):
    use_case_id = IdField()
    recording_id = IdField()
    recipients = RecipientsField()


class RetryRequest(StrictSerializer):
    accept_duplicate_risk = YesField(
        default=False, help_text="Send again although the person may have been reached; needs a scope of its own."
    )


class VoicemailQuery(WorldQuery):
    """In the query or in a body; all filters that are given must hold."""

    use_case_id = IdField(required=False)
    setup_id = IdField(required=False, help_text="The use case's setup when the voicemail was created.")
    campaign_id = IdField(required=False)
    status = serializers.ListField(
        required=False,
        child=serializers.ChoiceField([status.value for status in VoicemailStatus]),
        max_length=MAX_STATUSES,
        help_text=f"Any of these; repeatable up to {MAX_STATUSES} times.",
    )
    reason = serializers.ChoiceField([reason.value for reason in Reason], required=False)
    carrier = serializers.ChoiceField(sorted(CARRIERS), required=False)
    reference = TextField(required=False, trim_whitespace=False, max_length=MAX_REFERENCE_LENGTH)
    recipient_phone_number = TextField(
        required=False, trim_whitespace=False, help_text="E.164, exactly. Use the search to keep it out of the URL."
    )
    created_after = serializers.DateTimeField(required=False, help_text="From this time on.")
    created_before = serializers.DateTimeField(required=False, help_text="Earlier than this.")
    updated_after = serializers.DateTimeField(required=False, help_text="From this time on.")
    updated_before = serializers.DateTimeField(required=False, help_text="Earlier than this.")

    def validate_recipient_phone_number(self, value: str) -> str:
        # In a query string an unescaped plus arrives as a space.
        number = "+" + value[1:] if value.startswith(" ") else value
        if not E164.fullmatch(number):
            raise serializers.ValidationError("Write the number as + and 7 to 15 digits.", "number_malformed")
        return number

    def sought(self) -> VoicemailFilter:
        filters = self.filters
        statuses, recipient = filters.pop("status", ()), filters.pop("recipient_phone_number", "")
        return VoicemailFilter(statuses=statuses, recipient=recipient, **filters)


class _ByRecordNumber(StrictSerializer):
    """What may stand in a body only: addresses are logged."""

    record_number = TextField(
        required=False, max_length=MAX_RECORD_NUMBER, help_text="Exactly, but for case and blanks."
    )


class VoicemailSearch(_ByRecordNumber, VoicemailQuery):
    """The list's filters in a body, where a record number may be one of them."""


class ExportQuery(VoicemailQuery):
    """The listing's filters, and no pages."""

    limit = None  # type: ignore[assignment]
    continuation_token = None  # type: ignore[assignment]
    format = serializers.ChoiceField(
        ["national", "e164"],
        required=False,
        default="national",
        help_text="How phone numbers are written: (202) 555-0142, or +12025550142 for machines.",
    )

    @property
    def filters(self) -> dict[str, Any]:
        return {name: value for name, value in super().filters.items() if name != "format"}

    @property
    def e164(self) -> bool:
        return bool(self.validated_data["format"] == "e164")


class ExportSearch(_ByRecordNumber, ExportQuery):
    """The export's filters in a body."""


class RecordingUpload(StrictSerializer):
    audio = serializers.FileField(allow_empty_file=True, help_text="MP3, 10 to 60 seconds, at most 8 MB.")
    name = TextField(required=False, max_length=MAX_NAME_LENGTH, help_text="By default the file's name.")


class ClipUpload(StrictSerializer):
    audio = serializers.FileField(allow_empty_file=True, help_text="MP3, 0.2 to 60 seconds, at most 8 MB.")
    name = TextField(
        required=False,
        max_length=MAX_NAME_LENGTH,
        help_text="What is said in it, such as a first name; by default the file's name.",
    )
