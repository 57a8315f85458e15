"""What people are told about the sound: each warning at its limit and just beyond it, from levels and from real MP3s."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from delivery.audio import inspect, inspection
from delivery.audio.levels import WAVEFORM_PEAKS, Levels, measure
from delivery.audio.rejections import WARNINGS
from delivery.audio.sound_warnings import sound_warnings
from delivery.models import Recording
from tests.delivery.audio import mp3_bytes as make

Sound = npt.NDArray[np.int16]
RATE = 16000
FINE = Levels(-2.0, -22.2, -21.8, 0.0, 0.1, 0.4, (100,) * WAVEFORM_PEAKS)


def syllables(seconds: float, dbfs: float, rate: int = RATE) -> Sound:
    """Speech in outline: a 500 Hz tone of the given peak that comes and goes three times a second."""
    at = np.arange(round(seconds * rate)) / rate
    wave = np.sin(2 * np.pi * 500 * at) * (np.sin(2 * np.pi * 1.5 * at) ** 2)
    return (wave * 32767 * 10 ** (dbfs / 20)).round().astype(np.int16)[:, None]


def silence(seconds: float, rate: int = RATE) -> Sound:
    return np.zeros((round(seconds * rate), 1), dtype=np.int16)


def overdriven(decibels: float) -> Sound:
    """A rough voice amplified that far beyond full scale, and cut off there."""
    loud = make.noise(12, RATE, level=8000).astype(np.float64) * 10 ** (decibels / 20)
    return loud.clip(-32768, 32767).astype(np.int16)


def codes(levels: Levels) -> list[str]:
    return [found.code for found in sound_warnings(levels)]


@pytest.mark.parametrize(
    ("at_the_limit", "beyond_it", "code", "said"),
    [
        ({"loudness_lufs": -30.0}, {"loudness_lufs": -30.01}, "very_quiet", "is -30.1 LUFS, and below -30"),
        ({"loudness_lufs": -30.0}, {"loudness_lufs": None}, "very_quiet", "is less than -70 LUFS"),
        ({"clipped_share": 0.005}, {"clipped_share": 0.00501}, "clipped", "0.6 per cent of it"),
        ({"leading_silence": 3.0}, {"leading_silence": 3.1}, "silent_start", "begins with 3.1 seconds"),
        ({"trailing_silence": 5.0}, {"trailing_silence": 5.1}, "silent_end", "ends with 5.1 seconds"),
    ],
)
def test_a_warning_begins_just_beyond_its_limit_and_says_what_was_measured(
    at_the_limit: dict[str, float], beyond_it: dict[str, float | None], code: str, said: str
) -> None:
    assert codes(replace(FINE, **at_the_limit)) == []  # type: ignore[arg-type]
    [found] = sound_warnings(replace(FINE, **beyond_it))  # type: ignore[arg-type]
    assert found.code == code
    assert said in found.message


def test_everything_wrong_is_said_at_once() -> None:
    assert codes(replace(FINE, loudness_lufs=-40.0, clipped_share=0.1, leading_silence=9.0, trailing_silence=9.0)) == [
        "very_quiet",
        "clipped",
        "silent_start",
        "silent_end",
    ]


# name -> (sound, expected figures, warnings); what comes back from the encoder, so within its tolerance.
HEARD: dict[str, tuple[Sound, dict[str, float], list[str]]] = {
    "speech at a studio's level": (syllables(12, -6), {"peak_dbfs": -6, "rms_dbfs": -13.3}, []),
    "speech by telephone": (syllables(12, -18), {"peak_dbfs": -18, "rms_dbfs": -25.3}, []),
    "speech just loud enough": (syllables(12, -21), {"peak_dbfs": -21, "loudness_lufs": -29.3}, []),
    "speech just too quiet": (syllables(12, -22.5), {"peak_dbfs": -22.5, "loudness_lufs": -30.8}, ["very_quiet"]),
    "speech from across the room": (syllables(12, -40), {"peak_dbfs": -40, "rms_dbfs": -47.3}, ["very_quiet"]),
    "speech up to full scale": (syllables(12, 0), {"peak_dbfs": 0, "rms_dbfs": -7.3}, []),
    "noise up to full scale": (overdriven(0), {"peak_dbfs": 0}, []),
    "noise far beyond full scale": (overdriven(15), {"peak_dbfs": 0}, ["clipped"]),
    "speech after 2.8 s": (
        np.concatenate([silence(2.8), syllables(12, -12)]), {"leading_silence": 2.8}, [],
    ),
    "speech after 3.5 s": (
        np.concatenate([silence(3.5), syllables(12, -12)]), {"leading_silence": 3.5}, ["silent_start"],
    ),
    "speech and 4.6 s": (
        np.concatenate([syllables(12, -12), silence(4.6)]), {"trailing_silence": 4.7}, [],
    ),
    "speech and 6 s": (
        np.concatenate([syllables(12, -12), silence(6)]), {"trailing_silence": 6.1}, ["silent_end"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", HEARD)
def test_a_recording_is_measured_and_judged_as_it_was_made(name: str) -> None:
    sound, expected, warnings = HEARD[name]
    found = inspect(make.encode_pcm(sound, RATE, 64))
    for figure, value in expected.items():
        tolerance = 0.21 if figure.endswith("silence") else 0.6
        assert getattr(found.levels, figure) == pytest.approx(value, abs=tolerance), figure
    assert [warning.code for warning in found.warnings] == warnings
    assert len(found.levels.waveform) == WAVEFORM_PEAKS


def test_the_sample_recording_is_fine() -> None:
    found = inspect(Path("fixtures/reminder.mp3").read_bytes())
    assert found.warnings == ()
    assert found.levels.loudness_lufs == pytest.approx(-21.8, abs=0.1)


def test_a_file_is_decoded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    decoded = []
    measuring = inspection.measuring
    monkeypatch.setattr(
        inspection, "measuring", lambda *given, **how: decoded.append(given) or measuring(*given, **how)
    )
    assert inspect(make.encoded(12)).levels.peak_dbfs is not None
    assert len(decoded) == 1


def test_every_warning_fits_its_column() -> None:
    most = Recording._meta.get_field("warnings").base_field.max_length
    facts = {"measured": "less than -70", "allowed": "60.0", "announced": "100000.0"}
    for code, message in WARNINGS.items():
        assert len(message.format(**facts)) <= most, code


@settings(max_examples=30)
@given(quieter=st.floats(0, 30))
def test_what_is_quieter_by_so_many_decibels_measures_so_many_less(quieter: float) -> None:
    loud, soft = (measure(syllables(2, -6 - by, 8000), 8000) for by in (0, quieter))
    for figure in ("peak_dbfs", "rms_dbfs", "loudness_lufs"):
        assert getattr(soft, figure) == pytest.approx(getattr(loud, figure) - quieter, abs=0.1)
    assert all(one <= other for one, other in zip(soft.waveform, loud.waveform, strict=True))


@settings(max_examples=30)
@given(before=st.integers(0, 80), after=st.integers(0, 80))
def test_silence_put_around_a_sound_is_found_and_changes_no_loudness(before: int, after: int) -> None:
    alone = measure(syllables(2, -6, 8000), 8000)
    sound = np.concatenate([silence(before / 10, 8000), syllables(2, -6, 8000), silence(after / 10, 8000)])
    found = measure(sound, 8000)
    assert found.leading_silence == pytest.approx(alone.leading_silence + before / 10)
    assert found.trailing_silence == pytest.approx(alone.trailing_silence + after / 10)
    assert found.loudness_lufs == pytest.approx(alone.loudness_lufs, abs=1.5)  # the gate keeps the silence out
    assert found.peak_dbfs == alone.peak_dbfs


@settings(max_examples=50)
@given(st.lists(st.integers(-32768, 32767), min_size=800, max_size=1200), st.sampled_from([1, 2]))
def test_any_samples_at_all_have_sensible_figures(values: list[int], channels: int) -> None:
    sound = np.resize(np.array(values, dtype=np.int16), (8000, channels))
    found = measure(sound, 8000)
    assert len(found.waveform) == WAVEFORM_PEAKS
    assert all(0 <= peak <= 255 for peak in found.waveform)
    assert 0 <= found.clipped_share <= 1
    assert found.peak_dbfs is None or found.rms_dbfs is None or found.rms_dbfs <= found.peak_dbfs <= 0
    assert 0 <= found.leading_silence <= 1
