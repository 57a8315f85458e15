"""Serializers and fields stricter than DRF's: unknown fields and values of another type are refused, never converted."""

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
    """The help text of a model's field."""
    field: Any = model._meta.get_field(name)
    return str(field.help_text)


class _Strict:
    """A serializer mixin that refuses unknown fields: a misspelt `expires_at` must not cause a late voicemail."""

    fields: Any
    # DRF's own words are Python's, such as dictionary.
    default_error_messages = {"invalid": "This must be a JSON object."}

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            known = [name for name, field in self.fields.items() if not field.read_only]
            refusal = ErrorDetail(no_such_field(known), "unknown_field")
            if unknown := {name: [refusal] for name in data if name not in known}:
                raise serializers.ValidationError(unknown)
        return super().to_internal_value(data)  # type: ignore[misc]


class TextField(serializers.CharField):
    """A string; DRF would accept a number. Where it may be empty, null means the same."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.allow_null = self.allow_null or self.allow_blank

    def run_validation(self, data: Any = empty) -> Any:
        return super().run_validation("" if data is None and self.allow_blank else data)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class IdField(serializers.UUIDField):
    """A UUID in its text form; DRF would accept an integer."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str):
            self.fail("invalid", value=data)
        return super().to_internal_value(data)


class YesField(serializers.BooleanField):
    """JSON true or false; DRF would accept "on"."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class YesFilter(YesField):
    """A YesField that also reads `true` or `false` from a query string. DRF would take an absent filter for false."""

    default_error_messages = {"invalid": "This must be true or false."}

    def get_value(self, dictionary: Any) -> Any:
        if not hasattr(dictionary, "getlist"):
            return super().get_value(dictionary)
        written = dictionary.getlist(self.field_name)
        if not written:
            return empty
        return {"true": True, "false": False}.get(written[0], written[0]) if len(written) == 1 else written


class NumberField(serializers.FloatField):
    """A JSON number; DRF would accept the text "NaN", which passes every bound."""

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
    """The base of serializers for request bodies and query strings."""


class StrictModelSerializer(_Strict, serializers.ModelSerializer[Any]):
    """The base of serializers that change columns of a table: types, bounds and help texts come from the model."""

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
