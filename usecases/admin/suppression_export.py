"""CSV export of all suppressions that match the filters of the change list, not of its current page only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib import messages
from django.contrib.admin.options import IncorrectLookupParameters
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
from rvm.platform.csv_export import csv_response
from rvm.platform.database.clock import database_now
from rvm.platform.models import Workspace
from rvm.platform.observability.masking import MASK
from usecases.models import Suppression

PAGE_ROWS = 2000
# The names that the API uses, but for two that a list reader would ask about: the file can be read as an opt-out list.
COLUMNS = (
    "id", "recipient_phone_number", "reason", "note", "source", "purposes", "list_id", "created_at",
    "lifted_at", "lift_reason",
)  # fmt: skip
_WORKSPACE = "workspace__id__exact"


class SuppressionExport(RecordAdmin):
    """Mixin for the ModelAdmin of suppressions. The export is a GET of one workspace; users without permission to see numbers get
    them masked."""

    def get_urls(self) -> list[URLPattern]:
        export = self.admin_site.admin_view(require_GET(self.export))
        return [path("export/", export, name="usecases_suppression_export"), *super().get_urls()]

    def export(self, request: HttpRequest) -> HttpResponseBase:
        if not self.has_view_permission(request):
            raise PermissionDenied
        workspaces = list(rights_of(request).workspaces())
        asked = request.GET.get(_WORKSPACE, "")
        chosen = [row for row in workspaces if str(row.pk) == asked] if asked else workspaces
        back = reverse("admin:usecases_suppression_changelist")
        if len(chosen) != 1:
            messages.warning(request, "Choose a workspace in the filters first; an export is of one workspace.")
            return redirect(back)
        query = request.GET.copy()
        query.pop("p", None)
        request.GET = query  # type: ignore[assignment]
        try:
            found = self.get_changelist_instance(request).queryset
        except IncorrectLookupParameters:
            return redirect(back)
        filters = dict(query.lists()) | ({"number": [MASK]} if "number" in query else {})
        return self._download(request, found.filter(workspace=chosen[0]), chosen[0], filters)

    def _download(
        self, request: HttpRequest, found: QuerySet[Any], workspace: Workspace, filters: dict[str, Any]
    ) -> HttpResponseBase:
        reveal = rights_of(request).may_see_numbers(workspace.pk)
        audit.record(
            "suppression.exported",
            workspace,
            actor=acting_user(request),
            workspace=workspace,
            filters=filters,
            numbers_shown=reveal,
        )
        return csv_response(export_rows(found, reveal=reveal), f"suppressions-{database_now():%Y-%m-%d}.csv")


def export_rows(found: QuerySet[Suppression], *, reveal: bool) -> Iterator[list[str]]:
    """The header, then one row per suppression, newest first, read in pages so that memory is constant."""
    yield list(COLUMNS)
    rest = found.defer("number_index", "consent", *(() if reveal else ("number",))).order_by("-id")
    while page := list(rest[:PAGE_ROWS]):
        yield from (_row(row, reveal) for row in page)
        rest = rest.filter(pk__lt=page[-1].pk)


def _row(row: Suppression, reveal: bool) -> list[str]:
    number = row.number if reveal else None
    return [
        str(row.pk),
        number or f"•••••••{row.last4}",
        row.kind,
        row.reason,
        row.source,
        ", ".join(row.purposes),
        str(row.list_id or ""),
        f"{row.created_at:%Y-%m-%dT%H:%M:%SZ}",
        f"{row.lifted_at:%Y-%m-%dT%H:%M:%SZ}" if row.lifted_at else "",
        row.lift_reason,
    ]
