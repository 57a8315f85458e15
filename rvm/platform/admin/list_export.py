"""CSV export of all rows of one workspace that match the filters of a change list, not of its current page only."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import chain
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_GET

from rvm.platform import audit
from rvm.platform.admin.large_tables import RecordAdmin
from rvm.platform.admin.rights import acting_user, rights_of
from rvm.platform.admin.scoping import ScopedModelAdmin
from rvm.platform.csv_export import csv_response, file_name
from rvm.platform.database.clock import database_now
from rvm.platform.database.heavy_requests import heavy
from rvm.platform.models import Workspace
from rvm.platform.observability.masking import MASK
from rvm.platform.roles import Right
from rvm.platform.times.zones import workspace_zone

PAGE_ROWS = 2000
ONE_WORKSPACE = "Choose a workspace in the filters first; an export is of one workspace."
_WORKSPACE = "workspace__id__exact"
# Parameters of lists by which a number, another identifier or a name is searched.
SEARCHES = ("number", "identifier", "q")


class ListExport(RecordAdmin):
    """Mixin for a ModelAdmin of a large table. An export is a GET of one workspace, and audited. Users without permission to see
    numbers get them masked."""

    change_list_template = "platform/admin/exportable_list.html"

    def export_rows(self, found: QuerySet[Any], *, reveal: bool) -> Iterator[list[str]]:
        """The header, then one line for each row."""
        raise NotImplementedError

    def get_urls(self) -> list[URLPattern]:
        export = self.admin_site.admin_view(require_GET(self.export))
        name = f"{self.opts.app_label}_{self.opts.model_name}_export"
        return [path("export/", export, name=name), *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        return super().changelist_view(
            request, {**(extra_context or {}), "may_export": self.may(Right.EXPORT, request)}
        )

    @heavy
    def export(self, request: HttpRequest) -> HttpResponseBase:
        if not self.may(Right.EXPORT, request):
            raise PermissionDenied
        workspaces = list(rights_of(request).workspaces(self.right_to_view or Right.VIEW))
        asked = request.GET.get(_WORKSPACE, "")
        chosen = [row for row in workspaces if str(row.pk) == asked] if asked else workspaces
        back = reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")
        if len(chosen) != 1:
            messages.warning(request, ONE_WORKSPACE)
            return redirect(back)
        if not rights_of(request).may(Right.EXPORT, chosen[0].pk):
            raise PermissionDenied
        found = filtered_rows(self, request)
        if found is None:
            return back_to_list(back, request)
        return self._download(request, found.filter(workspace=chosen[0]), chosen[0], filters_to_keep(request))

    def _download(
        self, request: HttpRequest, found: QuerySet[Any], workspace: Workspace, filters: dict[str, Any]
    ) -> HttpResponseBase:
        reveal = rights_of(request).may_see_numbers(workspace.pk)
        audit.record(
            f"{self.noun}.exported",
            workspace,
            actor=acting_user(request),
            workspace=workspace,
            filters=filters,
            numbers_shown=reveal,
        )
        today = database_now().astimezone(workspace_zone(workspace))
        called = file_name(f"{self.noun.replace('_', '-')}s", workspace.name, f"{today:%Y-%m-%d}")
        return csv_response(self.export_rows(found, reveal=reveal), called)


def filtered_rows(page: ScopedModelAdmin, request: HttpRequest) -> QuerySet[Any] | None:
    """The rows of all pages of a list that its filters show; None for filters that it does not understand."""
    query = request.GET.copy()
    query.pop("p", None)
    request.GET = query  # type: ignore[assignment]
    page_of_all: Any = page.get_changelist_instance(request)
    return None if page_of_all.faults else page_of_all.queryset


def back_to_list(address: str, request: HttpRequest) -> HttpResponseBase:
    """To the list with the same filters, which says what it does not understand of them."""
    messages.error(request, "Nothing was exported.")
    return redirect(f"{address}?{request.GET.urlencode()}")


def filters_to_keep(request: HttpRequest) -> dict[str, Any]:
    """The filters of a list for the audit. What was searched for is not kept: it may be a number or a name."""
    return dict(request.GET.lists()) | {name: [MASK] for name in SEARCHES if name in request.GET}


def time_text(at: datetime | None) -> str:
    """The time as the API writes it, to the second; empty for None."""
    return f"{at:%Y-%m-%dT%H:%M:%SZ}" if at else ""


def pages(rows: QuerySet[Any]) -> Iterator[list[Any]]:
    """The rows, newest first, read in pages so that memory is constant."""
    rest = rows.order_by("-id")
    while page := list(rest[:PAGE_ROWS]):
        yield page
        rest = rest.filter(pk__lt=page[-1].pk)


def every_row(rows: QuerySet[Any]) -> Iterator[Any]:
    """The rows, newest first, with constant memory."""
    return chain.from_iterable(pages(rows))
