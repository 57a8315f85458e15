"""End of voicemails that wait for a suppressed number: in the transaction that suppresses it, else by the tick. What a carrier's
report suppresses is left to the tick.

The claim refuses a suppressed number anyway; this shows at once what the suppression stops, also in lanes that no claim reads.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import groupby
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from delivery.kept_decisions import Withheld, keep
from delivery.lifecycle import transitions
from delivery.lifecycle.reasons import Reason
from delivery.lifecycle.status import VoicemailStatus
from delivery.lifecycle.transitions import Transition
from delivery.models import KeptDecision, Voicemail
from rvm.platform.database import sql
from rvm.platform.database.clock import database_now
from rvm.platform.encryption.crypto import Undecryptable, blind_index
from usecases.eligibility import Skip, SkipReason
from usecases.facts_json import PLAIN
from usecases.models import Suppression
from usecases.suppression_kinds import SuppressionKind
from usecases.suppressions import BINDS_USE_CASE, Added, use_cases_bound

# Voicemails that one transaction ends, and suppressions that the tick looks at in one step.
MAX_ENDED = 1000
BATCH = 1000

# The workspace is in the index already. Number by number: a join would be planned as if every number had as many rows as the table.
_FIND_WAITING = f"""
SELECT sought.index, v.id FROM unnest(%(indexes)s::bytea[]) AS sought(index) CROSS JOIN LATERAL (
  SELECT v.id FROM delivery_voicemail v
   WHERE v.recipient_index = sought.index AND v.status = 'queued'
     AND EXISTS (SELECT FROM usecases_usecase u WHERE u.id = v.use_case_id AND {BINDS_USE_CASE} OFFSET 0)
  OFFSET 0) v
 LIMIT %(most)s
"""  # noqa: S608 - of constants
# Passes over what is locked, because the caller may hold other voicemails, with later ids.
_LOCK_WAITING = """
SELECT id, reason FROM delivery_voicemail WHERE id = ANY(%s::uuid[]) AND status = 'queued' ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
"""


def end_waiting(added: Sequence[Added]) -> None:
    """Skip what waits for these numbers, up to MAX_ENDED voicemails; the rest, and what is locked, is left to `end_left_waiting`.

    Call it in the transaction that suppresses the numbers.
    """
    left: list[UUID] = []
    for (purposes, confidential), group in groupby(sorted(added, key=_bound), _bound):
        left += _end(list(group), purposes, confidential)
    if left:
        Suppression.objects.filter(pk__in=left).update(waiting=True)


def _bound(added: Added) -> tuple[tuple[str, ...], bool]:
    """What decides which use cases it binds."""
    return added.purposes, added.confidential


def _end(added: Sequence[Added], purposes: tuple[str, ...], confidential: bool) -> list[UUID]:
    """End what waits for numbers that bind the same use cases; the ids of the suppressions for which something is left."""
    indexes = [index for each in added for index in each.indexes]
    bound = {"purposes": sql.texts(purposes), "confidential": confidential}
    found = sql.run(_FIND_WAITING, {"indexes": sql.binaries(indexes), "most": MAX_ENDED + 1, **bound})
    if not found:
        return []
    locked = sql.run(_LOCK_WAITING, [sql.ids(voicemail_id for _, voicemail_id in found[:MAX_ENDED])])
    queued, skipped, now = VoicemailStatus.QUEUED, VoicemailStatus.SKIPPED, database_now()
    ended = transitions.apply(
        [Transition(row[0], queued, skipped, from_reason=row[1], reason=Reason.SUPPRESSED) for row in locked],
        now,
        locked=True,
    )
    _keep_why(added, {voicemail_id: bytes(index) for index, voicemail_id in found if voicemail_id in ended}, now)
    if len(found) > MAX_ENDED:
        return [each.id for each in added]
    waiting = {bytes(index) for index, voicemail_id in found if voicemail_id not in ended}
    return [each.id for each in added if not waiting.isdisjoint(each.indexes)]


def _keep_why(added: Sequence[Added], ended: Mapping[UUID, bytes], now: datetime) -> None:
    """Keep which suppressions ended each voicemail; no other fact could have changed that."""
    by_index: dict[bytes, list[str]] = {}
    for each in added:
        for index in each.indexes:
            by_index.setdefault(bytes(index), []).append(str(each.id))
    decisions = [
        Withheld(
            voicemail_id,
            replace(PLAIN, suppressed=True, suppressions=tuple(sorted(by_index[index]))),
            Skip(SkipReason.SUPPRESSED),
            whole=False,
        )
        for voicemail_id, index in ended.items()
    ]
    keep(decisions, KeptDecision.Step.SUPPRESSION, now)


def end_left_waiting(now: datetime) -> int:
    """Skip what could not be skipped when its number was suppressed; returns how many suppressions were looked at."""
    with transaction.atomic():
        rows = list(
            Suppression.objects.active()
            .filter(waiting=True)
            .defer("number")
            .order_by("id")
            .select_for_update(skip_locked=True, no_key=True)[:BATCH]
        )
        Suppression.objects.filter(pk__in=[row.pk for row in rows]).update(waiting=False)
        end_waiting(
            [
                Added(row.pk, tuple(indexes_of(row)), tuple(row.purposes), row.kind == SuppressionKind.CONFIDENTIAL)
                for row in rows
            ]
        )
    return len(rows)


def indexes_of(suppression: Suppression) -> Collection[bytes]:
    """The blind indexes that voicemails to the number may have: its own, and during a key rotation those under all keys."""
    own, index = bytes(suppression.number_index), blind_index()
    if not index.rotating:
        return [own]
    try:
        number = suppression.number
    except Undecryptable:
        number = None
    return index.known_of(suppression.workspace_id, own, number)


def stopped_by(suppression: Suppression) -> QuerySet[Voicemail]:
    """Voicemails to the number that ended as suppressed since the suppression was recorded and before it was lifted, newest first.

    Where several suppressions of a number bind at a time, each has stopped them.
    """
    found = Voicemail.objects.filter(
        workspace_id=suppression.workspace_id,
        recipient_index__in=indexes_of(suppression),
        use_case__in=use_cases_bound(suppression),
        status=VoicemailStatus.SKIPPED,
        reason=Reason.SUPPRESSED,
        ended_at__gte=suppression.created_at,
    )
    if suppression.lifted_at is not None:
        found = found.filter(ended_at__lte=suppression.lifted_at)
    return found.order_by("-id")
