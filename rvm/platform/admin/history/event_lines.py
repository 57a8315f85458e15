"""Audit events as sentences of the admin, with links to the rows that the reader may open."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.contrib.admin.exceptions import NotRegistered
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString

from rvm.platform.audit.reading import RowsOf, Told, all_rows, tell
from rvm.platform.audit.vocabulary import message_of
from rvm.platform.models import AuditEvent

LINK = '<a class="font-medium text-primary-600 dark:text-primary-500" href="{}">{}</a>'


@dataclass(frozen=True, slots=True)
class Line:
    """An event on a page: its sentence as HTML, and its details."""

    event: AuditEvent
    message: SafeString
    details: Sequence[str] = field(repr=False)


def rows_for(request: HttpRequest) -> RowsOf:
    """The rows of a table that the reader may open; of a table without pages, all."""

    def rows_of(model: type[Model]) -> QuerySet[Any] | None:
        pages = _pages_of(model)
        if pages is None:
            return all_rows(model)
        found: QuerySet[Any] | None = pages.get_queryset(request) if pages.has_view_permission(request) else None
        return found

    return rows_of


def lines(request: HttpRequest, events: Iterable[AuditEvent]) -> list[Line]:
    """The events in words, read together."""
    told = tell(list(events), rows_for(request))
    return [Line(each.event, _message(each), each.lines) for each in told]


def _message(told: Told) -> SafeString:
    name = (
        format_html(LINK, address, told.it)
        if (address := _address(told))
        else format_html("<strong>{}</strong>", told.it)
    )
    template = conditional_escape(message_of(told.event.action))
    return format_html(template, who=format_html("<strong>{}</strong>", told.who), it=name, noun=told.noun)


def _address(told: Told) -> str:
    """The page of the event's row, if it exists and the reader may open it."""
    model = apps.get_model(told.event.subject_type) if told.found else None
    if model is None or _pages_of(model) is None:
        return ""
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[told.event.subject_id])


def _pages_of(model: type[Model]) -> Any:
    try:
        return admin.site.get_model_admin(model)
    except NotRegistered:
        return None
