"""All that a workspace knows about a person: what they received, what waits, what suppresses them, whether they may be reached."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet

from campaigns.models import Campaign, OptOutImport
from campaigns.people.names import name_in
from campaigns.people.search import Person, by_identifier, decrypted
from delivery.lifecycle.status import VoicemailStatus
from delivery.models import Voicemail
from delivery.models.voicemail import MERGE_FIELDS, RECORD_NUMBER
from delivery.services.eligibility import explanations
from rvm.platform.database import sql
from rvm.platform.errors import ServiceError
from usecases.eligibility import Explanation
from usecases.models import Consent, Suppression, UseCase
from usecases.selectors import consents, use_cases
from usecases.suppressions import suppressions_of

MAX_WAITING = 50
MAX_SUPPRESSIONS = 50
MAX_CONSENTS = 50
MAX_USE_CASES = 50
# Waiting voicemails that are counted; there may be more.
MAX_COUNTED = 1000
# Of a person's newest voicemails the names and record numbers are read.
MAX_DESCRIBED = 50
# Record numbers by which other numbers of the person are looked for, and other numbers that are named.
MAX_LINKING = 3
MAX_OTHERS = 10
_DESCRIBE = """
SELECT workspace_id, id, merge_fields, record_number FROM delivery_voicemail
 WHERE recipient_index = ANY(%s::bytea[]) AND (%s::boolean IS NULL OR live = %s) ORDER BY id DESC LIMIT %s
"""
# OFFSET 0 keeps the status away from the planner: an index of what is due or of a use case, of which it has counted few before, would
# look as good as that of the person.
_FIND_WAITING = """
SELECT id FROM (SELECT id, status, live FROM delivery_voicemail WHERE recipient_index = ANY(%s::bytea[]) OFFSET 0) of_person
 WHERE status = 'queued' AND (%s::boolean IS NULL OR live = %s) ORDER BY id DESC LIMIT %s
"""


@dataclass(frozen=True, slots=True)
class Description:
    """The names and record numbers that lists and programs gave the person, each once, the newest first."""

    names: tuple[str, ...] = field(repr=False)
    record_numbers: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether the person may be reached under a use case now. `refusal`: why that cannot be asked about this number, else None."""

    use_case: UseCase
    found: Explanation | None
    refusal: ServiceError | None = None


def received(person: Person, *, live: bool | None, before: UUID | None = None) -> QuerySet[Voicemail]:
    """Voicemails to the person that do not wait, newest first; with `before`, those that are older than this one."""
    # Without the workspace, which the blind index includes: it would offer the planner an index that reads all its voicemails.
    found = Voicemail.objects.filter(recipient_index__in=person.indexes).exclude(status=VoicemailStatus.QUEUED)
    if live is not None:
        found = found.filter(live=live)
    return _related(found.filter(pk__lt=before) if before else found)


def waiting(person: Person, *, live: bool | None) -> list[Voicemail]:
    """Voicemails to the person that are queued, newest first, those of drafts and paused campaigns too: at most one more than
    MAX_WAITING."""
    return list(_related(Voicemail.objects.filter(pk__in=_waiting_ids(person, live, MAX_WAITING + 1))))


def count_waiting(person: Person) -> int:
    """How many live voicemails wait for the person; one more than MAX_COUNTED stands for any higher count."""
    return len(_waiting_ids(person, True, MAX_COUNTED + 1))


def _waiting_ids(person: Person, live: bool | None, most: int) -> list[UUID]:
    return [voicemail_id for (voicemail_id,) in sql.run(_FIND_WAITING, [person.indexes, live, live, most])]


def _related(found: QuerySet[Voicemail]) -> QuerySet[Voicemail]:
    """The voicemails newest first, with what is shown of them. Numbers and names are not decrypted for each."""
    return (
        found.order_by("-id")
        .select_related("use_case", "lane", "setup", "recording")
        .defer("recipient", "merge_fields", "record_number", "setup__credentials", "recording__waveform")
    )


def campaigns_of(voicemails: Iterable[Voicemail]) -> dict[UUID, Campaign]:
    """The campaigns of the voicemails, by the id of their lane; those of the API have none."""
    return Campaign.objects.in_bulk({each.lane_id for each in voicemails if not each.lane.for_api})


def suppressions(person: Person) -> QuerySet[Suppression]:
    """The person's suppressions, newest first, lifted ones too."""
    found = suppressions_of(person.workspace.pk, person.number).order_by("-id")
    return found.select_related("created_by", "lifted_by").defer("number", "consent")


def known_consents(person: Person, now: datetime) -> list[Consent]:
    """The person's consents, newest first, those that have ended too: at most one more than MAX_CONSENTS."""
    found = consents(person.workspace, live=True, now=now, number=person.number)
    return list(found.select_related("created_by").defer("number", "evidence")[: MAX_CONSENTS + 1])


def lists_of(person: Person, rows: Iterable[Suppression]) -> dict[UUID, OptOutImport]:
    """The person's workspace's opt-out lists that put these suppressions there, by id."""
    own = OptOutImport.objects.filter(workspace=person.workspace)
    return own.in_bulk({row.list_id for row in rows if row.list_id})


def described(person: Person, *, live: bool | None) -> Description:
    """What the newest voicemails say about the person, for readers who may see numbers."""
    rows = sql.run(_DESCRIBE, [person.indexes, live, live, MAX_DESCRIBED])
    names = (name_in(decrypted(MERGE_FIELDS, fields, *of)) for *of, fields, _ in rows)
    numbers = (decrypted(RECORD_NUMBER, number, *of) or "" for *of, _, number in rows)
    return Description(_each_once(names), _each_once(numbers))


def other_numbers(person: Person, record_numbers: Sequence[str], *, live: bool | None) -> list[str]:
    """Other numbers (E.164) that have the newest of these record numbers, as a patient with a mobile and a landline has: at most
    MAX_OTHERS. Not every one needs to be the person's: a list may have a record number twice."""
    found = (
        match.number
        for record_number in record_numbers[:MAX_LINKING]
        for match in by_identifier(person.workspace, record_number=record_number, live=live, limit=MAX_OTHERS + 1).items
    )
    others = dict.fromkeys(number for number in found if number is not None and number != person.number)
    return list(others)[:MAX_OTHERS]


def _each_once(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, texts)))


def usable_use_cases(person: Person) -> Sequence[UseCase]:
    """The use cases of the person's workspace by name, at most one more than MAX_USE_CASES."""
    return list(use_cases(person.workspace).order_by("name", "id")[: MAX_USE_CASES + 1])


def answers(person: Person, found: Sequence[UseCase], *, live: bool, now: datetime) -> list[Answer]:
    """Whether the person may be reached under each of the first MAX_USE_CASES use cases now, as `POST /eligibility` answers."""
    asked = found[:MAX_USE_CASES]
    try:
        told: Sequence[Explanation | ServiceError] = explanations(asked, person.number, live=live, now=now)
    except ServiceError as refusal:
        told = [refusal] * len(asked)
    return [
        Answer(use_case, None, each) if isinstance(each, ServiceError) else Answer(use_case, each)
        for use_case, each in zip(asked, told, strict=True)
    ]
