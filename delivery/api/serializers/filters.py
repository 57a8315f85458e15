"""Serializers of the filters of the list of voicemails and of its export, as query parameters or as a body."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from delivery.api.reference_statuses import WORDS, meant
from delivery.carriers import CARRIERS
from delivery.identifiers import MAX_RECORD_NUMBER
from delivery.lifecycle.reasons import Reason
from delivery.selectors.filters import VoicemailFilter
from delivery.services.screening import MAX_REFERENCE_LENGTH
from rvm.platform.api.fields import IdField, MomentField, StrictSerializer, TextField
from rvm.platform.api.lists import WorldQuery
from usecases.api.number_field import PhoneNumberField
from usecases.models import TelephonySetup

MAX_STATUSES = 20


class CarrierField(serializers.ChoiceField):
    """A carrier that is installed, or was, and has setups still."""

    def to_internal_value(self, data: Any) -> Any:
        try:
            return super().to_internal_value(data)
        except serializers.ValidationError:
            if isinstance(data, str) and data.isprintable() and TelephonySetup.objects.filter(carrier=data).exists():
                return data
            raise


class VoicemailQuery(WorldQuery):
    """Filters of voicemails, as query parameters or as a body. A voicemail must match all that are given."""

    use_case_id = IdField(required=False)
    setup_id = IdField(required=False, help_text="The use case's setup when the voicemail was created.")
    campaign_id = IdField(required=False)
    status = serializers.ListField(
        required=False,
        child=serializers.ChoiceField(WORDS),
        allow_empty=False,
        max_length=MAX_STATUSES,
        help_text=f"Any of these; repeatable up to {MAX_STATUSES} times. `pending` and `not_delivered` are words of another platform "
        "for several of ours.",
    )
    reason = serializers.ChoiceField([reason.value for reason in Reason], required=False)
    carrier = CarrierField(
        sorted(CARRIERS), required=False, help_text="The adapter's name, also of one that was removed."
    )
    reference = TextField(required=False, trim_whitespace=False, max_length=MAX_REFERENCE_LENGTH)
    recipient_phone_number = PhoneNumberField(
        required=False, help_text="E.164, exact match. Use the search to keep it out of the URL."
    )
    created_after = MomentField(required=False, help_text="From this time on.")
    created_before = MomentField(required=False, help_text="Earlier than this.")
    updated_after = MomentField(required=False, help_text="From this time on.")
    updated_before = MomentField(required=False, help_text="Earlier than this.")

    def voicemail_filter(self) -> VoicemailFilter:
        filters = self.filters
        words, recipient = filters.pop("status", ()), filters.pop("recipient_phone_number", "")
        statuses, reasons = meant(words, compatible=self.context.get("compatible", False))
        if reasons == frozenset(Reason):
            reasons = frozenset()
        return VoicemailFilter(statuses=statuses, failed_for=reasons, recipient=recipient, **filters)


class _ByRecordNumber(StrictSerializer):
    """The filter by record number. It is accepted in bodies only, because URLs are logged."""

    record_number = TextField(
        required=False, max_length=MAX_RECORD_NUMBER, help_text="Exact match, ignoring case and spaces."
    )


class VoicemailSearch(_ByRecordNumber, VoicemailQuery):
    """The filters of the list as a body, with the record number as a further filter."""


class ExportQuery(VoicemailQuery):
    """The filters of the list, without paging, and the format of phone numbers."""

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
    """The filters of the export as a body, with the record number as a further filter."""
