"""Serializers of requests that send, send in a batch or retry, and of the response to a batch."""

from __future__ import annotations

from typing import Any

from django.core.validators import MaxLengthValidator
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from delivery.api.fields import NO_OBJECT, ObjectField
from delivery.api.serializers.sounds import RECORDING_HELP, StatementFields
from delivery.api.serializers.voicemails import VOICEMAIL_STATUSES
from delivery.identifiers import MAX_RECORD_NUMBER
from delivery.models import Voicemail
from delivery.services.screening import MAX_METADATA_BYTES, MAX_REFERENCE_LENGTH, Recipient
from rvm.platform.api.fields import IdField, MomentField, StrictSerializer, TextField, YesField, no_such_field
from rvm.platform.errors import ServiceError
from usecases.api.number_field import WrittenNumberField

MAX_RECIPIENTS = 1000


class _ScreenedLength(MaxLengthValidator):
    """A bound for the document: `screen` measures, so that a recipient alone and one of a batch are refused in the same words."""

    def __call__(self, value: object) -> None:
        pass


class _WhenFields(StrictSerializer):
    not_before = MomentField(required=False, help_text="Not sent earlier; at most 366 days ahead.")
    expires_at = MomentField(
        required=False, help_text="Expires unsent at this time; by default after the use case's `expires_after_hours`."
    )


class _RecipientFields(StrictSerializer):
    recipient_phone_number = WrittenNumberField(
        help_text="E.164; `^\\+1\\d{10}$` unless the workspace opened other countries."
    )
    reference = TextField(
        required=False,
        allow_blank=True,
        trim_whitespace=False,
        validators=[_ScreenedLength(MAX_REFERENCE_LENGTH)],
        help_text="Your own name for the voicemail, permanently unique among the workspace's live and among its test voicemails: a "
        "second use gets 409 with the id of the first. It is shown and logged unmasked: put no record number or other PHI here.",
    )
    record_number = TextField(
        required=False,
        allow_blank=True,
        validators=[_ScreenedLength(MAX_RECORD_NUMBER)],
        help_text="The patient's medical record, chart or account number. Stored encrypted, masked like phone numbers, and "
        "searchable. Several voicemails may have the same.",
    )
    metadata = ObjectField(
        required=False,
        help_text=f"Returned as given, at most {MAX_METADATA_BYTES} bytes as JSON. Put no names, numbers or other PHI here.",
    )


class _SendFields(_RecipientFields, _WhenFields):
    use_case_id = IdField(help_text="The use case of the voicemail, which determines the sender number.")

    def recipient(self) -> Recipient:
        data = self.validated_data
        return Recipient(
            data["recipient_phone_number"],
            data.get("reference", ""),
            data.get("metadata"),
            data.get("record_number", ""),
        )


class SendUpload(StatementFields, _SendFields):
    audio = serializers.FileField(allow_empty_file=True, help_text=RECORDING_HELP)


class SendRecording(_SendFields):
    recording_id = IdField(help_text="A recording of the workspace.")


class BatchRecipient(_RecipientFields):
    """One recipient of a batch."""


@extend_schema_field(serializers.ListField(child=BatchRecipient(), min_length=1, max_length=MAX_RECIPIENTS))
class RecipientsField(serializers.Field[Any, Any, Any, Any]):
    """A list of 1 to 1,000 recipients. Each is validated separately: an invalid one becomes a ServiceError, the others are queued."""

    default_error_messages = {
        "invalid": "This must be a list of objects.",
        "empty": f"A batch has 1 to {MAX_RECIPIENTS:,} recipients; this one has none.",
        "too_many": f"A batch has 1 to {MAX_RECIPIENTS:,} recipients; this one has {{count:,}}.",
    }

    def to_internal_value(self, data: Any) -> list[Recipient | ServiceError]:
        if not isinstance(data, list):
            self.fail("invalid")
        if not data:
            self.fail("empty")
        if len(data) > MAX_RECIPIENTS:
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
_OPTIONAL_TEXTS = ("reference", "record_number")


def read_recipient(entry: object) -> Recipient | ServiceError:
    """The validated recipient, or a ServiceError that names the invalid field.

    It uses no serializer, because a serializer takes half a second for 1,000 recipients."""
    if not isinstance(entry, dict):
        return ServiceError("invalid", "This must be an object.")
    for name, value in entry.items():
        if name not in _ROW_TYPES:
            return ServiceError("unknown_field", no_such_field(_ROW_TYPES), field=name)
        expected, message = _ROW_TYPES[name]
        if not isinstance(value, expected) and (value is not None or name not in _OPTIONAL_TEXTS):
            return ServiceError("invalid", message, field=name)
    if "recipient_phone_number" not in entry:
        return ServiceError("required", "This field is required.", field="recipient_phone_number")
    return Recipient(
        entry["recipient_phone_number"],
        entry.get("reference") or "",
        entry.get("metadata"),
        entry.get("record_number") or "",
    )


class NewBatch(_WhenFields):
    use_case_id = IdField()
    recording_id = IdField()
    recipients = RecipientsField()


class VoicemailRetry(StrictSerializer):
    accept_duplicate_risk = YesField(
        default=False, help_text="Send again even if the person may have been reached; needs an additional scope."
    )


class BatchErrorSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    detail = serializers.CharField()
    pointer = serializers.CharField()
    voicemail_id = serializers.UUIDField(required=False, help_text="The earlier voicemail that has the same reference.")


class BatchItemSerializer(serializers.Serializer[Any]):
    """The result for one recipient of a batch: the queued voicemail or an `error`."""

    index = serializers.IntegerField(help_text="The recipient's index in `recipients`, from 0.")
    voicemail_id = serializers.UUIDField(required=False)
    sender_phone_number = serializers.CharField(required=False)
    status = serializers.ChoiceField(VOICEMAIL_STATUSES, required=False)
    error = BatchErrorSerializer(required=False)

    def to_representation(self, item: tuple[int, Voicemail | ServiceError]) -> dict[str, Any]:
        """The fields above. `item` is the recipient's index in the batch and its outcome of `queue_voicemails`.

        It does not use the fields, because serializing the up to 1,000 items of a batch field by field is slow."""
        index, outcome = item
        if isinstance(outcome, ServiceError):
            pointer = f"/recipients/{index}" + (f"/{outcome.field}" if outcome.field else "")
            error = {"code": outcome.code, "detail": outcome.message, "pointer": pointer, **outcome.facts}
            return {"index": index, "error": error}
        return {
            "index": index,
            "voicemail_id": outcome.id,
            "sender_phone_number": outcome.sender,
            "status": outcome.status,
        }


class BatchResultSerializer(serializers.Serializer[Any]):
    queued = serializers.IntegerField()
    refused = serializers.IntegerField()
    items = BatchItemSerializer(many=True)
