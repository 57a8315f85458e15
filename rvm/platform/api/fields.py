"""Reads what callers send more strictly than DRF does: what is misspelt or of another type is refused, never guessed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import models
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail
from rest_framework.fields import empty


def no_such_field(known: Iterable[str]) -> str:
    return f"There is no such field here; there are: {', '.join(known)}."


def help_of(model: type[models.Model], name: str) -> str:
    """What a column's own table says about it."""
    field: Any = model._meta.get_field(name)
    return str(field.help_text)


class _Strict:
    """Refuses fields that do not exist: a misspelt `expires_at` must not let a message out late."""

    fields: Any

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            known = [name for name, field in self.fields.items() if not field.read_only]
            refusal = ErrorDetail(no_such_field(known), "unknown_field")
            if unknown := {name: [refusal] for name in data if name not in known}:
                raise serializers.ValidationError(unknown)
        return super().to_internal_value(data)  # type: ignore[misc]


class TextField(serializers.CharField):
    """A string; DRF would take a number for one."""

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
    """JSON true or false; DRF would take "on" for one."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class YesFilter(YesField):
    """The same in an address too, as `true` or `false`. DRF would take a filter that is absent there for false."""

    default_error_messages = {"invalid": "This must be true or false."}

    def get_value(self, dictionary: Any) -> Any:
        if not hasattr(dictionary, "getlist"):
            return super().get_value(dictionary)
        written = dictionary.getlist(self.field_name)
        if not written:
            return empty
        return {"true": True, "false": False}.get(written[0], written[0]) if len(written) == 1 else written


class NumberField(serializers.FloatField):
    """A JSON number; DRF would take the text "NaN" for one, which no bound refuses."""

    def to_internal_value(self, data: Any) -> float:
        if isinstance(data, bool) or not isinstance(data, int | float):
            self.fail("invalid")
        return super().to_internal_value(data)


class WholeNumberField(serializers.IntegerField):
    """A JSON number without a fraction."""

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int):
            self.fail("invalid")
        return super().to_internal_value(data)


class StrictSerializer(_Strict, serializers.Serializer[Any]):
    """What a caller sends, field by field."""


class StrictModelSerializer(_Strict, serializers.ModelSerializer[Any]):
    """What a caller sends to change columns of a table: types, bounds and help are the table's own."""

    serializer_field_mapping = {
        **serializers.ModelSerializer.serializer_field_mapping,
        models.CharField: TextField,
        models.TextField: TextField,
        models.BooleanField: YesField,
        models.FloatField: NumberField,
        models.PositiveIntegerField: WholeNumberField,
        models.PositiveSmallIntegerField: WholeNumberField,
        models.SmallIntegerField: WholeNumberField,
    }
