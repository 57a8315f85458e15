"""The admin of the audit: who did what, as sentences, with filters, a search and an export."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.decorators import display

from rvm.platform.admin.history.event_lines import Line, lines, rows_for
from rvm.platform.admin.list_export import ListExport, pages, time_text
from rvm.platform.admin.lists import RestrictedChangeList
from rvm.platform.admin.records.event_filters import ActionFilter, ActorFilter, DayFilter, SubjectFilter
from rvm.platform.admin.rights import rights_of
from rvm.platform.admin.scoping import ScopedFilter
from rvm.platform.audit.reading import Told, tell
from rvm.platform.audit.selectors import matching
from rvm.platform.models import AuditEvent, Workspace
from rvm.platform.roles import Right
from rvm.platform.times import moments

SHOWN_DETAILS = 4
COLUMNS = (
    "at", "what happened", "who", "action", "object", "object id", "details", "address", "request id", "id",
)  # fmt: skip


class ToldList(RestrictedChangeList):
    """A page of events of which each has its `line`; the names on it are read together."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list: list[Any] = list(self.result_list)
        for line in lines(request, self.result_list):
            line.event.line = line  # type: ignore[attr-defined]


@admin.register(AuditEvent)
class AuditEventAdmin(ListExport):
    """The admin of audit events; events without a workspace, such as a new account, are visible to superusers only."""

    right_to_view = Right.READ_AUDIT
    list_display = ("when", "what", "details_shown", "workspace")
    list_display_links = ("when",)
    list_filter = (
        ("workspace", ScopedFilter),
        ActorFilter,
        ActionFilter,
        SubjectFilter,
        ("at", DayFilter),
    )
    list_filter_sheet = True
    list_select_related = ("actor", "key", "workspace")
    search_fields = ("request_id",)
    search_help_text = "A name of a person, key or object; an id; or a request id"
    fields = (
        "when",
        "what",
        "details_lines",
        "workspace",
        "actor",
        "key",
        "address",
        "request_id",
        "action",
        "subject",
    )
    readonly_fields = ("when", "what", "details_lines", "subject")

    def readable_workspaces(self, request: HttpRequest) -> QuerySet[Workspace]:
        return rights_of(request).workspaces(Right.READ_AUDIT)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[RestrictedChangeList]:
        return ToldList

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        event = super().get_object(request, object_id, from_field)
        (event.line,) = lines(request, [event])
        return event

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        text = search_term.strip()
        return (matching(queryset, text, rows_for(request)) if text else queryset), False

    def export_rows(self, found: QuerySet[Any], *, reveal: bool) -> Iterator[list[str]]:
        yield list(COLUMNS)
        for page in pages(found):
            yield from (_cells(each) for each in tell(page))

    def row_title(self, row: AuditEvent) -> str:
        return moments.moment_to_the_second(row.at)

    @display(description="When")
    def when(self, event: AuditEvent) -> str:
        return moments.moment_to_the_second(event.at)

    @display(description="What happened")
    def what(self, event: AuditEvent) -> SafeString:
        return format_html('<div class="min-w-64 whitespace-normal">{}</div>', _line(event).message)

    @display(description="Details")
    def details_shown(self, event: AuditEvent) -> SafeString:
        details = _line(event).details
        more = [f"and {len(details) - SHOWN_DETAILS} more"] if len(details) > SHOWN_DETAILS else []
        return _listed([*details[:SHOWN_DETAILS], *more])

    @display(description="Details")
    def details_lines(self, event: AuditEvent) -> SafeString | str:
        return _listed(_line(event).details) or "-"

    @display(description="Object's id")
    def subject(self, event: AuditEvent) -> str:
        return f"{event.subject_type} {event.subject_id}"


def _cells(told: Told) -> list[str]:
    event = told.event
    return [
        time_text(event.at),
        told.message,
        told.who,
        event.action,
        told.noun,
        str(event.subject_id),
        "\n".join(told.lines),
        event.address or "",
        event.request_id,
        str(event.pk),
    ]


def _line(event: Any) -> Line:
    line: Line = event.line
    return line


def _listed(texts: Sequence[str]) -> SafeString:
    return format_html_join("", '<div class="whitespace-normal">{}</div>', ((text,) for text in texts))
