"""Serializer fields for counts by name and for scripts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from campaigns.scripts.names import BY_NAME
from campaigns.scripts.parts import MAX_PARTS
from campaigns.scripts.validation import MAX_COMBINATIONS
from delivery.api.fields import ObjectField
from rvm.spreadsheets.columns.kinds import MERGE_FIELD

_ID = {"type": "string", "format": "uuid"}
_BY_VALUE = {
    "type": "object",
    "additionalProperties": _ID,
    "minProperties": 1,
    "maxProperties": MAX_COMBINATIONS,
    "description": "By value of the field.",
}
_NAMED = {"type": "array", "items": _ID, "minItems": 1, "maxItems": MAX_COMBINATIONS}


def _script(clips: dict[str, Any]) -> dict[str, Any]:
    """The schema of a script, whose parts choose among `clips`; `campaigns.scripts` says what is wrong with one."""
    properties = {
        "field": {"type": "string", "pattern": f"^{MERGE_FIELD.pattern}$"},
        "clips": clips,
        "otherwise": {**_ID, "type": ["string", "null"]},
    }
    kinds = [
        {"required": ["clip"], "properties": {"clip": _ID}},
        {"required": ["field", "clips"], "properties": properties},
    ]
    parts = [{"type": "object", **kind, "additionalProperties": False} for kind in kinds]
    return {"type": "array", "items": {"oneOf": parts}, "minItems": 1, "maxItems": MAX_PARTS}


@extend_schema_field(_script({"oneOf": [_BY_VALUE, _NAMED, {"type": "string", "const": BY_NAME}]}))
class ScriptField(serializers.ListField):
    """A script as campaigns are given one."""

    child = ObjectField()


@extend_schema_field(_script(_BY_VALUE))
class KeptScriptField(serializers.ListField):
    """A script as campaigns have it."""

    child = serializers.DictField()


class CountsField(serializers.DictField):
    """Counts by name: those of `names` in their order, or by default all in alphabetical order.

    The order is set here because PostgreSQL's jsonb does not keep the order of keys."""

    def __init__(self, help_text: str, *names: str, **options: Any) -> None:
        super().__init__(child=serializers.IntegerField(), help_text=help_text, **options)
        self.names: Sequence[str] = names

    def to_representation(self, counts: dict[str, int]) -> dict[str, Any]:
        return super().to_representation(
            {name: counts[name] for name in self.names or sorted(counts) if name in counts}
        )
