"""The verdict on an uploaded MP3, as a pure function of its bytes: `inspect(data)` or `AudioRejected`."""

from __future__ import annotations

from delivery.audio.inspection import LONGEST_SECONDS, MOST_BYTES, SHORTEST_SECONDS, Inspection, inspect
from delivery.audio.rejections import REJECTIONS, WARNINGS, AudioRejected, AudioWarning

__all__ = [
    "LONGEST_SECONDS",
    "MOST_BYTES",
    "REJECTIONS",
    "SHORTEST_SECONDS",
    "WARNINGS",
    "AudioRejected",
    "AudioWarning",
    "Inspection",
    "inspect",
]
