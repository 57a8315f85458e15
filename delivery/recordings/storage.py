"""Atomic storage of a sound (recording or clip): encrypted frames in the media storage, one row per workspace and content.

The file is written before its row is committed, under a lock on workspace and content, and is removed if a later step fails. A row
therefore always has its file, and a failure leaves neither. What a killed process leaves is removed a day later (`strays`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar
from uuid import UUID

import structlog
from django.core.files.storage import default_storage
from django.db import connection, transaction
from django.db.models import QuerySet

from delivery.audio.formats import SUFFIXES
from delivery.audio.measurement import CHECK_UNAVAILABLE
from delivery.audio.mpeg.xing_frame import with_xing_frame
from delivery.models import Clip, Recording
from rvm.platform.database import sql
from rvm.platform.database.clock import database_now
from rvm.platform.database.prepared import insert, prepared
from rvm.platform.encryption.encrypted_files import decrypt_file, encrypt_file
from rvm.platform.errors import ServiceError
from rvm.platform.models import Workspace
from rvm.platform.quotas import Quota, Usage

log = structlog.get_logger(__name__)

MAX_NAME_LENGTH = 200
STORAGE_UNAVAILABLE = "storage_unavailable"
# Codes of errors that are no fault of the sound and may pass: what was asked for is asked for again.
TEMPORARY = frozenset({STORAGE_UNAVAILABLE, CHECK_UNAVAILABLE})
Sound = TypeVar("Sound", Recording, Clip)


# Recordings that were uploaded, and clips.
_COUNT_SOUNDS = """
SELECT count(*), coalesce(sum(size_bytes), 0)::bigint
  FROM (SELECT size_bytes FROM delivery_recording WHERE workspace_id = %s AND NOT assembled AND sound_removed_at IS NULL
        UNION ALL SELECT size_bytes FROM delivery_clip WHERE workspace_id = %s AND sound_removed_at IS NULL) kept
"""


def _sounds_of(workspace_id: UUID) -> Usage:
    return Usage(*sql.run(_COUNT_SOUNDS, [workspace_id, workspace_id])[0])


SOUNDS = Quota("sounds", "recordings and clips", "Upload fewer, or shorter ones.", _sounds_of)


@contextmanager
def stored(sound: Sound, frames: bytes) -> Iterator[Sound]:
    """Save the unsaved `sound` and yield it, or yield the workspace's row with the same content.

    If the block fails, a new row is rolled back and its file removed. Raises ServiceError if the storage fails, and if the quota of
    the workspace is used up; what is joined from clips does not count.
    """
    known = find_duplicate(sound)
    if known is not None and known.sound_removed_at is None:
        yield known
        return
    try:
        with transaction.atomic():
            lock_content(sound)
            known = find_duplicate(sound)
            if (known is None or known.sound_removed_at is not None) and not getattr(sound, "assembled", False):
                SOUNDS.require(sound.workspace, len(frames))
            if known is None:
                _write(sound, frames)
                insert(sound)
            elif known.sound_removed_at is not None:
                _write(known, frames)
                known.sound_removed_at, known.used_at = None, database_now()
                known.save(update_fields=["sound_removed_at", "used_at"])
            yield known or sound
    except BaseException:
        _discard(sound)
        raise


def name_of_file(file_name: str | None) -> str:
    """The name of a sound that was uploaded without one: what a person called its file."""
    name = (file_name or "").strip()
    stem, dot, suffix = name.rpartition(".")
    return (stem if dot and suffix.lower() in SUFFIXES else name) or "Recording"


@prepared
def _recordings(workspace_id: UUID, sha256: str) -> QuerySet[Recording]:
    return Recording.objects.filter(workspace=workspace_id, sha256=sha256)


@prepared
def _clips(workspace_id: UUID, sha256: str) -> QuerySet[Clip]:
    return Clip.objects.filter(workspace=workspace_id, sha256=sha256)


def find_duplicate(sound: Sound) -> Sound | None:
    """The workspace's row with the same content, or None."""
    rows: Any = _recordings if isinstance(sound, Recording) else _clips
    found: Sound | None = next(iter(rows(sound.workspace_id, sound.sha256)), None)
    return found


def find_recording(workspace: Workspace, sha256: str) -> Recording | None:
    """The workspace's recording with this content and its file, or None."""
    return next((found for found in _recordings(workspace.pk, sha256) if found.sound_removed_at is None), None)


def read_frames(sound: Recording | Clip) -> bytes:
    """The MP3 frames, exactly as inspected. Raises FileNotFoundError, Undecryptable."""
    return b"".join(decrypt_file(sound.storage_name, sound.associated_data))


def read_mp3(sound: Recording | Clip) -> bytes:
    """What players and carriers get: the frames, behind a Xing frame where their length would be misread without one.

    Raises what `read_frames` raises.
    """
    return with_xing_frame(read_frames(sound))


def lock_content(sound: Recording | Clip) -> None:
    """Lock this content's file against other writers and removers until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [sound.storage_name])


def _write(sound: Recording | Clip, frames: bytes) -> None:
    try:
        # This replaces a file without a row, which a killed process may have left.
        encrypt_file(sound.storage_name, [frames], sound.associated_data)
    except OSError as error:
        raise ServiceError(
            STORAGE_UNAVAILABLE,
            f"The recording could not be stored ({error.strerror or type(error).__name__}); nothing was kept. "
            "Upload it again later, and tell the operator of the platform that the media storage takes no files.",
        ) from error


def _discard(sound: Sound) -> None:
    """Remove the file unless another transaction's row needs it meanwhile."""
    with transaction.atomic():
        lock_content(sound)
        known = find_duplicate(sound)
        if known is None or known.sound_removed_at is not None:
            try:
                default_storage.delete(sound.storage_name)
            except (
                OSError
            ) as error:  # the refusal that is on its way says more; the same sound's next upload replaces the file
                log.warning("file_not_removed", sound_id=str(sound.pk), error=type(error).__name__)
