"""Form fields for a local date and time and for a time of day, with the pickers of the browser and no script."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from unfold.widgets import INPUT_CLASSES

from rvm.platform.admin.pickers import moment_picker

# The file types that a browser offers in the file dialog.
LIST_FILES = ".csv,.txt,.tsv,.xlsx,text/csv"


class LocalMomentField(forms.Field):
    """A datetime without an offset, in the time zone of another field of the form."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(widget=moment_picker(), **kwargs)

    def to_python(self, value: Any) -> datetime | None:
        if value in self.empty_values:
            return None
        if isinstance(value, datetime):
            return value.replace(second=0, microsecond=0)
        try:
            written = datetime.fromisoformat(str(value))  # a browser adds seconds if they are not 0
        except ValueError:
            raise ValidationError("Write it as year, month, day and time: 2026-11-24T09:00.") from None
        return written.replace(tzinfo=None, second=0, microsecond=0)

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return self.to_python(initial) != self.to_python(data)
        except ValidationError:
            return True


def time_of_day() -> forms.TimeInput:
    return forms.TimeInput({"type": "time", "class": " ".join([*INPUT_CLASSES, "max-w-40"])}, format="%H:%M")
