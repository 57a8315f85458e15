"""Statements about what recordings and clips say: made, withdrawn, inherited by joined recordings, and asked before anything is sent.

A joined recording keeps the statement that its clips make together, so that a claim reads one row. A clip that is stated in the very
moment in which it is joined may be missed there; such recordings are judged by their clips when they are asked about.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from django.db import transaction

from delivery.models import Assembly, Clip, Recording
from delivery.recordings.storage import Sound
from delivery.runtime.wakeups import wake_on_commit
from rvm.platform import audit
from rvm.platform.api.keys import makers_of
from rvm.platform.database import sql
from rvm.platform.database.clock import database_now
from rvm.platform.errors import ServiceError
from rvm.platform.models import User
from usecases.attestations.recordings import (
    CHECKLIST,
    NO_DETAILS,
    VOICE,
    Part,
    Statement,
    Whole,
    missing_fields,
    whole_of,
)
from usecases.eligibility import STATEMENT_RECHECK
from usecases.models import UseCase
from usecases.selectors import first_setup
from usecases.services.persistence import lock

STATED = ("attested_at", "attested_by", "attested_by_another", "voice", "says")
# Kept with a voicemail that waits for a statement, by which the statement finds it.
WAITS_FOR_STATEMENT = (
    "It waits until somebody states what its recording says, on the recording's page; then it goes on."
)
NOT_ATTESTED = (
    "Nobody has stated what this recording says: who is calling, the numbers to call back and to opt out, and that it tells nothing "
    "of anybody's health. State it on the recording's page or with `PUT /recordings/{id}/attestation`."
)
BY_ANOTHER = (
    "In this workspace somebody other than who uploaded a sound has to state what it says; ask a colleague to listen to it and to do "
    "so."
)
# Waiting voicemails that a statement makes due at once; the others are looked at again after STATEMENT_RECHECK.
MAX_WOKEN = 10_000

Found = TypeVar("Found", Recording, Clip)


@transaction.atomic
def attest(sounds: Sequence[Found], statement: Statement, *, actor: User | None) -> list[Found]:
    """State the same about the recordings, or about the clips, and return them as they are now. Raises ServiceError.

    A statement replaces an earlier one that says something else, or one by the uploader if it is by another. What waits for it is
    due.
    """
    _check(sounds, statement)
    rows = [_stated(lock(sound), statement, actor) for sound in sorted(sounds, key=lambda sound: sound.pk)]
    _follow(rows)
    return rows


def state_unsaved(sound: Sound, statement: Statement, *, actor: User | None, now: datetime) -> bool:
    """Set the statement of a sound that is not saved yet; return whether it may be made, as `attest` says otherwise.

    Nothing waits for a statement about it. Once it is saved, call `record_attested`."""
    by_another = _is_another(actor, sound.uploaded_by_id)
    if missing_fields(statement, clip=isinstance(sound, Clip)) or _lacks_another(sound, by_another):
        return False
    _set(sound, statement, actor, by_another, now)
    return True


@transaction.atomic
def withdraw_attestation(sounds: Sequence[Found], *, actor: User | None) -> list[Found]:
    """Take back the statements about the recordings or clips, and return them. Binds every claim that begins after the commit."""
    rows = [lock(sound) for sound in sorted(sounds, key=lambda sound: sound.pk)]
    for row in rows:
        if row.attested:
            row.attested_at, row.attested_by, row.attested_by_another, row.voice, row.says = None, None, False, "", []
            row.save(update_fields=STATED)
            audit.record(f"{row._meta.model_name}.attestation_withdrawn", row, actor=actor, workspace=row.workspace)
    _follow(rows)
    return rows


def inherited(clips: Sequence[Clip]) -> Whole | None:
    """The statement that the clips make together, in this order."""
    return whole_of([_part(clip) for clip in clips])


def unattested_among(recording_ids: Collection[UUID], *, by_another: bool) -> set[UUID]:
    """The recordings about which it is not stated what they say; `by_another`: by somebody other than who uploaded them."""
    rows = sql.run(_UNATTESTED, [sql.ids(recording_ids), by_another])
    lacking = {recording_id for recording_id, _ in rows}
    joined = [recording_id for recording_id, assembled in rows if assembled]
    whole = _wholes(joined) if joined else {}
    return lacking - {found for found, each in whole.items() if each.by_another or not by_another}


# Recordings without a statement, or with one of the wrong person; and whether each was joined from clips.
_UNATTESTED = """
SELECT id, assembled FROM delivery_recording
 WHERE id = ANY(%s::uuid[]) AND (attested_at IS NULL OR %s AND NOT attested_by_another)
"""


def require_attested(recording: Recording, use_case: UseCase, live: bool) -> None:
    """Check that it is stated what the recording says, where people would hear it. Raises ServiceError."""
    if not first_setup(use_case, live).live:
        return
    by_another = use_case.workspace.attestation_by_another
    if recording.attested and (recording.attested_by_another or not by_another):
        return
    if unattested_among([recording.pk], by_another=by_another):
        raise ServiceError("recording_not_attested", NOT_ATTESTED, field="recording_id", recording_id=recording.pk)


def _check(sounds: Sequence[Sound], statement: Statement) -> None:
    missing = missing_fields(statement, clip=bool(sounds) and isinstance(sounds[0], Clip))
    if missing:
        raise incomplete(missing[0])


def incomplete(field: str) -> ServiceError:
    """The refusal of a statement that lacks a field."""
    texts = {**dict(CHECKLIST.values()), **dict([NO_DETAILS, VOICE])}
    return ServiceError(
        "statement_incomplete",
        f"This has to be stated too, if anything is: {texts[field]} Where it is not so, record the message anew.",
        field=field,
    )


def _is_another(actor: User | None, uploader: UUID | None) -> bool:
    """Whether it is not who uploaded the sound, nor a key that the uploader has seen, nor one who has seen the uploader's key."""
    own = actor.pk if actor else None
    return own != uploader and own not in makers_of(uploader) and uploader not in makers_of(own)


def _lacks_another(sound: Sound, by_another: bool) -> bool:
    return sound.workspace.attestation_by_another and not by_another


def _set(sound: Sound, statement: Statement, actor: User | None, by_another: bool, now: datetime) -> None:
    sound.attested_at, sound.attested_by, sound.attested_by_another = now, actor, by_another
    sound.voice, sound.says = str(statement.voice), [str(said) for said in sorted(statement.says)]


def _stated(row: Found, statement: Statement, actor: User | None) -> Found:
    by_another = _is_another(actor, row.uploaded_by_id)
    if _lacks_another(row, by_another):
        raise ServiceError("attestation_by_uploader", BY_ANOTHER)
    voice, says = str(statement.voice), sorted(statement.says)
    same = (row.voice, sorted(row.says)) == (voice, says) and row.attested_by_id is not None
    if same and (row.attested_by_another or not by_another):
        return row
    _set(row, statement, actor, by_another, database_now())
    row.save(update_fields=STATED)
    record_attested(row)
    return row


def record_attested(row: Sound) -> None:
    """Write the audit event of the row's statement."""
    audit.record(
        f"{row._meta.model_name}.attested",
        row,
        actor=row.attested_by,
        workspace=row.workspace,
        voice=row.voice,
        says=row.says,
        by_another=row.attested_by_another,
    )


def _follow(rows: Sequence[Recording | Clip]) -> None:
    """Bring joined recordings in line with their clips, and make due what waits for the recordings."""
    for workspace_id in sorted({row.workspace_id for row in rows}):
        _follow_in(workspace_id, [row for row in rows if row.workspace_id == workspace_id])


def _follow_in(workspace_id: UUID, rows: Sequence[Recording | Clip]) -> None:
    clips = [row.pk for row in rows if isinstance(row, Clip)]
    recordings = {row.pk for row in rows if isinstance(row, Recording) and row.attested}
    bare = [row.pk for row in rows if isinstance(row, Recording) and row.assembled and not row.attested]
    if clips:
        overlapping = Assembly.objects.filter(workspace_id=workspace_id, clips__overlap=clips)
        bare += list(overlapping.values_list("recording_id", flat=True))
    recordings |= _inherit(bare) if bare else set()
    if recordings:
        _wake(workspace_id, recordings, database_now())


def _inherit(recording_ids: Iterable[UUID]) -> set[UUID]:
    """Keep the statements that joined recordings have from their clips, where nobody has made one about the whole; returns the ids of
    those that have one now."""
    found = Recording.objects.filter(pk__in=set(recording_ids), attested_by=None, assembled=True)
    rows = list(found.defer("waveform").order_by("id").select_for_update(no_key=True))
    wholes = _wholes([row.pk for row in rows])
    for row in rows:
        keep_inherited(row, wholes.get(row.pk))
    Recording.objects.bulk_update(rows, [name for name in STATED if name != "attested_by"], batch_size=1000)
    return {row.pk for row in rows if row.attested}


def keep_inherited(recording: Recording, whole: Whole | None) -> None:
    """Set the statement of a joined recording, unsaved."""
    recording.attested_at = whole.at if whole else None
    recording.attested_by_another = bool(whole and whole.by_another)
    recording.voice = str(whole.voice) if whole else ""
    recording.says = sorted(str(said) for said in whole.says) if whole else []


def _wholes(recording_ids: Collection[UUID]) -> dict[UUID, Whole]:
    """The statements of those joined recordings whose clips make one, by any sequence that makes the recording."""
    sequences: dict[UUID, list[list[UUID]]] = defaultdict(list)
    for recording_id, clip_ids in Assembly.objects.filter(recording__in=recording_ids).values_list(
        "recording", "clips"
    ):
        sequences[recording_id].append(clip_ids)
    wanted = {clip_id for each in sequences.values() for clip_ids in each for clip_id in clip_ids}
    clips = Clip.objects.in_bulk(wanted)
    found: dict[UUID, Whole] = {}
    for recording_id, each in sequences.items():
        wholes = [whole for clip_ids in each if (whole := inherited([clips[clip_id] for clip_id in clip_ids]))]
        if wholes:
            found[recording_id] = max(wholes, key=lambda whole: whole.by_another)
    return found


def _part(clip: Clip) -> Part:
    return Part(clip.duration_ms, clip.attested_at, clip.attested_by_another, clip.voice, clip.says)


# Voicemails that wait for a statement about their recordings, in lanes that are looked at. Their text says that they do, and no other
# voicemail has it: the time of one that waits for something else must not change. Passes over what is locked.
_WAITING = """
SELECT v.id FROM delivery_lane l CROSS JOIN (VALUES (false), (true)) AS via(failover)
 CROSS JOIN LATERAL (SELECT id FROM delivery_voicemail
         WHERE lane_id = l.id AND failover = via.failover AND status = 'queued' AND not_before > %s AND not_before <= %s
           AND recording_id = ANY(%s::uuid[]) AND carrier_text = %s
         ORDER BY not_before, id LIMIT %s FOR NO KEY UPDATE SKIP LOCKED) v
 WHERE l.id = ANY(ARRAY(SELECT id FROM delivery_lane WHERE NOT idle AND NOT held ORDER BY id)) AND l.workspace_id = %s
"""
_MAKE_DUE = (
    "UPDATE delivery_voicemail SET not_before = %s, carrier_text = '', updated_at = %s WHERE id = ANY(%s::uuid[])"
)


def _wake(workspace_id: UUID, recording_ids: Collection[UUID], now: datetime) -> None:
    limits = [now, now + STATEMENT_RECHECK, sql.ids(recording_ids), WAITS_FOR_STATEMENT, MAX_WOKEN, workspace_id]
    waiting = [row[0] for row in sql.run(_WAITING, limits)]
    if waiting:
        sql.run(_MAKE_DUE, [now, now, sql.ids(waiting)])
    wake_on_commit("dispatch")
