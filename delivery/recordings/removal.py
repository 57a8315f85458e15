"""The last use of a recording or a clip, and the removal of its sound.

The row stays, with name, length and SHA-256, and gets its file back if the same sound is uploaded or joined again.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.core.files.storage import default_storage
from django.db import transaction

from delivery.models import Assembly, Clip, Recording
from delivery.recordings.storage import lock_content
from rvm.platform.database import sql
from rvm.platform.errors import ServiceError
from rvm.platform.times import moments


def require_sound(sound: Recording | Clip, *, field: str = "") -> None:
    """Raise ServiceError if the sound was removed."""
    if sound.sound_removed_at is not None:
        raise ServiceError(
            "recording_removed",
            f"{removed_text(sound)} Upload it again if it is needed.",
            field=field,
        )


def removed_text(sound: Recording | Clip) -> str:
    """That and when the sound was removed, as a sentence; empty if it was not. Without its name, which may say a person's."""
    at = sound.sound_removed_at
    return (
        f"The sound was removed on {moments.day(at)}, because somebody deleted it, nothing used it any more or a person was erased."
        if at
        else ""
    )


# To this precision the last use of a sound is known, so that voicemails of one recording do not write its row one by one.
_PRECISION = "interval '1 day'"


# A sound that is being used is not deleted: uses share the lock, which costs no write, and a deletion takes it alone. Sends of the
# API take it by the function `delivery_use_recording`.
_LOCK_USES = """
SELECT pg_advisory_xact_lock_shared(hashtextextended(id::text, 0)) FROM unnest(%s::uuid[]) AS used(id) ORDER BY id
"""
_LOCK_OUT_USES = "SELECT pg_advisory_xact_lock(hashtextextended(%s::uuid::text, 0))"


def lock_out_uses(sound: Recording | Clip) -> None:
    """Wait for the transactions that use the sound, and let no other one use it until this one ends."""
    sql.run(_LOCK_OUT_USES, [sound.pk])


def note_use_sql(table: str, *, ids: str, now: str) -> str:
    """SQL that notes a use, for whoever holds the locks; `ids` and `now` are SQL expressions. Returns when sounds of these were
    removed, which are not to be used."""
    return (
        f"UPDATE {table} SET used_at = {now} WHERE id = ANY(ARRAY("  # noqa: S608 - ours
        f"SELECT id FROM {table} WHERE id = ANY({ids})"
        f" AND (used_at <= {now} - {_PRECISION} OR sound_removed_at IS NOT NULL)"
        " ORDER BY id FOR NO KEY UPDATE)) RETURNING sound_removed_at"
    )


def note_use(model: type[Recording] | type[Clip], ids: Collection[UUID], now: datetime) -> None:
    """Note that the sounds are used now. Call it in the transaction of the use. Raises ServiceError for one that was removed."""
    used = sql.ids(ids)
    sql.run(_LOCK_USES, [used])
    noted = note_use_sql(model._meta.db_table, ids="%(ids)s::uuid[]", now="%(now)s::timestamptz")
    for (removed_at,) in sql.run(noted, {"ids": used, "now": now}):
        require_sound(model(sound_removed_at=removed_at), field="recording_id")


@transaction.atomic
def remove_sound(sound: Recording | Clip, now: datetime) -> None:
    """Remove the file, and what is known of the sound beside its length. The caller has made sure that nobody is to hear it; it may
    hold the row's lock. If the transaction fails after that, the row is there to be removed again."""
    lock_content(sound)
    if isinstance(sound, Recording):
        Assembly.objects.filter(recording=sound).delete()
        Recording.objects.filter(pk=sound.pk).update(sound_removed_at=now, waveform=None)
    else:
        Clip.objects.filter(pk=sound.pk).update(sound_removed_at=now)
    default_storage.delete(sound.storage_name)
