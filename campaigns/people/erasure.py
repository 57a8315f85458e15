"""Erasure of a person from a workspace by their number: what waits is canceled, and what is known of the person is removed.

In transactions of few rows, each of which writes its counts into the record of the erasure. It can be asked for again at any time,
and the tick goes on with what was not finished: while a voicemail is at the carrier, or while an uploaded list is kept that may have
the person. Suppressions and consents stay: whoever does not want to be called must not be called again, and they prove what was
allowed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from campaigns.models import OptOutImport, RecipientImport
from campaigns.people.search import Person
from delivery.models import Voicemail
from delivery.retention import erasure as voicemails
from rvm.platform import audit
from rvm.platform.errors import ServiceError
from rvm.platform.models import Erasure, User
from rvm.platform.retention import holds
from usecases.inbound.retention import erase_messages

# Open erasures that a tick looks at whether they can be finished, one after another; those that can go on are always gone on with.
MAX_LOOKED_AT = 20

_looked_at = UUID(int=0)  # the last one, by this process


def erase(person: Person, *, reason: str, actor: User | None, now: datetime) -> Erasure:
    """Erase the person, and return the record of it, which is finished unless something is at the carrier or in a list that is kept.

    What is repeated while the record of the first time is open goes on with that. Raises ServiceError under a legal hold."""
    if why := _hold_on(person.workspace.pk, person.indexes):
        raise ServiceError(
            "legal_hold", f"{why}, so this person is not erased. Have the hold lifted first, or wait until it is."
        )
    with transaction.atomic():
        row = _open_one(person, reason, actor)
        found = erase_messages(person.workspace.organisation_id, person.number)
        found += voicemails.erase_doubtful_reports(person.workspace.pk, person.number)
        _count(row, found)
    go_on(row, now)
    row.refresh_from_db()
    return row


def _hold_on(workspace_id: UUID, indexes: Sequence[bytes]) -> str:
    """The legal hold that keeps the person from being erased, in words; empty without one."""
    if holds.is_held(workspace_id):
        return "A legal hold covers this workspace"
    if held := holds.held_campaigns(workspace_id):
        lanes = set(Voicemail.objects.filter(recipient_index__in=indexes).values_list("lane_id", flat=True))
        if lanes & held:
            return "A legal hold covers a campaign that this person is in"
    return ""


def _open_one(person: Person, reason: str, actor: User | None) -> Erasure:
    known = [index.hex() for index in person.indexes]
    opened = Erasure.objects.filter(workspace=person.workspace, finished_at=None).select_for_update(no_key=True)
    for row in opened.order_by("id"):
        if set(row.number_indexes) & set(known):
            return row
    row = Erasure.objects.create(workspace=person.workspace, number_indexes=known, reason=reason, asked_by=actor)
    audit.record(
        "person.erasure_began", row, actor=actor, workspace=person.workspace, number_index=known[0], reason=reason
    )
    return row


def go_on_with_open(now: datetime) -> None:
    """A step of the tick."""
    global _looked_at
    opened = Erasure.objects.filter(finished_at=None).order_by("id")
    next_ones = list(opened.filter(pk__gt=_looked_at)[:MAX_LOOKED_AT])
    _looked_at = next_ones[-1].pk if len(next_ones) == MAX_LOOKED_AT else UUID(int=0)
    if next_ones or opened.exists():
        for row in {*next_ones, *opened.filter(pk__in=voicemails.known_again())}:
            go_on(row, now)


def go_on(row: Erasure, now: datetime) -> None:
    """Remove what can be removed now, and finish the erasure if nothing is left. A hold that was placed meanwhile stops it."""
    while _step(row.pk, now):
        pass


def _step(erasure_id: UUID, now: datetime) -> bool:
    """One transaction; whether another may find more."""
    with transaction.atomic():
        row = Erasure.objects.select_for_update(no_key=True).get(pk=erasure_id)
        indexes = [bytes.fromhex(index) for index in row.number_indexes]
        if row.finished_at is not None or _hold_on(row.workspace_id, indexes):
            return False
        found, joined = voicemails.erase_voicemails(indexes)
        row.recordings = sorted({*row.recordings, *map(str, joined)})
        if found.total():
            _count(row, found)
            return True
        found = voicemails.erase_reports(indexes)
        removed, later = voicemails.erase_joined(map(UUID, row.recordings), indexes, now)
        row.recordings = sorted(map(str, later))
        _count(row, found + removed)
        if not later and not voicemails.is_under_way(indexes) and not _lists_kept(row):
            row.finished_at = now
            row.save(update_fields=["finished_at"])
            index = row.number_indexes[0]
            audit.record(
                "person.erased", row, actor=row.asked_by, workspace=row.workspace, number_index=index, **row.counts
            )
    return False


def _lists_kept(row: Erasure) -> bool:
    """Whether a list that was uploaded before is kept still: it may have the person, and may yet be imported."""
    kept = Q(workspace_id=row.workspace_id, file_removed_at=None, created_at__lte=row.asked_at)
    return any(kind.objects.filter(kept).exists() for kind in (RecipientImport, OptOutImport))


def _count(row: Erasure, found: Counter[str]) -> None:
    row.counts = dict(Counter(row.counts) + found)
    row.save(update_fields=["counts", "recordings"])
