"""Serializers of consents in requests and responses."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from rvm.platform.api.fields import MomentField, StrictSerializer, TextField, YesFilter, help_of
from rvm.platform.api.lists import PageQuery
from rvm.platform.api.rows.serializers import FormerIdField, ModelRowSerializer, OptionalTextField
from rvm.platform.audit.numbers_shown import whole
from usecases.api.number_field import PhoneNumberField
from usecases.consents.bases import CONSENT_BASES, PURPOSES, Basis
from usecases.models import Consent
from usecases.services.consents import MAX_EVIDENCE_LENGTH, MAX_SOURCE_LENGTH


class NewConsentBody(StrictSerializer):
    """A person's consent to be reached."""

    recipient_phone_number = PhoneNumberField(help_text="E.164, such as +12025550142.")
    purposes = serializers.ListField(
        child=serializers.ChoiceField(PURPOSES),
        min_length=1,
        max_length=len(PURPOSES),
        help_text=help_of(Consent, "purposes"),
    )
    basis = serializers.ChoiceField(
        CONSENT_BASES, required=False, default=Basis.EXPRESS_CONSENT.value, help_text=help_of(Consent, "basis")
    )
    source = TextField(max_length=MAX_SOURCE_LENGTH, help_text="How it was given, such as “signed form”.")  # type: ignore[assignment]
    given_at = MomentField(help_text="When it was given.")
    expires_at = MomentField(required=False, allow_null=True, default=None, help_text=help_of(Consent, "expires_at"))
    evidence = TextField(max_length=MAX_EVIDENCE_LENGTH, help_text="What proves it, in words. It is stored encrypted.")


class RevocationRequest(StrictSerializer):
    """How a person revoked a consent."""

    channel = TextField(max_length=MAX_SOURCE_LENGTH, help_text="How the person said so, such as “telephone”.")
    revoked_at = MomentField(required=False, help_text="When; by default now.")


class ConsentQuery(PageQuery):
    recipient_phone_number = PhoneNumberField(required=False, help_text="E.164, exactly.")
    purpose = serializers.ChoiceField(PURPOSES, required=False, help_text="Those that cover this purpose.")
    basis = serializers.ChoiceField(CONSENT_BASES, required=False)
    active = YesFilter(required=False, help_text="True for those that stand, false for those revoked or expired.")

    def selector_filters(self) -> dict[str, Any]:
        """The filters by the selector's names."""
        return {{"recipient_phone_number": "number"}.get(name, name): value for name, value in self.filters.items()}


class ConsentSerializer(ModelRowSerializer[Consent]):
    beside = frozenset({"evidence"})
    consent_id = FormerIdField()
    recipient_phone_number = serializers.SerializerMethodField(
        help_text="Masked but for the last four unless the key may see numbers; null for the people of a list."
    )
    purposes = serializers.ListField(child=serializers.CharField(), help_text=help_of(Consent, "purposes"))
    given_at = serializers.DateTimeField(source="at", help_text="When it was given.")
    created_by = serializers.UUIDField(
        source="created_by_id", allow_null=True, help_text=help_of(Consent, "created_by")
    )
    active = serializers.SerializerMethodField(help_text="Whether it is neither revoked nor expired.")
    revoked_at = serializers.DateTimeField(source="revoked_by.at", allow_null=True, default=None)
    revocation_channel = OptionalTextField(
        source="revoked_by.source", default=None, help_text="How it was revoked; null while it is not."
    )

    class Meta:
        model = Consent
        fields: tuple[str, ...] = (
            "id",
            "consent_id",
            "recipient_phone_number",
            "purposes",
            "basis",
            "source",
            "list_id",
            "given_at",
            "expires_at",
            "created_by",
            "created_at",
            "active",
            "revoked_at",
            "revocation_channel",
        )
        read_only_fields = fields

    def get_recipient_phone_number(self, row: Consent) -> str | None:
        if row.list_id:
            return None
        number = row.number if self.context["reveal"] else None
        return whole(number, row.workspace_id) if number else row.masked_number

    def get_active(self, row: Consent) -> bool:
        return row.stands(self.context["now"])


class ConsentDetailSerializer(ConsentSerializer):
    evidence = serializers.SerializerMethodField(help_text="What proves it; null unless the key may see numbers.")

    class Meta(ConsentSerializer.Meta):
        fields = (*ConsentSerializer.Meta.fields, "evidence")

    def get_evidence(self, row: Consent) -> str | None:
        return row.evidence if self.context["reveal"] else None
