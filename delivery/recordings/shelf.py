"""The shelf of recordings and clips: their names, what is put away, and what is deleted.

What is archived is offered for nothing new, and what uses it goes on. What is deleted has no sound any more; its row stays, because
voicemails that were sent refer to it, and gets its sound back if it is uploaded again.
"""

from __future__ import annotations

from typing import Any

from django.db import transaction

from delivery.models import Clip, Recording
from delivery.recordings.removal import lock_out_uses, remove_sound, require_sound
from delivery.recordings.storage import MAX_NAME_LENGTH, Sound
from delivery.recordings.usage import needed
from rvm.platform import audit
from rvm.platform.database.clock import database_now
from rvm.platform.errors import ServiceError
from rvm.platform.models import User
from rvm.platform.retention import holds
from usecases.services.persistence import lock

_NAMED = 3  # of what needs a sound, in a message


def require_offered(sound: Recording | Clip, *, field: str = "recording_id") -> None:
    """Check that the sound may be chosen for something new. Raises ServiceError for one that is archived or has no sound any more."""
    require_sound(sound, field=field)
    if sound.archived_at is not None:
        kind = _kind(sound)
        raise ServiceError(
            "recording_archived",
            f"This {kind} is archived, so it is used for nothing new. Choose another, or bring it back from the archive on its page.",
            field=field,
        )


@transaction.atomic
def rename(sound: Sound, name: str, *, actor: User | None) -> Sound:
    """Give the sound this name. Raises ServiceError."""
    row = _own(sound)
    name = name.strip()
    if not name:
        raise ServiceError("name_missing", f"A {_kind(row)} needs a name, by which people find it again.", field="name")
    if len(name) > MAX_NAME_LENGTH:
        raise ServiceError(
            "too_long", f"The name has {len(name)} characters; at most {MAX_NAME_LENGTH} are kept.", field="name"
        )
    if name != row.name:
        was, row.name = row.name, name
        row.save(update_fields=["name"])
        _record("renamed", row, actor, changes={"name": [was, name]})
    return row


@transaction.atomic
def archive(sound: Sound, *, actor: User | None) -> Sound:
    """Put the sound away: it is offered for nothing new. Raises ServiceError."""
    row = _own(sound)
    if row.archived_at is None:
        row.archived_at = database_now()
        row.save(update_fields=["archived_at"])
        _record("archived", row, actor)
    return row


@transaction.atomic
def unarchive(sound: Sound, *, actor: User | None) -> Sound:
    """Offer an archived sound again. Raises ServiceError."""
    row = _own(sound)
    if row.archived_at is not None:
        row.archived_at = None
        row.save(update_fields=["archived_at"])
        _record("unarchived", row, actor)
    return row


@transaction.atomic
def delete(sound: Sound, *, actor: User | None) -> Sound:
    """Remove the sound for good, if nothing needs it. Raises ServiceError: `recording_in_use`, `recording_held`."""
    row = _own(sound)
    if row.sound_removed_at is not None:
        return row
    if holds.is_any_held(row.workspace_id):
        raise ServiceError(
            "recording_held",
            f"A legal hold keeps all recordings of this workspace, so this {_kind(row)} is not deleted. Have the hold lifted first, "
            "or archive it: then it is used for nothing new.",
        )
    lock_out_uses(row)
    if by := needed(row.workspace_id, [row.pk]).get(row.pk):
        more = f" and {len(by) - _NAMED} more" if len(by) > _NAMED else ""
        raise ServiceError(
            "recording_in_use",
            f"This {_kind(row)} is not deleted, because it is needed by {', '.join(by[:_NAMED])}{more}. Archive it: then it is used "
            "for nothing new. It can be deleted when these have ended or have another.",
        )
    now = database_now()
    _record("deleted", row, actor)
    remove_sound(row, now)
    row.sound_removed_at = now
    return row


def _own(sound: Sound) -> Sound:
    """The row, locked. Raises ServiceError for a recording that a campaign joined: it goes with what used it."""
    row = lock(sound)
    if isinstance(row, Recording) and row.assembled:
        raise ServiceError(
            "recording_joined",
            "A campaign joined this recording from clips. It is neither renamed nor archived nor deleted by itself: it goes with "
            "what used it. Change its clips instead.",
        )
    return row


def _record(verb: str, row: Recording | Clip, actor: User | None, **details: Any) -> None:
    audit.record(f"{row._meta.model_name}.{verb}", row, actor=actor, workspace=row.workspace, **details)


def _kind(sound: Recording | Clip) -> str:
    return str(sound._meta.verbose_name)
