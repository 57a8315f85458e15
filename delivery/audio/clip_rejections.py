"""Error messages and warnings that apply to clips only, under the rules of `delivery.audio.rejections`."""

from __future__ import annotations

from delivery.audio.rejections import AudioRejected, AudioWarning

_EXPORT = "Open the clip in your recording program, export it as a new MP3 {how}and upload that."

CLIP_REJECTIONS: dict[str, str] = {
    "cut_out": (
        "This clip was cut out of a longer MP3 without being exported anew: its first sound needs {measured} bytes of what stood "
        "before it, and none may be needed. " + _EXPORT.format(how="")
    ),
    "clips_differ": (
        "{clip} is {measured} and {other} is {allowed}; clips that are joined must agree in sample rate and channels. "
        + _EXPORT.format(how="like the others ")
    ),
}

CLIP_WARNINGS: dict[str, str] = {
    "silent_clip": (
        "Nothing can be heard in this clip on a telephone (louder than {threshold} dB below full volume). That is right for a pause; "
        "if somebody should speak in it, check the microphone and record it again."
    ),
}


def clip_rejected(code: str, **facts: object) -> AudioRejected:
    """The exception for `code`, its message formatted with the measured values."""
    return AudioRejected(code, CLIP_REJECTIONS[code].format(**facts))


def clip_warning(code: str, **facts: object) -> AudioWarning:
    """The warning for `code`, its message formatted with the measured values."""
    return AudioWarning(code, CLIP_WARNINGS[code].format(**facts))
