"""Opt-out lists in the admin: uploaded from the page of suppressions, then read, checked, confirmed and undone on their own page.

Suppressions belong to a lower layer, which must not import this one, so their ModelAdmin is registered again with an upload button.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar
from uuid import UUID

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldAdminSelectWidget

from campaigns.admin import labels
from campaigns.admin.fields import LIST_FILES
from campaigns.admin.lists.column_labels import Column, labeled_opt_out_columns
from campaigns.admin.lists.upload import TOO_LARGE
from campaigns.admin.lists.uploaded_list import UploadedListAdmin
from campaigns.api.imports import ListUploadHandler
from campaigns.imports.staging import MAX_ROWS
from campaigns.imports.uploaded_lists import MAX_BYTES, ColumnRead
from campaigns.lifecycle.transitions import can_become
from campaigns.models import OptOutImport
from campaigns.opt_outs import service as services
from campaigns.opt_outs.rows import MAX_REASON_LENGTH, message_of
from campaigns.states import OptOutState
from rvm.platform.admin.alarms import import_alarms
from rvm.platform.admin.rights import acting_user
from rvm.platform.admin.scoping import ScopedFilter
from rvm.platform.database.clock import database_now
from rvm.platform.errors import ServiceError
from rvm.platform.models import Role, Workspace
from rvm.platform.uploads import UploadTooLarge, drain
from rvm.spreadsheets.columns.kinds import UNCLEAR
from usecases.admin.suppressions import SuppressionAdmin
from usecases.models import Suppression

UPLOAD = "admin:usecases_suppression_import"


class ListForm(forms.Form):
    workspace = forms.ModelChoiceField(
        Workspace.objects.none(), widget=UnfoldAdminSelectWidget(), empty_label="Whose list it is"
    )
    list = forms.FileField(
        widget=UnfoldAdminFileFieldWidget({"accept": LIST_FILES}),
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
        # The workspace is preselected for a user with a single one.
        only = list(workspace.queryset[:2])
        workspace.initial = only[0] if len(only) == 1 else None
        if posted and form.is_valid():
            file = form.cleaned_data["list"]
            try:
                row = services.upload(
                    workspace=form.cleaned_data["workspace"],
                    file_name=file.name or "",
                    chunks=file.chunks(),
                    actor=acting_user(request),
                    now=database_now(),
                )
                return redirect(reverse("admin:campaigns_optoutimport_change", args=[row.pk]))
            except ServiceError as refusal:
                form.add_error("list", refusal.message)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Import a list of people who must not be reached",
            "form": form,
        }
        return TemplateResponse(request, "campaigns/admin/opt_outs_upload.html", context)


@admin.register(OptOutImport)
class OptOutImportAdmin(UploadedListAdmin):
    list_display = ("created_at", "file_name", "coloured", "added", "taken_back", "workspace")
    list_display_links = ("created_at", "file_name")
    list_filter = (("workspace", ScopedFilter), ("state", ChoicesDropdownFilter))
    list_select_related = ("workspace",)
    fields: ClassVar[tuple[str, ...]] = ()
    services: ClassVar[Any] = services
    read_event = "opt_outs.read"
    checking = "Every row is being read; nobody is listed yet."

    def posted_views(self) -> dict[str, Callable[..., HttpResponse]]:
        return {**super().posted_views(), "undo": self.undo}

    @display(description="State", label={labels.OPT_OUT_STATES[s]: c for s, c in labels.OPT_OUT_COLOURS.items()})
    def coloured(self, row: OptOutImport) -> str:
        return labels.OPT_OUT_STATES[row.state]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        row: OptOutImport = self.get_object(request, object_id)
        operates = self.may(Role.OPERATOR, request, row)
        numbers = services.numbers_of(row)
        may_confirm = operates and can_become(row, OptOutState.IMPORTING) and bool(numbers)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": row,
            "title": row.file_name,
            "list": row,
            "state": labels.OPT_OUT_STATES[row.state],
            "state_colour": labels.OPT_OUT_COLOURS.get(row.state, ""),
            "next_step": labels.opt_out_list_message(row, numbers, operates=operates, asks=UNCLEAR in row.columns),
            "alarms": import_alarms() if row.is_under_way else [],
            "may_read": operates and can_become(row, OptOutState.UPLOADED) and row.file_removed_at is None,
            "may_confirm": may_confirm,
            "may_discard": operates and can_become(row, OptOutState.DISCARDED),
            "may_undo": bool(row.added) and can_become(row, OptOutState.UNDOING) and self.may(Role.ADMIN, request, row),
            "doubts": services.looks_like_patients(row) if may_confirm else [],
            "warnings": services.warnings(row)[len(services.looks_like_patients(row)) :] if may_confirm else [],
            "numbers": numbers,
            "outcomes": labels.opt_out_outcomes(row.counts) if row.counts else [],
            "kinds": [{"message": message_of(code), **kind} for code, kind in row.unreadable.items()],
            **self.reading_of(request, row),
            **(extra_context or {}),
        }
        return TemplateResponse(request, "campaigns/admin/opt_outs.html", context)

    def columns_of(
        self, header: Sequence[str], reading: Sequence[ColumnRead], rows: Sequence[Sequence[str]]
    ) -> list[Column]:
        return labeled_opt_out_columns(header, reading, rows)

    def progress_of(self, row: OptOutImport) -> tuple[int, int]:
        """(rows done, rows in total); the total is unknown, 0, during the check."""
        return {
            OptOutState.IMPORTING: (row.rows_imported, row.counts.get("rows", 0)),
            OptOutState.UNDOING: (row.taken_back, row.added),
        }.get(OptOutState(row.state), (row.rows_read, 0))

    def confirm(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        row = self.permitted(request, object_id)
        confirmed = request.POST.get("must_not_be_reached") == "yes"

        def action() -> str:
            services.confirm(row, must_not_be_reached=confirmed, actor=acting_user(request), now=database_now())
            return "The numbers are being put on the suppression list; each binds at once."

        return self.do(request, row, action)

    def undo(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        row = self.permitted(request, object_id, Role.ADMIN)

        def action() -> str:
            services.undo(row, actor=acting_user(request), now=database_now())
            return labels.UNDOING

        return self.do(request, row, action)
