"""Lists of people who must not be reached, in the admin: uploaded above the suppressions, then on a page of their own read, checked,
confirmed and, if need be, undone.

Suppressions are of a layer below, which does not know how lists are read; so their page is registered anew here, with a button.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_POST
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldAdminSelectWidget

from campaigns.admin import labels
from campaigns.admin.fragments import SECONDS, afresh, fragment
from campaigns.admin.lists.column_labels import hidden, opt_out_columns_shown
from campaigns.admin.lists.import_actions import may_check, read_now, reading
from campaigns.admin.lists.upload import TOO_LARGE
from campaigns.api.imports import ListUploadHandler
from campaigns.imports.staging import MAX_ROWS
from campaigns.imports.uploaded_lists import MAX_BYTES
from campaigns.models import OptOutImport
from campaigns.opt_outs import service as services
from campaigns.opt_outs.rows import MAX_REASON_LENGTH, sentence_of
from campaigns.states import OPT_OUT_TRANSITIONS, OptOutState
from rvm.platform import audit
from rvm.platform.admin.alarms import import_alarms
from rvm.platform.admin.large_tables import RecordAdmin
from rvm.platform.admin.rights import person, rights_of
from rvm.platform.admin.scoping import ScopedFilter
from rvm.platform.database.clock import database_now
from rvm.platform.errors import ServiceError
from rvm.platform.models import Role, Workspace
from rvm.platform.uploads import UploadTooLarge, drain
from rvm.spreadsheets.columns.kinds import UNCLEAR
from rvm.spreadsheets.dialect import DELIMITERS, ENCODINGS
from rvm.spreadsheets.workbook_notices import other_sheets
from usecases.admin.suppressions import SuppressionAdmin
from usecases.models import Suppression

O = OptOutState  # noqa: E741
UPLOAD = "admin:usecases_suppression_import"
READABLE = (O.UPLOADED, O.CHECKED, O.FAILED)
CHECKING = "Every row is being read; nobody is listed yet."


class ListForm(forms.Form):
    workspace = forms.ModelChoiceField(
        Workspace.objects.none(), widget=UnfoldAdminSelectWidget(), empty_label="Whose list it is"
    )
    list = forms.FileField(
        widget=UnfoldAdminFileFieldWidget({"accept": ".csv,.txt,.tsv,.xlsx,text/csv"}),
        help_text=f"One row for each person, with numbers of any kind and country. A column “Reason” is kept, {MAX_REASON_LENGTH} "
        f"characters of it. CSV or Excel (.xlsx), up to {MAX_BYTES // 1_000_000} MB and {MAX_ROWS:,} rows.",
        error_messages={"required": "No file was chosen.", "empty": "There is nothing in this file."},
    )


admin.site.unregister(Suppression)


@admin.register(Suppression)
class SuppressionsWithLists(SuppressionAdmin):
    change_list_template = "campaigns/admin/suppressions.html"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(csrf_exempt(require_http_methods(["GET", "POST"])(self.upload)))
        return [path("import/", view, name="usecases_suppression_import"), *super().get_urls()]

    def upload(self, request: HttpRequest) -> HttpResponse:
        request.upload_handlers = [ListUploadHandler(request)]
        try:
            return self._upload(request)
        except UploadTooLarge:
            drain(request)
            self.message_user(request, TOO_LARGE, "error")
            return redirect(reverse(UPLOAD))

    @method_decorator(csrf_protect)
    def _upload(self, request: HttpRequest) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        posted = request.method == "POST"
        form = ListForm(request.POST, request.FILES) if posted else ListForm()
        workspace: Any = form.fields["workspace"]
        workspace.queryset = self.choices(Workspace, request)
        # Only who has one workspace finds it chosen.
        only = list(workspace.queryset[:2])
        workspace.initial = only[0] if len(only) == 1 else None
        if posted and form.is_valid():
            file = form.cleaned_data["list"]
            try:
                row = services.upload(
                    workspace=form.cleaned_data["workspace"],
                    file_name=file.name or "",
                    chunks=file.chunks(),
                    actor=person(request),
                    now=database_now(),
                )
                return redirect(reverse("admin:campaigns_optoutimport_change", args=[row.pk]))
            except ServiceError as refusal:
                form.add_error("list", refusal.sentence)
        shown = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Import a list of people who must not be reached",
            "form": form,
        }
        return TemplateResponse(request, "campaigns/admin/opt_outs_upload.html", shown)


@admin.register(OptOutImport)
class OptOutImportAdmin(RecordAdmin):
    list_display = ("created_at", "file_name", "coloured", "added", "taken_back", "workspace")
    list_display_links = ("created_at", "file_name")
    list_filter = (("workspace", ScopedFilter), ("state", ChoicesDropdownFilter))
    list_select_related = ("workspace",)
    fields: ClassVar[tuple[str, ...]] = ()

    def get_urls(self) -> list[URLPattern]:
        actions = {
            "read-as": self.read_as,
            "check": self.check_rows,
            "confirm": self.confirm,
            "discard": self.discard,
            "undo": self.undo,
        }
        views = {name: self.admin_site.admin_view(require_POST(view)) for name, view in actions.items()}
        views["progress"] = fragment(self.admin_site, self.progress)
        return [
            *(
                path(f"<uuid:object_id>/{name}/", view, name=f"campaigns_optoutimport_{name.replace('-', '_')}")
                for name, view in views.items()
            ),
            *super().get_urls(),
        ]

    @display(description="State", label={labels.OPT_OUT_STATES[s]: c for s, c in labels.OPT_OUT_COLOURS.items()})
    def coloured(self, row: OptOutImport) -> str:
        return labels.OPT_OUT_STATES[row.state]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        row: OptOutImport = self.get_object(request, object_id)
        operates = self.may(Role.OPERATOR, request, row)
        moves = OPT_OUT_TRANSITIONS[O(row.state)] if not (row.state == O.FAILED and row.added) else {O.UNDOING}
        numbers = services.numbers_of(row)
        may_confirm = operates and O.IMPORTING in moves and bool(numbers)
        shown = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": row,
            "title": row.file_name,
            "list": row,
            "state": labels.OPT_OUT_STATES[row.state],
            "state_colour": labels.OPT_OUT_COLOURS.get(row.state, ""),
            "next_step": labels.opt_outs_step(row, numbers, operates=operates, asks=UNCLEAR in row.columns),
            "alarms": import_alarms() if row.is_under_way else [],
            "may_read": operates and row.state in READABLE and not row.added and row.file_removed_at is None,
            "may_confirm": may_confirm,
            "may_discard": operates and O.DISCARDED in moves,
            "may_undo": bool(row.added) and O.UNDOING in moves and self.may(Role.ADMIN, request, row),
            "doubts": services.looks_like_patients(row) if may_confirm else [],
            "warnings": services.warnings(row)[len(services.looks_like_patients(row)) :] if may_confirm else [],
            "numbers": numbers,
            "outcomes": labels.opt_out_outcomes(row.counts) if row.counts else [],
            "kinds": [{"sentence": sentence_of(code), **kind} for code, kind in row.unreadable.items()],
            "read_as": reverse("admin:campaigns_optoutimport_read_as", args=[row.pk]),
            "encodings": list(ENCODINGS.items()),
            "delimiters": list(DELIMITERS.items()),
            "sheets": labels.sheets(row.sheets),
            "noticed": [*other_sheets(row.sheets, row.sheet), *row.notices],
            **self._progress(row),
            **self._rows(request, row),
            **(extra_context or {}),
        }
        return TemplateResponse(request, "campaigns/admin/opt_outs.html", shown)

    def progress(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        row: OptOutImport = self.get_object(request, str(object_id))
        if request.GET.get("seen") != row.state:
            return afresh()
        return TemplateResponse(request, "campaigns/admin/list_progress.html", {"list": row, **self._progress(row)})

    def _progress(self, row: OptOutImport) -> dict[str, Any]:
        """Of the checking it is not known how many rows there are; of the rest it is."""
        done, whole = {
            O.IMPORTING: (row.rows_imported, row.counts.get("rows", 0)),
            O.UNDOING: (row.taken_back, row.added),
        }.get(O(row.state), (row.rows_read, 0))
        return {
            "progress_page": reverse("admin:campaigns_optoutimport_progress", args=[row.pk]),
            "every": SECONDS // 2 if row.is_under_way else 0,
            "whole": whole,
            "done": done,
            "percent": f"{min(done / whole, 1) * 100:.1f}" if whole else "",
        }

    def _rows(self, request: HttpRequest, row: OptOutImport) -> dict[str, Any]:
        """The first rows, hidden from whoever may not see numbers. Who sees them is recorded."""
        if row.state not in READABLE or row.file_removed_at is not None:
            return {}
        try:
            sample = services.sample(row)
        except ServiceError as refusal:
            return {"unreadable": refusal.sentence}
        reveal = rights_of(request).may_see_numbers(row.workspace_id)
        if reveal:
            audit.record("opt_outs.read", row, actor=person(request), workspace=row.workspace)
        seen = str if reveal else hidden
        # A first row that is no header, taken for one, is about a person too.
        shown = reveal or sample.header_sure
        header = sample.header if shown else ["•••" if name else "" for name in sample.header]
        rows = [[seen(cell) for cell in cells] for cells in sample.rows]
        columns = opt_out_columns_shown(header, sample.reading, rows)
        return {
            "columns": columns,
            "questions": [column for column in columns if column.question],
            "titles": [" · ".join(map(seen, cells)) for cells in sample.titles],
            "sample": rows,
            "hides": not reveal,
        }

    # What is posted, by the services that the API calls.

    def read_as(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        """As the form says; with the button “Check” the rows are checked at once."""
        row = self._own(request, object_id)
        now = database_now()

        def action() -> str:
            changes = reading(request.POST, row)
            read = services.read_as(row, changes, actor=person(request), now=now) if changes else row
            if not may_check(request.POST, changes):
                return read_now(changes)
            services.check(read, actor=person(request), now=now)
            return CHECKING

        return self._do(request, row, action)

    def check_rows(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        row = self._own(request, object_id)

        def action() -> str:
            services.check(row, actor=person(request), now=database_now())
            return CHECKING

        return self._do(request, row, action)

    def confirm(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        row = self._own(request, object_id)
        said = request.POST.get("must_not_be_reached") == "yes"

        def action() -> str:
            services.confirm(row, must_not_be_reached=said, actor=person(request), now=database_now())
            return "The numbers are being put on the suppression list; each binds at once."

        return self._do(request, row, action)

    def discard(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        row = self._own(request, object_id)

        def action() -> str:
            services.discard(row, actor=person(request), now=database_now())
            return f"“{row.file_name}” is discarded; its file is removed within moments."

        return self._do(request, row, action)

    def undo(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        row = self._own(request, object_id, Role.ADMIN)

        def action() -> str:
            services.undo(row, actor=person(request), now=database_now())
            return "What this list alone has put on the suppression list is being taken off again."

        return self._do(request, row, action)

    def _own(self, request: HttpRequest, object_id: UUID, needed: Role = Role.OPERATOR) -> OptOutImport:
        row: OptOutImport = self.get_object(request, str(object_id))
        if not self.may(needed, request, row):
            raise PermissionDenied
        return row

    def _do(self, request: HttpRequest, row: OptOutImport, action: Callable[[], str]) -> HttpResponse:
        try:
            messages.success(request, action())
        except ServiceError as refusal:
            messages.error(request, refusal.sentence)
        return redirect(reverse("admin:campaigns_optoutimport_change", args=[row.pk]))
