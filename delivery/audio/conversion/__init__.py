"""The verdict on a sound in any common format: an MP3 is judged as it is, another one as the MP3 that it becomes.

The file is decoded and encoded in a child process (`delivery.audio.conversion.transcoding`), limited like the one that measures MP3s.
What comes back is judged like an uploaded MP3. The original is not kept.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TypeVar

from delivery.audio.clip_rejections import CLIP_REJECTIONS
from delivery.audio.clips import MIN_CLIP_SECONDS, ClipInspection, inspect_clip
from delivery.audio.conversion.rejections import CONVERSION_REJECTIONS
from delivery.audio.formats import CONVERTED, Format, format_of
from delivery.audio.inspection import ANNOUNCED_LEEWAY_SECONDS, MAX_SECONDS, MIN_SECONDS, Inspection, inspect
from delivery.audio.measurement import LIMITS, stopped
from delivery.audio.mpeg.tags import end_of_front_tags
from delivery.audio.rejections import REJECTIONS, AudioRejected, AudioWarning, rejected, warning
from rvm.platform.isolation.calls import ChildEnded, isolated

Verdict = TypeVar("Verdict", Inspection, ClipInspection)

# Named, not imported: no process but the child's server loads FFmpeg.
_TRANSCODE = "delivery.audio.conversion.transcoding:transcode"
_CODES = frozenset([*REJECTIONS, *CLIP_REJECTIONS, *CONVERSION_REJECTIONS])


def inspect_any(data: bytes, *, converting: bool = True, with_levels: bool = True) -> Inspection:
    """`inspect` of an MP3, or of the MP3 that another format becomes, if `converting`. Raises AudioRejected, and ServiceError."""
    check = partial(inspect, with_levels=with_levels)
    return _judged(data, check, MIN_SECONDS) if converting else check(data)


def inspect_any_clip(data: bytes, *, converting: bool = True) -> ClipInspection:
    """`inspect_clip` of an MP3, or of the MP3 that another format becomes, if `converting`. Raises as `inspect_any`."""
    return _judged(data, inspect_clip, MIN_CLIP_SECONDS) if converting else inspect_clip(data)


BECAME = "converted to MP3 (64 kbit/s, 44.1 kHz, mono)"


def conversion_done(converted_from: str) -> str | None:
    """The sentence about what was done with a file of this format; None for an MP3."""
    return f"The file was {CONVERTED[converted_from].name}; it was {BECAME}." if converted_from else None


def _judged(data: bytes, check: Callable[[bytes], Verdict], shortest: float) -> Verdict:
    try:
        return check(data)
    except AudioRejected as refusal:
        if refusal.code != "another_format":
            raise
        sound = data[end_of_front_tags(data) :]
        found = format_of(sound)
        if found is None or not found.demuxer:
            raise
    return _converted(sound, found, check, shortest)


def _converted(sound: bytes, found: Format, check: Callable[[bytes], Verdict], shortest: float) -> Verdict:
    seconds, announced, mp3 = _transcoded(sound, found, shortest)
    verdict = check(mp3)
    warnings: tuple[AudioWarning, ...] = verdict.warnings
    if announced - seconds > ANNOUNCED_LEEWAY_SECONDS:
        said = warning("shorter_than_announced", announced=f"{announced:.1f}", measured=f"{seconds:.1f}")
        warnings = (said, *warnings)
    return replace(verdict, converted_from=found.word, warnings=warnings)


def _transcoded(sound: bytes, found: Format, shortest: float) -> tuple[float, float, bytes]:
    """The decoded and the announced seconds, and the MP3."""
    arguments = {"name": found.name, "demuxer": found.demuxer, "shortest": shortest, "longest": MAX_SECONDS}
    try:
        facts, mp3 = isolated(_TRANSCODE, [sound], limits=LIMITS, refusal=AudioRejected, **arguments)
        return float(facts["seconds"]), float(facts["announced"]), bytes(mp3)
    except AudioRejected as refusal:
        if refusal.code in _CODES:
            raise
    except ChildEnded as ended:
        if ended.why == "stopped":
            raise stopped() from None
    except (ValueError, TypeError, KeyError):  # of a child that its input has taken over
        pass
    raise rejected("not_decodable", allowed=LIMITS.cpu_seconds) from None
