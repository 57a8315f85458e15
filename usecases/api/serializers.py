"""Serializers of use cases and phone numbers in requests and responses."""

from __future__ import annotations

from functools import cached_property
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail

from rvm.platform.api.fields import (
    IdField,
    StrictModelSerializer,
    StrictSerializer,
    TextField,
    YesField,
    help_of,
)
from rvm.platform.api.lists import PageQuery
from rvm.platform.api.rows.serializers import ModelRowSerializer, NullField, OptionalTextField
from usecases.api.number_field import WrittenNumberField
from usecases.models import Channel, PhoneNumber, TelephonySetup, UseCase
from usecases.policy_text import policy_text
from usecases.rules_in_force import rules_in_force
from usecases.services.use_cases import POLICY


class UseCaseChanges(StrictModelSerializer):
    """Fields of a use case that can be changed: its names, setups and policy."""

    setup_id = IdField(help_text="The telephony setup that it sends through.")
    failover_setup_id = IdField(required=False, allow_null=True, help_text=help_of(UseCase, "failover_setup"))

    class Meta:
        model = UseCase
        fields = ("entity_name", "name", "description", "setup_id", "failover_setup_id", *POLICY)
        validators: list[Any] = []
        extra_kwargs: ClassVar[dict[str, Any]] = {
            "days": {"allow_empty": False, "error_messages": {"empty": "Name at least one weekday."}}
        }


class NewUseCase(UseCaseChanges):
    """A use case to create. Policy fields that are left out get their defaults."""

    class Meta(UseCaseChanges.Meta):
        fields = ("channel", *UseCaseChanges.Meta.fields)  # type: ignore[assignment]


class SenderSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    phone_number = serializers.CharField(source="e164")


class UseCaseSerializer(ModelRowSerializer[UseCase]):
    beside = frozenset({"policy_text"})
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


# Channels of other platforms, whose clients ask for them; none of our use cases has one.
OTHER_CHANNELS = ("email", "inbound_voice", "outbound_voice")


class UseCaseQuery(StrictSerializer):
    entity_name = TextField(required=False, help_text="Exactly this name.")
    channel = serializers.ChoiceField(
        [*Channel.values, *OTHER_CHANNELS],
        required=False,
        help_text="No use case has another than `ringless_voicemail`.",
    )
    setup_id = IdField(required=False)


OWNED_HELP = (
    "States that your organisation owns the number. A live setup sends only from numbers of which this is stated; who stated it and "
    "when is kept."
)


class NewPhoneNumber(StrictSerializer):
    phone_number = WrittenNumberField(help_text="E.164, such as +12125550100. The carrier's account must own it.")
    setup_id = IdField(help_text="The telephony setup whose account owns the number.")
    owned = YesField(default=False, help_text=OWNED_HELP)


NUMBER_STATUSES = ["active", "inactive"]
NUMBER_STATUS_HELP = (
    "Nothing is sent from an inactive number: its patients get another number of the use case, and where there is none, its "
    "voicemails wait and new ones are refused."
)
# What a number can do here: no call to it reaches the platform.
CAPABILITIES = ("outbound",)


class FixedField(serializers.Field[Any, Any, Any, Any]):
    """A value that responses have and no request changes. It is accepted as it is, or as null, so that a row can be sent back."""

    def __init__(self, schema: dict[str, Any], help_text: str = "Always null.") -> None:
        super().__init__(required=False, help_text=help_text)
        extend_schema_field(schema)(self)  # type: ignore[type-var]  # it takes instances too

    def validate_empty_values(self, data: Any) -> tuple[bool, Any]:
        return (True, None) if data is None else super().validate_empty_values(data)

    def to_internal_value(self, data: Any) -> Any:
        return data


class PhoneNumberChanges(StrictSerializer):
    """The fields of a sender number that can be changed. What is left out does not change."""

    display_name = TextField(
        required=False, allow_blank=True, max_length=256, help_text=help_of(PhoneNumber, "display_name")
    )
    notes = TextField(required=False, allow_blank=True, max_length=2000, help_text=help_of(PhoneNumber, "notes"))
    status = serializers.ChoiceField(NUMBER_STATUSES, required=False, help_text=NUMBER_STATUS_HELP)
    owned = YesField(required=False, help_text=OWNED_HELP)
    provider = FixedField(
        {"type": ["string", "null"], "maxLength": TelephonySetup._meta.get_field("carrier").max_length},
        "The carrier of its setup, unchanged.",
    )
    capabilities = FixedField(
        {
            "type": ["array", "null"],
            "items": {"type": "string", "enum": CAPABILITIES},
            "minItems": len(CAPABILITIES),
            "maxItems": len(CAPABILITIES),
        },
        "What it can do, unchanged.",
    )
    inbound_service_id = FixedField({"type": "null"})
    provider_phone_sid = FixedField({"type": "null"})
    forwarding = FixedField({"type": "null"})

    def __init__(self, number: PhoneNumber | None = None, **options: Any) -> None:
        super().__init__(**options)
        provider = number.setup.carrier if number else None
        self.fixed = {"provider": provider, "capabilities": list(CAPABILITIES)}
        self.fixed |= dict.fromkeys(("inbound_service_id", "provider_phone_sid", "forwarding"))

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        refusal = [
            ErrorDetail("This cannot be changed here; leave it out, or send what the answer of GET has.", "fixed")
        ]
        if wrong := {name: refusal for name, value in self.fixed.items() if attrs.get(name) not in (None, value)}:
            raise serializers.ValidationError(wrong)
        return attrs

    def changes(self) -> dict[str, Any]:
        """The arguments of `update_phone_number` for the valid body."""
        given = {name: value for name, value in self.validated_data.items() if name not in self.fixed}
        status = given.pop("status", None)
        return given if status is None else {**given, "active": status == "active"}


class NamedUseCaseSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()


class PhoneNumberSerializer(ModelRowSerializer[PhoneNumber]):
    workspace_id = serializers.UUIDField()
    phone_number = serializers.CharField(source="e164")
    display_name = OptionalTextField(help_text="What people call it; null without a name.")
    notes = OptionalTextField(help_text="For those who look after the numbers; null without any.")
    status = serializers.ChoiceField(NUMBER_STATUSES, help_text=NUMBER_STATUS_HELP)
    setup_id = serializers.UUIDField()
    provider = serializers.CharField(source="setup.carrier", help_text="The carrier of its setup.")
    provider_phone_sid = NullField(help_text="Always null: carriers know a number by itself.")
    capabilities = serializers.SerializerMethodField(
        help_text="What it can do: `outbound`, no calls reach the platform."
    )
    inbound_service_id = NullField(help_text="Always null: no calls reach the platform.")
    forwarding = NullField(help_text="Always null: calls to it are forwarded at the carrier.")
    use_cases = NamedUseCaseSerializer(many=True, help_text="The use cases that may send from it.")
    owned = serializers.BooleanField(help_text="Whether your organisation's ownership of the number is stated.")
    owned_stated_by = serializers.UUIDField(
        source="owned_stated_by_id", allow_null=True, help_text="The person or the API key's service user."
    )

    class Meta:
        model = PhoneNumber
        fields = (
            "id",
            "workspace_id",
            "phone_number",
            "display_name",
            "notes",
            "status",
            "setup_id",
            "provider",
            "provider_phone_sid",
            "capabilities",
            "inbound_service_id",
            "forwarding",
            "use_cases",
            "owned",
            "owned_stated_at",
            "owned_stated_by",
            "created_at",
            "updated_at",
        )
        read_only_fields = fields

    def get_capabilities(self, number: PhoneNumber) -> list[str]:
        return list(CAPABILITIES)


class PhoneNumberQuery(PageQuery):
    setup_id = IdField(required=False)
    use_case_id = IdField(required=False, help_text="Only numbers assigned to this use case.")
    status = serializers.ChoiceField(NUMBER_STATUSES, required=False)
