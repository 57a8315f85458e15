"""Serializers of use cases and phone numbers in requests and responses."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from rest_framework import serializers

from rvm.platform.api.fields import (
    IdField,
    StrictModelSerializer,
    StrictSerializer,
    TextField,
    YesField,
    help_of,
)
from rvm.platform.api.lists import PageQuery
from rvm.platform.api.rows.serializers import ModelRowSerializer
from usecases.api.number_field import WrittenNumberField
from usecases.models import Channel, PhoneNumber, UseCase
from usecases.policy_text import policy_text
from usecases.rules_in_force import rules_in_force

POLICY = (
    "sending_enabled",
    "purpose",
    "basis",
    "consent_required",
    "consent_statement",
    "consent_valid_days",
    "confidential_numbers",
    "window_start",
    "window_end",
    "days",
    "sends_on_holidays",
    "state_overlay",
    "state_overlay_reason",
    "expires_after_hours",
    "max_attempts",
    "retry_minutes",
    "max_per_day",
    "max_per_24h",
    "max_per_week",
    "failover_reasons",
)


class UseCaseChanges(StrictModelSerializer):
    """Fields of a use case that can be changed: its names, setups and policy."""

    setup_id = IdField(help_text="The telephony setup that it sends through.")
    failover_setup_id = IdField(required=False, allow_null=True, help_text=help_of(UseCase, "failover_setup"))

    class Meta:
        model = UseCase
        fields = ("entity_name", "name", "description", "setup_id", "failover_setup_id", *POLICY)
        validators: list[Any] = []


class NewUseCase(UseCaseChanges):
    """A use case to create. Policy fields that are left out get their defaults."""

    class Meta(UseCaseChanges.Meta):
        fields = ("channel", *UseCaseChanges.Meta.fields)  # type: ignore[assignment]


class SenderSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    phone_number = serializers.CharField(source="e164")


class UseCaseSerializer(ModelRowSerializer[UseCase]):
    setup_id = serializers.UUIDField()
    failover_setup_id = serializers.UUIDField(allow_null=True)
    phone_numbers = SenderSerializer(many=True, help_text="The numbers that it may send from.")
    policy_text = serializers.SerializerMethodField(help_text="The policy in plain sentences.")

    class Meta:
        model = UseCase
        fields = (
            "id",
            "channel",
            "entity_name",
            "name",
            "description",
            "setup_id",
            "failover_setup_id",
            "phone_numbers",
            *POLICY,
            "consent_confirmed_at",
            "policy_text",
            "created_at",
            "updated_at",
        )
        read_only_fields = fields

    def get_policy_text(self, use_case: UseCase) -> str:
        return policy_text(use_case, self._rules)

    @cached_property
    def _rules(self) -> str:
        """The version of the state rules, read once for a page of use cases."""
        return rules_in_force()


class UseCaseListSerializer(serializers.Serializer[Any]):
    items = UseCaseSerializer(many=True)


class UseCaseQuery(StrictSerializer):
    entity_name = TextField(required=False, help_text="Exactly this name.")
    channel = serializers.ChoiceField(Channel.choices, required=False)
    setup_id = IdField(required=False)


OWNED_HELP = (
    "States that your organisation owns the number. A live setup sends only from numbers of which this is stated; who stated it and "
    "when is kept."
)


class NewPhoneNumber(StrictSerializer):
    phone_number = WrittenNumberField(help_text="E.164, such as +12125550100. The carrier's account must own it.")
    setup_id = IdField(help_text="The telephony setup whose account owns the number.")
    owned = YesField(default=False, help_text=OWNED_HELP)


class PhoneNumberChanges(StrictSerializer):
    owned = YesField(help_text=OWNED_HELP)


class NamedUseCaseSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()


class PhoneNumberSerializer(ModelRowSerializer[PhoneNumber]):
    phone_number = serializers.CharField(source="e164")
    setup_id = serializers.UUIDField()
    use_cases = NamedUseCaseSerializer(many=True, help_text="The use cases that may send from it.")
    owned = serializers.BooleanField(help_text="Whether your organisation's ownership of the number is stated.")
    owned_stated_by = serializers.UUIDField(
        source="owned_stated_by_id", allow_null=True, help_text="The person or the API key's service user."
    )

    class Meta:
        model = PhoneNumber
        fields = (
            "id",
            "phone_number",
            "setup_id",
            "use_cases",
            "owned",
            "owned_stated_at",
            "owned_stated_by",
            "created_at",
        )
        read_only_fields = fields


class PhoneNumberQuery(PageQuery):
    setup_id = IdField(required=False)
    use_case_id = IdField(required=False, help_text="Only numbers assigned to this use case.")
