"""Audited CSV downloads of voicemails, for the API and the admin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import Model, QuerySet
from django.http import StreamingHttpResponse

from delivery.exports import MERGE_COLUMNS, export_rows
from delivery.models import Voicemail
from rvm.platform import audit
from rvm.platform.csv_export import csv_response, file_name
from rvm.platform.database.clock import database_now
from rvm.platform.models import User, Workspace
from rvm.platform.observability.masking import MASK
from rvm.platform.times.zones import workspace_zone


def voicemail_download(
    found: QuerySet[Voicemail],
    *,
    workspace: Workspace,
    actor: User,
    reveal: bool,
    filters: Mapping[str, Any],
    e164: bool = False,
    merge_columns: Sequence[str] = MERGE_COLUMNS,
    subject: Model | None = None,
    called: Sequence[str] = (),
) -> StreamingHttpResponse:
    """A streamed CSV response of `found`, with the rows of `export_rows`, recorded as an audit event.

    `filters` are the requested ones, and `subject` is the row whose voicemails are exported (default: the workspace). Both are for
    the audit event, which masks phone numbers and record numbers. `called`: what the file's name says of what is in it."""
    audit.record(
        "voicemail.exported",
        subject or workspace,
        actor=actor,
        workspace=workspace,
        filters={name: MASK if name == "record_number" else value for name, value in filters.items()},
        numbers_shown=reveal,
    )
    rows = export_rows(found, reveal=reveal, merge_columns=merge_columns)
    today = database_now().astimezone(workspace_zone(workspace))
    return csv_response(rows, file_name("voicemails", *called, f"{today:%Y-%m-%d}"), e164=e164)
