"""Removal of the sound of recordings and clips that nothing has used for long, and of which nothing is to be heard.

What is found to be in use at the time counts as used then. So the last use of a sound is known without writing it for each voicemail.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction

from delivery.models import Clip, Recording
from delivery.recordings.removal import remove_sound
from delivery.recordings.usage import needed
from rvm.platform.database.clock import database_now
from rvm.platform.retention import holds, rules
from rvm.platform.retention.purges import MAX_COUNTED, Purge
from rvm.platform.retention_kinds import RetentionKind

STEP_ROWS = 50  # each a file to delete


def _old(model: type[Recording] | type[Clip], workspace_id: UUID, before: datetime) -> Any:
    rows: Any = model._default_manager
    return rows.filter(workspace_id=workspace_id, used_at__lte=before, sound_removed_at=None)


def _purge(model: type[Recording] | type[Clip], workspace_id: UUID, now: datetime) -> Iterator[int]:
    while (moment := rules.before(workspace_id, RetentionKind.RECORDINGS, now)) is not None:
        ids = list(_old(model, workspace_id, moment).order_by("used_at").values_list("pk", flat=True)[:STEP_ROWS])
        if not ids:
            return
        used = needed(workspace_id, ids).keys()
        model._default_manager.filter(pk__in=list(used)).update(used_at=database_now())
        removed = 0
        for sound_id in set(ids) - used:
            removed += _remove(model, sound_id, moment)
        yield removed


@transaction.atomic
def _remove(model: type[Recording] | type[Clip], sound_id: UUID, before: datetime) -> bool:
    """Remove the sound unless somebody has begun to use it meanwhile, which changes the row under its lock."""
    rows: Any = model._default_manager
    sound = rows.select_for_update(no_key=True).filter(pk=sound_id, used_at__lte=before, sound_removed_at=None).first()
    if sound is None:
        return False
    remove_sound(sound, database_now())
    return True


def _count(model: type[Recording] | type[Clip], workspace_id: UUID, before: datetime) -> int:
    if holds.is_any_held(workspace_id):
        return 0
    ids = list(_old(model, workspace_id, before).values_list("pk", flat=True)[: MAX_COUNTED + 1])
    return len(ids) - len(needed(workspace_id, ids)) if ids else 0


RECORDINGS = Purge(RetentionKind.RECORDINGS, "recordings", partial(_purge, Recording), partial(_count, Recording))
CLIPS = Purge(RetentionKind.RECORDINGS, "clips", partial(_purge, Clip), partial(_count, Clip))
