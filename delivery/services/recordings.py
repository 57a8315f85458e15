"""Keeps a recording whole or not at all: the judged frames encrypted in the media storage, and one row per workspace and content.

The file is written before its row is committed, under a lock on workspace and content, and is removed again where anything after it
fails. So a row never lacks its file, and a refusal leaves no trace.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import structlog
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection, transaction
from django.utils import timezone

from delivery.audio import AudioRejected, Inspection, inspect
from delivery.audio.levels import Levels
from delivery.models import Recording
from rvm.platform.crypto import Undecryptable, vault
from rvm.platform.models import Workspace
from usecases.errors import Refused

log = structlog.get_logger(__name__)

_PURPOSE = b"recording"
LONGEST_NAME = 200


def keep_recording(workspace: Workspace, name: str, data: bytes, *, assembled: bool = False) -> Recording:
    """The recording in `data`, or the one that this workspace already has with the same sound.

    `assembled`: joined from clips, so it is not offered among the recordings; what was assembled once and is uploaded later, is.
    Raises AudioRejected, or Refused where the storage cannot take it.
    """
    with keeping_recording(workspace, name, data, assembled=assembled) as recording:
        return recording


@contextmanager
def keeping_recording(workspace: Workspace, name: str, data: bytes, *, assembled: bool = False) -> Iterator[Recording]:
    """The same for a block that needs the recording: where the block fails, a recording that was new is gone again."""
    verdict = inspect(data)
    known = _known(workspace, verdict.sha256)
    if known is not None:
        yield known if assembled else _offered(known, name)
        return
    recording = _unsaved(workspace, name, verdict)
    recording.assembled = assembled
    try:
        with transaction.atomic():
            _lock(recording)
            known = _known(workspace, verdict.sha256)
            if known is None:
                _write(recording, verdict.frames)
                recording.save(force_insert=True)
            yield known or recording
    except BaseException:
        _discard(recording)
        raise


def read_frames(recording: Recording) -> bytes:
    """The MP3, byte for byte as it was judged. Raises FileNotFoundError, Undecryptable."""
    with default_storage.open(recording.storage_name) as file:
        return vault().decrypt(file.read(), _PURPOSE)


def measured(recording: Recording) -> Recording:
    """The recording with its levels; one that was kept before levels were measured gets them, and their warnings, now.

    Once, when somebody looks: a handful of rows is not worth a step of the tick, and a migration has no media storage. Where the
    file cannot be read the levels stay null, because the rest of the row can still be shown.
    """
    if recording.measured:
        return recording
    try:
        verdict = inspect(read_frames(recording))
    except (OSError, Undecryptable, AudioRejected) as error:
        log.warning("recording_not_measured", recording_id=str(recording.pk), error=type(error).__name__)
        return recording
    found = _levels(verdict.levels)
    found["warnings"] = list(dict.fromkeys([*recording.warnings, *_sentences(verdict)]))
    Recording.objects.filter(pk=recording.pk).update(**found)
    for name, value in found.items():
        setattr(recording, name, value)
    return recording


def _levels(levels: Levels) -> dict[str, Any]:
    """As the columns are called."""
    return {**asdict(levels), "waveform": bytes(levels.waveform)}


def _sentences(verdict: Inspection) -> list[str]:
    return [warning.sentence for warning in verdict.warnings]


def _known(workspace: Workspace, sha256: str) -> Recording | None:
    return Recording.objects.filter(workspace=workspace, sha256=sha256).first()


def _offered(recording: Recording, name: str) -> Recording:
    """Among the recordings from now on, where a campaign alone knew it, under the name that a person gave it."""
    if recording.assembled:
        recording.assembled, recording.name = False, name[:LONGEST_NAME]
        recording.save(update_fields=["assembled", "name"])
    return recording


def _unsaved(workspace: Workspace, name: str, verdict: Inspection) -> Recording:
    return Recording(
        workspace=workspace,
        name=name[:LONGEST_NAME],
        sha256=verdict.sha256,
        size_bytes=len(verdict.frames),
        duration_ms=verdict.duration_ms,
        bitrate_kbps=verdict.bitrate_kbps,
        bitrate_mode=verdict.bitrate_mode,
        sample_rate=verdict.sample_rate,
        channels=verdict.channels,
        encoder=verdict.encoder,
        warnings=_sentences(verdict),
        created_at=timezone.now(),
        **_levels(verdict.levels),
    )


def _lock(recording: Recording) -> None:
    """Until the transaction ends, nobody else writes or removes this content's file."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [recording.storage_name])


def _write(recording: Recording, frames: bytes) -> None:
    name = recording.storage_name
    try:
        # What lies there without a row was left by a process that died; storages would save beside it under another name.
        default_storage.delete(name)
        default_storage.save(name, ContentFile(vault().encrypt(frames, _PURPOSE)))
    except OSError as error:
        raise Refused(
            "storage_unavailable",
            f"The recording could not be stored ({error.strerror or type(error).__name__}); nothing was kept. "
            "Upload it again later, and tell the operator of the platform that the media storage takes no files.",
        ) from error


def _discard(recording: Recording) -> None:
    """Remove the file unless somebody else's row has come to need it."""
    with transaction.atomic():
        _lock(recording)
        if _known(recording.workspace, recording.sha256) is None:
            try:
                default_storage.delete(recording.storage_name)
            except (
                OSError
            ) as error:  # the refusal that is on its way says more; the same sound's next upload replaces the file
                log.warning("file_not_removed", recording_id=str(recording.pk), error=type(error).__name__)
