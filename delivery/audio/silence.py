"""The audible part of a recording, so that a recording from a muted microphone is not sent to ten thousand mailboxes.

The threshold is 60 dB below full scale. A telephone line's own idle noise may be up to -65 dBm0p (ITU-T G.712), which
is 68 dB below full scale, and the smallest step of its mu-law code is at -72 dB. Sound below -60 dB is inaudible on the
line, while whispered speech into a bad microphone is above -45 dB. The level is measured in blocks of 100 ms around their
own mean, so a single click or a constant offset, which have a high peak, does not count as a voice.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from delivery.audio.decoding import Samples

THRESHOLD_DB = 60
MIN_AUDIBLE_SECONDS = 1.0
BLOCKS_PER_SECOND = 10


def audible_blocks(samples: Samples, sample_rate: int) -> npt.NDArray[np.bool_]:
    """For each whole 100 ms of `samples` (shape (n, channels)): whether a channel is louder than the threshold."""
    block = sample_rate // BLOCKS_PER_SECOND
    blocks = len(samples) // block
    levels = [part.reshape(blocks, block).std(axis=1, dtype=np.float32) for part in samples[: blocks * block].T]
    return np.asarray(np.max(levels, axis=0) > 32768 * 10 ** (-THRESHOLD_DB / 20))


def audible_seconds(samples: Samples, sample_rate: int) -> float:
    """The audible seconds of `samples`."""
    return int(np.count_nonzero(audible_blocks(samples, sample_rate))) / BLOCKS_PER_SECOND
