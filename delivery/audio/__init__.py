"""The verdict on an uploaded MP3, as a pure function of its bytes: `inspect(data)` or `AudioRejected`."""

from __future__ import annotations

from delivery.audio.inspection import MAX_BYTES, MAX_SECONDS, MIN_SECONDS, Inspection, inspect
from delivery.audio.rejections import REJECTIONS, WARNINGS, AudioRejected, AudioWarning

__all__ = [
    "MAX_BYTES",
    "MAX_SECONDS",
    "MIN_SECONDS",
    "REJECTIONS",
    "WARNINGS",
    "AudioRejected",
    "AudioWarning",
    "Inspection",
    "inspect",
]
