"""CSV export of suppressions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet

from rvm.platform.admin.list_export import ListExport, every_row, time_text
from rvm.platform.observability.masking import DOTS
from usecases.models import Suppression

# The names that the API uses, but for two that a list reader would ask about: the file can be read as an opt-out list.
COLUMNS = (
    "id", "recipient_phone_number", "reason", "note", "source", "purposes", "scope", "origin", "list_id", "created_at",
    "lifted_at", "lift_reason",
)  # fmt: skip


class SuppressionExport(ListExport):
    """Mixin for the ModelAdmin of suppressions."""

    def export_rows(self, found: QuerySet[Any], *, reveal: bool) -> Iterator[list[str]]:
        return export_rows(found, reveal=reveal)


def export_rows(found: QuerySet[Suppression], *, reveal: bool) -> Iterator[list[str]]:
    """The header, then one line for each suppression, newest first."""
    yield list(COLUMNS)
    for row in every_row(found.defer("number_index", *(() if reveal else ("number",)))):
        yield _row(row, reveal)


def _row(row: Suppression, reveal: bool) -> list[str]:
    number = row.number if reveal and not row.from_elsewhere else None
    return [
        str(row.pk),
        number or f"{DOTS}{row.last4}",
        row.kind,
        row.reason,
        row.source,
        ", ".join(row.purposes),
        row.scope,
        row.said_in.value,
        str(row.list_id or ""),
        time_text(row.created_at),
        time_text(row.lifted_at),
        row.lift_reason,
    ]
