"""Error messages that apply to converted files only, under the rules of `delivery.audio.rejections`."""

from __future__ import annotations

from delivery.audio.rejections import AudioRejected

_EXPORT = "Open it in your recording program, export it as MP3 (constant bit rate, 64 kbit/s) and upload the new file."

CONVERSION_REJECTIONS: dict[str, str] = {
    "unreadable": (
        "This looks like {name}, but it cannot be read as one: it is damaged, or its upload was cut off. "
        "Upload it again; if that does not help: " + _EXPORT
    ),
    "no_sound": "This is {name} without a sound track; one is needed. " + _EXPORT,
    "many_sounds": (
        "This is {name} with {measured} sound tracks; exactly one is allowed, because people hear only one. " + _EXPORT
    ),
    "unknown_coding": (
        "The sound of this file ({name}) is coded in a way that is not converted: {measured}. " + _EXPORT
    ),
    "unusual_sound": (
        "The sound of this file ({name}) has {rate} samples a second and {channels} channels; {lowest} to {highest} and "
        "1 to {allowed} are allowed. " + _EXPORT
    ),
}


def conversion_rejected(code: str, **facts: object) -> AudioRejected:
    """The exception for `code`, its message formatted with the measured values."""
    return AudioRejected(code, CONVERSION_REJECTIONS[code].format(**facts))
