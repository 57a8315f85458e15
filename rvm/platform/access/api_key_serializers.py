"""Serializers of API keys, and of the requests that make and rotate them.

They have two words for some things: ours, and those of the reference platform, whose clients work here too.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from rest_framework import serializers

from rvm.platform.api.fields import MomentField, StrictSerializer, TextField, WholeNumberField, YesField, YesFilter
from rvm.platform.api.keys import MAX_OVERLAP
from rvm.platform.api.lists import WorldQuery
from rvm.platform.api.networks import MAX_NETWORKS
from rvm.platform.api.rows.serializers import NullField, RowSerializer
from rvm.platform.models import MAX_NETWORK, ApiKey
from rvm.platform.scopes import Scope

MAX_DAYS = 90
MAX_NAME = 100
MAX_OVERLAP_HOURS = MAX_OVERLAP // timedelta(hours=1)
# The only role: it holds the listed scopes and nothing else.
ROLE = "member"
UNNAMED = "API key"
_TWICE = "It is given twice, as {} and as {}; give one of them."


class ApiKeyQuery(WorldQuery):
    mine_only = YesFilter(required=False, default=False, help_text="Only keys that the asking key has made or rotated.")


def _scopes(**options: Any) -> serializers.ListField:
    return serializers.ListField(
        child=serializers.ChoiceField(Scope.choices), required=False, allow_empty=False, max_length=128, **options
    )


def _days() -> WholeNumberField:
    return WholeNumberField(
        required=False, min_value=1, max_value=MAX_DAYS, help_text="In place of `expires_at`: how many days from now."
    )


class NewApiKey(StrictSerializer):
    """The key to make. One of `scopes` and `permissions`, which mean the same, is required."""

    name = TextField(required=False, allow_null=True, max_length=MAX_NAME, default=None)
    scopes = _scopes(help_text="Among those of the asking key.")
    permissions = _scopes(help_text="The reference platform's word for `scopes`.")
    role = serializers.ChoiceField(
        [ROLE],
        required=False,
        help_text="Keys have no roles: `member` holds what is listed and nothing else.",
        error_messages={
            "invalid_choice": "Keys have no roles but `member`, which holds exactly the scopes that you list."
        },
    )
    live = YesField(required=False, help_text="By default as the asking key. A test key makes test keys only.")
    expires_at = MomentField(
        required=False, allow_null=True, help_text="By default when the asking key expires, if it does; never later."
    )
    duration_days = _days()
    networks = serializers.ListField(
        child=TextField(max_length=MAX_NETWORK),
        required=False,
        max_length=MAX_NETWORKS,
        help_text="From where it is accepted, such as `203.0.113.0/24` or `2001:db8::/32`. By default as the asking key.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "scopes" in attrs and "permissions" in attrs:
            raise serializers.ValidationError({"permissions": _TWICE.format("scopes", "permissions")}, "given_twice")
        if "duration_days" in attrs and attrs.get("expires_at"):
            raise serializers.ValidationError(
                {"duration_days": _TWICE.format("expires_at", "duration_days")}, "given_twice"
            )
        scopes = attrs.get("scopes", attrs.get("permissions"))
        if scopes is None:
            raise serializers.ValidationError(
                {"scopes": "List what the key may do; without a scope it could do nothing."}, "required"
            )
        return {**attrs, "scopes": scopes}


class Rotation(StrictSerializer):
    """How a key is replaced."""

    overlap_hours = WholeNumberField(
        required=False,
        default=0,
        min_value=0,
        max_value=MAX_OVERLAP_HOURS,
        help_text="For how long the old key works on, at most until its own end. 0: not at all.",
    )
    duration_days = _days()


def expiry_of(asked: dict[str, Any], now: datetime) -> datetime | None:
    """The end of a key by `expires_at` or `duration_days`; None if neither is given."""
    if days := asked.get("duration_days"):
        return now + timedelta(days=days)
    expires_at: datetime | None = asked.get("expires_at")
    return expires_at


class ApiKeySerializer(RowSerializer[ApiKey]):
    """A key without its text, of which no part but the last four characters is known."""

    beside = frozenset({"last_used_at", "current"})
    passing = frozenset({"api_key"})
    key_id = serializers.UUIDField(source="pk", help_text="The same as `id`.")
    workspace_id = serializers.UUIDField()
    name = serializers.CharField()
    last4 = serializers.CharField(help_text="The end of the key.")
    live = serializers.BooleanField()
    scopes = serializers.ListField(child=serializers.CharField())
    permissions = serializers.ListField(
        source="scopes", child=serializers.CharField(), help_text="The same as `scopes`."
    )
    role = serializers.CharField(read_only=True, default=ROLE, help_text="Always `member`.")
    networks = serializers.ListField(
        child=serializers.CharField(), help_text="From where it is accepted; [] everywhere."
    )
    expires_at = serializers.DateTimeField(allow_null=True)
    revoked_at = serializers.DateTimeField(allow_null=True)
    last_used_at = serializers.DateTimeField(allow_null=True, help_text="To the minute.")
    created_at = serializers.DateTimeField()
    updated_at = serializers.SerializerMethodField(help_text="When it was revoked, else when it was made.")
    created_by_entity_id = serializers.UUIDField(
        source="made_by_id",
        allow_null=True,
        help_text="The person or service user who made it, or rotated the one before.",
    )
    created_by_credential_id = NullField(
        help_text="Always null; the audit event `api_key.created` names the key that asked.",
    )
    current = serializers.SerializerMethodField(help_text="Whether it is the key that asks.")

    def get_updated_at(self, key: ApiKey) -> datetime:
        return key.revoked_at or key.created_at

    def get_current(self, key: ApiKey) -> bool:
        return bool(key.pk == self.context["caller"].pk)


class IssuedApiKeySerializer(ApiKeySerializer):
    """A new key, with its text for this once."""

    api_key = serializers.CharField(
        allow_null=True,
        help_text="The key itself, shown once. Null if the request is repeated under its Idempotency-Key.",
    )


class CallerSerializer(serializers.Serializer[ApiKey]):
    """The key that asks, about itself."""

    workspace_id = serializers.UUIDField()
    key_id = serializers.UUIDField(source="id")
    name = serializers.CharField()
    live = serializers.BooleanField()
    scopes = serializers.ListField(child=serializers.CharField())
    networks = serializers.ListField(child=serializers.CharField())
    expires_at = serializers.DateTimeField(allow_null=True, help_text="Null: never.")
    expires_in_seconds = serializers.SerializerMethodField(help_text="Null: never.")

    def get_expires_in_seconds(self, key: ApiKey) -> int | None:
        return None if key.expires_at is None else max(0, int((key.expires_at - self.context["now"]).total_seconds()))
