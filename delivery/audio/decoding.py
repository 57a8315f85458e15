"""One bounded decode: the proof that a recording plays, and the samples that its level is measured on.

The decoder (dr_mp3 in miniaudio) is C code, so it runs in a child process (`delivery.audio.measurement`) and gets only frames that
the walk extracted: no tags, no Xing frame (whose frame count it would trust), one sample rate, one channel count. The format MP3 is
given, because a file can mislead a decoder that guesses it. The decoder reads each frame once and stops at MAX_SECONDS, so its work
is bounded for any input.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import miniaudio
import numpy as np
import numpy.typing as npt

from delivery.audio.mpeg.headers import Stream

MAX_SECONDS = 61
_CHUNK = 16384  # sample frames per call; the size of miniaudio's own buffer

Samples = npt.NDArray[np.int16]


class _Frames(miniaudio.StreamableSource):
    """The frames as a stream, because miniaudio accepts a given format for streams only."""

    def __init__(self, frames: bytes) -> None:
        self._frames, self._at = frames, 0

    def read(self, num_bytes: int) -> bytes:
        chunk = self._frames[self._at : self._at + num_bytes]
        self._at += len(chunk)
        return chunk

    def seek(self, offset: int, origin: miniaudio.SeekOrigin) -> bool:
        base = {miniaudio.SeekOrigin.START: 0, miniaudio.SeekOrigin.CURRENT: self._at}.get(origin, len(self._frames))
        target = base + offset
        if not 0 <= target <= len(self._frames):
            return False
        self._at = target
        return True


def decode(frames: bytes, stream: Stream) -> Samples:
    """The samples of `frames`, shape (samples, channels), at most MAX_SECONDS long; empty if nothing plays."""
    sounds = list(decoded(frames, stream))
    return np.concatenate(sounds) if sounds else np.empty((0, stream.channels), dtype=np.int16)


def decoded(frames: bytes, stream: Stream) -> Iterator[Samples]:
    """The samples of `decode`, in pieces of at most _CHUNK as they are decoded."""
    source = _Frames(frames)  # miniaudio keeps only a C pointer, so this reference keeps the object alive
    wanted = MAX_SECONDS * stream.sample_rate
    with contextlib.suppress(miniaudio.MiniaudioError):  # samples before the error count
        chunks = miniaudio.stream_any(
            source, miniaudio.FileFormat.MP3, nchannels=stream.channels, sample_rate=stream.sample_rate,
            frames_to_read=_CHUNK,
        )  # fmt: skip
        with contextlib.closing(chunks):
            for chunk in chunks:
                sound = np.frombuffer(chunk, dtype=np.int16).reshape(-1, stream.channels)[:wanted]
                wanted -= len(sound)
                yield sound
                if wanted <= 0:
                    break
