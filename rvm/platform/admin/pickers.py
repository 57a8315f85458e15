"""Pickers of the browser for forms of the admin, without a script."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.functional import lazy
from django.utils.text import format_lazy
from unfold.widgets import INPUT_CLASSES, UnfoldAdminDateWidget, UnfoldAdminSelectWidget

from rvm.platform.database.clock import database_now
from rvm.platform.errors import ServiceError
from rvm.platform.times import moments, zones
from rvm.platform.times.days import EXAMPLE, day_in


class ZoneField(forms.ChoiceField):
    """A time zone, those of the United States first; `otherwise` says what an empty one means."""

    def __init__(self, otherwise: str = "", **kwargs: Any) -> None:
        options: dict[str, Any] = {"label": "Time zone", "widget": UnfoldAdminSelectWidget(), **kwargs}
        empty: list[Any] = [("", otherwise)] if otherwise else []
        super().__init__(choices=lambda: [*empty, *zones.choices()], required=not otherwise, **options)


class DayField(forms.DateField):
    """A day in any spelling of `rvm.platform.times.days`; without a year, the next one, or if not `ahead` the last one."""

    def __init__(self, today: Callable[[], date] | None = None, *, ahead: bool = True, **kwargs: Any) -> None:
        options: dict[str, Any] = {"widget": UnfoldAdminDateWidget({"placeholder": EXAMPLE}), **kwargs}
        super().__init__(**options)
        self._today, self._ahead = today or _today, ahead

    def to_python(self, value: Any) -> date | None:
        if not isinstance(value, str) or not value.strip():
            return super().to_python(value)
        try:
            return day_in(value, self._today, ahead=self._ahead)
        except ServiceError as refusal:
            raise ValidationError(refusal.message) from None


class MomentPicker(forms.DateTimeInput):
    """The browser's picker of a date and a time without an offset: 2026-11-24T09:00."""

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        shown = {"type": "datetime-local", "class": " ".join(INPUT_CLASSES), **(attrs or {})}
        super().__init__(shown, format="%Y-%m-%dT%H:%M")


class MomentField(forms.DateTimeField):
    """A time in the reader's zone, which its label names; a browser's picker and the spellings of people are read."""

    def __init__(self, label: str, **kwargs: Any) -> None:
        options: dict[str, Any] = {"widget": MomentPicker(), **kwargs}
        super().__init__(label=format_lazy("{}, {} time", label, _zone()), **options)

    def to_python(self, value: Any) -> datetime | None:
        if not isinstance(value, str) or not value.strip():
            return super().to_python(value)
        try:
            return moments.moment_at(local_moment(value), timezone.get_current_timezone())
        except ServiceError as refusal:
            raise ValidationError(refusal.message) from None


class LocalMomentField(forms.Field):
    """A time without an offset, by another clock than the reader's, which the form names."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(widget=MomentPicker(), **kwargs)

    def to_python(self, value: Any) -> datetime | None:
        if value in self.empty_values:
            return None
        if isinstance(value, datetime):
            return value.replace(second=0, microsecond=0)
        try:
            return local_moment(str(value))
        except ServiceError as refusal:
            raise ValidationError(refusal.message) from None

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return self.to_python(initial) != self.to_python(data)
        except ValidationError:
            return True


def local_moment(text: str) -> datetime:
    """A written time without an offset. Raises ServiceError."""
    return moments.moment_in(text, _today)


def _today() -> date:
    return timezone.localtime(database_now()).date()


def _zone() -> Any:
    """The name of the reader's zone, found when it is shown."""
    return lazy(lambda: zones.zone_name(timezone.get_current_timezone_name()), str)()
