"""Serializers of telephony setups in requests and responses."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from delivery.carriers import CARRIERS
from delivery.engine.circuit_breaker import State, state_of
from delivery.selectors.setup_stats import MAX_COUNTED, OpenAttempts, SetupStats
from delivery.setups.services import MAX_CREDENTIAL_LENGTH, SETTINGS, credential_names
from rvm.platform.api.fields import StrictModelSerializer
from rvm.platform.api.rows.serializers import ModelRowSerializer, OptionalTextField
from usecases.attestations.agreements import Agreement, agreement_of
from usecases.models import TelephonySetup
from usecases.services.callback_secrets import earlier_until, fixed_address_since


@extend_schema_field(
    {
        "type": "object",
        "additionalProperties": {"type": "string", "maxLength": MAX_CREDENTIAL_LENGTH},
        "writeOnly": True,
    }
)
class CredentialsField(serializers.DictField):
    """Credentials by name. The valid names depend on the carrier, so `delivery.setups.services` validates them."""


class SetupChanges(StrictModelSerializer):
    """The fields of a telephony setup that can be changed; its carrier cannot."""

    credentials = CredentialsField(
        write_only=True,
        help_text="By name: "
        + "; ".join(
            f"{name}: {', '.join(field.name for field in carrier.credential_fields)}"
            for name, carrier in CARRIERS.items()
        )
        + ". Stored encrypted and never shown. Those that are left out of a change keep their values.",
    )

    class Meta:
        model = TelephonySetup
        fields = ("name", "credentials", *SETTINGS)
        validators: list[Any] = []


class NewSetup(SetupChanges):
    """A telephony setup to create."""

    carrier = serializers.ChoiceField(sorted(CARRIERS), help_text="The adapter's name; it cannot be changed later.")

    class Meta(SetupChanges.Meta):
        fields = ("carrier", *SetupChanges.Meta.fields)  # type: ignore[assignment]


class SetupHealthSerializer(serializers.Serializer[TelephonySetup]):
    state = serializers.SerializerMethodField(
        help_text="closed: voicemails are sent. open: the carrier failed; voicemails wait until `until`. half_open: one "
        "voicemail is sent to test whether the carrier works again."
    )
    reason = OptionalTextField(source="breaker_reason", help_text="Why the breaker opened; null while it is closed.")
    until = serializers.DateTimeField(source="breaker_until", allow_null=True)

    @extend_schema_field({"enum": list(State), "type": "string"})
    def get_state(self, setup: TelephonySetup) -> str:
        return state_of(setup, self.context["now"])


class CallbackAddressSerializer(serializers.Serializer[TelephonySetup]):
    made_at = serializers.SerializerMethodField(
        help_text="When the fixed address was made, which is registered at the vendor; null if there is none. It is shown once only."
    )
    earlier_until = serializers.SerializerMethodField(
        help_text="Until when addresses from before the last rotation work; null if none does."
    )

    def get_made_at(self, setup: TelephonySetup) -> datetime | None:
        return fixed_address_since(setup)

    def get_earlier_until(self, setup: TelephonySetup) -> datetime | None:
        return earlier_until(setup, self.context["now"])


class NewCallbackAddressSerializer(serializers.Serializer[Any]):
    callback_address = serializers.CharField(
        help_text="To be registered at the vendor, whose signed webhooks it takes. A secret, which is shown now only."
    )
    earlier_until = serializers.DateTimeField(
        help_text="Until then the address before and those that were given with drops keep working."
    )


class SetupSerializer(ModelRowSerializer[TelephonySetup]):
    beside = frozenset({"health", "callback", "tested_at", "test_ok", "test_detail"})
    carrier_installed = serializers.SerializerMethodField(
        help_text="Whether the carrier's adapter is installed. Without it voicemails wait, `carrier_gone`, and reports are not taken."
    )
    credentials_set = serializers.SerializerMethodField(help_text="Names of the credentials that are set.")
    agreement = serializers.SerializerMethodField(
        help_text="Whether voicemails may leave through it: with a signed agreement or a standing exception. While it is missing "
        "they wait. The sandbox needs none."
    )
    test_detail = OptionalTextField(help_text="What that test found.")
    health = SetupHealthSerializer(source="*")
    callback = CallbackAddressSerializer(source="*")

    class Meta:
        model = TelephonySetup
        fields = (
            "id",
            "name",
            "carrier",
            "carrier_installed",
            "credentials_set",
            *SETTINGS,
            "agreement",
            "tested_at",
            "test_ok",
            "test_detail",
            "health",
            "callback",
            "created_at",
            "updated_at",
        )
        read_only_fields = fields

    def get_carrier_installed(self, setup: TelephonySetup) -> bool:
        return setup.carrier in CARRIERS

    @extend_schema_field({"enum": list(Agreement), "type": "string"})
    def get_agreement(self, setup: TelephonySetup) -> str:
        return agreement_of(setup)

    def get_credentials_set(self, setup: TelephonySetup) -> list[str]:
        return credential_names(setup)


class OpenAttemptsSerializer(serializers.Serializer[OpenAttempts]):
    total = serializers.IntegerField(help_text="0 once a setup that drains is empty.")
    sending = serializers.IntegerField(help_text="Requests that are under way.")
    uncertain = serializers.IntegerField(help_text="Requests without a clear answer, which are looked into.")
    accepted = serializers.IntegerField(help_text="Taken by the carrier, which has not reported on them yet.")
    unreported = serializers.IntegerField(help_text="Those of `accepted` that the carrier took over an hour ago.")


class RecentStatsSerializer(serializers.Serializer[SetupStats]):
    since = serializers.DateTimeField()
    sampled = serializers.IntegerField(help_text="The setup's answered attempts from which the figures are taken.")
    accept_rate = serializers.FloatField(
        allow_null=True, help_text="The share of answered requests that the carrier took; null without one."
    )
    report_median_seconds = serializers.FloatField(
        source="report_median",
        allow_null=True,
        help_text="From the carrier's acceptance to the report that ended the attempt; null without one.",
    )
    report_p95_seconds = serializers.FloatField(
        source="report_p95", allow_null=True, help_text="The same for 95 of 100 attempts."
    )


class SetupStatsSerializer(serializers.Serializer[Any]):
    open = OpenAttemptsSerializer(help_text=f"Attempts that have not ended, at most {MAX_COUNTED:,} of each kind.")
    lately = RecentStatsSerializer(help_text="How its carrier did lately.")


class SetupTestSerializer(serializers.Serializer[Any]):
    ok = serializers.BooleanField()
    detail = serializers.CharField(help_text="The carrier's response, or why there was none.")
    missing = OptionalTextField(
        help_text="What has to be stated on the setup before anything is sent through it; null if nothing."
    )
