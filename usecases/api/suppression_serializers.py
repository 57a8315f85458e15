"""Serializers of suppressions in requests and responses."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from rvm.platform.api.fields import IdField, MomentField, StrictSerializer, TextField, YesFilter, help_of
from rvm.platform.api.lists import PageQuery
from rvm.platform.api.rows.serializers import FormerIdField, ModelRowSerializer, OptionalTextField
from rvm.platform.audit.numbers_shown import whole
from usecases.api.number_field import PhoneNumberField
from usecases.consents.bases import CONSENT_BASES, PURPOSES, Basis
from usecases.models import Suppression
from usecases.services.consents import MAX_EVIDENCE_LENGTH, MAX_SOURCE_LENGTH, NewConsent
from usecases.services.suppressions import MAX_LIFT_REASON_LENGTH, MAX_REASON_LENGTH
from usecases.suppression_kinds import KIND_LABELS, STATED_KINDS, Origin, SuppressionKind, SuppressionScope
from usecases.suppressions import other_active

ORIGINS = [origin.value for origin in Origin]
SUPPRESSION_SCOPES = [scope.value for scope in SuppressionScope]
STATED_REASONS = [kind.value for kind in STATED_KINDS]
SUPPRESSION_REASONS = [kind.value for kind in SuppressionKind]


class NewSuppression(StrictSerializer):
    """A number that must not be reached."""

    recipient_phone_number = PhoneNumberField(help_text="E.164, such as +12025550142.")
    reason = serializers.ChoiceField(STATED_REASONS, help_text="Why. What an opt-out list puts there is `imported`.")
    purposes = serializers.ListField(
        required=False,
        child=serializers.ChoiceField(PURPOSES),
        max_length=len(PURPOSES),
        help_text="The purposes of use cases for which it holds; empty for everything.",
    )
    scope = serializers.ChoiceField(
        SUPPRESSION_SCOPES,
        default=SuppressionScope.ORGANISATION.value,
        help_text="Whether it holds in all workspaces of the organisation or in this one only. Purposes narrow either.",
    )
    note = TextField(
        required=False, allow_blank=True, max_length=MAX_REASON_LENGTH, help_text="Your own words, without PHI."
    )


class NewLiftConsent(StrictSerializer):
    """A statement of new consent, given after the suppression."""

    source = TextField(max_length=MAX_SOURCE_LENGTH, help_text="How it was given, such as “signed form”.")  # type: ignore[assignment]
    at = MomentField(help_text="When it was given.")
    evidence = TextField(max_length=MAX_EVIDENCE_LENGTH, help_text="What proves it, in words. It is stored encrypted.")
    basis = serializers.ChoiceField(
        CONSENT_BASES,
        required=False,
        default=Basis.EXPRESS_CONSENT.value,
        help_text="Whether it was given in writing, without which it does not cover marketing.",
    )

    def validate(self, attrs: Any) -> Any:
        return NewConsent(**attrs)


class LiftRequest(StrictSerializer):
    reason = TextField(max_length=MAX_LIFT_REASON_LENGTH, help_text="Why the number may be reached again.")
    consent = NewLiftConsent(
        required=False,
        help_text="Needed for an `opt_out`, and for what a carrier or an inbound message reported; kept with the lift.",
    )


class SuppressionQuery(PageQuery):
    recipient_phone_number = PhoneNumberField(required=False, help_text="E.164, exactly.")
    reason = serializers.ChoiceField(SUPPRESSION_REASONS, required=False)
    source = serializers.ChoiceField(Suppression.Source.choices, required=False)  # type: ignore[assignment]
    scope = serializers.ChoiceField(SUPPRESSION_SCOPES, required=False)
    active = YesFilter(required=False, help_text="True for those that bind, false for those that were lifted.")
    opt_out_list_id = IdField(required=False, help_text="Those that this opt-out list has put there.")

    def selector_filters(self) -> dict[str, Any]:
        """The filters by the selector's names."""
        names = {"recipient_phone_number": "number", "reason": "kind", "opt_out_list_id": "list_id"}
        return {names.get(name, name): value for name, value in self.filters.items()}


class SuppressionSerializer(ModelRowSerializer[Suppression]):
    beside = frozenset({"consent", "others"})
    suppression_id = FormerIdField()
    recipient_phone_number = serializers.SerializerMethodField(
        help_text="Masked but for the last four unless the key may see numbers."
    )
    reason = serializers.ChoiceField(SUPPRESSION_REASONS, source="kind")
    reason_detail = serializers.SerializerMethodField()
    note = OptionalTextField(source="reason", help_text=help_of(Suppression, "reason"))
    purposes = serializers.ListField(child=serializers.CharField(), help_text=help_of(Suppression, "purposes"))
    scope = serializers.ChoiceField(SUPPRESSION_SCOPES, help_text=help_of(Suppression, "scope"))
    origin = serializers.SerializerMethodField(
        help_text="Where it was said: in this workspace, in another one of the organisation, of which no more is told and the number "
        "is masked, or to the organisation as a whole."
    )
    opt_out_list_id = serializers.UUIDField(
        source="list_id", allow_null=True, help_text=help_of(Suppression, "list_id")
    )
    created_by = serializers.UUIDField(
        source="created_by_id", allow_null=True, help_text=help_of(Suppression, "created_by")
    )
    active = serializers.BooleanField(help_text="Whether it binds: nobody has lifted it.")
    lifted_by = serializers.UUIDField(source="lifted_by_id", allow_null=True)

    class Meta:
        model = Suppression
        fields: tuple[str, ...] = (
            "id",
            "suppression_id",
            "recipient_phone_number",
            "reason",
            "reason_detail",
            "note",
            "source",
            "purposes",
            "scope",
            "origin",
            "opt_out_list_id",
            "created_by",
            "created_at",
            "active",
            "lifted_at",
            "lifted_by",
            "lift_reason",
        )
        read_only_fields = fields

    def get_recipient_phone_number(self, row: Suppression) -> str:
        number = row.number if self.context["reveal"] and not row.from_elsewhere else None
        return whole(number, row.workspace_id) if number else row.masked_number

    @extend_schema_field(serializers.ChoiceField(ORIGINS))
    def get_origin(self, row: Suppression) -> str:
        return row.said_in.value

    def get_reason_detail(self, row: Suppression) -> str:
        return KIND_LABELS[SuppressionKind(row.kind)]


class LiftConsentSerializer(serializers.Serializer[Any]):
    consent_id = serializers.UUIDField(source="pk")
    source = serializers.CharField()  # type: ignore[assignment]
    at = serializers.DateTimeField()
    evidence = serializers.CharField()


class SuppressionDetailSerializer(SuppressionSerializer):
    consent = serializers.SerializerMethodField(
        help_text="The new consent that the lift rests on; null without one, and unless the key may see numbers."
    )
    others = serializers.SerializerMethodField(
        help_text="Other active suppressions of the number; it is reached once all of them are lifted."
    )

    class Meta(SuppressionSerializer.Meta):
        fields = (*SuppressionSerializer.Meta.fields, "consent", "others")

    @extend_schema_field(LiftConsentSerializer(allow_null=True))
    def get_consent(self, row: Suppression) -> Any:
        return LiftConsentSerializer(row.consent).data if row.consent and self.context["reveal"] else None

    def get_others(self, row: Suppression) -> list[str]:
        return [str(other.pk) for other in other_active(row)]
