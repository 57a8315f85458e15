"""MP3 files made to order: encoded by LAME, spliced frame by frame, or synthesized header by header.

The synthesizer has its own copy of the bit-rate tables of ISO/IEC 11172-3 and 13818-3, written as the standard prints them,
so that a wrong entry in the product is not repeated in its test.
"""

from __future__ import annotations

import io
import struct
import wave
import zlib
from dataclasses import dataclass
from functools import cache

import lameenc
import numpy as np
import numpy.typing as npt

BITRATES = {
    "1": "32 40 48 56 64 80 96 112 128 160 192 224 256 320",
    "2": "8 16 24 32 40 48 56 64 80 96 112 128 144 160",
    "2.5": "8 16 24 32 40 48 56 64 80 96 112 128 144 160",
}
RATES = {"1": (44100, 48000, 32000), "2": (22050, 24000, 16000), "2.5": (11025, 12000, 8000)}
VERSION_BITS = {"1": 0b11, "2": 0b10, "2.5": 0b00}


@dataclass(frozen=True)
class Frame:
    """One Layer III frame by its header fields; its payload is `fill` repeated."""

    version: str
    rate_index: int
    bitrate_index: int
    padding: bool = False
    mono: bool = True
    checksum: bool = False
    private: bool = False
    fill: int = 0

    @property
    def kbps(self) -> int:
        return int(BITRATES[self.version].split()[self.bitrate_index - 1])

    @property
    def sample_rate(self) -> int:
        return RATES[self.version][self.rate_index]

    @property
    def samples(self) -> int:
        return 1152 if self.version == "1" else 576

    def __bytes__(self) -> bytes:
        second = 0xE0 | VERSION_BITS[self.version] << 3 | 0b01 << 1 | (not self.checksum)
        third = self.bitrate_index << 4 | self.rate_index << 2 | self.padding << 1 | self.private
        header = bytes([0xFF, second, third, 0xC0 if self.mono else 0x40])
        slot = (144 if self.version == "1" else 72) * self.kbps * 1000 // self.sample_rate + self.padding
        return header + bytes([self.fill]) * (slot - 4)


def noise(seconds: float, rate: int, channels: int = 1, level: float = 3000) -> npt.NDArray[np.int16]:
    """Something to hear: white noise with a standard deviation of `level` (of 32768)."""
    generator = np.random.default_rng(7)
    return generator.normal(0, level, (round(seconds * rate), channels)).clip(-32768, 32767).astype("<i2")


def tone(seconds: float, hertz: float, level: float, rate: int = 8000) -> npt.NDArray[np.int16]:
    """A sine with a peak of `level` (of 32768), which begins and ends softly, so that it does not click."""
    at = np.arange(round(seconds * rate)) / rate
    fade = np.minimum(np.minimum(at, seconds - at) * 10, 1)
    return (np.sin(2 * np.pi * hertz * at) * fade * level).round().astype("<i2")[:, None]


def channels(left: float, right: float) -> npt.NDArray[np.int16]:
    """Twelve seconds of one voice at 44.1 kHz, in two channels by these factors."""
    voice = tone(12, 440, 9000, 44100) + tone(12, 1200, 4000, 44100)
    return np.rint(voice * np.array([[left, right]])).astype("<i2")


def encode_pcm(
    pcm: npt.NDArray[np.int16], rate: int = 44100, kbps: int = 64, *, vbr: bool = False, quality: int = 7
) -> bytes:
    """`pcm` (samples, channels) as MP3 frames, without an Info frame (lameenc writes none)."""
    encoder = lameenc.Encoder()
    encoder.set_in_sample_rate(rate)
    encoder.set_out_sample_rate(rate)
    encoder.set_channels(pcm.shape[1])
    if vbr:
        encoder.set_vbr(4)
        encoder.set_vbr_quality(6)
    else:
        encoder.set_bit_rate(kbps)
    encoder.set_quality(quality)
    encoder.silence()
    return bytes(encoder.encode(pcm.tobytes()) + encoder.flush())


@cache
def encoded(seconds: float, rate: int = 44100, kbps: int = 64, channels: int = 1, *, vbr: bool = False) -> bytes:
    """An MP3 of that many seconds of noise."""
    pcm = noise(seconds, rate, channels)
    if vbr:  # loud and quiet seconds take turns, so that the bit rate has a reason to vary
        second = np.arange(len(pcm))[:, None] // rate
        pcm = np.where(second % 2 == 0, pcm, pcm // 100).astype("<i2")
    return encode_pcm(pcm, rate, kbps, vbr=vbr)


def length_of_first_frame(mp3: bytes) -> int:
    """Length of the MPEG 1 Layer III frame at the start, for cutting."""
    kbps = int(BITRATES["1"].split()[(mp3[2] >> 4) - 1])
    return 144_000 * kbps // RATES["1"][mp3[2] >> 2 & 3] + (mp3[2] >> 1 & 1)


def info_frame(
    seconds: float, *, mark: bytes = b"Info", kbps_index: int = 9, mono: bool = True, lame: bool = True
) -> bytes:
    """An MPEG 1, 44.1 kHz Xing/Info frame that announces `seconds`, whatever follows it."""
    frame = bytearray(bytes(Frame("1", 0, kbps_index, mono=mono)))
    at = 4 + (17 if mono else 32)
    count = round(seconds * 44100 / 1152)
    frame[at : at + 4] = mark
    frame[at + 4 : at + 16] = struct.pack(">III", 3, count, count * 417)
    if lame:
        tail = b"LAME3.100" + bytes([0x01 if mark == b"Info" else 0x04]) + bytes(26)
        frame[at + 16 : at + 16 + len(tail)] = tail
    return bytes(frame)


def vbri_frame(seconds: float) -> bytes:
    """An MPEG 1, 44.1 kHz VBRI frame as Fraunhofer's encoders write it."""
    frame = bytearray(bytes(Frame("1", 0, 9)))
    count = round(seconds * 44100 / 1152)
    frame[36:62] = b"VBRI" + struct.pack(">HHHIIHHHH", 1, 0, 75, count * 417, count, 0, 1, 2, 1)
    return bytes(frame)


def id3v2(body: bytes = b"", *, claim: int | None = None, version: int = 4, footer: bool = False) -> bytes:
    """An ID3v2 tag around `body` that says it is `claim` bytes long."""
    size = len(body) if claim is None else claim
    synchsafe = bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0))
    head = bytes([version, 0, 0x10 if footer else 0]) + synchsafe
    return b"ID3" + head + body + (b"3DI" + head if footer else b"")


def picture_frame(payload: bytes, *, compressed: bool = False) -> bytes:
    """An ID3v2.4 APIC frame; `compressed` sets the zlib flag, with the unpacked size in front."""
    body = b"\0image/png\0\x03\0" + payload
    flags = b"\0\0"
    if compressed:
        unpacked = len(body)
        body = bytes(unpacked >> shift & 0x7F for shift in (21, 14, 7, 0)) + zlib.compress(body, 9)
        flags = b"\0\x09"
    return b"APIC" + bytes(len(body) >> shift & 0x7F for shift in (21, 14, 7, 0)) + flags + body


def id3v1(*, enhanced: bool = False) -> bytes:
    tag = (b"TAG" + b"Reminder").ljust(128, b"\0")
    return (b"TAG+" + b"Reminder").ljust(227, b"\0") + tag if enhanced else tag


def ape_tag(value: bytes = b"Reminder", *, header: bool = True) -> bytes:
    item = struct.pack("<II", len(value), 0) + b"Title\0" + value
    flags = 0x80000000 if header else 0

    def block(kind: int) -> bytes:
        return b"APETAGEX" + struct.pack("<IIII", 2000, len(item) + 32, 1, flags | kind) + bytes(8)

    return (block(0x20000000) if header else b"") + item + block(0)


def lyrics3(version: int = 2) -> bytes:
    body = b"LYRICSBEGIN" + b"ETT00008Reminder"
    return body + (b"%06dLYRICS200" % len(body) if version == 2 else b"LYRICSEND")


def riff(sound: bytes, *, kind: int = 0x55, extensible: bool = False, size: int | None = None) -> bytes:
    """A RIFF of the format `kind` (0x55 is MP3) around `sound`, whose chunk says it has `size` bytes, and another chunk."""
    described = struct.pack("<HHIIHH", 0xFFFE if extensible else kind, 1, 44100, 8000, 1, 0)
    described += struct.pack("<HHIH", 22, 0, 0, kind) + bytes(14) if extensible else struct.pack("<H", 0)

    def chunk(name: bytes, body: bytes, size: int | None = None) -> bytes:
        return name + struct.pack("<I", len(body) if size is None else size) + body + bytes(len(body) % 2)

    chunks = chunk(b"fmt ", described) + chunk(b"LIST", b"INFO") + chunk(b"data", sound, size)
    chunks += chunk(b"id3 ", b"Reminder") if size is None else b""
    return b"RIFF" + struct.pack("<I", len(chunks) + 4) + b"WAVE" + chunks


def wav(seconds: float) -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(noise(seconds, 8000).tobytes())
    return buffer.getvalue()


def aac(seconds: float) -> bytes:
    """ADTS frames of 200 bytes, 44.1 kHz mono: what a renamed .aac looks like from outside."""
    length = 200
    header = bytes([0xFF, 0xF1, 0x50, 0x40 | length >> 11, length >> 3 & 0xFF, (length & 7) << 5 | 0x1F, 0xFC])
    return (header + b"\x21" * (length - 7)) * round(seconds * 44100 / 1024)


def mp2(seconds: float) -> bytes:
    """MPEG 1 Layer II at 128 kbit/s, 48 kHz: 384 bytes and 1,152 samples a frame."""
    return (b"\xff\xfd\x84\xc0" + b"\x11" * 380) * round(seconds * 48000 / 1152)


def mp1(seconds: float) -> bytes:
    """MPEG 1 Layer I at 384 kbit/s, 48 kHz: 384 bytes and 384 samples a frame."""
    return (b"\xff\xff\xc4\xc0" + b"\x11" * 380) * round(seconds * 48000 / 384)


def free_format(seconds: float) -> bytes:
    """MPEG 1 Layer III with bit-rate index 0, 44.1 kHz, 500 bytes a frame."""
    return (b"\xff\xfb\x00\xc0" + b"\x11" * 496) * round(seconds * 44100 / 1152)
