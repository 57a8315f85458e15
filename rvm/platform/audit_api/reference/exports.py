"""Exports of the audit: an export is the event that records it, with what was asked for; its file is made anew from that.

Events are only ever added, so what was before the export stays as it was, and no copy of it has to be kept, protected and removed.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet

from rvm.platform import audit
from rvm.platform.api.rendering import to_json
from rvm.platform.audit.reading import tell
from rvm.platform.audit.selectors import in_words
from rvm.platform.audit_api.reference.events import event_of, matching
from rvm.platform.errors import ServiceError
from rvm.platform.models import AuditEvent, User, Workspace

MAX_DAYS = 366
MAX_ROWS = 100_000
PAGE_ROWS = 2000
ACTION = "audit_event.exported"


def make_export(
    events: QuerySet[AuditEvent], asked: dict[str, Any], *, actor: User, workspace: Workspace
) -> AuditEvent:
    """Record an export of those of the events that match, and return its event. Raises ServiceError if there are too many."""
    require_span(asked["date_from"], asked["date_to"])
    found = _asked_for(events, asked)
    if found.order_by()[: MAX_ROWS + 1].count() > MAX_ROWS:
        raise ServiceError(
            "export_too_large",
            f"More than {MAX_ROWS:,} events match; ask for fewer days, and make several exports.",
            field="date_to",
        )
    sizes = [len(line) for line in _lines(found)]
    kept = {name: value.isoformat() if isinstance(value, datetime) else value for name, value in asked.items()}
    return audit.record(
        ACTION, workspace, actor=actor, workspace=workspace, filters=kept, rows=len(sizes), bytes=sum(sizes)
    )


def exports(events: QuerySet[AuditEvent]) -> QuerySet[AuditEvent]:
    """The exports among the events; those of the desk, which have no file here, are left out."""
    return events.filter(action=ACTION, details__has_key="rows")


def lines_of_export(events: QuerySet[AuditEvent], export: AuditEvent) -> Iterator[bytes]:
    """The export's file: each event that matched when it was made as one line of JSON, newest first."""
    asked = dict(export.details["filters"])
    for name in ("date_from", "date_to"):
        asked[name] = datetime.fromisoformat(asked[name])
    return _lines(_asked_for(events.filter(pk__lt=export.pk), asked))


def require_span(first: datetime, last: datetime) -> None:
    """Raise ServiceError unless the span is a time of at most MAX_DAYS."""
    if not timedelta() < last - first <= timedelta(days=MAX_DAYS):
        raise ServiceError(
            "out_of_range", f"`date_to` is after `date_from`, by at most {MAX_DAYS} days.", field="date_to"
        )


def _asked_for(events: QuerySet[AuditEvent], asked: dict[str, Any]) -> QuerySet[AuditEvent]:
    found = matching(events, asked)
    return found.filter(action=asked["action"]) if "action" in asked else found


def _lines(found: QuerySet[AuditEvent]) -> Iterator[bytes]:
    """The events as lines, read in pages so that memory is constant."""
    rest = in_words(found)
    while page := list(rest[:PAGE_ROWS]):
        yield from (to_json(event_of(told)) + b"\n" for told in tell(page))
        rest = rest.filter(pk__lt=page[-1].pk)
