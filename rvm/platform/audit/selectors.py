"""Selectors of audit events, newest first, each answered by an index that ends with the event's id."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.apps import apps
from django.db.models import Model, Q, QuerySet

from rvm.platform.audit.vocabulary import SUBJECTS
from rvm.platform.database import sql
from rvm.platform.database.ids import first_id_at, id_in
from rvm.platform.models import AuditEvent, User
from rvm.platform.times.days import bounds

# An event's id is made by the clock of a web server, its time by the database, and a transaction may be long.
SLACK = timedelta(days=1)
MAX_ACTORS = 500
MAX_NAMED = 50

# The actors of workspaces, of which each is one look into the index: there are few of them and millions of events.
_ACTORS = """
SELECT DISTINCT found.actor_id
  FROM unnest(%s::uuid[]) AS own(id)
 CROSS JOIN LATERAL (
         WITH RECURSIVE seen(actor_id) AS (
                (SELECT actor_id FROM platform_auditevent
                  WHERE workspace_id = own.id AND actor_id IS NOT NULL ORDER BY actor_id LIMIT 1)
                 UNION ALL
                SELECT (SELECT actor_id FROM platform_auditevent
                         WHERE workspace_id = own.id AND actor_id > seen.actor_id ORDER BY actor_id LIMIT 1)
                  FROM seen WHERE seen.actor_id IS NOT NULL)
         SELECT actor_id FROM seen WHERE actor_id IS NOT NULL LIMIT %s) AS found
"""


def in_words(events: QuerySet[AuditEvent]) -> QuerySet[AuditEvent]:
    """The events with what their sentences name."""
    return events.select_related("actor", "key", "workspace").order_by("-id")


def between(events: QuerySet[AuditEvent], first: datetime | None, before: datetime | None) -> QuerySet[AuditEvent]:
    """The events from `first` on and before `before`, found by their ids."""
    if first is not None:
        events = events.filter(at__gte=first, id__gte=first_id_at(first - SLACK))
    if before is not None:
        events = events.filter(at__lt=before, id__lt=first_id_at(before + SLACK))
    return events


def on_days(events: QuerySet[AuditEvent], first: date | None, last: date | None, zone: Any) -> QuerySet[AuditEvent]:
    """The events of whole days in a time zone, both included."""
    return between(events, *bounds(first, last, zone))


def actors_in(workspace_ids: Iterable[UUID]) -> QuerySet[User]:
    """The people and service users who have acted in these workspaces."""
    rows = sql.run(_ACTORS, [sql.ids(workspace_ids), MAX_ACTORS])
    return User.objects.filter(pk__in=[pk for (pk,) in rows])


def matching(
    events: QuerySet[AuditEvent], text: str, rows_of: Callable[[type[Model]], QuerySet[Any] | None]
) -> QuerySet[AuditEvent]:
    """The events of a request id, of a row's id, or of the people and rows whose names contain the text."""
    if events.filter(request_id=text).exists():
        return events.filter(request_id=text)
    if identifier := id_in(text):
        return events.filter(Q(pk=identifier) | Q(subject_id=identifier))
    return events.filter(Q(actor__in=_people(text)) | Q(subject_id__in=_named(text, rows_of)))


def _people(text: str) -> Collection[UUID]:
    found = User.objects.all()
    for word in text.split():
        names = ("username", "first_name", "last_name", "email")
        found = found.filter(Q(*[(f"{name}__icontains", word) for name in names], _connector=Q.OR))
    return list(found.values_list("pk", flat=True)[:MAX_NAMED])


def _named(text: str, rows_of: Callable[[type[Model]], QuerySet[Any] | None]) -> set[UUID]:
    found: set[UUID] = set()
    for label, subject in SUBJECTS.items():
        rows = rows_of(apps.get_model(label)) if subject.name else None
        if rows is not None:
            sought = {**subject.named, f"{subject.name}__icontains": text}
            found.update(rows.filter(**sought).order_by().values_list("pk", flat=True)[:MAX_NAMED])
    return found
