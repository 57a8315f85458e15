"""A Xing frame of our own in front of frames whose length a player would otherwise misread.

A player takes the length of an MP3 from its size and the bit rate of the first frame. Where the bit rate varies that is wrong by
minutes, so players look for a Xing frame there, which says how many frames and bytes there are and which byte belongs to which
hundredth of the time ("Xing VBR header", as LAME writes it and mutagen, ffmpeg and VLC read it). It has no sound and is not counted.
"""

from __future__ import annotations

from delivery.audio.mpeg.headers import HEADER_BYTES, Stream, stream_at

_HAS_FRAMES_BYTES_AND_POSITIONS = 0b0111
_POSITIONS = 100
_LENGTH_BEHIND_MARK = 16 + _POSITIONS  # mark, flags, frames, bytes, positions


def with_xing_frame(frames: bytes) -> bytes:
    """The MP3 that players and carriers get of counted frames: a Xing frame if they need one, then the frames, unchanged.

    The same for the same frames. Raises ValueError if no frame begins at the start.
    """
    stream = stream_at(frames, 0)
    if stream is None:
        raise ValueError("no frame begins here")
    ends = _ends(frames, stream)
    kbps = {stream.kbps[frames[start + 2]] for start in [0, *ends[:-1]]}
    if len(kbps) > 1:
        return _xing_frame(b"Xing", frames, ends, stream) + frames
    read = len(frames) * 8 / (kbps.pop() * 1000)  # seconds, by a player that reads the first frame
    if abs(read * stream.sample_rate - len(ends) * stream.samples_per_frame) > stream.samples_per_frame:
        return _xing_frame(b"Info", frames, ends, stream) + frames  # an encoder that leaves the padding out
    return frames


def _ends(frames: bytes, stream: Stream) -> list[int]:
    """The offsets behind each of the counted frames."""
    at, ends = 0, []
    while at < len(frames):
        at += stream.lengths[frames[at + 2]]
        ends.append(at)
    return ends


def _xing_frame(mark: bytes, frames: bytes, ends: list[int], stream: Stream) -> bytes:
    at = stream.tag_offsets[0]
    # Who looks at its header only reads the bit rate nearest to the mean.
    mean = len(frames) * 8 * stream.sample_rate / (len(ends) * stream.samples_per_frame * 1000)
    same_rate = frames[2] & 0x0C
    fitting = [third for third in range(same_rate, 256, 16) if stream.lengths[third] >= at + _LENGTH_BEHIND_MARK]
    third = min(fitting, key=lambda third: abs(stream.kbps[third] - mean))
    size = stream.lengths[third]
    total = size + len(frames)
    starts = [0, *ends[:-1]]
    positions = (
        (size + starts[len(starts) * hundredth // _POSITIONS]) * 256 // total for hundredth in range(_POSITIONS)
    )
    head = bytes([0xFF, stream.second_byte, third, frames[3]])
    words = (_HAS_FRAMES_BYTES_AND_POSITIONS, len(ends), total)
    body = mark + b"".join(word.to_bytes(4, "big") for word in words) + bytes(positions)
    return (head + bytes(at - HEADER_BYTES) + body).ljust(size, b"\0")
