"""Opt-out lists in the admin, each on its own page: read, checked, confirmed, and undone or lifted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display
from unfold.widgets import INPUT_CLASSES

from campaigns.admin import labels
from campaigns.admin.lists.column_labels import Column, labeled_opt_out_columns
from campaigns.admin.lists.uploaded_list import UploadedListAdmin
from campaigns.imports.uploaded_lists import ColumnRead
from campaigns.lifecycle.transitions import can_become
from campaigns.models import OptOutImport
from campaigns.opt_outs import service as services
from campaigns.opt_outs.rows import message_of
from campaigns.states import OptOutState
from rvm.platform.admin.alarms import import_alarms
from rvm.platform.admin.rights import acting_user, rights_of
from rvm.platform.admin.scoping import ScopedFilter
from rvm.platform.database.clock import database_now
from rvm.platform.roles import Right
from rvm.spreadsheets.columns.kinds import UNCLEAR
from usecases.services.suppressions import MAX_LIFT_REASON_LENGTH
from usecases.suppression_kinds import SCOPE_LABELS, SuppressionScope


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

    def right_to_work(self, row: OptOutImport) -> Right:
        return Right.SUPPRESS_LISTS

    def posted_views(self) -> dict[str, Callable[..., HttpResponse]]:
        return {**super().posted_views(), "undo": self.undo, "lift": self.lift}

    @display(description="State", label={labels.OPT_OUT_STATES[s]: c for s, c in labels.OPT_OUT_COLOURS.items()})
    def coloured(self, row: OptOutImport) -> str:
        return labels.OPT_OUT_STATES[row.state]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        row: OptOutImport = self.get_object(request, object_id)
        operates = self.may(Right.SUPPRESS_LISTS, request, row)
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
            "may_undo": can_become(row, OptOutState.UNDOING)
            and services.has_listed(row)
            and self.may(Right.LIFT, request, row),
            "may_lift": self._may_lift(request, row),
            "scopes": SCOPE_LABELS.items(),
            "max_reason": MAX_LIFT_REASON_LENGTH,
            "input_classes": " ".join(INPUT_CLASSES),
            "list_id": str(row.pk),
            "doubts": services.looks_like_patients(row) if may_confirm else [],
            "warnings": services.warnings(row)[len(services.looks_like_patients(row)) :] if may_confirm else [],
            "numbers": numbers,
            "outcomes": labels.opt_out_outcomes(row.counts) if row.counts else [],
            "kinds": [{"message": message_of(code), **kind} for code, kind in row.unreadable.items()],
            **self.reading_of(request, row),
            **(extra_context or {}),
        }
        return TemplateResponse(request, "campaigns/admin/opt_outs.html", context)

    def _may_lift(self, request: HttpRequest, row: OptOutImport) -> bool:
        if row.scope == SuppressionScope.ORGANISATION:
            return rights_of(request).may_in_organisation(Right.LIFT, row.workspace_id)
        return self.may(Right.LIFT, request, row)

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
        here_only = request.POST.get("scope") == SuppressionScope.WORKSPACE
        scope = SuppressionScope.WORKSPACE if here_only else SuppressionScope.ORGANISATION

        def action() -> str:
            services.confirm(
                row, must_not_be_reached=confirmed, scope=scope, actor=acting_user(request), now=database_now()
            )
            return "The numbers are being put on the suppression list; each binds at once."

        return self.do(request, row, action)

    def undo(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        row = self.permitted(request, object_id, Right.LIFT)

        def action() -> str:
            services.undo(row, actor=acting_user(request), now=database_now())
            return labels.UNDOING

        return self.do(request, row, action)

    def lift(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        row = self.permitted(request, object_id, Right.LIFT)
        if not self._may_lift(request, row):
            raise PermissionDenied(
                "This list holds for the organisation; somebody who may lift in all of its workspaces lifts it."
            )

        def action() -> str:
            services.lift(row, reason=request.POST.get("reason", ""), actor=acting_user(request), now=database_now())
            return labels.LIFTING

        return self.do(request, row, action)
