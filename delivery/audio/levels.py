"""Measured levels of a recording: how loud a telephone plays it, silence at both ends, peaks for a waveform, and clipping.

They are computed from the samples of the one decode, in less than 0.1 s for a minute. Judged is what a telephone plays; peak and
clipping are of the recording itself, because the filter of a telephone hides flattened peaks, which are heard all the same.
Loudness follows ITU-R BS.1770-4 (K-weighting, mean square over 400 ms, gates at -70 and 10 below), the measure of EBU R 128.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from delivery.audio.decoding import Samples
from delivery.audio.silence import BLOCKS_PER_SECOND, audible_blocks
from delivery.audio.telephone import SAMPLE_RATE, STOPPED_HZ, Sound, heard

WAVEFORM_PEAKS = 300
_FULL = 32768
_AT_LIMIT = 32760  # a decoder's rounding may leave a flattened peak a few steps below full scale
_ABSOLUTE_GATE = -70.0
_RELATIVE_GATE = -10.0
_STEPS_PER_SECOND = 10  # a gating block is four steps: 400 ms, 75 per cent overlap

_NOTHING = 1e-11  # mean power; the smallest step of 16 bits has 1e-9

Powers = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Levels:
    """The levels of one recording, in dB relative to full scale (0 is the loudest), None for silence.

    Of the recording itself: `peak_dbfs`; `clipped_share`: 0 to 1, samples in flattened peaks. As a telephone plays it: `rms_dbfs`;
    `loudness_lufs`: integrated loudness; `leading_silence` and
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
    sound = np.concatenate(list(heard(samples, sample_rate)))
    peak = max(int(samples.max()), -int(samples.min()))
    leading, trailing = _silence_at_the_ends(sound)
    return Levels(
        peak_dbfs=_decibels(peak**2 / _FULL**2),
        rms_dbfs=_decibels(float(np.square(sound).mean(dtype=np.float64))),
        loudness_lufs=_loudness(sound),
        clipped_share=_clipped_share(samples) if peak >= _AT_LIMIT else 0.0,
        leading_silence=leading,
        trailing_silence=trailing,
        waveform=_waveform(sound),
    )


def _decibels(power: float) -> float | None:
    """None for silence; what is far below the smallest step of 16 bits is the filter's rounding."""
    return round(10 * float(np.log10(power)), 2) if power > _NOTHING else None


def _silence_at_the_ends(sound: Sound) -> tuple[float, float]:
    heard_blocks = audible_blocks(sound)
    audible, blocks = np.flatnonzero(heard_blocks), len(heard_blocks)
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


def _waveform(sound: Sound) -> tuple[int, ...]:
    """The largest magnitude in each of WAVEFORM_PEAKS equal parts; 255 is full scale."""
    starts = np.arange(WAVEFORM_PEAKS) * len(sound) // WAVEFORM_PEAKS
    peaks = np.maximum(np.maximum.reduceat(sound, starts), -np.minimum.reduceat(sound, starts))
    return tuple(int(peak) for peak in np.minimum(peaks * 256, 255))


def _loudness(sound: Sound) -> float | None:
    """The integrated loudness in LUFS; None if nothing passes the absolute gate."""
    blocks = np.convolve(_weighted_powers(sound), np.full(4, 0.25), "valid")
    for gate in (_ABSOLUTE_GATE, None):
        if gate is None:
            gate = -0.691 + 10 * np.log10(blocks.mean()) + _RELATIVE_GATE
        blocks = blocks[blocks > 10 ** ((gate + 0.691) / 10)]
        if not len(blocks):
            return None
    return round(float(-0.691 + 10 * np.log10(blocks.mean())), 2)


def _weighted_powers(sound: Sound) -> Powers:
    """The mean square of the K-weighted sound for each whole 100 ms.

    The power behind a filter is the sum of the sound's autocorrelations, each times a coefficient of the filter's power response as a
    series of cosines (Wiener-Khinchin). Within a telephone's band eight are enough, which is cheaper than to filter.
    """
    step = SAMPLE_RATE // _STEPS_PER_SECOND
    whole = len(sound) // step * step
    padded = np.append(sound[:whole], np.zeros(len(_WEIGHTS), np.float32))
    now = padded[:whole].reshape(-1, step)
    powers = np.zeros(len(now), dtype=np.float32)
    for lag, weight in enumerate(_WEIGHTS):
        powers += np.einsum("ij,ij->i", now, padded[lag : lag + whole].reshape(-1, step)) * np.float32(weight / step)
    return powers.clip(0)


def _k_weighting(hertz: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The power response of the two filters of BS.1770-4 (tables 1 and 2, for 48 kHz) to these frequencies."""
    z = np.exp(-2j * np.pi * hertz / 48000)
    shelf = (1.53512485958697 - 2.69169618940638 * z + 1.19839281085285 * z**2) / (
        1 - 1.69065929318241 * z + 0.73248077421585 * z**2
    )
    high_pass = (1 - 2 * z + z**2) / (1 - 1.99004745483398 * z + 0.99007225036621 * z**2)
    return np.asarray(np.abs(shelf * high_pass) ** 2)


def _cosine_series(terms: int) -> list[float]:
    """The coefficients of the power response of K-weighting as a series of cosines, fitted to what a telephone plays."""
    hertz = np.linspace(*STOPPED_HZ, 200)
    cosines = np.cos(2 * np.pi / SAMPLE_RATE * np.outer(hertz, np.arange(terms)))
    fitted, *_ = np.linalg.lstsq(cosines, _k_weighting(hertz))
    return [float(each) for each in fitted]


_WEIGHTS = _cosine_series(8)
