"""Storage of recordings, uploaded or joined from clips: first inspected, then stored with the measured values."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict
from datetime import datetime
from typing import Any

import structlog

from delivery.audio import AudioRejected, Inspection, inspect
from delivery.audio.conversion import inspect_any
from delivery.audio.inspection import MIN_SECONDS, Unheard, fingerprint, inspection_of, listening, walk_within
from delivery.audio.levels import Levels
from delivery.audio.rejections import AudioWarning
from delivery.models import Recording
from delivery.recordings.attestations import attest, record_attested, state_unsaved
from delivery.recordings.storage import MAX_NAME_LENGTH, find_recording, read_frames, stored
from rvm.platform.database.clock import database_now
from rvm.platform.encryption.crypto import Undecryptable
from rvm.platform.errors import ServiceError
from rvm.platform.models import User, Workspace
from usecases.attestations.recordings import Statement

log = structlog.get_logger(__name__)


def store_recording(
    workspace: Workspace, name: str, data: bytes, *, assembled: bool = False, uploaded_by: User | None = None
) -> Recording:
    """Store the recording in `data` and return it, or return the workspace's recording with the same content.

    A recording with `assembled` is joined from clips and not offered in lists; a later upload of the same content makes it offered.
    Raises AudioRejected, or ServiceError if the storage fails.
    """
    with stored_recording(workspace, name, data, assembled=assembled, uploaded_by=uploaded_by) as recording:
        return recording


@contextmanager
def stored_recording(
    workspace: Workspace,
    name: str,
    data: bytes | Inspection | Unheard,
    *,
    assembled: bool = False,
    uploaded_by: User | None = None,
    statement: Statement | None = None,
    now: datetime | None = None,
) -> Iterator[Recording]:
    """`store_recording` as a context manager, also of what was inspected before, with what the uploader states: if the block
    fails, a new recording is removed.

    What is unheard is heard while it is stored. The block begins once the sound is accepted; until then nothing is locked that a
    worker or another workspace waits for.
    """
    # Thousands may be assembled in a row and few are viewed: `measured` measures their levels at the first view.
    hearing: AbstractContextManager[Callable[[], object]] = nullcontext(lambda: None)
    if isinstance(data, Unheard):
        sound, hearing = data.inspection, listening(data.audio)
    else:
        sound = data if isinstance(data, Inspection) else inspect(data, with_levels=not assembled)
    with hearing as heard:
        unsaved = _unsaved(workspace, name, sound, now or database_now())
        unsaved.assembled, unsaved.uploaded_by = assembled, uploaded_by
        stated = statement and state_unsaved(unsaved, statement, actor=uploaded_by, now=unsaved.created_at)
        with stored(unsaved, sound.frames) as recording:
            new = recording is unsaved
            if stated and new:
                record_attested(recording)
            heard()
            if not assembled:
                _offered(recording, name, uploaded_by)
            if statement and not (stated and new):
                [recording] = attest([recording], statement, actor=uploaded_by)
            yield recording


def inspected(workspace: Workspace, data: bytes) -> Inspection | Unheard:
    """The verdict on an upload, without levels, as far as there is one before it is heard; where the workspace has a recording of the
    same sound, that by which it was stored.

    The frames are walked and compared as for any upload, so only the bytes of an accepted sound are found: no other format,
    and none of which the file is gone. Raises AudioRejected, and ServiceError.
    """
    try:
        audio = walk_within(data, shortest=MIN_SECONDS)
    except AudioRejected:  # it may become an MP3
        return inspect_any(data, converting=workspace.converts_audio, with_levels=False)
    sha256 = fingerprint(audio)
    known = find_recording(workspace, sha256)
    return Unheard(audio, inspection_of(audio, sha256)) if known is None else _verdict_of(known, audio.frames)


def _verdict_of(known: Recording, frames: bytes) -> Inspection:
    return Inspection(
        frames=frames,
        sha256=known.sha256,
        duration_ms=known.duration_ms,
        bitrate_kbps=known.bitrate_kbps,
        bitrate_mode=known.bitrate_mode,
        sample_rate=known.sample_rate,
        channels=known.channels,
        encoder=known.encoder,
        levels=None,  # measured at the first view, should the recording be deleted before this upload is stored
        warnings=tuple(AudioWarning("", message) for message in known.warnings),
        converted_from=known.converted_from,
    )


def measured(recording: Recording) -> Recording:
    """The recording with its levels and their warnings, which are measured and saved now if it has none.

    Assembled recordings, those that came with a voicemail, and those stored before levels were measured, have none. They are
    measured at the first view, because few are viewed and a migration has no access to media storage. If the file cannot be
    read, the levels stay null, because the rest of the row can still be shown.
    """
    if recording.measured or recording.sound_removed_at is not None:
        return recording
    try:
        verdict = inspect(read_frames(recording))
    except (OSError, Undecryptable, AudioRejected, ServiceError) as error:
        log.warning("recording_not_measured", recording_id=str(recording.pk), error=type(error).__name__)
        return recording
    found = _levels(verdict.levels)
    found["warnings"] = list(dict.fromkeys([*recording.warnings, *_messages(verdict)]))
    Recording.objects.filter(pk=recording.pk).update(**found)
    for name, value in found.items():
        setattr(recording, name, value)
    return recording


def _levels(levels: Levels | None) -> dict[str, Any]:
    """The levels by column name."""
    return {} if levels is None else {**asdict(levels), "waveform": bytes(levels.waveform)}


def _messages(verdict: Inspection) -> list[str]:
    return [warning.message for warning in verdict.warnings]


def _offered(recording: Recording, name: str, uploaded_by: User | None) -> Recording:
    """The recording, no longer marked as assembled if it was, and then with the uploader and the name that the uploader gave."""
    if recording.assembled:
        recording.assembled, recording.name, recording.uploaded_by = False, name[:MAX_NAME_LENGTH], uploaded_by
        recording.save(update_fields=["assembled", "name", "uploaded_by"])
    return recording


def _unsaved(workspace: Workspace, name: str, verdict: Inspection, now: datetime) -> Recording:
    return Recording(
        workspace=workspace,
        name=name[:MAX_NAME_LENGTH],
        sha256=verdict.sha256,
        size_bytes=len(verdict.frames),
        duration_ms=verdict.duration_ms,
        bitrate_kbps=verdict.bitrate_kbps,
        bitrate_mode=verdict.bitrate_mode,
        sample_rate=verdict.sample_rate,
        channels=verdict.channels,
        encoder=verdict.encoder,
        converted_from=verdict.converted_from,
        warnings=_messages(verdict),
        created_at=now,
        **_levels(verdict.levels),
    )
