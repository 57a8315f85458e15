"""What a person does with an uploaded list, by the services that the API calls. Everything that changes something is posted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_POST, require_safe

from campaigns.admin import labels
from campaigns.imports import service as services
from campaigns.imports.error_report import error_report
from campaigns.models import RecipientImport, UploadedList
from delivery.admin.voicemail_actions import ROLE
from rvm.platform import audit
from rvm.platform.admin.large_tables import RecordAdmin
from rvm.platform.admin.rights import person, rights_of
from rvm.platform.csv_export import csv_answer
from rvm.platform.database.clock import database_now
from rvm.platform.errors import ServiceError
from rvm.spreadsheets.dialect import DELIMITERS

# A browser may not keep a tab as the value of a choice, so delimiters are posted by name.
NAMED = {name: delimiter for delimiter, name in DELIMITERS.items()}
HIDDEN_ROWS = {"leave": False, "read": True}


class ImportActions(RecordAdmin):
    """For the imports' ModelAdmin."""

    def get_urls(self) -> list[URLPattern]:
        posted = {"read-as": self.read_as, "check": self.check_rows, "confirm": self.confirm, "discard": self.discard}
        views = {**{name: require_POST(view) for name, view in posted.items()}, "errors": require_safe(self.errors)}
        wrap = self.admin_site.admin_view
        return [
            *(
                path(
                    f"<uuid:object_id>/{name}/", wrap(view), name=f"campaigns_recipientimport_{name.replace('-', '_')}"
                )
                for name, view in views.items()
            ),
            *super().get_urls(),
        ]

    def read_as(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        """As the form says; with the button “Check” the rows are checked at once, if their columns have been seen."""
        row = self._own(request, object_id)
        now = database_now()

        def action() -> str:
            changes = reading(request.POST, row)
            read = services.read_as(row, changes, actor=person(request), now=now) if changes else row
            if not may_check(request.POST, changes):
                return read_now(changes)
            services.check(read, actor=person(request), now=now)
            return "Every row is being checked; nobody is queued yet."

        return self._do(request, row, action)

    def check_rows(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        row = self._own(request, object_id)

        def action() -> str:
            services.check(row, actor=person(request), now=database_now())
            return "Every row is being checked; nobody is queued yet."

        return self._do(request, row, action)

    def confirm(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        row = self._own(request, object_id)
        statement = request.POST.get("consent_statement", "").strip()

        def action() -> str:
            services.confirm(row, consent_statement=statement, actor=person(request), now=database_now())
            return f"{labels.people(row.counts.get('accepted', 0)).capitalize()} are being imported."

        return self._do(request, row, action)

    def discard(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        row = self._own(request, object_id)
        try:
            services.discard(row, actor=person(request), now=database_now())
            messages.success(request, f"“{row.file_name}” is discarded; its file is removed within moments.")
        except ServiceError as refusal:
            messages.error(request, refusal.sentence)
        return redirect(reverse("admin:campaigns_campaign_change", args=[row.campaign_id]))

    def errors(self, request: HttpRequest, object_id: UUID) -> Any:
        """The rows that were not accepted, to be corrected and uploaded again. They are as the person wrote them, so whoever may
        not see numbers does not get them."""
        row: RecipientImport = self.get_object(request, str(object_id))
        if not rights_of(request).may_see_numbers(row.workspace_id):
            messages.error(
                request,
                "The error report holds the rows as they were uploaded, numbers too; you may not see numbers here.",
            )
            return self._back(row)
        try:
            audit.record("import.errors_exported", row, actor=person(request), workspace=row.workspace)
            return csv_answer(error_report(row), f"rejected-rows-{row.pk}.csv", e164=True)
        except ServiceError as refusal:
            messages.error(request, refusal.sentence)
            return self._back(row)

    def _own(self, request: HttpRequest, object_id: UUID) -> RecipientImport:
        row: RecipientImport = self.get_object(request, str(object_id))
        if not self.may(ROLE, request, row):
            raise PermissionDenied
        return row

    def _do(self, request: HttpRequest, row: RecipientImport, action: Callable[[], str]) -> HttpResponse:
        try:
            messages.success(request, action())
        except ServiceError as refusal:
            messages.error(request, refusal.sentence)
        return self._back(row)

    def _back(self, row: RecipientImport) -> HttpResponse:
        return redirect(reverse("admin:campaigns_recipientimport_change", args=[row.pk]))


def reading(posted: QueryDict, row: UploadedList) -> dict[str, Any]:
    """What the form says otherwise than the list is read now. Another encoding, delimiter, header, sheet or set of rows makes other
    columns, which are guessed anew; the choices on the page were about the old ones."""
    said: dict[str, Any] = {
        "encoding": posted.get("encoding", row.encoding),
        "delimiter": NAMED.get(posted.get("delimiter", ""), row.delimiter),
        "header_row": int(number) if (number := posted.get("header_row", "")).isdecimal() else row.header_row,
        "sheet": posted.get("sheet", row.sheet),
        "hidden_rows": HIDDEN_ROWS.get(posted.get("hidden_rows", ""), row.hidden_rows),
    }
    if dialect := {name: value for name, value in said.items() if value != getattr(row, name)}:
        return dialect
    columns = posted.getlist("column")
    if not columns or columns == row.columns:
        return {}
    # What a person changed is said by them; what they left as it was is still a guess.
    changed = [at for at, kind in enumerate(columns) if at >= len(row.columns) or kind != row.columns[at]]
    return {"columns": columns, "columns_said": sorted({*row.columns_said, *changed})}


def may_check(posted: QueryDict, changes: Mapping[str, Any]) -> bool:
    """Whether the button “Check” was pressed below the columns that are checked: those that are guessed anew nobody has seen."""
    return "check" in posted and (not changes or "columns" in changes)


def read_now(changes: Mapping[str, Any]) -> str:
    if not changes:
        return "Nothing was changed."
    look = "" if "columns" in changes else " Look at its columns, then check it."
    return f"This is how the list is read now.{look}"
