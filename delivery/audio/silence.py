"""The audible part of a recording, so that a recording from a muted microphone is not sent to ten thousand mailboxes.

The threshold is 60 dB below full scale. A telephone line's own idle noise may be up to -65 dBm0p (ITU-T G.712), which
is 68 dB below full scale, and the smallest step of its mu-law code is at -72 dB. Sound below -60 dB is inaudible on the
line, while whispered speech into a bad microphone is above -45 dB. The level of what a telephone plays is measured in blocks of
100 ms, so a single click, which has a high peak, does not count as a voice.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from delivery.audio.telephone import SAMPLE_RATE, Sound

THRESHOLD_DB = 60
MIN_AUDIBLE_SECONDS = 1.0
BLOCKS_PER_SECOND = 10
_BLOCK = SAMPLE_RATE // BLOCKS_PER_SECOND


def audible_blocks(sound: Sound) -> npt.NDArray[np.bool_]:
    """For each whole 100 ms of what a telephone plays: whether it is louder than the threshold."""
    blocks = sound[: len(sound) // _BLOCK * _BLOCK].reshape(-1, _BLOCK)
    return np.asarray(np.einsum("ij,ij->i", blocks, blocks) > _BLOCK * 10 ** (-THRESHOLD_DB / 10))


def audible_seconds(sounds: Iterable[Sound]) -> float:
    """The audible seconds of what a telephone plays, counted until it is certain that a recording is not silent."""
    audible = 0
    for sound in sounds:
        audible += int(np.count_nonzero(audible_blocks(sound)))
        if audible >= MIN_AUDIBLE_SECONDS * BLOCKS_PER_SECOND:
            break
    return audible / BLOCKS_PER_SECOND
