"""Serializers and fields stricter than DRF's: unknown fields and values of another type are refused, never converted."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time
from typing import Any

from django.db import models
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail
from rest_framework.fields import empty

from rvm.platform.api.rendering import NUL_CHARACTER

# RFC 3339, section 5.6, without its leap second, which no clock here has. Python reads far more: weeks, blanks, commas.
_DAY = r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])"
_CLOCK = r"(?:[01]\d|2[0-3]):[0-5]\d"
_LOCAL = re.compile(rf"{_DAY}[Tt]{_CLOCK}:[0-5]\d(?:\.\d+)?", re.ASCII)
_ZONE_OR_NONE = re.compile(rf"(?:[Zz]|[+-]{_CLOCK})?", re.ASCII)
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
# The longest that fits into 64 bits; no field has wider bounds.
_WHOLE = re.compile(r"0|-?[1-9]\d{0,18}", re.ASCII)

# What Django writes for bytes of a form or query that are no UTF-8.
_REPLACED = "\N{REPLACEMENT CHARACTER}"


def no_such_field(known: Iterable[str]) -> str:
    fields = ", ".join(known)
    return (
        f"There is no such field here; there are: {fields}."
        if fields
        else "There is no such field here; this takes none."
    )


def help_of(model: type[models.Model], name: str) -> str:
    """The help text of a model's field."""
    field: Any = model._meta.get_field(name)
    return str(field.help_text)


class _Strict:
    """A serializer mixin that refuses what has two readings: a misspelt `expires_at` must not cause a late voicemail, a second
    recipient must not replace the first, and a filter that a caller left empty must not find everything."""

    partial: bool
    # DRF's own words are Python's, such as dictionary.
    default_error_messages: Any = {"invalid": "This must be a JSON object."}

    @functools.cached_property
    def fields(self) -> Any:
        """The fields of one serializer of the class for all requests: they keep nothing of what they read, and DRF would copy them
        each time."""
        return _fields_of(type(self), self.partial)  # type: ignore[arg-type]  # classes are hashable

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            known = {name: field for name, field in self.fields.items() if not field.read_only}
            unknown = [name for name in data if name not in known]
            refusal = [ErrorDetail(no_such_field(known), "unknown_field")] if unknown else []
            refused = {name: refusal for name in unknown}
            if hasattr(data, "getlist"):
                refused |= _ambiguous({name: (known[name], data.getlist(name)) for name in data if name in known})
            if refused:
                raise serializers.ValidationError(refused)
        return super().to_internal_value(data)  # type: ignore[misc]


@functools.cache
def _fields_of(serializer_class: type[Any], partial: bool) -> Any:
    return super(_Strict, serializer_class(partial=partial)).fields


def _ambiguous(given: Mapping[str, tuple[Any, list[Any]]]) -> dict[str, list[ErrorDetail]]:
    """The refusals of fields of a form or query that are given twice, empty, or no UTF-8. DRF takes the last one, and an empty one
    for none."""
    refused = {}
    for name, (field, values) in given.items():
        several = isinstance(field, serializers.ListField)
        may_be_blank = getattr(field.child if several else field, "allow_blank", False)
        if len(values) > 1 and not several:
            refused[name] = [ErrorDetail(f"This is given {len(values)} times; give it once.", "repeated")]
        elif not may_be_blank and any(isinstance(value, str) and not value.strip() for value in values):
            refused[name] = [ErrorDetail("This is empty; give it a value or leave it out.", "blank")]
        elif any(_REPLACED in (value if isinstance(value, str) else value.name or "") for value in values):
            refused[name] = [ErrorDetail("This is not text in UTF-8.", "not_utf8")]
    return refused


class TextField(serializers.CharField):
    """A string, with more than blanks in it unless it may be empty; DRF would accept a number. Where it may be empty, null means the
    same."""

    default_error_messages = {"null_character": NUL_CHARACTER}

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.allow_null = self.allow_null or self.allow_blank

    def run_validation(self, data: Any = empty) -> Any:
        return super().run_validation("" if data is None and self.allow_blank else data)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        if not self.allow_blank and not data.strip():
            self.fail("blank")
        if "\0" in data:
            self.fail("null_character")
        return super().to_internal_value(data)


class IdField(serializers.UUIDField):
    """A UUID in its usual text form; DRF would accept an integer, a URN, and digits of any script."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str) or not _UUID.fullmatch(data):
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
        written = dictionary.get(self.field_name, empty)
        return {"true": True, "false": False}.get(written, written)


class NumberField(serializers.FloatField):
    """A JSON number; DRF would accept the text "NaN", which passes every bound."""

    def to_internal_value(self, data: Any) -> float:
        if isinstance(data, bool) or not isinstance(data, int | float):
            self.fail("invalid")
        return super().to_internal_value(data)


class WholeNumberField(serializers.IntegerField):
    """A JSON number without a fraction, or its digits in a form or query string; DRF would accept ` 5`, `+5`, `5.0` and `5_0`."""

    def get_value(self, dictionary: Any) -> Any:
        written = super().get_value(dictionary)
        of_text = hasattr(dictionary, "getlist") and isinstance(written, str) and _WHOLE.fullmatch(written)
        return int(written) if of_text else written

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int):
            self.fail("invalid")
        return super().to_internal_value(data)


class MomentField(serializers.DateTimeField):
    """A time of RFC 3339 with its zone. DRF would take one without for the platform's zone, and a day for its midnight."""

    default_error_messages = {
        "invalid": "Write a time as in RFC 3339, such as 2026-12-01T10:00:00Z or 2026-12-01T10:00:00-05:00; in an address, write + "
        "as %2B.",
        "zone_missing": "Add the zone of this time: Z for UTC, or +hh:mm, as in 2026-12-01T10:00:00-05:00.",
    }

    def to_internal_value(self, value: Any) -> datetime:
        local = _LOCAL.match(value) if isinstance(value, str) else None
        if local is None or not _ZONE_OR_NONE.fullmatch(value, local.end()):
            self.fail("invalid")
        try:
            moment = datetime.fromisoformat(value.upper())
        except ValueError:  # no such day in this month
            self.fail("invalid")
        return self.enforce_timezone(moment)

    def enforce_timezone(self, value: datetime) -> datetime:
        if value.tzinfo is None:
            self.fail("zone_missing")
        return super().enforce_timezone(value)


class DayField(serializers.DateField):
    """A day as YYYY-MM-DD. DRF would accept weeks and days without hyphens."""

    default_error_messages = {"invalid": "Write a day as YYYY-MM-DD, such as 2026-12-01."}

    def to_internal_value(self, value: Any) -> date:
        if not isinstance(value, str) or not re.fullmatch(_DAY, value, re.ASCII):
            self.fail("invalid")
        try:
            return date.fromisoformat(value)
        except ValueError:  # no such day in this month
            self.fail("invalid")


class ClockField(serializers.TimeField):
    """A time of day as HH:MM or HH:MM:SS, which is no moment and has no zone. DRF would drop a zone."""

    default_error_messages = {"invalid": "Write a time of day as HH:MM, such as 08:30, without a zone."}

    def to_internal_value(self, value: Any) -> time:
        if not isinstance(value, str) or not re.fullmatch(rf"{_CLOCK}(?::[0-5]\d(?:\.\d+)?)?", value, re.ASCII):
            self.fail("invalid")
        return time.fromisoformat(value)


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
        models.DateTimeField: MomentField,
        models.DateField: DayField,
        models.TimeField: ClockField,
    }
