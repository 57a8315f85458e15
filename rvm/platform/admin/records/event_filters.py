"""Filters of the audit: who, what, about which kind of row, and on which days."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import DropdownFilter

from rvm.platform.admin.day_filter import DaysFilter
from rvm.platform.admin.lists import no_choice
from rvm.platform.audit.reading import names_of_actors
from rvm.platform.audit.selectors import actors_in, between
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
        return queryset.filter(actor=id_in(asked)) if asked else queryset

    def faults(self) -> list[str]:
        """Of what is no id; somebody who has done nothing here is no choice either, but known."""
        asked = self.value()
        return [no_choice(self.title, asked)] if asked and id_in(asked) is None else []


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


class DayFilter(DaysFilter):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.title = "day"

    def between(
        self, request: HttpRequest, queryset: QuerySet[Any], begin: datetime | None, end: datetime | None
    ) -> QuerySet[Any]:
        return between(queryset, begin, end)


def label_of(message: str) -> str:
    """A sentence as a choice: what was done, without who and to what."""
    text = " ".join(message.replace("{who}", "").replace("{it}", "…").replace("{noun}", "").split())
    return text.removesuffix(" …")
