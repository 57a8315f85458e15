"""Measured levels of a recording: level, loudness, clipping, silence at both ends, and peaks for a waveform.

They are computed from the samples of the one decode, in 0.1 to 0.2 s for a minute. Loudness follows ITU-R BS.1770-4
(K-weighting, mean square over 400 ms, gates at -70 and 10 below), the measure of EBU R 128. The filter is applied in the
frequency domain, block by block, because numpy has no recursive filter and scipy would be a large dependency for one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numpy import fft  # numpy would load it at its first use, and a child opens no file

from delivery.audio.decoding import Samples
from delivery.audio.silence import BLOCKS_PER_SECOND, audible_blocks

WAVEFORM_PEAKS = 300
_FULL = 32768.0
_AT_LIMIT = 32760  # a decoder's rounding may leave a flattened peak a few steps below full scale
_ABSOLUTE_GATE = -70.0
_RELATIVE_GATE = -10.0
_STEPS_PER_SECOND = 10  # a gating block is four steps: 400 ms, 75 per cent overlap

Powers = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Levels:
    """The levels of one recording, in dB relative to full scale (0 is the loudest), None for silence.

    `loudness_lufs`: integrated loudness; `clipped_share`: 0 to 1, samples in flattened peaks; `leading_silence` and
    `trailing_silence`: seconds, to 0.1; `waveform`: WAVEFORM_PEAKS peaks over the whole length, each 0 to 255.
    """

    peak_dbfs: float | None
    rms_dbfs: float | None
    loudness_lufs: float | None
    clipped_share: float
    leading_silence: float
    trailing_silence: float
    waveform: tuple[int, ...]


def measure(samples: Samples, sample_rate: int) -> Levels:
    """The levels of `samples`, int16 of shape (n, channels) with n of at least one second."""
    peaks = _peaks(samples)
    squares = [np.square(channel, dtype=np.float32).mean(dtype=np.float64) for channel in samples.T]
    leading, trailing = _silence_at_the_ends(samples, sample_rate)
    return Levels(
        peak_dbfs=_decibels(float(peaks.max()) ** 2 / _FULL**2),
        rms_dbfs=_decibels(float(np.mean(squares)) / _FULL**2),
        loudness_lufs=_loudness(samples, sample_rate),
        clipped_share=_clipped_share(samples),
        leading_silence=leading,
        trailing_silence=trailing,
        waveform=tuple(int(peak) for peak in np.minimum(peaks // 128, 255)),
    )


def _decibels(power: float) -> float | None:
    return round(10 * float(np.log10(power)), 2) if power > 0 else None


def _silence_at_the_ends(samples: Samples, sample_rate: int) -> tuple[float, float]:
    audible = np.flatnonzero(audible_blocks(samples, sample_rate))
    blocks = len(samples) // (sample_rate // BLOCKS_PER_SECOND)
    if not len(audible):
        return blocks / BLOCKS_PER_SECOND, blocks / BLOCKS_PER_SECOND
    return int(audible[0]) / BLOCKS_PER_SECOND, int(blocks - 1 - audible[-1]) / BLOCKS_PER_SECOND


def _clipped_share(samples: Samples) -> float:
    """The share of samples in flattened peaks, which have at least two consecutive samples at the limit.

    Audio that was clipped and then attenuated is not detected: an encoder's ripple makes it look like a limiter's output.
    """
    limit = (samples >= _AT_LIMIT) | (samples <= -_AT_LIMIT)
    pairs = limit[1:] & limit[:-1]
    clipped = np.zeros_like(limit)
    clipped[1:] |= pairs
    clipped[:-1] |= pairs
    return float(np.count_nonzero(clipped)) / clipped.size


def _peaks(samples: Samples) -> npt.NDArray[np.int32]:
    """The largest magnitude (0 to 32768) of any channel in each of WAVEFORM_PEAKS equal parts."""
    starts = np.arange(WAVEFORM_PEAKS) * len(samples) // WAVEFORM_PEAKS
    high = np.maximum.reduceat(samples, starts, axis=0).astype(np.int32)
    low = np.minimum.reduceat(samples, starts, axis=0).astype(np.int32)
    return np.maximum(high, -low).max(axis=1)


def _loudness(samples: Samples, sample_rate: int) -> float | None:
    """The integrated loudness in LUFS; None if nothing passes the absolute gate."""
    steps = np.sum([_weighted_powers(channel, sample_rate) for channel in samples.T], axis=0)
    blocks = np.convolve(steps, np.full(4, 0.25), "valid")
    for gate in (_ABSOLUTE_GATE, None):
        if gate is None:
            gate = -0.691 + 10 * np.log10(blocks.mean()) + _RELATIVE_GATE
        blocks = blocks[blocks > 10 ** ((gate + 0.691) / 10)]
        if not len(blocks):
            return None
    return round(float(-0.691 + 10 * np.log10(blocks.mean())), 2)


def _weighted_powers(channel: npt.NDArray[np.int16], sample_rate: int) -> Powers:
    """The mean square of the K-weighted channel for each whole 100 ms; full scale is 1.

    Overlap-save: every block of four seconds is filtered together with the preceding half second, in which the filter settles.
    """
    step = sample_rate // _STEPS_PER_SECOND
    lead, length = 5 * step, 40 * step
    response = _k_weighting(lead + length, sample_rate)
    usable = len(channel) // step * step
    powers = []
    for start in range(0, usable, length):
        block = np.zeros(lead + length)
        sound = channel[max(0, start - lead) : min(start + length, usable)] / _FULL
        offset = lead - min(lead, start)
        block[offset : offset + len(sound)] = sound
        weighted = fft.irfft(fft.rfft(block) * response, lead + length)[lead:]
        powers.append(np.square(weighted).reshape(-1, step).mean(axis=1))
    return np.concatenate(powers)[: usable // step]


def _k_weighting(size: int, sample_rate: int) -> npt.NDArray[np.complex128]:
    """The frequency response of the two filters of BS.1770, for an FFT of `size`.

    The standard has coefficients for 48 kHz only; these analogue parameters reproduce them and are valid at every rate
    (B. De Man, "Evaluation of implementations of the EBU R128 loudness measurement", AES 145, 2018).
    """
    z = np.exp(-2j * np.pi * np.arange(size // 2 + 1) / size)
    shelf_gain = 10 ** (3.999843853973347 / 20)
    middle_gain = shelf_gain**0.4996667741545416

    k, q = np.tan(np.pi * 1681.974450955533 / sample_rate), 0.7071752369554196
    shelf = shelf_gain + middle_gain * k / q + k * k + 2 * (k * k - shelf_gain) * z
    shelf = shelf + (shelf_gain - middle_gain * k / q + k * k) * z**2
    shelf = shelf / (1 + k / q + k * k + 2 * (k * k - 1) * z + (1 - k / q + k * k) * z**2)

    k, q = np.tan(np.pi * 38.13547087602444 / sample_rate), 0.5003270373238773
    a0 = 1 + k / q + k * k
    high_pass = (1 - z) ** 2 / (1 + 2 * (k * k - 1) / a0 * z + (1 - k / q + k * k) / a0 * z**2)
    return np.asarray(shelf * high_pass)
