"""The verdict on an upload: accepted exactly if its actual audio lasts 10 to 60 seconds, has at most 8 MB, and plays.

`inspect` is the entry point for the rest of the project. This module has the limits and the order of the checks, cheapest
first; the other modules of the package do the checks. The returned frames are stored and served unchanged.
"""

from __future__ import annotations

import hashlib
import io
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

import mutagen
import mutagen.mp3

from delivery.audio.levels import Levels
from delivery.audio.measurement import Measurement, measuring
from delivery.audio.mpeg.frames import Walk, walk
from delivery.audio.rejections import CUT_OFF, LONGER, AudioWarning, rejected, warning
from delivery.audio.silence import MIN_AUDIBLE_SECONDS, THRESHOLD_DB
from delivery.audio.sound_warnings import sound_warnings

MAX_BYTES = 8 * 1024 * 1024
MIN_SECONDS = 10
MAX_SECONDS = 60
# Encoders add silence: 529 samples of decoder delay, and up to one frame of 1,152 samples to complete the last frame.
ENCODER_PADDING_SAMPLES = 1681
# A decoder drops the frames around a gap; if less than this share plays, the damage is audible.
MIN_PLAYABLE_PERCENT = 95
LOW_KBPS = 24
_DESCRIBED_BYTES = 16384  # mutagen needs at least four frames
ANNOUNCED_LEEWAY_SECONDS = 1.0  # an Info frame may differ by the padding only


@dataclass(frozen=True, slots=True)
class Inspection:
    """An accepted recording.

    `frames`: exactly the counted frames, without tags and Xing frame; `sha256`: their SHA-256 in hex, which identifies the
    content; `duration_ms`: of these frames; `bitrate_kbps`: their average; `bitrate_mode`: "CBR", "ABR" or "VBR";
    `sample_rate` in Hz; `channels`: 1 or 2; `encoder`: as named in the file, often ""; `levels`: measured levels, None if
    not requested; `warnings`: for the uploader; `converted_from`: a word of `CONVERTED`, "" for a file that was an MP3.
    """

    frames: bytes = field(repr=False)
    sha256: str
    duration_ms: int
    bitrate_kbps: int
    bitrate_mode: str
    sample_rate: int
    channels: int
    encoder: str
    levels: Levels | None = field(repr=False)
    warnings: tuple[AudioWarning, ...]
    converted_from: str = ""


class Unheard(NamedTuple):
    """A sound within the limits, and what is said of it should it play; no child has heard it yet (`listening`)."""

    audio: Walk
    inspection: Inspection


def inspect(data: bytes, *, with_levels: bool = True) -> Inspection:
    """The accepted recording in `data`. Raises AudioRejected with a code and a message for the uploader.

    Pure and bounded: it reads at most MAX_BYTES, and a child process decodes them in about 0.3 s. Without levels and their warnings,
    the verdict is the same and takes a third of the time. Raises ServiceError if something stops the child.
    """
    audio = walk_within(data, shortest=MIN_SECONDS)
    with listening(audio, with_levels=with_levels) as heard:
        return inspection_of(audio, fingerprint(audio), heard())


@contextmanager
def listening(audio: Walk, *, with_levels: bool = False) -> Iterator[Callable[[], Levels | None]]:
    """What waits until a child has heard that the sound plays and is not silent, and returns its levels. Both raise what `inspect`
    raises."""
    with measuring(audio.frames, with_levels=with_levels) as measured:

        def heard() -> Levels | None:
            found = _playing(audio, measured())
            _refuse_silent(found.audible_seconds)
            return found.levels

        yield heard


def fingerprint(audio: Walk) -> str:
    """What identifies the sound: the SHA-256 of its frames, in hex."""
    return hashlib.sha256(audio.frames).hexdigest()


def inspection_of(audio: Walk, sha256: str, levels: Levels | None = None) -> Inspection:
    """What is said of a sound within the limits with this fingerprint and these levels, should it play."""
    mode, encoder, announced = described_by_encoder(audio)
    return Inspection(
        frames=audio.frames,
        sha256=sha256,
        duration_ms=round(audio.seconds * 1000),
        bitrate_kbps=average_kbps(audio),
        bitrate_mode=mode,
        sample_rate=audio.stream.sample_rate,
        channels=audio.stream.channels,
        encoder=encoder,
        levels=levels,
        warnings=(*file_warnings(audio, announced), *(sound_warnings(levels) if levels else ())),
    )


def walk_within(data: bytes, shortest: float) -> Walk:
    """The audio of an upload of at most MAX_BYTES that lasts `shortest` to MAX_SECONDS. Raises AudioRejected.

    Measured values in messages are rounded away from the limit, to avoid "60.0 seconds; the longest allowed is 60".
    """
    if not data:
        raise rejected("empty")
    if len(data) > MAX_BYTES:
        megabytes = math.ceil(len(data) / 2**20 * 10) / 10
        raise rejected("too_large", measured=megabytes, bytes=len(data), allowed=MAX_BYTES // 2**20)
    audio = walk(data)
    wrong = wrong_duration(audio.samples, audio.stream.sample_rate, shortest)
    if wrong == "too_short":
        measured = math.floor(audio.seconds * 10) / 10
        raise rejected(wrong, measured=measured, allowed=shortest, advice=_advice(audio, shortest))
    if wrong == "too_long":
        raise rejected(wrong, measured=math.ceil(audio.seconds * 10) / 10, allowed=MAX_SECONDS)
    return audio


def _advice(audio: Walk, shortest: float) -> str:
    """What to do about a recording that is too short: the broken off upload of a long one is no short recording."""
    _, _, announced = described_by_encoder(audio)
    if announced >= max(shortest, audio.seconds + ANNOUNCED_LEEWAY_SECONDS):
        return CUT_OFF.format(announced=f"{announced:.1f}")
    return LONGER


def wrong_duration(samples: int, sample_rate: int, shortest: float = MIN_SECONDS) -> str | None:
    """The refusal code for this number of samples per channel, "too_short" or "too_long"; None if their duration is allowed."""
    if samples < shortest * sample_rate:
        return "too_short"
    return "too_long" if samples > MAX_SECONDS * sample_rate + ENCODER_PADDING_SAMPLES else None


def playable(audio: Walk) -> Measurement:
    """What is measured of the sound, without levels. Raises AudioRejected if too little of it plays, and ServiceError."""
    with measuring(audio.frames, with_levels=False) as measured:
        return _playing(audio, measured())


def _playing(audio: Walk, found: Measurement) -> Measurement:
    rate = audio.stream.sample_rate
    if found.samples * 100 < audio.samples * MIN_PLAYABLE_PERCENT:
        raise rejected(
            "does_not_play",
            measured=math.floor(found.samples / rate * 10) / 10,
            seconds=f"{audio.seconds:.1f}",
            allowed=f"{audio.seconds * MIN_PLAYABLE_PERCENT / 100:.1f}",
        )
    return found


def _refuse_silent(audible: float) -> None:
    if audible < MIN_AUDIBLE_SECONDS:
        raise rejected("silent", measured=f"{audible:.1f}", threshold=THRESHOLD_DB, allowed=MIN_AUDIBLE_SECONDS)


def average_kbps(audio: Walk) -> int:
    return round(len(audio.frames) * 8 / audio.seconds / 1000)


def described_by_encoder(audio: Walk) -> tuple[str, str, float]:
    """The bit rate mode, the encoder and the announced seconds (0 without an Info frame).

    mutagen reads them from the Info frame and the first counted frames. Whether the bit rate changes is taken from the
    walk, which is exact; the file only distinguishes ABR from VBR.
    """
    mode = "CBR" if len(audio.kbps) == 1 else "VBR"
    if not audio.info_frame:
        return mode, "", 0.0
    try:
        info = mutagen.mp3.MPEGInfo(io.BytesIO(audio.info_frame + audio.frames[:_DESCRIBED_BYTES]))
    except mutagen.MutagenError:  # the verdict does not depend on this description
        return mode, "", 0.0
    if mode == "VBR" and info.bitrate_mode == mutagen.mp3.BitrateMode.ABR:
        mode = "ABR"
    encoder = "".join(character for character in info.encoder_info if character.isprintable())
    return mode, encoder.strip()[:60], info.length


def file_warnings(audio: Walk, announced: float) -> tuple[AudioWarning, ...]:
    """The warnings about the file, independent of its sound; `announced` is the value from `described_by_encoder`."""
    found = []
    if announced - audio.seconds > ANNOUNCED_LEEWAY_SECONDS:
        found.append(warning("shorter_than_announced", announced=f"{announced:.1f}", measured=f"{audio.seconds:.1f}"))
    elif audio.cut_off:
        found.append(warning("cut_off", measured=f"{audio.seconds:.1f}"))
    if average_kbps(audio) < LOW_KBPS:
        found.append(warning("low_bitrate", measured=average_kbps(audio), allowed=LOW_KBPS))
    if audio.junk:
        found.append(warning("bytes_skipped", measured=audio.junk))
    return tuple(found)
