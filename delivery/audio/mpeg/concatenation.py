"""Clips joined to one recording: their counted frames in order, neither decoded nor encoded again, without loss.

A frame may use bytes of preceding frames (the bit reservoir). Within a clip these are present. The first frame of a clip must not
need any, because it would play bytes of another clip. A clip that was exported separately fulfils this; one that was cut out of a
longer MP3 without encoding may not.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from delivery.audio.clip_rejections import clip_rejected
from delivery.audio.mpeg.headers import HEADER_BYTES, stream_at

_CHECKSUM_BYTES = 2
_MPEG1 = "MPEG 1"


def join(clips: Sequence[bytes]) -> bytes:
    """The frames of all `clips` in order, as returned by `inspect_clip`. Raises AudioRejected: `clips_differ`, `cut_out`.

    The frames are unchanged. A decoder overlaps the last half frame of a clip with the first of the next, as within any recording.
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
    """Raise AudioRejected `cut_out` if the first frame needs bytes of the recording that it was cut from."""
    needed = bytes_needed_before(frames)
    if needed:
        raise clip_rejected("cut_out", measured=needed)


def bytes_needed_before(frames: bytes) -> int:
    """The number of preceding bytes that the first frame needs: main_data_begin, the first field of its side information.

    It has 9 bits in MPEG 1 (ISO/IEC 11172-3, 2.4.1.7) and 8 in MPEG 2 and 2.5 (ISO/IEC 13818-3), after header and checksum. Raises
    ValueError if no frame begins at the start.
    """
    stream = stream_at(frames, 0)
    if stream is None:
        raise ValueError("no frame begins here")
    at = HEADER_BYTES + (0 if frames[1] & 1 else _CHECKSUM_BYTES)
    return frames[at] << 1 | frames[at + 1] >> 7 if stream.version == _MPEG1 else frames[at]


def samples_of(durations_ms: Iterable[int], sample_rate: int) -> int:
    """The exact samples per channel of clips of these durations: clips are whole frames, which are longer than the rounding error."""
    samples = 1152 if sample_rate >= 32000 else 576
    return sum(round(duration * sample_rate / 1000 / samples) for duration in durations_ms) * samples
