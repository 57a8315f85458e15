"""The common base of uploaded lists in the admin: the first rows and how they are read, the progress, and the common steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_POST

from campaigns.admin import labels
from campaigns.admin.fragments import SECONDS, fragment, reload_page
from campaigns.admin.lists.column_labels import Column, masked_cell
from campaigns.imports.uploaded_lists import ColumnRead
from campaigns.lifecycle.transitions import can_become
from campaigns.models import UploadedList
from campaigns.states import ImportState
from rvm.platform import audit
from rvm.platform.admin.large_tables import RecordAdmin
from rvm.platform.admin.number_quota import ask
from rvm.platform.admin.questions import Question, asks
from rvm.platform.admin.rights import acting_user, rights_of
from rvm.platform.admin.versions.forms import VERSION
from rvm.platform.admin.versions.meanwhile import last_change
from rvm.platform.audit.numbers_shown import rows_shown
from rvm.platform.database.clock import database_now
from rvm.platform.database.heavy_requests import place
from rvm.platform.errors import ServiceError
from rvm.platform.roles import Right
from rvm.platform.versions import ChangedMeanwhile, version_in
from rvm.spreadsheets.dialect import DELIMITERS, ENCODINGS
from rvm.spreadsheets.workbook_notices import other_sheets

# States, common to all kinds of lists, in which the first rows are shown.
READABLE = (ImportState.UPLOADED, ImportState.CHECKED, ImportState.FAILED)
# A browser may drop a tab from the value of a choice, so delimiters are posted by name.
NAMED = {name: delimiter for delimiter, name in DELIMITERS.items()}
HIDDEN_ROWS = {"leave": False, "read": True}


class UploadedListAdmin(RecordAdmin):
    """Base class. `services`: the module of the kind's services sample, read_as, check and discard. `read_event`: the audit action of
    a view of the first rows. `checking`: the message when a check begins. Every change is a POST."""

    services: ClassVar[Any]
    read_event: ClassVar[str]
    checking: ClassVar[str]

    def columns_of(
        self, header: Sequence[str], reading: Sequence[ColumnRead], rows: Sequence[Sequence[str]]
    ) -> list[Column]:
        """The columns with their labels; `rows` are the first rows, masked for a user that may not see numbers."""
        raise NotImplementedError

    def progress_of(self, row: Any) -> tuple[int, int]:
        """(rows done, rows in total); the total is 0 if it is unknown."""
        raise NotImplementedError

    def confirm(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        raise NotImplementedError

    def posted_views(self) -> dict[str, Callable[..., HttpResponse]]:
        """POST views by the last segment of their path."""
        return {"read-as": self.read_as, "check": self.check_rows, "confirm": self.confirm}

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        views = {name: wrap(require_POST(view)) for name, view in self.posted_views().items()}
        views["discard"] = asks(self, self.discard, self.about_discarding)
        views["progress"] = fragment(self.admin_site, self.progress)
        return [*(self.address(name, view) for name, view in views.items()), *super().get_urls()]

    def address(self, name: str, view: Callable[..., Any]) -> URLPattern:
        """The URL pattern of a view of one list."""
        return path(f"<uuid:object_id>/{name}/", view, name=self._name(name.replace("-", "_")))

    def page_of(self, row: UploadedList, name: str = "change") -> str:
        return reverse(f"admin:{self._name(name)}", args=[row.pk])

    def _name(self, name: str) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_{name}"

    # The context of the page.

    def reading_of(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """How the list is read, its first rows, and its progress."""
        return {
            "read_as": self.page_of(row, "read_as"),
            "version": row.version.hex(),
            "encodings": list(ENCODINGS.items()),
            "delimiters": list(DELIMITERS.items()),
            "sheets": labels.sheets(row.sheets),
            "noticed": [*other_sheets(row.sheets, row.sheet), *row.notices],
            **self._progress(row),
            **self._rows(request, row),
        }

    def progress(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        row: Any = self.get_object(request, str(object_id))
        if request.GET.get("seen") != row.state:
            return reload_page()
        return TemplateResponse(request, "campaigns/admin/list_progress.html", {"list": row, **self._progress(row)})

    def _progress(self, row: Any) -> dict[str, Any]:
        done, whole = self.progress_of(row)
        return {
            "progress_page": self.page_of(row, "progress"),
            "every": SECONDS // 2 if row.is_under_way else 0,
            "whole": whole,
            "done": done,
            "percent": f"{min(done / whole, 1) * 100:.1f}" if whole else "",
        }

    def _rows(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """The first rows, masked for a user that may not see numbers. An unmasked view is recorded as an audit event."""
        if row.state not in READABLE or row.file_removed_at is not None:
            return {}
        try:
            with place(row.workspace_id):
                sample = self.services.sample(row)
        except ServiceError as refusal:
            return {"unreadable": refusal.message}
        reveal = rights_of(request).may_see_numbers(row.workspace_id)
        if reveal:
            rows_shown(len(sample.rows), row.workspace_id)
            audit.record(self.read_event, row, actor=acting_user(request), workspace=row.workspace)
        seen = str if reveal else masked_cell
        # A first row wrongly taken for a header has data of a person.
        shown = reveal or sample.header_sure
        header = sample.header if shown else ["•••" if name else "" for name in sample.header]
        rows = [[seen(cell) for cell in cells] for cells in sample.rows]
        columns = self.columns_of(header, sample.reading, rows)
        return {
            "columns": columns,
            "questions": [column for column in columns if column.question],
            "titles": [" · ".join(map(seen, cells)) for cells in sample.titles],
            "sample": rows,
            "hides": not reveal,
        }

    # POST views; they call the same services as the API.

    def read_as(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        """Apply the form; the button “Check” also starts the check if the user has seen the current columns."""
        row = self.permitted(request, object_id)
        now = database_now()

        def action() -> str:
            changes = reading(request.POST, row)
            read = self.services.read_as(row, changes, actor=acting_user(request), now=now) if changes else row
            if not may_check(request.POST, changes):
                return read_now(changes)
            self._ask(request, row)
            self.services.check(read, actor=acting_user(request), now=now)
            return self.checking

        return self.do(request, row, action)

    def check_rows(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        row = self.permitted(request, object_id)

        def action() -> str:
            self._ask(request, row)
            self.services.check(row, actor=acting_user(request), now=database_now())
            return self.checking

        return self.do(request, row, action)

    def _ask(self, request: HttpRequest, row: UploadedList) -> None:
        """A check tells what is known of the list's numbers. Raises ServiceError."""
        ask(request, [row.workspace], self.opts.model_name)

    def about_discarding(self, request: HttpRequest, object_id: UUID) -> Question:
        row = self.permitted(request, object_id)
        if not can_become(row, ImportState.DISCARDED):
            return Question("Discard this list?", f"This list is {row.state}, so it cannot be discarded any more.")
        return Question(
            f"Discard “{row.file_name}”?",
            "Its file is removed within moments, with what was found out about its rows. To use it after all, upload it again.",
            "Discard the list",
        )

    def discard(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        row = self.permitted(request, object_id)

        def action() -> str:
            self.services.discard(row, actor=acting_user(request), now=database_now())
            return f"“{row.file_name}” is discarded; its file is removed within moments."

        return self.do(request, row, action)

    def right_to_work(self, row: Any) -> Right:
        """What the steps from the file to its rows need."""
        raise NotImplementedError

    def permitted(self, request: HttpRequest, object_id: UUID, needed: Right | None = None) -> Any:
        """The list, if the user has the right `needed`, or else to work on it. Raises Http404, PermissionDenied."""
        row: Any = self.get_object(request, str(object_id))
        if not self.may(needed or self.right_to_work(row), request, row):
            raise PermissionDenied
        if VERSION in request.POST:
            row.seen = version_in(request.POST.get(VERSION, ""))
        return row

    def do(self, request: HttpRequest, row: UploadedList, action: Callable[[], str], **typed: str) -> HttpResponse:
        """Run `action`, show its message or its ServiceError, and redirect to the list's page; after a ServiceError, the page keeps
        what was `typed`."""
        try:
            messages.success(request, action())
        except ServiceError as refusal:
            who = last_change(row) if isinstance(refusal, ChangedMeanwhile) else ""
            messages.error(request, f"{refusal.message}{who}")
            if any(typed.values()):
                return self.change_view(request, str(row.pk), extra_context=typed)
        return redirect(self.page_of(row))


def reading(posted: QueryDict, row: UploadedList) -> dict[str, Any]:
    """The posted values that differ from how the list is read. If the encoding, delimiter, header, sheet or hidden rows differ, the
    columns are detected anew, so posted column choices are ignored."""
    values: dict[str, Any] = {
        "encoding": posted.get("encoding", row.encoding),
        "delimiter": NAMED.get(posted.get("delimiter", ""), row.delimiter),
        "header_row": int(number) if (number := posted.get("header_row", "")).isdecimal() else row.header_row,
        "sheet": posted.get("sheet", row.sheet),
        "hidden_rows": HIDDEN_ROWS.get(posted.get("hidden_rows", ""), row.hidden_rows),
    }
    if dialect := {name: value for name, value in values.items() if value != getattr(row, name)}:
        return dialect
    columns = posted.getlist("column")
    if not columns or columns == row.columns:
        return {}
    # Only columns that the user changed count as set by a user; the others remain detected.
    changed = [at for at, kind in enumerate(columns) if at >= len(row.columns) or kind != row.columns[at]]
    return {"columns": columns, "columns_said": sorted({*row.columns_said, *changed})}


def may_check(posted: QueryDict, changes: Mapping[str, Any]) -> bool:
    """Whether “Check” was pressed and the columns are those on the page; columns detected anew must be shown first."""
    return "check" in posted and (not changes or "columns" in changes)


def read_now(changes: Mapping[str, Any]) -> str:
    if not changes:
        return "Nothing was changed."
    look = "" if "columns" in changes else " Look at its columns, then check it."
    return f"This is how the list is read now.{look}"
