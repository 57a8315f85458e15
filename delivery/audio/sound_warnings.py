"""Warnings about the sound of an accepted recording: too quiet, distorted, silence at its ends.

People ignore frequent warnings, so the limits are where listeners notice a fault, not where sound engineers do. A normal
recording of speech, loud or soft, by telephone or in a studio, gets none.
"""

from __future__ import annotations

import math

from delivery.audio.levels import Levels
from delivery.audio.rejections import AudioWarning, warning

# Speech is put on a telephone line at about -26 dB (ITU-T P.56, G.191), which is -26 LUFS for one voice; 10 dB less is the
# quiet condition of listening tests (ITU-T P.800). Synthesized and studio speech measures -16 to -24, a whisper -24.
QUIETEST_LUFS = -30
# Measured on speech that was amplified into its limit: by 3 dB 0.01 per cent, by 6 dB (a few vowels, hardly heard) 0.2,
# by 9 dB (rough throughout) 0.9, by 12 dB 2.4. A peak limiter's output stays below 0.01.
MAX_CLIPPED_PERCENT = 0.5
# People hang up on silence, and systems that wait for a voice may detect none.
MAX_LEADING_SILENCE = 3
# Silence at the end only annoys the listener; its usual cause is a recording that was stopped too late.
MAX_TRAILING_SILENCE = 5
_BELOW_MEASURE = "less than -70"  # LUFS; the absolute gate of BS.1770


def sound_warnings(levels: Levels) -> tuple[AudioWarning, ...]:
    """The warnings about a recording with these levels; most have none. Values are rounded away from the limit."""
    found = []
    loudness, clipped = levels.loudness_lufs, levels.clipped_share * 100
    if loudness is None or loudness < QUIETEST_LUFS:
        measured = _BELOW_MEASURE if loudness is None else math.floor(loudness * 10) / 10
        found.append(warning("very_quiet", measured=measured, allowed=QUIETEST_LUFS))
    if clipped > MAX_CLIPPED_PERCENT:
        found.append(warning("clipped", measured=math.ceil(clipped * 10) / 10, allowed=MAX_CLIPPED_PERCENT))
    if levels.leading_silence > MAX_LEADING_SILENCE:
        found.append(warning("silent_start", measured=levels.leading_silence, allowed=MAX_LEADING_SILENCE))
    if levels.trailing_silence > MAX_TRAILING_SILENCE:
        found.append(warning("silent_end", measured=levels.trailing_silence, allowed=MAX_TRAILING_SILENCE))
    return tuple(found)
