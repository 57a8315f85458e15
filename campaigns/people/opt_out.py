"""The opt-out of a person from their page, with what it stopped."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction

from campaigns.people.record import count_waiting
from campaigns.people.search import Person
from rvm.platform.models import User
from usecases.models import Suppression
from usecases.services.suppressions import suppress_number
from usecases.suppression_kinds import SuppressionKind


@dataclass(frozen=True, slots=True)
class OptedOut:
    """The suppression, whether it is new, and how many voicemails waited for the person in their workspace before and after it."""

    suppression: Suppression
    created: bool
    waited: int
    waiting: int


@transaction.atomic
def opt_out(person: Person, *, kind: SuppressionKind, note: str, actor: User) -> OptedOut:
    """Suppress the person's number for every purpose, in all workspaces of the organisation. What waits for it ends in the same
    transaction."""
    waited = count_waiting(person)
    row, created = suppress_number(
        workspace=person.workspace,
        number=person.number,
        kind=kind,
        source=Suppression.Source.PERSON,
        reason=note,
        actor=actor,
    )
    return OptedOut(row, created, waited, count_waiting(person))
