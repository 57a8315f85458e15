"""Serializers of webhook destinations, their deliveries, and the requests that change them."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from rvm.platform.api.fields import (
    IdField,
    MomentField,
    StrictModelSerializer,
    StrictSerializer,
    TextField,
    WholeNumberField,
)
from rvm.platform.api.keys import DEFAULT_OVERLAP, MAX_OVERLAP
from rvm.platform.api.lists import PageQuery
from rvm.platform.api.rows.serializers import ModelRowSerializer, OptionalTextField, RowSerializer
from rvm.platform.events.types import TYPES, EventType
from rvm.platform.models import MAX_EVENT_TYPE, WebhookAttempt, WebhookDelivery, WebhookDestination, WebhookSecret
from rvm.platform.outbound.targets import MAX_LENGTH
from rvm.platform.webhooks.deliveries import MAX_SHOWN, attempts
from rvm.platform.webhooks.destinations import CHANGEABLE

SIGNATURES = WebhookDestination.Signature.choices
DELIVERY_STATES = WebhookDelivery.State.values
STATES = ["enabled", "failing", "disabled"]
EVENT_TYPES = sorted(TYPES)
_HOURS = 3600
_UNKNOWN_TYPE = "There is no event type “{input}”; there are: " + ", ".join(EVENT_TYPES) + "."


class EventTypeField(serializers.ChoiceField):
    """The name of a type of events."""

    default_error_messages = {"invalid_choice": _UNKNOWN_TYPE}

    def __init__(self, **options: Any) -> None:
        super().__init__(EVENT_TYPES, **options)


class WebhookDestinationChanges(StrictModelSerializer):
    """The fields of a webhook destination that can be changed. What is left out does not change."""

    url = TextField(
        max_length=MAX_LENGTH,
        help_text="Where webhooks are sent to: `https`, a host with its full name, port 443 or 8443, without a user or a password.",
    )
    accepted_event_types = serializers.ListField(
        child=EventTypeField(),
        required=False,
        max_length=100,
        help_text="Which events it is told of. Empty, which is the default: of all, also of types that are added later.",
    )
    description = TextField(
        required=False,
        allow_blank=True,
        max_length=WebhookDestination._meta.get_field("description").max_length,
        help_text="For people; without a patient's name or number.",
    )
    signature = serializers.ChoiceField(
        SIGNATURES,
        required=False,
        help_text="standard: the headers of Standard Webhooks. hex: those of the reference platform, whose clients verify them.",
    )

    class Meta:
        model = WebhookDestination
        fields = CHANGEABLE
        validators: list[Any] = []


class NewWebhookDestination(WebhookDestinationChanges):
    """A webhook destination to create. It is of the asking key's world, live or test."""


class SecretRotation(StrictSerializer):
    """How a secret is replaced."""

    overlap_hours = WholeNumberField(
        required=False,
        default=int(DEFAULT_OVERLAP.total_seconds() // _HOURS),
        min_value=0,
        max_value=int(MAX_OVERLAP.total_seconds() // _HOURS),
        help_text="For how long webhooks are signed with the old secret too. 0: not at all, such as for one that has leaked.",
    )


class WebhookSecretSerializer(serializers.Serializer[WebhookSecret]):
    """A secret without its text."""

    last4 = serializers.CharField(help_text="Its end.")
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True, help_text="Until when it signs; null: no end.")


class WebhookDestinationSerializer(ModelRowSerializer[WebhookDestination]):
    beside = frozenset({"state", "failing_since", "failures", "next_attempt_at", "secrets"})
    passing = frozenset({"secret"})
    workspace_id = serializers.UUIDField()
    url = serializers.CharField()
    accepted_event_types = serializers.ListField(child=serializers.CharField(), help_text="Empty: all.")
    signature = serializers.ChoiceField(SIGNATURES)
    live = serializers.BooleanField(help_text="Whether it is told of what is live; otherwise of tests alone.")
    state = serializers.SerializerMethodField(
        help_text="enabled: it takes what it is sent, as far as is known. failing: it did not take the last webhook, and is tried "
        "again. disabled: it is sent nothing."
    )
    failing_since = serializers.DateTimeField(allow_null=True, help_text="Since when it has taken nothing.")
    failures = serializers.IntegerField(help_text="Attempts in a row that it did not take.")
    next_attempt_at = serializers.DateTimeField(
        source="waits_until", allow_null=True, help_text="Until when it is left alone after failures."
    )
    disabled_because = OptionalTextField(help_text="Why it is disabled, as a sentence.")
    secrets = serializers.SerializerMethodField(
        help_text="Those that sign now, the newest first; two after a rotation."
    )
    created_by_entity_id = serializers.UUIDField(
        source="created_by_id", allow_null=True, help_text="The person or service user who made it."
    )

    class Meta:
        model = WebhookDestination
        fields: tuple[str, ...] = (
            "id",
            "workspace_id",
            "live",
            *CHANGEABLE,
            "state",
            "failing_since",
            "failures",
            "next_attempt_at",
            "disabled_at",
            "disabled_because",
            "secrets",
            "created_by_entity_id",
            "created_at",
            "updated_at",
        )
        read_only_fields = fields

    @extend_schema_field({"type": "string", "enum": STATES})
    def get_state(self, destination: WebhookDestination) -> str:
        if destination.disabled_at is not None:
            return "disabled"
        return "failing" if destination.failing_since is not None else "enabled"

    @extend_schema_field(WebhookSecretSerializer(many=True))
    def get_secrets(self, destination: WebhookDestination) -> Any:
        now = self.context["now"]
        valid = [each for each in destination.secrets.all() if each.signs(now)]
        represent = WebhookSecretSerializer().to_representation
        return [represent(each) for each in valid]


class IssuedWebhookDestinationSerializer(WebhookDestinationSerializer):
    """A destination with its new secret, for this once."""

    secret = serializers.CharField(
        allow_null=True,
        help_text="`whsec_` and 32 random bytes in base64, shown once. Null if the request is repeated under its Idempotency-Key.",
    )

    class Meta(WebhookDestinationSerializer.Meta):
        fields = (*WebhookDestinationSerializer.Meta.fields, "secret")
        read_only_fields = fields


class WebhookDeliveryQuery(PageQuery):
    """The filters of deliveries."""

    state = serializers.ChoiceField(DELIVERY_STATES, required=False)
    type = EventTypeField(required=False)
    event_id = IdField(required=False)


class WebhookDeliverySerializer(RowSerializer[WebhookDelivery]):
    """An event on its way to a destination."""

    beside = frozenset({"state", "attempts", "next_attempt_at", "ended_at"})
    destination_id = serializers.UUIDField()
    event_id = serializers.UUIDField(help_text="The id of the webhook, which is the same in each attempt and replay.")
    type = serializers.CharField()
    subject_id = serializers.UUIDField(help_text="What the event is about, such as the voicemail.")
    state = serializers.ChoiceField(
        DELIVERY_STATES,
        help_text="pending: it is due, or waits for its next attempt. delivered: the receiver has taken it. failed: it was given up "
        "after the last attempt.",
    )
    attempts = serializers.IntegerField(help_text="How many there were.")
    next_attempt_at = serializers.DateTimeField(source="due_at", allow_null=True, help_text="Null once it has ended.")
    replay = serializers.BooleanField(help_text="Whether somebody asked for it again.")
    created_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)


class WebhookAttemptSerializer(serializers.Serializer[WebhookAttempt]):
    """One request and its answer."""

    number = serializers.IntegerField(help_text="From 1.")
    at = serializers.DateTimeField()
    milliseconds = serializers.IntegerField(help_text="How long it took.")
    status = serializers.IntegerField(allow_null=True, help_text="Of the answer; null without one.")
    error = OptionalTextField(help_text="Why there was no answer, or why it does not count, as a sentence.")
    answer = OptionalTextField(help_text="The beginning of the answer's body, with numbers masked.")


class WebhookDeliveryDetailSerializer(WebhookDeliverySerializer):
    """A delivery with its attempts."""

    beside = WebhookDeliverySerializer.beside | {"log"}
    log = serializers.SerializerMethodField(
        help_text=f"The attempts, the first one first; of more than {MAX_SHOWN} the newest."
    )

    @extend_schema_field(WebhookAttemptSerializer(many=True))
    def get_log(self, delivery: WebhookDelivery) -> Any:
        represent = WebhookAttemptSerializer().to_representation
        return [represent(each) for each in attempts(delivery)]


class WebhookTestSerializer(serializers.Serializer[Any]):
    type = serializers.CharField(help_text="The type of the event that it is sent.")
    deliveries = serializers.CharField(help_text="The address that tells what became of it.")


class WebhookReplay(StrictSerializer):
    """What is sent again."""

    since = MomentField(help_text="Events since then, at most the 30 days for which they are kept.")


class WebhookReplayedSerializer(serializers.Serializer[Any]):
    events = serializers.IntegerField(help_text="How many events are sent again.")


class EventTypeSerializer(serializers.Serializer[EventType]):
    name = serializers.CharField(max_length=MAX_EVENT_TYPE)
    description = serializers.CharField()


class EventTypesSerializer(serializers.Serializer[Any]):
    items = EventTypeSerializer(many=True)
