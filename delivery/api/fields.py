"""Serializer field for a JSON object of any content."""

from __future__ import annotations

from typing import Any

import orjson
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from rvm.platform.api.rendering import MAX_JSON_LEVELS, NUL_CHARACTER, is_too_deep, require_unambiguous

NO_OBJECT = "This must be a JSON object."


class _FormText(str):
    """The text of a form's field. A form has no objects; in JSON a text is none."""


@extend_schema_field(OpenApiTypes.OBJECT)
class ObjectField(serializers.Field[Any, Any, Any, Any]):
    """A JSON object, or its JSON text in a form, which is checked here for what JSONParser checks in a body."""

    default_error_messages = {
        "invalid": NO_OBJECT,
        "too_deep": f"Objects and lists may lie within each other {MAX_JSON_LEVELS} levels deep, no more.",
        "null_character": NUL_CHARACTER,
    }

    def get_value(self, dictionary: Any) -> Any:
        written = super().get_value(dictionary)
        return _FormText(written) if hasattr(dictionary, "getlist") and isinstance(written, str) else written

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if isinstance(data, _FormText):
            if "\\u0000" in data:
                self.fail("null_character")
            text = str(data)  # orjson reads no subclass
            try:
                data = orjson.loads(text)
            except orjson.JSONDecodeError:
                self.fail("invalid")
            if is_too_deep(data):
                self.fail("too_deep")
            require_unambiguous(text)
        if not isinstance(data, dict):
            self.fail("invalid")
        return data

    def to_representation(self, value: Any) -> Any:
        return value
