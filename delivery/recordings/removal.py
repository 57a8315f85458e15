"""The last use of a recording or a clip, and the removal of its sound.

The row stays, with name, length and SHA-256, and gets its file back if the same sound is uploaded or joined again.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Q

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
_PRECISION = timedelta(days=1)


# A sound that is being used is not deleted: uses share the lock, which costs no write, and a deletion takes it alone.
_LOCK_USES = """
SELECT pg_advisory_xact_lock_shared(hashtextextended(id::text, 0)) FROM unnest(%s::uuid[]) AS used(id) ORDER BY id
"""
_LOCK_OUT_USES = "SELECT pg_advisory_xact_lock(hashtextextended(%s::uuid::text, 0))"


def lock_out_uses(sound: Recording | Clip) -> None:
    """Wait for the transactions that use the sound, and let no other one use it until this one ends."""
    sql.run(_LOCK_OUT_USES, [sound.pk])


def note_use(model: type[Recording] | type[Clip], ids: Collection[UUID], now: datetime) -> None:
    """Note that the sounds are used now. Call it in the transaction of the use. Raises ServiceError for one that was removed."""
    rows: Any = model._default_manager
    sql.run(_LOCK_USES, [sql.ids(ids)])
    stale = Q(used_at__lte=now - _PRECISION) | Q(sound_removed_at__isnull=False)
    old = list(rows.filter(stale, pk__in=ids).order_by("pk").select_for_update(no_key=True).only("sound_removed_at"))
    for sound in old:
        require_sound(sound, field="recording_id")
    rows.filter(pk__in=[sound.pk for sound in old]).update(used_at=now)


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
