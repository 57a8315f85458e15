"""Keeps what was uploaded, or joined from clips, as a recording: judged first, then stored with everything that was measured."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import structlog

from delivery.audio import AudioRejected, Inspection, inspect
from delivery.audio.levels import Levels
from delivery.models import Recording
from delivery.recordings.storage import MAX_NAME_LENGTH, read_frames, stored
from rvm.platform.database.clock import database_now
from rvm.platform.encryption.crypto import Undecryptable
from rvm.platform.models import Workspace

log = structlog.get_logger(__name__)


def store_recording(workspace: Workspace, name: str, data: bytes, *, assembled: bool = False) -> Recording:
    """The recording in `data`, or the one that this workspace already has with the same sound.

    `assembled`: joined from clips, so it is not offered among the recordings; what was assembled once and is uploaded later, is.
    Raises AudioRejected, or ServiceError where the storage cannot take it.
    """
    with stored_recording(workspace, name, data, assembled=assembled) as recording:
        return recording


@contextmanager
def stored_recording(workspace: Workspace, name: str, data: bytes, *, assembled: bool = False) -> Iterator[Recording]:
    """The same for a block that needs the recording: where the block fails, a recording that was new is gone again."""
    # Thousands may be assembled in a row, and are seldom looked at: `measured` measures them then.
    verdict = inspect(data, with_levels=not assembled)
    unsaved = _unsaved(workspace, name, verdict)
    unsaved.assembled = assembled
    with stored(unsaved, verdict.frames) as recording:
        yield recording if assembled else _offered(recording, name)


def measured(recording: Recording) -> Recording:
    """The recording with its levels; one that was assembled, or kept before levels were measured, gets them now, and their warnings.

    Once, when somebody looks: few are looked at, and a migration has no media storage. Where the
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


def _levels(levels: Levels | None) -> dict[str, Any]:
    """As the columns are called."""
    return {} if levels is None else {**asdict(levels), "waveform": bytes(levels.waveform)}


def _sentences(verdict: Inspection) -> list[str]:
    return [warning.sentence for warning in verdict.warnings]


def _offered(recording: Recording, name: str) -> Recording:
    """Among the recordings from now on, where a campaign alone knew it, under the name that a person gave it."""
    if recording.assembled:
        recording.assembled, recording.name = False, name[:MAX_NAME_LENGTH]
        recording.save(update_fields=["assembled", "name"])
    return recording


def _unsaved(workspace: Workspace, name: str, verdict: Inspection) -> Recording:
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
        warnings=_sentences(verdict),
        created_at=database_now(),
        **_levels(verdict.levels),
    )
