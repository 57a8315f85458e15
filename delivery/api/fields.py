"""Reads what callers send more strictly than DRF does: what is misspelt or of another type is refused, never guessed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses fields that do not exist: a misspelt `expires_at` must not let a message out late."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping) and (unknown := [name for name in data if name not in self.fields]):
            sentence = f"There is no such field here; there are: {', '.join(self.fields)}."
            raise serializers.ValidationError({name: [ErrorDetail(sentence, "unknown_field")] for name in unknown})
        return super().to_internal_value(data)


class TextField(serializers.CharField):
    """A string, as it is; DRF would take a number for one, and trim it."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(trim_whitespace=False, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class IdField(serializers.UUIDField):
    """A UUID in its usual form; DRF would take an integer for one."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str):
            self.fail("invalid", value=data)
        return super().to_internal_value(data)


class YesField(serializers.BooleanField):
    """JSON true or false; DRF would take "on" for consent."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


@extend_schema_field(OpenApiTypes.OBJECT)
class ObjectField(serializers.Field[Any, Any, Any, Any]):
    """A JSON object; in a form, a JSON object as text."""

    default_error_messages = {
        "invalid": "This must be a JSON object.",
        "null_character": "The character U+0000 cannot be stored; leave it out.",
    }

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if isinstance(data, str):
            if "\\u0000" in data:
                self.fail("null_character")
            try:
                data = orjson.loads(data)
            except orjson.JSONDecodeError:
                self.fail("invalid")
        if not isinstance(data, dict):
            self.fail("invalid")
        return data

    def to_representation(self, value: Any) -> Any:
        return value
