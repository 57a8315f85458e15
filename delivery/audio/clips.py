"""The verdict on a clip, a piece that is joined with others to a recording: the checks of a recording, with other limits.

A clip lasts at least 0.2 seconds, the length of a word, and at most as long as a recording. It may be silent, because a pause is a
clip. It must not depend on audio before its start (see delivery.audio.mpeg.concatenation).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from delivery.audio.clip_rejections import clip_warning
from delivery.audio.inspection import average_kbps, described_by_encoder, file_warnings, playable, walk_within
from delivery.audio.mpeg.concatenation import refuse_cut_out
from delivery.audio.rejections import AudioWarning
from delivery.audio.silence import THRESHOLD_DB

MIN_CLIP_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class ClipInspection:
    """An accepted clip; the fields have the same meaning as in `Inspection`."""

    frames: bytes = field(repr=False)
    sha256: str
    duration_ms: int
    bitrate_kbps: int
    sample_rate: int
    channels: int
    warnings: tuple[AudioWarning, ...]
    converted_from: str = ""


def inspect_clip(data: bytes) -> ClipInspection:
    """The accepted clip in `data`. Raises AudioRejected with a code and a message for the uploader. Bounded like `inspect`."""
    audio = walk_within(data, shortest=MIN_CLIP_SECONDS)
    found = playable(audio)
    refuse_cut_out(audio.frames)
    _, _, announced = described_by_encoder(audio)
    warnings = list(file_warnings(audio, announced))
    if not found.audible_seconds:
        warnings.append(clip_warning("silent_clip", threshold=THRESHOLD_DB))
    return ClipInspection(
        frames=audio.frames,
        sha256=hashlib.sha256(audio.frames).hexdigest(),
        duration_ms=round(audio.seconds * 1000),
        bitrate_kbps=average_kbps(audio),
        sample_rate=audio.stream.sample_rate,
        channels=audio.stream.channels,
        warnings=tuple(warnings),
    )
