"""Storage of clips, and their joining to recordings, once for each sequence of clips.

`inspect` checks a joined recording like any upload. An Assembly stores the recording of a sequence, so each further recipient of the
same sequence costs one look-up.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from uuid import UUID

from django.db import transaction

from delivery.audio import MAX_SECONDS, MIN_SECONDS, AudioRejected
from delivery.audio.clips import ClipInspection, inspect_clip
from delivery.audio.inspection import wrong_duration
from delivery.audio.mpeg.concatenation import join, samples_of
from delivery.models import Assembly, Clip, Recording
from delivery.recordings.attestations import STATED, inherited, keep_inherited
from delivery.recordings.recordings import stored_recording
from delivery.recordings.removal import note_use
from delivery.recordings.storage import MAX_NAME_LENGTH, STORAGE_UNAVAILABLE, read_frames, stored
from rvm.platform.database.clock import database_now
from rvm.platform.errors import ServiceError
from rvm.platform.models import User, Workspace

CHECK_IDS = "upload them first, or check their ids"


def store_clip(
    workspace: Workspace, name: str, data: bytes | ClipInspection, *, uploaded_by: User | None = None
) -> Clip:
    """Store the clip in `data`, or what was inspected before, and return it. If the workspace has a clip with the same content, that
    one is returned, and its name is unchanged.

    Raises AudioRejected, or ServiceError if the storage fails.
    """
    with stored_clip(workspace, name, data, uploaded_by=uploaded_by) as clip:
        return clip


@contextmanager
def stored_clip(
    workspace: Workspace, name: str, data: bytes | ClipInspection, *, uploaded_by: User | None = None
) -> Iterator[Clip]:
    """`store_clip` as a context manager, also of what was inspected before: if the block fails, a new clip is removed."""
    verdict = data if isinstance(data, ClipInspection) else inspect_clip(data)
    unsaved = Clip(
        workspace=workspace,
        name=name[:MAX_NAME_LENGTH],
        sha256=verdict.sha256,
        size_bytes=len(verdict.frames),
        duration_ms=verdict.duration_ms,
        bitrate_kbps=verdict.bitrate_kbps,
        sample_rate=verdict.sample_rate,
        channels=verdict.channels,
        converted_from=verdict.converted_from,
        warnings=[warning.message for warning in verdict.warnings],
        created_at=database_now(),
        uploaded_by=uploaded_by,
    )
    with stored(unsaved, verdict.frames) as clip:
        yield clip


def assemble(workspace: Workspace, clip_ids: Sequence[UUID]) -> Recording:
    """The recording of these clips of the workspace in this order, joined now or earlier.

    Concurrent callers get the same recording. Raises ServiceError: `clip_unknown`, `clips_differ`, `too_short`, `too_long`, the codes
    of `AudioRejected` for the joined recording, and `storage_unavailable`, which may be temporary.
    """
    if not clip_ids:
        raise ServiceError("too_short", "A recording is joined from at least one clip; none was named.")
    known = Assembly.objects.filter(workspace=workspace, clips=list(clip_ids)).select_related("recording").first()
    if known is not None:
        with transaction.atomic():
            note_use(Recording, [known.recording_id], database_now())
        return known.recording
    found = Clip.objects.filter(workspace=workspace).in_bulk(set(clip_ids))
    if len(found) < len(set(clip_ids)):
        missing = len(set(clip_ids)) - len(found)
        raise ServiceError(
            "clip_unknown",
            f"{missing} of the {len(set(clip_ids))} clips are none of this workspace; {CHECK_IDS}.",
        )
    return _joined(workspace, [found[clip_id] for clip_id in clip_ids])


def joining_error(clips: Sequence[Clip]) -> ServiceError | None:
    """The error for clips whose rows show that they cannot be joined to one recording; None if the rows show no obstacle."""
    return _format_error(clips) or _length_error(clips)


def _joined(workspace: Workspace, clips: Sequence[Clip]) -> Recording:
    if refused := joining_error(clips):
        raise refused
    # Lists of other rows show the name, also to people who may not see numbers: without the clips', which are called like people.
    name = f"Joined from {len(clips)} clips" if len(clips) > 1 else "Joined from a clip"
    try:
        joined = join([_frames_of(clip) for clip in clips])
        with stored_recording(workspace, name, joined, assembled=True) as recording:
            # A concurrent caller that joins the same clips gets the same recording.
            Assembly.objects.bulk_create(
                [Assembly(workspace=workspace, clips=[clip.pk for clip in clips], recording=recording)],
                ignore_conflicts=True,
            )
            if recording.assembled and recording.attested_by_id is None:
                keep_inherited(recording, inherited(clips))
                recording.save(update_fields=[name for name in STATED if name != "attested_by"])
            return recording
    except AudioRejected as rejected:
        raise ServiceError(rejected.code, rejected.message) from rejected


def _frames_of(clip: Clip) -> bytes:
    try:
        return read_frames(clip)
    except OSError as error:
        raise ServiceError(
            STORAGE_UNAVAILABLE,
            f"A clip could not be read ({error.strerror or type(error).__name__}). Try again later, and tell the operator of the "
            "platform that the media storage lacks it.",
        ) from error


def _format_error(clips: Sequence[Clip]) -> ServiceError | None:
    first = clips[0]
    for clip in clips:
        if (clip.sample_rate, clip.channels) != (first.sample_rate, first.channels):
            return ServiceError(
                "clips_differ",
                f"“{clip.name}” is {_format(clip)} and “{first.name}” is {_format(first)}; clips that are joined must agree in "
                "sample rate and channels. Open the one in your recording program, export it like the other and upload that.",
            )
    return None


def _format(clip: Clip) -> str:
    return f"{clip.sample_rate} Hz {'mono' if clip.channels == 1 else 'stereo'}"


def _length_error(clips: Sequence[Clip]) -> ServiceError | None:
    rate = clips[0].sample_rate
    samples = samples_of([clip.duration_ms for clip in clips], rate)
    code = wrong_duration(samples, rate)
    if code is None:
        return None
    parts = ", ".join(f"“{clip.name}” {clip.duration_ms / 1000:.2f}" for clip in clips)
    fix = "longer" if code == "too_short" else "shorter"
    return ServiceError(
        code,
        f"Joined, these clips last {samples / rate:.2f} seconds ({parts}); a recording lasts {MIN_SECONDS} to "
        f"{MAX_SECONDS}. Make one of them {fix} and upload it again.",
    )
