"""Clips joined to one recording: their counted frames back to back, nothing decoded, nothing encoded again, nothing lost.

A frame may take its sound from bytes of the frames before it (the bit reservoir). Within a clip these are there; the first frame of
a clip must need none, or it would play what another clip left behind. A clip that was exported for itself begins so; one
that was cut out of a longer MP3 without being encoded anew may not.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from delivery.audio.clip_rejections import clip_rejected
from delivery.audio.headers import HEADER_BYTES, stream_at

_CHECKSUM_BYTES = 2
_MPEG1 = "MPEG 1"


def join(clips: Sequence[bytes]) -> bytes:
    """The frames of all `clips` in order, each as `inspect_clip` gave them. Raises AudioRejected: `clips_differ`, `cut_out`.

    Frames are joined exactly; a decoder lets the last half frame of a clip fade into the next one's first, as within any recording.
    """
    first = stream_at(clips[0], 0)
    for number, clip in enumerate(clips, 1):
        stream = stream_at(clip, 0)
        if stream is not first:
            raise clip_rejected("clips_differ", clip=f"Clip {number}", measured=stream, other="clip 1", allowed=first)
        if number > 1:
            refuse_cut_out(clip)
    return b"".join(clips)


def refuse_cut_out(frames: bytes) -> None:
    """Raises AudioRejected `cut_out` where the first frame needs bytes of a recording that it was cut from."""
    needed = bytes_needed_before(frames)
    if needed:
        raise clip_rejected("cut_out", measured=needed)


def bytes_needed_before(frames: bytes) -> int:
    """How far the first frame points back: main_data_begin, the first field of its side information.

    9 bits in MPEG 1 (ISO/IEC 11172-3, 2.4.1.7), 8 in MPEG 2 and 2.5 (ISO/IEC 13818-3), behind the header and its checksum.
    """
    stream = stream_at(frames, 0)
    if stream is None:
        raise ValueError("no frame begins here")
    at = HEADER_BYTES + (0 if frames[1] & 1 else _CHECKSUM_BYTES)
    return frames[at] << 1 | frames[at + 1] >> 7 if stream.version == _MPEG1 else frames[at]


def samples_of(durations_ms: Iterable[int], sample_rate: int) -> int:
    """The samples per channel of clips of these lengths, exactly: a clip is whole frames, and a frame is longer than any rounding."""
    samples = 1152 if sample_rate >= 32000 else 576
    return sum(round(duration * sample_rate / 1000 / samples) for duration in durations_ms) * samples
