"""Removal of number and words of inbound messages: that one came, when, and how it was understood, stays.

A message belongs to an organisation: it is kept as long as one of its workspaces keeps such data.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from rvm.platform.encryption.crypto import Undecryptable
from rvm.platform.models import Workspace
from rvm.platform.retention import holds, rules
from rvm.platform.retention.purges import MAX_COUNTED, STEP_ROWS, Purge
from rvm.platform.retention_kinds import RetentionKind
from usecases.models import InboundMessage


def remove_words(messages: QuerySet[InboundMessage]) -> int:
    """Remove number and words of the messages; one that another transaction holds is passed over."""
    locked = messages.select_for_update(skip_locked=True, no_key=True).values_list("pk", flat=True)
    with transaction.atomic():
        return InboundMessage.objects.filter(pk__in=list(locked)).update(number=None, words=None, last4="")


def erase_messages(organisation_id: UUID, number: str) -> Counter[str]:
    """Remove number and words of all messages from the number, unless a hold covers something of the organisation."""
    if is_any_held(organisation_id):
        return Counter()
    perhaps = messages_of(organisation_id).filter(last4=number[-4:]).values_list("pk", flat=True)
    theirs = [pk for pk in perhaps if _number_of(pk) == number]
    return Counter(messages=InboundMessage.objects.filter(pk__in=theirs).update(number=None, words=None, last4=""))


def _number_of(message_id: UUID) -> str | None:
    try:
        return InboundMessage.objects.only("number").get(pk=message_id).number
    except Undecryptable:
        return None


def messages_of(organisation_id: UUID) -> QuerySet[InboundMessage]:
    """The organisation's messages that have a number."""
    return InboundMessage.objects.filter(organisation_id=organisation_id, number__isnull=False)


def workspaces_of(organisation_id: UUID) -> list[UUID]:
    return list(Workspace.objects.filter(organisation_id=organisation_id).values_list("pk", flat=True))


def is_any_held(organisation_id: UUID) -> bool:
    """Whether a hold covers something of a workspace of the organisation."""
    return any(map(holds.is_any_held, workspaces_of(organisation_id)))


def _purge(kind: RetentionKind, opted_out: bool, workspace_id: UUID, now: datetime) -> Iterator[int]:
    organisation_id = _organisation(workspace_id)
    while not is_any_held(organisation_id):
        moments = [rules.cutoff(each, kind, now) for each in workspaces_of(organisation_id)]
        moment = min(each for each in moments if each)
        found = messages_of(organisation_id).filter(received_at__lte=moment, opted_out=opted_out)
        removed = remove_words(found.order_by("received_at")[:STEP_ROWS])
        if removed:
            yield removed
        if removed < STEP_ROWS:
            return


def _count(opted_out: bool, workspace_id: UUID, before: datetime) -> int:
    organisation_id = _organisation(workspace_id)
    if is_any_held(organisation_id):
        return 0
    found = messages_of(organisation_id).filter(received_at__lte=before, opted_out=opted_out)
    return found[: MAX_COUNTED + 1].count()


def _organisation(workspace_id: UUID) -> UUID:
    return Workspace.objects.values_list("organisation_id", flat=True).get(pk=workspace_id)


OPT_OUTS = Purge(
    RetentionKind.NUMBERS,
    "opt-outs as they were sent",
    partial(_purge, RetentionKind.NUMBERS, True),
    partial(_count, True),
)
OTHERS = Purge(
    RetentionKind.CALLBACKS,
    "messages that were not understood",
    partial(_purge, RetentionKind.CALLBACKS, False),
    partial(_count, False),
)
