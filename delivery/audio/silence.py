"""How much of a recording a person can hear: a muted microphone must not ring through to ten thousand mailboxes.

The threshold is 60 dB below full scale. A telephone line's own idle noise may be up to -65 dBm0p (ITU-T G.712), which
is 68 dB below full scale, and the smallest step of its mu-law code is at -72 dB: what stays below -60 dB drowns in the
line, while whispered speech into a bad microphone is above -45 dB. The level is that of blocks of 100 ms around their
own mean, so neither one click nor a constant offset (both of which have a high peak) passes for a voice.
"""

from __future__ import annotations

import numpy as np

from delivery.audio.decoding import Samples

THRESHOLD_DB = 60
LEAST_AUDIBLE_SECONDS = 1.0
_BLOCK_SECONDS = 0.1


def audible_seconds(samples: Samples, sample_rate: int) -> float:
    """Seconds of `samples` (shape (n, channels)) in which a channel is louder than the threshold."""
    block = int(sample_rate * _BLOCK_SECONDS)
    blocks = len(samples) // block
    if not blocks:
        return 0.0
    level = samples[: blocks * block].reshape(blocks, block, -1).std(axis=1, dtype=np.float32).max(axis=1)
    return float(np.count_nonzero(level > 32768 * 10 ** (-THRESHOLD_DB / 20))) * _BLOCK_SECONDS
