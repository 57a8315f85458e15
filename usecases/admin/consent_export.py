"""CSV export of consents."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet

from rvm.platform.admin.list_export import ListExport, every_row, time_text
from rvm.platform.observability.masking import DOTS
from usecases.models import Consent

# The names that the API uses.
COLUMNS = (
    "id", "recipient_phone_number", "list_id", "purposes", "basis", "source", "given_at", "expires_at", "evidence", "created_at",
    "revoked_at", "revocation_channel",
)  # fmt: skip


class ConsentExport(ListExport):
    """Mixin for the ModelAdmin of consents. Evidence is shown with the numbers only."""

    def export_rows(self, found: QuerySet[Any], *, reveal: bool) -> Iterator[list[str]]:
        yield list(COLUMNS)
        # Each page is ordered by id, and what is hidden is not decrypted.
        shown = found.select_related("revocation").defer(None).defer("revocation__number", "revocation__evidence")
        for row in every_row(shown if reveal else shown.defer("number", "evidence")):
            yield _row(row, reveal)


def _row(row: Consent, reveal: bool) -> list[str]:
    revoked = row.revoked_by
    return [
        str(row.pk),
        "" if row.list_id else (row.number if reveal else None) or f"{DOTS}{row.last4}",
        str(row.list_id or ""),
        ", ".join(row.purposes),
        row.basis,
        row.source,
        time_text(row.at),
        time_text(row.expires_at),
        row.evidence if reveal else "",
        time_text(row.created_at),
        time_text(revoked.at if revoked else None),
        revoked.source if revoked else "",
    ]
