"""A recording as a telephone plays it: both channels as one, and of its frequencies those between 300 and 3,400 Hz.

Channels of reversed polarity cancel each other out on the way, and hum and high whistles are not heard: judged and shown of a
recording is this sound. The filter is applied in the frequency domain, block by block, where to have fewer samples per second costs
nothing, and saves time in all that follows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache

import numpy as np
import numpy.typing as npt
from numpy import fft  # numpy would load it at its first use, and a child opens no file

from delivery.audio.decoding import Samples

SAMPLE_RATE = 8000  # a telephone's own (ITU-T G.711), so that nothing above 4,000 Hz is left
# All of the band that telephones pass (ITU-T G.712), and what lies between passed and stopped, where a line attenuates more and more.
PASSED_HZ, STOPPED_HZ = (300, 3400), (200, 3700)
_FULL = 32768
# Blocks of 5 seconds, of which the filter needs 0.2 at each edge to settle, and short ones for who needs to hear only the beginning.
# A 25th of a second is a whole number of samples at every sample rate.
_BLOCK, _SHORT_BLOCK, _EDGE, _UNITS_PER_SECOND = 115, 40, 5, 25

Sound = npt.NDArray[np.float32]


def heard(samples: Samples, sample_rate: int) -> Iterator[Sound]:
    """What a telephone plays of `samples`, int16 of shape (n, channels): SAMPLE_RATE per second, full scale is 1, some seconds at a
    time. At the edges of its band it may be a little louder than full scale."""
    return _heard([samples], sample_rate, _BLOCK)


def heard_while_decoded(pieces: Iterable[Samples], sample_rate: int) -> Iterator[Sound]:
    """The same of what is decoded piece by piece, about a second at a time, and of no more pieces than it takes."""
    return _heard(pieces, sample_rate, _SHORT_BLOCK)


def _heard(pieces: Iterable[Samples], sample_rate: int, units: int) -> Iterator[Sound]:
    unit = sample_rate // _UNITS_PER_SECOND
    edge, block = _EDGE * unit, units * unit
    held: list[Samples] = []  # from the edge before the next block on
    before = have = 0  # samples of that edge, and of all that is held

    def heard_next() -> Sound:
        nonlocal held, before, have
        samples = held[0] if len(held) == 1 else np.concatenate(held)
        sound = _block(samples, before, unit, units)
        held = [samples[before + block - edge :]]
        before, have = edge, len(held[0])
        return sound

    for piece in pieces:
        held.append(piece)
        have += len(piece)
        while have >= before + block + edge:
            yield heard_next()
    while have > before:
        yield heard_next()


def _block(samples: Samples, before: int, unit: int, units: int) -> Sound:
    """What is heard of so many units of the samples, of which those `before` are the edge."""
    unit_heard = SAMPLE_RATE // _UNITS_PER_SECOND
    edge, edge_heard, block, block_heard = _EDGE * unit, _EDGE * unit_heard, units * unit, units * unit_heard
    size = block_heard + 2 * edge_heard
    response = _response(size) * np.float32(size / samples.shape[1] / _FULL)
    sound = np.zeros(block + 2 * edge, dtype=np.float32)
    part = samples[: before + block + edge].T
    at = edge - before
    for channel in part:  # much faster than a sum over the second axis
        sound[at : at + len(channel)] += channel
    # Only where numpy scales a transform does it stay with single precision, which takes a third of the time.
    played = fft.irfft(fft.rfft(sound, norm="forward")[: size // 2 + 1] * response, size)
    rest = (len(samples) - before) * unit_heard // unit
    return np.asarray(played[edge_heard:][: min(block_heard, rest)], dtype=np.float32)


@cache
def _response(size: int) -> npt.NDArray[np.float32]:
    """The frequency response for an FFT of `size` at SAMPLE_RATE, with transitions of half a cosine, which ring briefly."""
    hertz = np.arange(size // 2 + 1) * SAMPLE_RATE / size
    up = (hertz - STOPPED_HZ[0]) / (PASSED_HZ[0] - STOPPED_HZ[0])
    down = (STOPPED_HZ[1] - hertz) / (STOPPED_HZ[1] - PASSED_HZ[1])
    return ((1 - np.cos(np.pi * np.minimum(up, down).clip(0, 1))) / 2).astype(np.float32)
