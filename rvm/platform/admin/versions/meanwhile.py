"""The authors of changes to a row, or to a part of it, while somebody had its form open: from the audit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any
from uuid import UUID

from rvm.platform.audit.reading import Told, tell
from rvm.platform.audit.selectors import in_words
from rvm.platform.audit.vocabulary import DISCLOSURES
from rvm.platform.models import AuditEvent

MAX_EVENTS = 200
# Of the events that are about to be committed while a page is made.
SLACK = timedelta(minutes=1)


@dataclass(frozen=True, repr=False)
class Meanwhile:
    """What a versioned form asks about its row. `noun`: what the row is called; `parts`: the ids of rows beside it that the form
    shows; `unseen`: values that the form can replace but does not show, by name."""

    noun: str
    row_id: UUID
    parts: Iterable[UUID] = ()
    unseen: Mapping[str, Any] = field(default_factory=dict)

    def who_changed(self, name: str, since: datetime) -> str:
        """The last who changed this field since then, or else the row; empty if no event says so."""
        told = [each for each in self._told if each.event.at + SLACK >= since]
        of_field = (each for each in told if _changes(each.event, name))
        of_row = (each for each in told if self._is_about(each.event))
        found = next(of_field, None) or next(of_row, None)
        return found.who if found else ""

    @cached_property
    def _told(self) -> Sequence[Told]:
        events = AuditEvent.objects.filter(subject_id__in=[self.row_id, *self.parts]).exclude(action__in=DISCLOSURES)
        return tell(list(in_words(events)[:MAX_EVENTS]))

    def _is_about(self, event: AuditEvent) -> bool:
        return event.subject_id == self.row_id or str(self.row_id) in event.details.values()


def last_change(row: Any) -> str:
    """A sentence, after a blank, that says who changed the row last; empty if no event says so."""
    events = AuditEvent.objects.filter(subject_id=row.pk).exclude(action__in=DISCLOSURES)
    told = tell(list(in_words(events)[:1]))
    return f" {told[0].message}." if told else ""


def _changes(event: AuditEvent, name: str) -> bool:
    return name in event.details.get("changes", {}) or name in event.details.values()
