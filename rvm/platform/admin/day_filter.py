"""The filter of a list by days, written as people write them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import RangeDateFilter
from unfold.contrib.filters.forms import RangeDateForm
from unfold.widgets import INPUT_CLASSES

from rvm.platform.admin.pickers import DayField
from rvm.platform.admin.rights import rights_of
from rvm.platform.database.clock import database_now
from rvm.platform.database.ids import id_in
from rvm.platform.times.days import EXAMPLE, bounds
from rvm.platform.times.zones import zone_name

_ENDS = (("from", "First day"), ("to", "Last day"))


class DaysForm(RangeDateForm):
    def __init__(self, name: str, today: Callable[[], date], **kwargs: Any) -> None:
        super().__init__(name, **kwargs)
        for end, label in _ENDS:
            widget = forms.TextInput(
                {
                    "class": " ".join(["vCustomDateField", *INPUT_CLASSES]),  # for the calendar beside it
                    "placeholder": EXAMPLE,
                    "aria-label": label,
                    "autocomplete": "off",
                }
            )
            self.fields[f"{name}_{end}"] = DayField(today, ahead=False, required=False, label="", widget=widget)

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or self.cleaned_data
        first, last = (found.get(f"{self.name}_{end}") for end, _ in _ENDS)
        if first and last and first > last:
            self.add_error(f"{self.name}_to", "The last day is before the first day.")
        return found


class DaysFilter(RangeDateFilter):
    """Filter by whole days of the workspace's zone, the first and the last one included; what is no day is a fault of the list."""

    template = "platform/admin/days_filter.html"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        request: Any = self.request
        self.zone = rights_of(request).days_zone(self.workspace_id(request))
        self.form = DaysForm(self.parameter_name, self._today, data=self.used_parameters)
        if self.form.is_valid():  # it shows how it read them
            read = {name: f"{day:%m/%d/%Y}" for name, day in self.form.cleaned_data.items() if day}
            self.form.data = read

    def faults(self) -> list[str]:
        return [f"The filter “{self.title}”: {text}" for texts in self.form.errors.values() for text in texts]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        first, last = (self.form.cleaned_data[f"{self.parameter_name}_{end}"] for end, _ in _ENDS)
        begin, end = bounds(first, last, self.zone)
        return self.between(request, queryset, begin, end) if begin or end else queryset

    def between(
        self, request: HttpRequest, queryset: QuerySet[Any], begin: datetime | None, end: datetime | None
    ) -> QuerySet[Any]:
        asked = {f"{self.field_path}__gte": begin, f"{self.field_path}__lt": end}
        return queryset.filter(**{name: at for name, at in asked.items() if at})

    def choices(self, changelist: Any) -> Any:
        yield {"form": self.form, "zone": zone_name(self.zone.key)}

    def workspace_id(self, request: HttpRequest) -> UUID | None:
        """The workspace of the list, if it is of one."""
        return id_in(request.GET.get("workspace__id__exact", ""))

    def _today(self) -> date:
        return database_now().astimezone(self.zone).date()
