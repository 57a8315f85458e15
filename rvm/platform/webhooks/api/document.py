"""What receivers are sent, as the `webhooks` of the OpenAPI document: one entry for each type of events, from the table of types."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiResponse,
    OpenApiWebhook,
    extend_schema,
    extend_schema_field,
)
from rest_framework import serializers

from rvm.platform.events.types import TYPES, EventType
from rvm.platform.webhooks.api.destinations import TAGS

_TAKEN = {
    "2XX": OpenApiResponse(description="Taken. Any other answer, or none within 15 s, is followed by another attempt.")
}
_ID = "01920f3b-9a00-7001-8000-0000000000e2"
_AT = "2026-03-02T15:04:00Z"


_HEADERS = {
    "webhook-id": "The id of the event, the same in each attempt and replay: what came already is recognised by it.",
    "webhook-timestamp": "When this attempt was signed, in seconds since 1970. Refuse what is older than five minutes.",
    "webhook-signature": "The signatures, separated by blanks: `v1,` and the base64 of an HMAC-SHA256 for each valid secret. With "
    "the signature `hex` of the destination: `sha256=` and the hex of one, of the oldest valid secret.",
}


def add_headers(result: dict[str, Any], **options: Any) -> dict[str, Any]:
    """Give the document's webhooks the headers of Standard Webhooks, for which drf-spectacular has no place."""
    parameters = result["components"].setdefault("parameters", {})
    for name, text in _HEADERS.items():
        parameters[name] = {
            "in": "header",
            "name": name,
            "description": text,
            "required": True,
            "schema": {"type": "string"},
        }
    for methods in result["webhooks"].values():
        methods["post"]["parameters"] = [{"$ref": f"#/components/parameters/{name}"} for name in _HEADERS]
    return result


def _payload_of(event_type: EventType) -> type[serializers.Serializer[Any]]:
    """The serializer of the type's body."""

    @extend_schema_field({"type": "string", "const": event_type.name})
    class TypeField(serializers.CharField):
        pass

    name = "".join(part.capitalize() for part in event_type.name.replace(".", "_").split("_"))
    fields = {
        "id": serializers.UUIDField(help_text="The id of the event, as in `webhook-id`."),
        "type": TypeField(),
        "timestamp": serializers.DateTimeField(help_text="When it happened."),
        "data": event_type.data(),
    }
    return type(f"{name}WebhookSerializer", (serializers.Serializer,), fields)


def _example_of(field: serializers.Field[Any, Any, Any, Any], event_type: EventType) -> Any:
    """A value of a field of an event's data."""
    result = event_type.name.rpartition(".")[2]
    if isinstance(field, serializers.ChoiceField):
        return None if field.allow_null else result if result in field.choices else next(iter(field.choices))
    if field.allow_null:
        return None
    if isinstance(field, serializers.IntegerField):
        return 1
    return _ID if isinstance(field, serializers.UUIDField) else field.field_name


def _webhook(event_type: EventType) -> OpenApiWebhook:
    data = {name: _example_of(field, event_type) for name, field in event_type.data().fields.items()}
    example = {"id": _ID, "type": event_type.name, "timestamp": _AT, "data": data}
    return OpenApiWebhook(
        name=event_type.name,
        decorator=extend_schema(
            summary=event_type.description,
            tags=TAGS,
            request={"application/json": _payload_of(event_type)},
            responses=_TAKEN,
            examples=[OpenApiExample("Example", example)],
        ),
    )


WEBHOOKS = [_webhook(TYPES[name]) for name in sorted(TYPES)]
