"""A recipient import in the admin: how the list is read, the outcomes of its rows, and the steps from file to recipients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from campaigns.admin import labels
from campaigns.admin.lists.column_labels import Column, labeled_columns
from campaigns.admin.lists.import_actions import ImportActions
from campaigns.admin.lists.message_preview import MessagePreview
from campaigns.imports import service as services
from campaigns.imports.uploaded_lists import ColumnRead
from campaigns.lifecycle.transitions import can_become
from campaigns.models import RecipientImport
from campaigns.states import OF_KNOWN_NUMBERS, ImportState, RowOutcome
from rvm.platform.admin.alarms import import_alarms
from rvm.platform.admin.rights import rights_of
from rvm.platform.admin.scoping import ScopedFilter
from rvm.spreadsheets.columns.kinds import UNCLEAR


@admin.register(RecipientImport)
class RecipientImportAdmin(ImportActions, MessagePreview):
    list_display = ("created_at", "file_name", "campaign", "coloured", "accepted", "rejected", "workspace")
    list_display_links = ("created_at", "file_name")
    list_filter = (("workspace", ScopedFilter), ("state", ChoicesDropdownFilter))
    list_select_related = ("workspace", "campaign")
    fields: ClassVar[tuple[str, ...]] = ()
    read_event = "import.read"

    @display(description="State", label={labels.IMPORT_STATES[s]: c for s, c in labels.IMPORT_COLOURS.items()})
    def coloured(self, row: RecipientImport) -> str:
        return labels.IMPORT_STATES[row.state]

    @display(description="Can be reached")
    def accepted(self, row: RecipientImport) -> str:
        return f"{row.counts[RowOutcome.ACCEPTED]:,}" if RowOutcome.ACCEPTED in row.counts else "-"

    @display(description="Left out")
    def rejected(self, row: RecipientImport) -> str:
        return f"{sum(row.counts.values()) - row.counts.get(RowOutcome.ACCEPTED, 0):,}" if row.counts else "-"

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        row: RecipientImport = self.get_object(request, object_id)
        operates = self.may(self.right_to_work(row), request, row)
        reading = self.reading_of(request, row)
        context = {
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
                row.state,
                row.counts.get(RowOutcome.ACCEPTED, 0),
                operates=operates,
                asks=UNCLEAR in row.columns,
                imported=row.rows_imported,
            ),
            "operates": operates,
            "may_download": self.may_download(request, row),
            "alarms": import_alarms() if row.is_under_way else [],
            "may_read": operates and can_become(row, ImportState.UPLOADED) and row.file_removed_at is None,
            "may_confirm": operates
            and can_become(row, ImportState.IMPORTING)
            and bool(row.counts.get(RowOutcome.ACCEPTED)),
            "may_discard": operates and can_become(row, ImportState.DISCARDED),
            **reading,
            "may_listen": reading.get("hides") is False and bool(row.campaign.script),
            **_results(row, reveal=rights_of(request).may_see_numbers(row.workspace_id)),
            **(extra_context or {}),
        }
        return TemplateResponse(request, "campaigns/admin/list.html", context)

    def columns_of(
        self, header: Sequence[str], reading: Sequence[ColumnRead], rows: Sequence[Sequence[str]]
    ) -> list[Column]:
        return labeled_columns(header, reading, rows)

    def progress_of(self, row: RecipientImport) -> tuple[int, int]:
        """(rows done, rows in total); the total is unknown, 0, during the check."""
        return (
            (row.rows_imported, sum(row.counts.values())) if row.state == ImportState.IMPORTING else (row.rows_read, 0)
        )


def _results(row: RecipientImport, *, reveal: bool) -> dict[str, Any]:
    """The outcomes of the rows: counts by outcome, and the first rows of each code."""
    if row.state not in (ImportState.CHECKED, ImportState.IMPORTING, ImportState.COMPLETED):
        return {}
    by_code: dict[str, dict[str, Any]] = {}
    for error in services.first_errors(row, reveal=reveal):
        kind = by_code.setdefault(
            error.code, {"message": error.message, "count": row.codes.get(error.code, 0), "rows": []}
        )
        kind["rows"].append(labels.row_of(error.row_number, error.earlier_row, error.differs))
    return {
        "outcomes": [
            {"words": words, "count": count, "good": outcome == RowOutcome.ACCEPTED}
            for outcome, words in labels.OUTCOMES.items()
            if (count := row.counts.get(outcome, 0)) or outcome == RowOutcome.ACCEPTED
        ],
        "read": sum(row.counts.values()),
        "answers": labels.answers(row.answers),
        "accepted_words": labels.people(row.counts.get(RowOutcome.ACCEPTED, 0)),
        "rejected_count": sum(row.counts.values()) - row.counts.get(RowOutcome.ACCEPTED, 0),
        "kinds": list(by_code.values()),
        "hides_rows": not reveal and any(row.counts.get(outcome) for outcome in OF_KNOWN_NUMBERS),
        "warnings": services.warnings(row) if row.state == ImportState.CHECKED else [],
    }
