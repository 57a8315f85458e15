"""Serializers and fields of answers: a row has its own id as `id`, and what has no value is null.

Tables store a text without a value as an empty text. Answers never contain one: a field of a text that may be absent is one of the
two below, and a column that may be blank becomes one in a ModelRowSerializer.
"""

from __future__ import annotations

from typing import Any, ClassVar, TypeVar

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

Row = TypeVar("Row")


class OptionalTextField(serializers.CharField):
    """A text, or null without one."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{**options, "allow_null": True})

    def to_representation(self, value: Any) -> Any:
        return str(value) or None


class OptionalChoiceField(serializers.ChoiceField):
    """One of the choices, or null without one."""

    def __init__(self, choices: Any, **options: Any) -> None:
        super().__init__(choices, **{**options, "allow_null": True})

    def to_representation(self, value: Any) -> Any:
        return super().to_representation(value) or None


_OPTIONAL: dict[type[serializers.Field[Any, Any, Any, Any]], type[serializers.Field[Any, Any, Any, Any]]] = {
    serializers.CharField: OptionalTextField,
    serializers.ChoiceField: OptionalChoiceField,
}


@extend_schema_field({"type": "string", "format": "uuid", "deprecated": True})
class FormerIdField(serializers.UUIDField):
    """A row's own id under the name that only this kind of row has. It stays for clients that read it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"source": "pk", "help_text": "The same as `id`, which every row has.", **options})


@extend_schema_field({"type": "null"})
class NullField(serializers.Field[Any, Any, None, Any]):
    """A member that is always null: rows of other platforms have a value there, which their clients look for."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{**options, "read_only": True})

    def get_attribute(self, instance: Any) -> None:
        return None


class RowSerializer(serializers.Serializer[Row]):
    """The base of rows. Where another object names the row, the member is the kind and `_id`, such as `campaign_id`.

    `beside` are the members that are no part of the row's version: what the platform counts or measures by itself, what follows from
    other rows, and what only some answers have. `passing` are those that are another in each answer, such as a signed link.
    """

    beside: ClassVar[frozenset[str]] = frozenset()
    passing: ClassVar[frozenset[str]] = frozenset()
    id = serializers.UUIDField(source="pk")


class ModelRowSerializer(RowSerializer[Row], serializers.ModelSerializer[Row]):  # type: ignore[type-var]
    """The base of rows whose fields are columns."""

    def build_standard_field(self, field_name: str, model_field: Any) -> Any:
        field_class, options = super().build_standard_field(field_name, model_field)
        options.pop("allow_blank", None)
        return _OPTIONAL.get(field_class, field_class) if model_field.blank else field_class, options
