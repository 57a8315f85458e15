"""Sound files of every format that is converted, written by PyAV in memory."""

from __future__ import annotations

import struct
from fractions import Fraction
from io import BytesIO
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.video.frame import VideoFrame

# By name: FFmpeg's muxer and encoder, and the word under which what was converted is stored.
WRITERS: dict[str, tuple[str, str, str]] = {
    "WAV": ("wav", "pcm_s16le", "wav"),
    "WAV, 8 bits": ("wav", "pcm_u8", "wav"),
    "WAV, 24 bits": ("wav", "pcm_s24le", "wav"),
    "WAV, float": ("wav", "pcm_f32le", "wav"),
    "WAV, mu-law": ("wav", "pcm_mulaw", "wav"),
    "WAV, ADPCM": ("wav", "adpcm_ms", "wav"),
    "AIFF": ("aiff", "pcm_s16be", "aiff"),
    "FLAC": ("flac", "flac", "flac"),
    "M4A": ("ipod", "aac", "m4a"),
    "M4A, lossless": ("ipod", "alac", "m4a"),
    "MP4": ("mp4", "aac", "mp4"),
    "QuickTime": ("mov", "aac", "mov"),
    "3GP": ("3gp", "libopencore_amrnb", "3gp"),
    "AAC": ("adts", "aac", "aac"),
    "Ogg, Opus": ("ogg", "libopus", "ogg"),
    "Ogg, Vorbis": ("ogg", "vorbis", "ogg"),
    "Ogg, FLAC": ("oga", "flac", "ogg"),
    "WebM, Opus": ("webm", "libopus", "webm"),
    "WebM, Vorbis": ("webm", "vorbis", "webm"),
    "Matroska, PCM": ("matroska", "pcm_s16le", "webm"),
    "AMR": ("amr", "libopencore_amrnb", "amr"),
    "CAF": ("caf", "pcm_s16le", "caf"),
    "WMA": ("asf", "wmav2", "wma"),
}

_BIT_RATES = {"libopencore_amrnb": 12_200, "wmav2": 128_000}


def rate_of(kind: str) -> int:
    """A rate that the encoder takes."""
    encoder = WRITERS[kind][1]
    return {"libopus": 48000, "libopencore_amrnb": 8000}.get(encoder, 44100)


def channels_of(kind: str) -> int:
    return {"libopencore_amrnb": 1}.get(WRITERS[kind][1], 2)


def sound_file(kind: str, pcm: npt.NDArray[np.int16], rate: int, **options: str) -> bytes:
    """`pcm` (samples, channels) in a file of this kind."""
    muxer, encoder, _ = WRITERS[kind]
    return written(muxer, [(encoder, pcm, rate)], **options)


def written(muxer: str, sounds: list[tuple[str, npt.NDArray[np.int16], int]], **options: str) -> bytes:
    """A file of one or more sound tracks, each with its encoder, samples and rate."""
    file = BytesIO()
    with av.open(file, "w", format=muxer, container_options=options) as container:
        streams = []
        for encoder, pcm, rate in sounds:
            layout = {1: "mono", 2: "stereo", 6: "5.1"}[pcm.shape[1]]
            stream: Any = container.add_stream(encoder, rate=rate, layout=layout)
            stream.codec_context.thread_count = 1
            if encoder == "vorbis":
                stream.codec_context.options = {"strict": "experimental"}
            if encoder in _BIT_RATES:
                stream.bit_rate = _BIT_RATES[encoder]
            streams.append((stream, pcm, rate, layout))
        container.start_encoding()
        for stream, pcm, rate, layout in streams:
            size = stream.codec_context.frame_size or 1024
            resampler = AudioResampler(stream.format.name, layout, rate, frame_size=size)
            frame = AudioFrame.from_ndarray(np.ascontiguousarray(pcm).reshape(1, -1), "s16", layout)
            frame.sample_rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
            for piece in (*resampler.resample(frame), *resampler.resample(None)):
                container.mux(stream.encode(piece))
            container.mux(stream.encode(None))
    return file.getvalue()


def video_file(muxer: str, pcm: npt.NDArray[np.int16] | None, rate: int) -> bytes:
    """Three seconds of a picture that changes, with the sound if there is one."""
    file = BytesIO()
    with av.open(file, "w", format=muxer) as container:
        video: Any = container.add_stream("mpeg4", rate=10, width=64, height=64, pix_fmt="yuv420p")
        video.codec_context.thread_count = 1
        sound: Any = container.add_stream("aac", rate=rate, layout="mono") if pcm is not None else None
        for number in range(30):
            picture = VideoFrame.from_ndarray(np.full((64, 64, 3), number * 8, np.uint8), "rgb24")
            picture.pts = number
            container.mux(video.encode(picture))
        container.mux(video.encode(None))
        if pcm is not None:
            frame = AudioFrame.from_ndarray(np.ascontiguousarray(pcm).reshape(1, -1), "s16", "mono")
            frame.sample_rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
            resampler = AudioResampler(sound.format.name, "mono", rate, frame_size=1024)
            for piece in (*resampler.resample(frame), *resampler.resample(None)):
                container.mux(sound.encode(piece))
            container.mux(sound.encode(None))
    return file.getvalue()


def riff(pcm: npt.NDArray[np.int16], rate: int, size: int | None = None) -> bytes:
    """A WAV file of these samples (samples, channels), which may say another `size` in bytes."""
    data, channels = pcm.astype("<i2").tobytes(), pcm.shape[1]
    claimed = len(data) if size is None else size
    form = struct.pack("<HHIIHH", 1, channels, rate, rate * channels * 2, channels * 2, 16)
    head = b"WAVEfmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", claimed)
    return b"RIFF" + struct.pack("<I", min(claimed + len(head), 0xFFFFFFFF)) + head + data
