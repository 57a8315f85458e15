"""The task of the child that converts: one sound of a given format, decoded to at most a minute and encoded as MP3.

FFmpeg reads a stranger's bytes here and nowhere else: only the child's server imports this module (`delivery.audio.conversion` names
it). The child opens no file and no connection. FFmpeg is given the bytes and the name of the one demuxer, may use the listed
decoders only, and no protocol.

The MP3 is mono, because a telephone is; 44.1 kHz, because recording programs export at that rate and clips that are joined must agree
in it; and 64 kbit/s at a constant rate, at which speech loses nothing that a telephone passes on (300 to 3,400 Hz, at best 7 kHz).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from io import BytesIO
from math import floor
from typing import Any, BinaryIO

import av
import av.subtitles.codeccontext
import av.subtitles.stream  # both are loaded by PyAV at their first use, when a child can open no file
import numpy as np
import numpy.typing as npt
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.error import FFmpegError

from delivery.audio.conversion.rejections import conversion_rejected
from delivery.audio.inspection import MIN_PLAYABLE_PERCENT
from delivery.audio.rejections import LONGER, rejected

SAMPLE_RATE = 44100
BIT_RATE = 64000
_PER_FRAME = 1152  # samples of an MP3 frame at this rate
# Read from the start of a file, to find its streams.
_PROBED_BYTES = 1024 * 1024
_MAX_STREAMS = 16
_RATES = range(4000, 192_001)  # Hz
_MAX_CHANNELS = 8
# Decoders of these give every sample back; others add delay and complete their last frame.
_EXACT = ("pcm_", "flac", "alac", "wmalossless")
_MAX_LOST = 1000  # packets that do not decode: 20 seconds of most codings, and millions fit into a file
_PADDING_SECONDS = 0.1  # two frames of AAC at half rate (HE-AAC, 22.05 kHz) are 0.093
_DECODERS = frozenset((
    "aac", "alac", "amrnb", "amrwb", "flac", "libopencore_amrnb", "libopencore_amrwb", "libopus", "mp3", "mp3float", "opus", "vorbis",
    "wmalossless", "wmapro", "wmav1", "wmav2", "wmavoice", "adpcm_ima_qt", "adpcm_ima_wav", "adpcm_ms", "gsm_ms",
    "pcm_alaw", "pcm_mulaw", "pcm_f32be", "pcm_f32le", "pcm_f64be", "pcm_f64le", "pcm_s16be", "pcm_s16le", "pcm_s24be", "pcm_s24le",
    "pcm_s32be", "pcm_s32le", "pcm_s8", "pcm_u8",
))  # fmt: skip
# The headers of these say how long they last; of others FFmpeg estimates it.
_ANNOUNCING = frozenset(("aiff", "asf", "caf", "flac", "matroska", "mov", "wav"))
_UNKNOWN_SIZE = 0x7FFFF000  # from here on, a program that could not know the size has written a placeholder

Mono = npt.NDArray[np.int16]


@dataclass
class _Times:
    """From the first to the last moment that the frames' own times name, in seconds. A gap is a piece that was lost."""

    first: float | None = None
    last: float = 0.0

    def note(self, frame: AudioFrame) -> None:
        if frame.time is not None:
            self.first = frame.time if self.first is None else self.first
            self.last = max(self.last, frame.time + frame.samples / frame.sample_rate)

    @property
    def seconds(self) -> float:
        return 0.0 if self.first is None else self.last - self.first


def transcode(
    source: BinaryIO, *, name: str, demuxer: str, shortest: float, longest: float
) -> Iterator[dict[str, float] | bytes]:
    """The seconds that were decoded and those that the file announces (0 if it does not), then the MP3.

    Raises AudioRejected.
    """
    data = source.read()
    times = _Times()
    with closing(_opened(data, name, demuxer)) as container:
        stream = _only_sound(container, name)
        announced = _announced(container, stream, data) if demuxer in _ANNOUNCING else 0.0
        samples = _decoded(_frames(container, stream, name, times), stream, name, longest)
    seconds = len(samples) / SAMPLE_RATE
    if seconds * 100 < min(times.seconds, longest) * MIN_PLAYABLE_PERCENT:
        raise rejected(
            "does_not_play",
            measured=f"{seconds:.1f}",
            seconds=f"{times.seconds:.1f}",
            allowed=f"{times.seconds * MIN_PLAYABLE_PERCENT / 100:.1f}",
        )
    if len(samples) < shortest * SAMPLE_RATE:
        raise rejected("too_short", measured=floor(seconds * 10) / 10, allowed=shortest, advice=LONGER)
    yield {"seconds": seconds, "announced": max(announced, times.seconds)}
    yield _encoded(samples)


def _opened(data: bytes, name: str, demuxer: str) -> InputContainer:
    options = {
        "format_whitelist": demuxer,
        "codec_whitelist": ",".join(_DECODERS),
        "protocol_whitelist": "none",  # a name that no protocol has
        "max_streams": str(_MAX_STREAMS),
        "probesize": str(_PROBED_BYTES),
    }
    try:
        return av.open(BytesIO(data), "r", format=demuxer, container_options=options, metadata_errors="replace")
    except (FFmpegError, ValueError, OverflowError) as error:
        raise conversion_rejected("unreadable", name=name) from error


def _only_sound(container: InputContainer, name: str) -> AudioStream:
    """The one stream of sound, whose decoder and measures are allowed. Pictures, covers and subtitles are left out."""
    sounds = container.streams.audio
    if not sounds:
        raise conversion_rejected("no_sound", name=name)
    if len(sounds) > 1:
        raise conversion_rejected("many_sounds", name=name, measured=len(sounds))
    stream = sounds[0]
    # A stream of unknown or protected coding has no decoder.
    decoder = stream.codec_context.codec.name if stream.codec_context else None
    if decoder not in _DECODERS:
        raise conversion_rejected(
            "unknown_coding", name=name, measured=decoder or "unknown or protected against copies"
        )
    if stream.rate not in _RATES or not 1 <= stream.channels <= _MAX_CHANNELS:
        raise conversion_rejected(
            "unusual_sound", name=name, rate=stream.rate, channels=stream.channels,
            lowest=_RATES[0], highest=_RATES[-1], allowed=_MAX_CHANNELS,
        )  # fmt: skip
    return stream


def _announced(container: InputContainer, stream: AudioStream, data: bytes) -> float:
    """The seconds that the header says, 0 if it does not."""
    if stream.duration and stream.time_base:
        seconds = float(stream.duration * stream.time_base)
    else:
        seconds = (container.duration or 0) / av.time_base
    if data.startswith(b"RIFF"):  # FFmpeg announces no more of it than is there
        size = int.from_bytes(data[4:8], "little")
        seconds *= max(1.0, size / len(data)) if size < _UNKNOWN_SIZE else 1.0
    return seconds


def _frames(container: InputContainer, stream: AudioStream, name: str, times: _Times) -> Iterator[AudioFrame]:
    """The frames that decode; what does not is left out, as players do, up to a bound."""
    stream.codec_context.thread_count = 1  # the child may start no thread
    lost = 0
    with suppress(FFmpegError):  # of a packet that cannot be read, and is the last one therefore
        for packet in container.demux(stream):
            try:
                frames = packet.decode()
            except FFmpegError:
                frames = []
                lost += 1
            if lost > _MAX_LOST:
                raise conversion_rejected("unreadable", name=name)
            for frame in frames:
                times.note(frame)
                yield frame


def _decoded(frames: Iterator[AudioFrame], stream: AudioStream, name: str, longest: float) -> Mono:
    """The mix of all channels, each as loud as the others. More than `longest` seconds are refused as soon as they are there."""
    exact = stream.codec_context.name.startswith(_EXACT)
    most = int((longest + (0.0 if exact else _PADDING_SECONDS)) * SAMPLE_RATE)
    mixed: list[Mono] = []
    length = 0
    for frame in _resampled(frames, name):
        # The mean, because FFmpeg's own mix leaves out what it takes for a channel of sub-bass, the third of three.
        channels = np.nan_to_num(frame.to_ndarray()).clip(-1, 1)  # a file of floats may hold what is no number
        mean = channels.reshape(-1, frame.layout.nb_channels).mean(axis=1)
        samples = np.rint(mean * 32768).clip(-32768, 32767).astype(np.int16)
        mixed.append(samples)
        length += len(samples)
        if length > most:
            raise rejected("too_long", measured=f"more than {longest:g}", allowed=longest)
    return np.concatenate(mixed)[: int(longest * SAMPLE_RATE)] if mixed else np.empty(0, dtype=np.int16)


def _resampled(frames: Iterator[AudioFrame], name: str) -> Iterator[AudioFrame]:
    resampler = AudioResampler("flt", rate=SAMPLE_RATE)  # PyAV breaks at planes of eight channels
    first: tuple[str, int] | None = None
    length = 0
    for frame in frames:
        kind = (frame.layout.name, frame.sample_rate)
        first = first or kind
        if kind != first:
            before, after = (f"{rate} Hz {layout}" for layout, rate in (first, kind))
            raise rejected("mixed_format", before=before, after=after, seconds=f"{length / first[1]:.1f}")
        length += frame.samples
        frame.pts = None  # a gap is not filled
        try:
            mixed = resampler.resample(frame)
        except (FFmpegError, ValueError) as error:  # channels that no speaker has
            raise conversion_rejected("unreadable", name=name) from error
        yield from mixed
    if first:
        yield from resampler.resample(None)


def _encoded(samples: Mono) -> bytes:
    """The MP3's frames and nothing else: with a constant bit rate no player needs a Xing frame."""
    encoder: Any = av.CodecContext.create("libmp3lame", "w")
    encoder.bit_rate, encoder.sample_rate, encoder.layout, encoder.format = BIT_RATE, SAMPLE_RATE, "mono", "s16p"
    encoder.thread_count = 1
    written: list[bytes] = []
    for start in range(0, len(samples), _PER_FRAME):
        frame = AudioFrame.from_ndarray(samples[np.newaxis, start : start + _PER_FRAME], "s16p", "mono")
        frame.sample_rate = SAMPLE_RATE
        written += map(bytes, encoder.encode(frame))
    return b"".join([*written, *map(bytes, encoder.encode(None))])
