"""A recording as a telephone plays it: both channels as one, and of its frequencies those between 300 and 3,400 Hz.

Channels of reversed polarity cancel each other out on the way, and hum and high whistles are not heard: judged and shown of a
recording is this sound. The filter is applied in the frequency domain, block by block, where to have fewer samples per second costs
nothing, and saves time in all that follows.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from numpy import fft  # numpy would load it at its first use, and a child opens no file

from delivery.audio.decoding import Samples

SAMPLE_RATE = 8000  # a telephone's own (ITU-T G.711), so that nothing above 4,000 Hz is left
# All of the band that telephones pass (ITU-T G.712), and what lies between passed and stopped, where a line attenuates more and more.
PASSED_HZ, STOPPED_HZ = (300, 3400), (200, 3700)
_FULL = 32768
# Blocks of 5 seconds, of which the filter needs 0.2 at each edge to settle. A 25th of a second is a whole number of samples at every
# sample rate.
_BLOCK, _EDGE, _UNITS_PER_SECOND = 115, 5, 25
FIRST_SECONDS = 2

Sound = npt.NDArray[np.float32]


def heard(samples: Samples, sample_rate: int, units: int = _BLOCK) -> Iterator[Sound]:
    """What a telephone plays of `samples`, int16 of shape (n, channels): SAMPLE_RATE per second, full scale is 1, so many units at a
    time. At the edges of its band it may be a little louder than full scale."""
    unit, unit_heard = sample_rate // _UNITS_PER_SECOND, SAMPLE_RATE // _UNITS_PER_SECOND
    edge, edge_heard, block, block_heard = _EDGE * unit, _EDGE * unit_heard, units * unit, units * unit_heard
    size = block_heard + 2 * edge_heard
    response = _response(size) * np.float32(unit_heard / unit / samples.shape[1] / _FULL)
    sound = np.empty(block + 2 * edge, dtype=np.float32)
    for start in range(0, len(samples), block):
        first = max(start - edge, 0)
        part = samples[first : start + block + edge].T
        at = first - start + edge
        sound[:] = 0
        for channel in part:  # much faster than a sum over the second axis
            sound[at : at + len(channel)] += channel
        played = fft.irfft(fft.rfft(sound)[: size // 2 + 1] * response, size)
        rest = (len(samples) - start) * unit_heard // unit
        yield np.asarray(played[edge_heard:][: min(block_heard, rest)], dtype=np.float32)


def heard_first(samples: Samples, sample_rate: int) -> Sound:
    """What a telephone plays of the first FIRST_SECONDS of `samples`, which are longer by half a second at least."""
    return next(heard(samples, sample_rate, FIRST_SECONDS * _UNITS_PER_SECOND))


def _response(size: int) -> npt.NDArray[np.float32]:
    """The frequency response for an FFT of `size` at SAMPLE_RATE, with transitions of half a cosine, which ring briefly."""
    hertz = np.arange(size // 2 + 1) * SAMPLE_RATE / size
    up = (hertz - STOPPED_HZ[0]) / (PASSED_HZ[0] - STOPPED_HZ[0])
    down = (STOPPED_HZ[1] - hertz) / (STOPPED_HZ[1] - PASSED_HZ[1])
    return ((1 - np.cos(np.pi * np.minimum(up, down).clip(0, 1))) / 2).astype(np.float32)
