"""An uploaded list in the admin: how it is read, what became of its rows, and the steps from the file to recipients."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from campaigns.admin import labels
from campaigns.admin.fragments import SECONDS, afresh, fragment
from campaigns.admin.lists.column_labels import columns_shown, hidden
from campaigns.admin.lists.import_actions import ImportActions
from campaigns.admin.lists.message_preview import ListHeard
from campaigns.imports import service as services
from campaigns.models import RecipientImport
from campaigns.states import ImportState, Outcome
from rvm.platform import audit
from rvm.platform.admin.alarms import import_alarms
from rvm.platform.admin.large_tables import RecordAdmin
from rvm.platform.admin.rights import person, rights_of
from rvm.platform.admin.scoping import ScopedFilter
from rvm.platform.errors import ServiceError
from rvm.platform.models import Role
from rvm.spreadsheets.columns.kinds import UNCLEAR
from rvm.spreadsheets.dialect import DELIMITERS, ENCODINGS
from rvm.spreadsheets.workbook_notices import other_sheets

I = ImportState  # noqa: E741
READABLE = (I.UPLOADED, I.CHECKED, I.FAILED)


@admin.register(RecipientImport)
class RecipientImportAdmin(ImportActions, ListHeard, RecordAdmin):
    list_display = ("created_at", "file_name", "campaign", "coloured", "accepted", "rejected", "workspace")
    list_display_links = ("created_at", "file_name")
    list_filter = (("workspace", ScopedFilter), ("state", ChoicesDropdownFilter))
    list_select_related = ("workspace", "campaign")
    fields: ClassVar[tuple[str, ...]] = ()

    def get_urls(self) -> list[URLPattern]:
        progress = fragment(self.admin_site, self.progress)
        return [
            path("<uuid:object_id>/progress/", progress, name="campaigns_recipientimport_progress"),
            *super().get_urls(),
        ]

    @display(description="State", label={labels.IMPORT_STATES[s]: c for s, c in labels.IMPORT_COLOURS.items()})
    def coloured(self, row: RecipientImport) -> str:
        return labels.IMPORT_STATES[row.state]

    @display(description="Can be reached")
    def accepted(self, row: RecipientImport) -> str:
        return f"{row.counts[Outcome.ACCEPTED]:,}" if Outcome.ACCEPTED in row.counts else "-"

    @display(description="Left out")
    def rejected(self, row: RecipientImport) -> str:
        return f"{sum(row.counts.values()) - row.counts.get(Outcome.ACCEPTED, 0):,}" if row.counts else "-"

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        row: RecipientImport = self.get_object(request, object_id)
        operates = self.may(Role.OPERATOR, request, row)
        shown = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": row,
            "title": row.file_name,
            "list": row,
            "campaign": row.campaign,
            "campaign_page": reverse("admin:campaigns_campaign_change", args=[row.campaign_id]),
            "state": labels.IMPORT_STATES[row.state],
            "state_colour": labels.IMPORT_COLOURS.get(row.state, ""),
            "next_step": labels.list_step(
                row.state, row.counts.get(Outcome.ACCEPTED, 0), operates=operates, asks=UNCLEAR in row.columns
            ),
            "operates": operates,
            "sees_numbers": rights_of(request).may_see_numbers(row.workspace_id),
            "alarms": import_alarms() if row.is_under_way else [],
            "may_read": operates and row.state in READABLE and row.file_removed_at is None,
            "may_confirm": operates and row.state == I.CHECKED and bool(row.counts.get(Outcome.ACCEPTED)),
            "may_discard": operates and row.state in (I.UPLOADED, I.CHECKING, I.CHECKED, I.FAILED),
            "read_as": reverse("admin:campaigns_recipientimport_read_as", args=[row.pk]),
            "encodings": list(ENCODINGS.items()),
            "delimiters": list(DELIMITERS.items()),
            "sheets": labels.sheets(row.sheets),
            "noticed": [*other_sheets(row.sheets, row.sheet), *row.notices],
            **self._progress(row),
            **self._rows(request, row),
            **_results(row),
            **(extra_context or {}),
        }
        return TemplateResponse(request, "campaigns/admin/list.html", shown)

    def progress(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        row: RecipientImport = self.get_object(request, str(object_id))
        if request.GET.get("seen") != row.state:
            return afresh()
        return TemplateResponse(request, "campaigns/admin/list_progress.html", {"list": row, **self._progress(row)})

    def _progress(self, row: RecipientImport) -> dict[str, Any]:
        """Of the checking it is not known how many rows there are; of the import it is."""
        whole = sum(row.counts.values()) if row.state == I.IMPORTING else 0
        done = row.rows_imported if row.state == I.IMPORTING else row.rows_read
        return {
            "progress_page": reverse("admin:campaigns_recipientimport_progress", args=[row.pk]),
            "every": SECONDS // 2 if row.is_under_way else 0,
            "whole": whole,
            "done": done,
            "percent": f"{min(done / whole, 1) * 100:.1f}" if whole else "",
        }

    def _rows(self, request: HttpRequest, row: RecipientImport) -> dict[str, Any]:
        """The first rows, hidden from whoever may not see numbers. Who sees them is recorded."""
        if row.state not in READABLE or row.file_removed_at is not None:
            return {}
        try:
            sample = services.sample(row)
        except ServiceError as refusal:
            return {"unreadable": refusal.sentence}
        reveal = rights_of(request).may_see_numbers(row.workspace_id)
        if reveal:
            audit.record("import.read", row, actor=person(request), workspace=row.workspace)
        seen = str if reveal else hidden
        # A first row that is no header, taken for one, is about a person too.
        shown = reveal or sample.header_sure
        header = sample.header if shown else ["•••" if name else "" for name in sample.header]
        rows = [[seen(cell) for cell in cells] for cells in sample.rows]
        columns = columns_shown(header, sample.reading, rows)
        return {
            "columns": columns,
            "questions": [column for column in columns if column.question],
            "titles": [" · ".join(map(seen, cells)) for cells in sample.titles],
            "sample": rows,
            "hides": not reveal,
            "may_listen": reveal and bool(row.campaign.script),
        }


def _results(row: RecipientImport) -> dict[str, Any]:
    """What became of the rows: how many of each outcome, and of each code the first ones."""
    if row.state not in (I.CHECKED, I.IMPORTING, I.COMPLETED):
        return {}
    by_code: dict[str, dict[str, Any]] = {}
    for error in services.first_errors(row):
        kind = by_code.setdefault(
            error.code, {"sentence": error.sentence, "count": row.codes.get(error.code, 0), "rows": []}
        )
        kind["rows"].append(labels.row_of(error.row_number, error.earlier_row, error.differs))
    return {
        "outcomes": [
            {"words": words, "count": count, "good": outcome == Outcome.ACCEPTED}
            for outcome, words in labels.OUTCOMES.items()
            if (count := row.counts.get(outcome, 0)) or outcome == Outcome.ACCEPTED
        ],
        "read": sum(row.counts.values()),
        "answers": labels.answers(row.answers),
        "accepted_words": labels.people(row.counts.get(Outcome.ACCEPTED, 0)),
        "rejected_count": sum(row.counts.values()) - row.counts.get(Outcome.ACCEPTED, 0),
        "kinds": list(by_code.values()),
        "warnings": services.warnings(row) if row.state == I.CHECKED else [],
    }
