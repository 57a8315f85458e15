"""What is removed of a person's voicemails when the person is erased, by the blind indexes of their number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from datetime import datetime
from uuid import UUID

from django.db import transaction

from delivery.lifecycle import transitions
from delivery.lifecycle.reasons import Reason
from delivery.lifecycle.status import OPEN_ENDED, VoicemailStatus
from delivery.lifecycle.transitions import Transition
from delivery.models import CarrierReport, Recording
from delivery.recordings.removal import remove_sound
from delivery.retention.numbers import remove_numbers
from rvm.platform.database import sql
from rvm.platform.database.ids import first_id_at
from rvm.platform.encryption.crypto import Undecryptable
from usecases.models import TelephonySetup

STEP_ROWS = 200

# Waits for a claim that is deciding about one of them: either it is sent, or it is canceled.
_LOCK_THESE = """
SELECT v.id, v.status, v.reason, r.id FROM (
  SELECT id, status, reason, recording_id FROM delivery_voicemail WHERE id = ANY(%s::uuid[]) ORDER BY id FOR NO KEY UPDATE OFFSET 0) v
  LEFT JOIN delivery_recording r ON r.id = v.recording_id AND r.assembled
"""
# OFFSET 0 keeps the planner to the index of the person.
_FIND_KNOWN = """
SELECT id FROM (
  SELECT id, recipient, status FROM delivery_voicemail WHERE recipient_index = ANY(%s::bytea[]) OFFSET 0) of_person
 WHERE recipient IS NOT NULL AND status <> 'sending' ORDER BY id LIMIT %s
"""
_IS_UNDER_WAY = f"""
SELECT EXISTS (
  SELECT FROM (SELECT status, recording_id FROM delivery_voicemail WHERE recipient_index = ANY(%s::bytea[]) OFFSET 0) of_person
   WHERE status IN {sql.literals(OPEN_ENDED)} AND (%s::uuid IS NULL OR recording_id = %s))
"""  # noqa: S608 - of constants
# Open erasures of people about whom something is known that can be removed now: one probe of the index of people for each.
_FIND_KNOWN_AGAIN = """
SELECT DISTINCT e.id FROM platform_erasure e CROSS JOIN LATERAL jsonb_array_elements_text(e.number_indexes) AS known(index)
 WHERE e.finished_at IS NULL AND EXISTS (
   SELECT FROM (
     SELECT recipient, status FROM delivery_voicemail WHERE recipient_index = decode(known.index, 'hex') OFFSET 0) of_person
    WHERE recipient IS NOT NULL AND status <> 'sending')
"""
_IS_HEARD_BY_OTHERS = """
SELECT EXISTS (
  SELECT FROM delivery_voicemail
   WHERE workspace_id = %s AND id >= %s AND recording_id = %s AND recipient_index <> ALL(%s::bytea[]))
"""
# The reports about the person's drops. The bytes of a callback with several reports are in the row of the first.
_OF_PERSON = """
  FROM (SELECT id FROM delivery_voicemail WHERE recipient_index = ANY(%s::bytea[]) OFFSET 0) v
  JOIN delivery_drop d ON d.voicemail_id = v.id JOIN delivery_carrierreport r ON r.drop_id = d.id
 WHERE r.merged_at IS NOT NULL
"""
_REMOVE_CALLBACKS = f"""
UPDATE delivery_carrierreport c SET raw = NULL
  FROM (SELECT r.id, r.setup_id, r.received_at {_OF_PERSON}) known
 WHERE c.setup_id = known.setup_id AND c.received_at = known.received_at AND c.id <= known.id AND c.raw IS NOT NULL
   AND c.merged_at IS NOT NULL
RETURNING c.id
"""  # noqa: S608 - of constants
_REMOVE_NUMBERS = f"""
UPDATE delivery_carrierreport c SET recipient = NULL FROM (SELECT r.id {_OF_PERSON} AND r.recipient IS NOT NULL) known
 WHERE c.id = known.id RETURNING c.id
"""  # noqa: S608 - of constants


def erase_voicemails(indexes: Collection[bytes]) -> tuple[Counter[str], set[UUID]]:
    """Cancel what waits for the person, and remove what the next few of their voicemails say. Returns how many of each were changed,
    and the recordings that were joined for these voicemails. Call it in a transaction, until it changes nothing.

    One whose request may be on the wire at this moment is left; it is changed once its lease has ended.
    """
    found = [row[0] for row in sql.run(_FIND_KNOWN, [sql.binaries(indexes), STEP_ROWS])]
    if not found:
        return Counter(), set()
    rows = sql.run(_LOCK_THESE, [sql.ids(found)])
    queued, canceled = VoicemailStatus.QUEUED, VoicemailStatus.CANCELED
    waiting = [
        Transition(voicemail_id, queued, canceled, from_reason=reason, reason=Reason.CANCELED)
        for voicemail_id, status, reason, _ in rows
        if status == queued
    ]
    [(now,)] = sql.run("SELECT statement_timestamp()", [])
    ended = transitions.apply(waiting, now, locked=True)
    removed = remove_numbers(found, ended_before=None)
    joined = {recording_id for voicemail_id, _, _, recording_id in rows if recording_id and voicemail_id in removed}
    return Counter(canceled=len(ended), voicemails=len(removed)), joined


def known_again() -> set[UUID]:
    """The open erasures of people about whom a voicemail says something again, or still."""
    return {row[0] for row in sql.run(_FIND_KNOWN_AGAIN, [])}


def erase_reports(indexes: Collection[bytes]) -> Counter[str]:
    """Remove the numbers in reports about the person, and the callbacks that held these. Those that wait to be merged are left."""
    known = sql.binaries(indexes)
    callbacks, numbers = sql.run(_REMOVE_CALLBACKS, [known]), sql.run(_REMOVE_NUMBERS, [known])
    return Counter(reports=len({row[0] for row in (*callbacks, *numbers)}))


def erase_doubtful_reports(workspace_id: UUID, number: str) -> Counter[str]:
    """The same for reports of which no drop is known, which are found by the number alone."""
    setups = TelephonySetup.objects.filter(workspace_id=workspace_id).values_list("pk", flat=True)
    effect = CarrierReport.Effect.UNKNOWN_DROP
    found = CarrierReport.objects.filter(setup_id__in=list(setups), effect=effect, recipient__isnull=False)
    theirs = [pk for pk in found.values_list("pk", flat=True) if _number_of(pk) == number]
    return Counter(reports=CarrierReport.objects.filter(pk__in=theirs).update(raw=None, recipient=None))


def _number_of(report_id: int) -> str | None:
    try:
        return CarrierReport.objects.only("recipient").get(pk=report_id).recipient
    except Undecryptable:
        return None


def is_under_way(indexes: Collection[bytes]) -> bool:
    """Whether a voicemail to the person waits, or has not come to its end at the carrier."""
    [(found,)] = sql.run(_IS_UNDER_WAY, [sql.binaries(indexes), None, None])
    return bool(found)


def erase_joined(
    recording_ids: Iterable[UUID], indexes: Collection[bytes], now: datetime
) -> tuple[Counter[str], set[UUID]]:
    """Remove the sound of recordings that were joined for the person and for nobody else. Returns how many, and those that are yet
    to be looked at, because a voicemail with them has not ended."""
    later, removed, known = set(), 0, sql.binaries(indexes)
    for recording in (
        Recording.objects.filter(pk__in=recording_ids, sound_removed_at=None).defer("waveform").order_by("pk")
    ):
        [(waits,)] = sql.run(_IS_UNDER_WAY, [known, recording.pk, recording.pk])
        if waits:
            later.add(recording.pk)
            continue
        since = first_id_at(recording.created_at)
        [(shared,)] = sql.run(_IS_HEARD_BY_OTHERS, [recording.workspace_id, since, recording.pk, known])
        if not shared:
            with transaction.atomic():
                remove_sound(recording, now)
            removed += 1
    return Counter(recordings=removed), later
