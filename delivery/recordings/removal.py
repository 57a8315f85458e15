"""Removal of the sound of a recording or a clip; the row stays, with name, length and SHA-256, and gets its file back if the same
sound is uploaded or joined again."""

from __future__ import annotations

from datetime import datetime

from django.core.files.storage import default_storage
from django.db import transaction

from delivery.models import Assembly, Clip, Recording
from delivery.recordings.storage import lock_content


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
