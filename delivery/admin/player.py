"""HTML player of a recording below its waveform, which shows a silent start before the recording is played."""

from __future__ import annotations

from django.template.loader import render_to_string

from delivery.models import Recording
from delivery.recordings.links import link
from delivery.recordings.removal import removed_text

_HALF = 128  # pixels: a peak of 255 reaches from the middle of the picture to its edge


def player(recording: Recording) -> str:
    """Safe HTML of the player, or that the sound was removed; without a waveform if the recording was never measured."""
    if said := removed_text(recording):
        return said
    peaks = list(recording.waveform or b"")
    return render_to_string(
        "delivery/admin/player.html",
        {
            "source": link(recording),
            "drawing": _drawing(peaks),
            "width": len(peaks),
            "description": _description(recording) if peaks else "",
            "seconds": f"{recording.duration_ms / 1000:.1f}",
            "warnings": recording.warnings,
        },
    )


def _drawing(peaks: list[int]) -> str:
    """An SVG path with one vertical line per peak, and a dot for silence."""
    return "".join(f"M{at}.5 {_HALF - peak // 2 - 1}v{peak // 2 * 2 + 2}" for at, peak in enumerate(peaks))


def _description(recording: Recording) -> str:
    """Text alternative of the waveform for screen readers."""
    loudness = "too quiet to measure" if recording.loudness_lufs is None else f"{recording.loudness_lufs:.1f} LUFS"
    return (
        f"Waveform of {recording.duration_ms / 1000:.1f} seconds: loudness {loudness}, "
        f"silent for {recording.leading_silence} seconds at the start and {recording.trailing_silence} at the end."
    )
