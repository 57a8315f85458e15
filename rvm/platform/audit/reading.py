"""Audit events as people read them: one sentence with the names of who acted and of what it was about, and lines of details.

The names of a page are read together, with one query for each table that it is about.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.apps import apps
from django.db.models import Case, F, Model, Q, QuerySet, TextField, Value, When
from django.db.models.functions import Cast

from rvm.platform.audit.details import lines_of
from rvm.platform.audit.vocabulary import DISCLOSURES, SUBJECTS, message_of, noun_of
from rvm.platform.models import ApiKey, AuditEvent, User

PLATFORM = "The platform"

# The rows of a table in which names are looked for; None: in none.
RowsOf = Callable[[type[Model]], "QuerySet[Any] | None"]


@dataclass(frozen=True, slots=True)
class Told:
    """An event in words. `found` says whether its row exists among the rows that were looked through."""

    event: AuditEvent
    who: str = field(repr=False)
    it: str = field(repr=False)
    found: bool

    @property
    def message(self) -> str:
        return message_of(self.event.action).format(who=self.who, it=self.it, noun=self.noun)

    @property
    def noun(self) -> str:
        return noun_of(self.event.subject_type)

    @property
    def lines(self) -> list[str]:
        return lines_of(self.event.details)

    @property
    def is_disclosure(self) -> bool:
        return self.event.action in DISCLOSURES


def all_rows(model: type[Model]) -> QuerySet[Any]:
    return model._default_manager.all()


def tell(events: Sequence[AuditEvent], rows_of: RowsOf = all_rows) -> list[Told]:
    """The events in words. They are read with `actor` and `key`."""
    names = _names(events, rows_of)
    keys = _keys_of(event.actor for event in events if event.key_id is None)
    return [_told(event, names, keys) for event in events]


def names_of_actors(actors: Iterable[User]) -> dict[UUID, str]:
    """The names of people, and of the API keys for which service users act, by the user's id."""
    found = list(actors)
    keys = _keys_of(found)
    return {actor.pk: f"API key {keys[actor.pk]}" if actor.pk in keys else person(actor) for actor in found}


def _told(event: AuditEvent, names: Mapping[tuple[str, UUID], str], keys: Mapping[UUID, str]) -> Told:
    known = names.get((event.subject_type, event.subject_id))
    # What is deleted has no row, but the event of the deletion may say its name.
    name = known or str(event.details.get("name") or "") if event.subject_type in SUBJECTS else known
    return Told(event, _who(event, keys), name or f"…{event.subject_id.hex[-8:]}", found=known is not None)


def _who(event: AuditEvent, keys: Mapping[UUID, str]) -> str:
    if event.key is not None:
        return f"API key {event.key.name}"
    if event.actor is None:
        return PLATFORM
    return f"API key {keys[event.actor.pk]}" if event.actor.pk in keys else person(event.actor)


def person(user: User) -> str:
    """How a person is called."""
    return user.get_full_name() or user.get_username()


def _keys_of(actors: Iterable[User | None]) -> dict[UUID, str]:
    """The names of the API keys for which service users act, for events outside a request of the key."""
    services = {actor.pk for actor in actors if actor is not None and actor.is_service}
    return (
        dict(ApiKey.objects.filter(user__in=services).order_by("id").values_list("user_id", "name")) if services else {}
    )


def _names(events: Iterable[AuditEvent], rows_of: RowsOf) -> dict[tuple[str, UUID], str]:
    """The names of the events' rows, empty for a row without one, by table and id."""
    wanted: defaultdict[str, set[UUID]] = defaultdict(set)
    for event in events:
        wanted[event.subject_type].add(event.subject_id)
    return {
        (label, pk): name
        for label, ids in wanted.items()
        if label in SUBJECTS
        for pk, name in names_in(label, ids, rows_of)
    }


def names_in(label: str, ids: set[UUID], rows_of: RowsOf) -> Iterable[tuple[UUID, str]]:
    rows = rows_of(apps.get_model(label))
    if rows is None:
        return []
    subject, found = SUBJECTS[label], rows.filter(pk__in=ids).order_by()
    if not subject.name:
        return [(pk, "") for pk in found.values_list("pk", flat=True)]
    name: Any = F(subject.name)
    if subject.named:
        name = Case(When(Q(**subject.named), then=Cast(name, TextField())), default=Value(""), output_field=TextField())
    return [(pk, str(named)) for pk, named in found.values_list("pk", name)]
