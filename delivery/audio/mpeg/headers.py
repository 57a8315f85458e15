"""MPEG audio frame headers as tables: the four bytes that begin a Layer III frame, and the frame's length.

Source: ISO/IEC 11172-3 section 2.4.2.3 (MPEG 1), ISO/IEC 13818-3 (MPEG 2, lower sample rates) and Fraunhofer's MPEG 2.5
extension. Layers I and II and free format have no entry, so their frames are never counted.
"""

from __future__ import annotations

from dataclasses import dataclass

HEADER_BYTES = 4

_MPEG1_KBPS = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_MPEG2_KBPS = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)

# Second header byte with the CRC bit set -> (name, sample rates by index, bit rates by index, samples per frame).
VERSIONS: dict[int, tuple[str, tuple[int, int, int], tuple[int, ...], int]] = {
    0xFB: ("MPEG 1", (44100, 48000, 32000), _MPEG1_KBPS, 1152),
    0xF3: ("MPEG 2", (22050, 24000, 16000), _MPEG2_KBPS, 576),
    0xE3: ("MPEG 2.5", (11025, 12000, 8000), _MPEG2_KBPS, 576),
}


@dataclass(frozen=True, slots=True)
class Stream:
    """The properties that all frames of one recording share.

    `lengths[third header byte]` is the frame's length in bytes, 0 if that byte does not belong to this stream;
    `kbps[third header byte]` is its bit rate. `tag_offsets` are the possible offsets of an Xing, Info or VBRI mark.
    """

    version: str
    second_byte: int
    sample_rate: int
    channels: int
    samples_per_frame: int
    lengths: tuple[int, ...]
    kbps: tuple[int, ...]
    tag_offsets: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.sample_rate} Hz {'mono' if self.channels == 1 else 'stereo'} ({self.version})"


def _stream(second_byte: int, rate_index: int, channels: int) -> Stream:
    version, sample_rates, bit_rates, samples = VERSIONS[second_byte]
    lengths, kbps = [0] * 256, [0] * 256
    for third in range(256):
        if (third >> 2) & 3 == rate_index and 1 <= third >> 4 <= 14:
            kbps[third] = bit_rates[third >> 4]
            lengths[third] = samples // 8 * kbps[third] * 1000 // sample_rates[rate_index] + ((third >> 1) & 1)
    side_info = {(1152, 2): 32, (1152, 1): 17, (576, 2): 17, (576, 1): 9}[samples, channels]
    # A checksum shifts the side information by two bytes; encoders differ on whether it shifts the mark.
    tag_offsets = (HEADER_BYTES + side_info, HEADER_BYTES + side_info + 2, HEADER_BYTES + 32)
    return Stream(
        version, second_byte, sample_rates[rate_index], channels, samples, tuple(lengths), tuple(kbps), tag_offsets
    )


_STREAMS = {
    (second, index << 2, channels): _stream(second, index, channels)
    for second in VERSIONS
    for index in range(3)
    for channels in (1, 2)
}


def stream_at(data: bytes, at: int) -> Stream | None:
    """The stream of the frame header at `at`; None if no Layer III frame of a known bit rate begins there."""
    if at + HEADER_BYTES > len(data) or data[at] != 0xFF:
        return None
    channels = 1 if data[at + 3] >= 0xC0 else 2
    stream = _STREAMS.get((data[at + 1] | 1, data[at + 2] & 0x0C, channels))
    return stream if stream is not None and stream.lengths[data[at + 2]] else None


def layer_at(data: bytes, at: int) -> int | None:
    """The layer (1, 2 or 3) of any well-formed MPEG audio header at `at`, including free format; otherwise None."""
    if at + HEADER_BYTES > len(data) or data[at] != 0xFF or data[at + 1] | 0x1F != 0xFF:
        return None
    version, layer, third = (data[at + 1] >> 3) & 3, (data[at + 1] >> 1) & 3, data[at + 2]
    if version == 1 or layer == 0 or third >> 4 == 15 or (third >> 2) & 3 == 3:
        return None
    return 4 - layer
