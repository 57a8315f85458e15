"""Levels against signals whose figures are known by definition (ITU-R BS.1770-4, EBU Tech 3341) or by construction."""

from __future__ import annotations

import tracemalloc

import numpy as np
import numpy.typing as npt
import pytest

from delivery.audio.decoding import decode
from delivery.audio.levels import WAVEFORM_PEAKS, measure
from delivery.audio.mpeg.frames import walk
from delivery.audio.silence import audible_seconds
from delivery.audio.telephone import SAMPLE_RATE, heard
from tests.delivery.audio import mp3_bytes as make

Sound = npt.NDArray[np.int16]


def tone(seconds: float, dbfs: float, rate: int = 48000, channels: int = 1, hertz: float = 997) -> Sound:
    """A sine whose peak is `dbfs`."""
    wave = np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate) * 32767 * 10 ** (dbfs / 20)
    return np.repeat(wave.round().astype(np.int16)[:, None], channels, axis=1)


@pytest.mark.parametrize("rate", [48000, 44100, 22050, 11025, 8000])
@pytest.mark.parametrize(
    ("dbfs", "channels", "lufs"),
    # BS.1770 annex 1; Tech 3341 cases 1 and 2 have 3.01 more, because they count both channels and a telephone has one.
    [(0.0, 1, -3.01), (0.0, 2, -3.01), (-23.0, 2, -26.01), (-33.0, 2, -36.01)],
)
def test_loudness_of_a_tone_is_what_the_standard_says(dbfs: float, channels: int, lufs: float, rate: int) -> None:
    assert measure(tone(20, dbfs, rate, channels), rate).loudness_lufs == pytest.approx(lufs, abs=0.1)


@pytest.mark.parametrize(
    "parts",
    [
        [(10, -36), (60, -23), (10, -36)],  # Tech 3341 case 3
        [(10, -72), (10, -36), (60, -23), (10, -36), (10, -72)],  # case 4
        [(20, -26), (20.1, -20), (20, -26)],  # case 5
    ],
)
def test_the_gates_of_the_standard_hold(parts: list[tuple[float, float]]) -> None:
    sound = np.concatenate([tone(seconds, dbfs, channels=2) for seconds, dbfs in parts])
    assert measure(sound, 48000).loudness_lufs == pytest.approx(-23.0 - 3.01, abs=0.1)


def test_what_is_below_the_absolute_gate_has_no_loudness() -> None:
    assert measure(tone(10, -75, channels=2), 48000).loudness_lufs is None


def test_loudness_does_not_depend_on_where_the_sound_is() -> None:
    def burst_at(seconds: float) -> float | None:
        sound = np.zeros((48000 * 12, 1), dtype=np.int16)
        at = round(seconds * 48000)
        sound[at : at + 14400] = tone(0.3, -20)
        return measure(sound, 48000).loudness_lufs

    expected = burst_at(2)
    for seconds in (0.4, 3.8, 3.9, 4.0, 7.9, 8.0):
        assert burst_at(seconds) == pytest.approx(expected, abs=0.02)


def test_high_frequencies_count_more_as_the_standard_says() -> None:
    low, high = (measure(tone(10, -20, hertz=hertz), 48000).loudness_lufs for hertz in (400, 2500))
    assert high is not None
    assert low == pytest.approx(-20 - 3.01 - 0.71, abs=0.1)
    assert high == pytest.approx(-20 - 3.01 + 2.89, abs=0.1)


def test_peak_and_rms_of_a_tone() -> None:
    levels = measure(tone(5, -6), 48000)
    assert levels.peak_dbfs == pytest.approx(-6.0, abs=0.01)
    assert levels.rms_dbfs == pytest.approx(-9.01, abs=0.01)
    assert levels.clipped_share == 0


def test_digital_silence_has_no_level() -> None:
    levels = measure(np.zeros((8000 * 3, 1), dtype=np.int16), 8000)
    assert (levels.peak_dbfs, levels.rms_dbfs, levels.loudness_lufs) == (None, None, None)
    assert (levels.leading_silence, levels.trailing_silence) == (3.0, 3.0)
    assert set(levels.waveform) == {0}


def test_silence_at_both_ends_is_measured_to_a_tenth_of_a_second() -> None:
    sound = tone(10, -20, 8000)
    sound[: 8000 * 3 + 4000] = 0
    sound[-8000:] = 0
    levels = measure(sound, 8000)
    assert (levels.leading_silence, levels.trailing_silence) == (3.5, 1.0)


@pytest.mark.parametrize(("run", "clipped"), [(1, 0), (2, 2), (3, 3), (100, 100)])
@pytest.mark.parametrize("limit", [32767, -32768])
def test_only_flattened_peaks_count_as_clipping(run: int, clipped: int, limit: int) -> None:
    sound = tone(2, -20, 8000)
    sound[1000 : 1000 + run] = limit
    assert measure(sound, 8000).clipped_share == pytest.approx(clipped / len(sound))


def test_an_overdriven_recording_is_seen_through_the_encoder() -> None:
    loud = (make.noise(12, 8000).astype(np.int32) * 20).clip(-32768, 32767).astype("<i2")
    found = walk(make.encode_pcm(loud, 8000, 64))
    assert measure(decode(found.frames, found.stream), 8000).clipped_share > 0.02


def test_the_waveform_follows_the_sound() -> None:
    sound = np.concatenate([tone(5, 0, 8000), tone(5, -40, 8000)])
    waveform = measure(sound, 8000).waveform
    assert len(waveform) == WAVEFORM_PEAKS
    assert min(waveform[:149]) >= 250
    assert max(waveform[151:]) <= 3


def test_full_scale_in_the_negative_does_not_overflow() -> None:
    sound = np.resize(np.array([-32768] * 4 + [32767] * 4, dtype=np.int16), (8000, 1))
    levels = measure(sound, 8000)
    assert levels.peak_dbfs == 0.0
    assert max(levels.waveform) == 255


def test_a_minute_of_stereo_stays_within_the_memory_bound() -> None:
    sound = tone(61, -20, channels=2)
    tracemalloc.start()
    try:
        measure(sound, 48000)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 64 * 2**20


@pytest.mark.parametrize("rate", [8000, 11025, 22050, 44100, 48000])
@pytest.mark.parametrize(
    ("hertz", "passes"),
    [
        (20, False),
        (60, False),
        (120, False),
        (200, False),
        (300, True),
        (1000, True),
        (3400, True),
        (3700, False),
        (3900, False),
    ],
)
def test_a_telephone_passes_300_to_3400_hertz_and_nothing_else(hertz: float, passes: bool, rate: int) -> None:
    sound = tone(10, 0, rate, hertz=hertz)
    parts = list(heard(sound, rate))
    played = np.concatenate(parts)
    assert len(played) == len(sound) * SAMPLE_RATE // rate
    inner = played[SAMPLE_RATE // 2 : -SAMPLE_RATE // 2]  # where the tone begins and ends it clicks
    assert float(np.abs(inner).max()) == pytest.approx(1 if passes else 0, abs=0.001)


@pytest.mark.parametrize("hertz", [5000, 8000, 15000, 19000])
def test_what_is_above_a_telephones_band_is_silence(hertz: float) -> None:
    levels = measure(tone(10, 0, hertz=hertz), 48000)
    assert levels.loudness_lufs is None or levels.loudness_lufs < -40
    assert audible_seconds(heard(tone(10, 0, hertz=hertz), 48000)) <= 0.2


@pytest.mark.parametrize(
    ("right", "rms"),
    [(1.0, -3.01), (0.0, -9.03), (-0.9, -29.03), (-1.0, None)],
    ids=["alike", "left", "nearly", "reversed"],
)
def test_both_channels_are_heard_as_one(right: float, rms: float | None) -> None:
    sound = tone(10, 0, channels=2)
    sound[:, 1] = np.rint(sound[:, 1] * right)
    levels = measure(sound, 48000)
    assert levels.rms_dbfs == (None if rms is None else pytest.approx(rms, abs=0.05))
    assert levels.peak_dbfs == pytest.approx(0, abs=0.01)


def test_the_seams_of_its_blocks_are_not_heard() -> None:
    sound = tone(20, -6, 11025)
    played = np.concatenate(list(heard(sound, 11025)))
    at = np.arange(len(played)) / SAMPLE_RATE
    expected = np.sin(2 * np.pi * 997 * at) * 10 ** (-6 / 20)
    assert np.abs(played - expected)[4000:-4000].max() < 0.001
