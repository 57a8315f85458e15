"""Filters of the audit: who, what, about which kind of row, and on which days."""

from __future__ import annotations

from contextlib import suppress
from datetime import date
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.contrib.filters.admin import DropdownFilter, RangeDateFilter
from unfold.widgets import INPUT_CLASSES

from rvm.platform.audit.reading import names_of_actors
from rvm.platform.audit.selectors import actors_in, on_days
from rvm.platform.audit.vocabulary import MESSAGES, ordered_subjects
from rvm.platform.database.ids import id_in

WORKSPACE = "workspace__id__exact"
MAX_WORKSPACES = 200


class ActorFilter(DropdownFilter):
    """Filter by who acted: everybody who has, in the workspaces of the list, also if they have left."""

    title, parameter_name = "person or key", "actor"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        mine = model_admin.readable_workspaces(request)
        if chosen := id_in(request.GET.get(WORKSPACE, "")):
            mine = mine.filter(pk=chosen)
        found = actors_in(mine.values_list("pk", flat=True)[:MAX_WORKSPACES])
        names = names_of_actors(found)
        return sorted(((str(pk), name) for pk, name in names.items()), key=lambda pair: pair[1].casefold())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        asked = self.value()
        if not asked:
            return queryset
        actor = id_in(asked)
        return queryset.filter(actor=actor) if actor else queryset.none()


class ColumnFilter(DropdownFilter):
    """Filter by the values of one column."""

    column: str

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        asked = self.value()
        return queryset.filter(**{self.column: asked}) if asked else queryset


class ActionFilter(ColumnFilter):
    title, parameter_name, column = "action", "action", "action"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return sorted(((action, label_of(text)) for action, text in MESSAGES.items()), key=lambda pair: pair[1])


class SubjectFilter(ColumnFilter):
    title, parameter_name, column = "object", "object", "subject_type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return list(ordered_subjects())


class DaysForm(forms.Form):
    """Two pickers of the browser, which send 2026-11-24 whatever they show."""

    def __init__(self, name: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        for end, label in (("from", "First day"), ("to", "Last day")):
            attributes = {"type": "date", "class": " ".join(INPUT_CLASSES), "aria-label": label}
            self.fields[f"{name}_{end}"] = forms.DateField(label="", required=False, widget=forms.DateInput(attributes))


class DaysFilter(RangeDateFilter):
    """Filter by whole days in the time zone that the list shows, both inclusive. What is no day lists nothing."""

    form_class = DaysForm

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.title = "day"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        given = [self.used_parameters.get(f"{self.parameter_name}_{end}") for end in ("from", "to")]
        try:
            first, last = (date.fromisoformat(str(text)) if text else None for text in given)
        except ValueError:
            return queryset.none()
        with suppress(OverflowError):
            return on_days(queryset, first, last, timezone.get_current_timezone())
        return queryset.none()


def label_of(message: str) -> str:
    """A sentence as a choice: what was done, without who and to what."""
    text = " ".join(message.replace("{who}", "").replace("{it}", "…").replace("{noun}", "").split())
    return text.removesuffix(" …")
