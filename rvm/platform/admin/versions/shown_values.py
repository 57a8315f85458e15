"""The values of form fields as a page carries them, and as people read them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.text import Truncator

from rvm.platform.times import moments

NOTHING = "nothing"
MAX_ENTRIES = 10
MAX_LENGTH = 200


def carried(field: forms.Field, value: Any) -> Any:
    """The value as JSON that equals another exactly if the field would show the same."""
    shown = field.prepare_value(value)
    if isinstance(shown, list | tuple | set | frozenset | models.QuerySet):
        return sorted(str(getattr(each, "pk", each)) for each in shown)
    if isinstance(shown, datetime | date | time):
        return shown.isoformat()
    if shown is None or isinstance(shown, bool | int | float):
        return shown
    return str(getattr(shown, "pk", shown)) or None


def differs(field: forms.Field, value: Any, written: Any) -> bool:
    """Whether what was written in the field is another value than the carried one."""
    try:
        return bool(field.has_changed(field.to_python(value), written))
    except ValidationError:
        return True


def in_words(field: forms.Field, value: Any) -> str:
    """The carried value in the words of the form."""
    try:
        meant = field.to_python(value)
    except ValidationError:
        meant = value
    return Truncator(", ".join(_texts(field, meant)) or NOTHING).chars(MAX_LENGTH)


def _texts(field: forms.Field, meant: Any) -> Iterable[str]:
    if meant is None or meant == "":
        return []
    if isinstance(meant, list | tuple | set | models.QuerySet):
        entries = [_text(field, each) for each in meant]
        more = len(entries) - MAX_ENTRIES
        return [*entries[:MAX_ENTRIES], *([f"{more:,} more"] if more > 0 else [])]
    return [_text(field, meant)]


def _text(field: forms.Field, value: Any) -> str:
    if isinstance(field, forms.ModelChoiceField) and isinstance(value, models.Model):
        return str(field.label_from_instance(value))
    if isinstance(field, forms.ChoiceField):
        return str(_labels(field).get(str(value), value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime) and value.tzinfo is None:  # by the clock that the form names
        return f"{moments.day(value.date())}, {moments.clock(value.time())}"
    if isinstance(value, datetime):
        return moments.moment(value)
    if isinstance(value, date):
        return moments.day(value)
    return moments.clock(value) if isinstance(value, time) else str(value)


def _labels(field: forms.ChoiceField) -> dict[str, Any]:
    entries: list[tuple[Any, Any]] = []
    offered: Any = field.choices
    for value, label in offered:
        entries += label if isinstance(label, list | tuple) else [(value, label)]
    return {str(value): label for value, label in entries}
