"""The verdict on any sound: an MP3 as it is, another format as the MP3 that it becomes in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from delivery.audio import AudioRejected, conversion, inspect
from delivery.audio.clips import inspect_clip
from delivery.audio.conversion import conversion_done, inspect_any, inspect_any_clip
from delivery.audio.conversion.rejections import CONVERSION_REJECTIONS
from delivery.audio.formats import CONVERTED
from delivery.audio.measurement import CHECK_UNAVAILABLE
from rvm.platform.errors import ServiceError
from tests.delivery.audio import mp3_bytes as make
from tests.delivery.audio.conversion.sound_files import channels_of, riff, sound_file

TASKS = "tests.delivery.audio.hostile_tasks:"
VOICE = sound_file("WebM, Opus", make.noise(12, 48000), 48000)


def code_of(data: bytes) -> str:
    with pytest.raises(AudioRejected) as refused:
        inspect_any(data)
    return refused.value.code


def test_an_mp3_is_taken_as_it_is() -> None:
    assert inspect_any(make.encoded(12)) == inspect(make.encoded(12))
    assert inspect_any_clip(make.encoded(1)) == inspect_clip(make.encoded(1))


@pytest.mark.parametrize("kind", ["M4A", "WAV", "Ogg, Opus", "Ogg, Vorbis", "WebM, Opus", "AIFF", "FLAC"])
def test_another_format_is_judged_as_the_mp3_that_it_becomes(kind: str) -> None:
    rate = 48000 if "Opus" in kind else 44100
    found = inspect_any(sound_file(kind, make.noise(11, rate, channels_of(kind), level=8000), rate))
    assert found.duration_ms == pytest.approx(11_000, abs=100)
    assert (found.bitrate_kbps, found.bitrate_mode, found.sample_rate, found.channels) == (64, "CBR", 44100, 1)
    assert found.levels is not None and found.warnings == ()
    assert replace(found, converted_from="") == inspect(found.frames)
    assert conversion_done(found.converted_from).endswith("it was converted to MP3 (64 kbit/s, 44.1 kHz, mono).")


def test_what_is_converted_twice_is_the_same_sound() -> None:
    assert inspect_any(VOICE).sha256 == inspect_any(VOICE).sha256


def test_a_clip_is_converted_too_and_can_be_joined_with_what_programs_export() -> None:
    clip = inspect_any_clip(sound_file("M4A", make.noise(0.5, 44100), 44100))
    exported = inspect_clip(make.encoded(0.5, 44100))
    assert (clip.sample_rate, clip.channels, clip.converted_from) == (exported.sample_rate, exported.channels, "m4a")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (riff(np.zeros((96_000, 1), "<i2"), 8000), "silent"),
        (riff(make.noise(9, 8000), 8000), "too_short"),
        (riff(make.noise(61, 8000), 8000), "too_long"),
        (riff(make.noise(12, 8000), 8000)[:30], "unreadable"),
        (riff(make.noise(12, 8000), 8000) + bytes(8 * 2**20), "too_large"),
    ],
    ids=["silent", "too short", "too long", "damaged", "too large"],
)
def test_what_a_telephone_could_not_play_is_refused_as_an_mp3_is(data: bytes, code: str) -> None:
    assert code_of(data) == code


def test_the_channels_of_a_stereo_file_that_cancel_each_other_are_silence() -> None:
    left = make.noise(12, 8000)
    assert code_of(riff(np.hstack([left, -left]), 8000)) == "silent"


def test_a_file_that_breaks_off_is_taken_with_a_word_to_its_uploader() -> None:
    data = riff(make.noise(30, 8000), 8000)
    [said] = inspect_any(data[: len(data) // 2]).warnings
    assert said.code == "shorter_than_announced"
    assert "announces 30.0 seconds and holds 15.0" in said.message


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"#EXTM3U\n#EXTINF:10,\nfile:///etc/passwd\n", "another_format"),
        (b"ffconcat version 1.0\nfile /etc/passwd\n", "not_mp3"),
        (b"[playlist]\nFile1=http://127.0.0.1/\n", "not_mp3"),
        (b"RIFF\x00\x10\x00\x00WAVE#EXTM3U\nfile:///etc/passwd\n", "unreadable"),
        (b"\0\0\0\x18ftypM4A #EXTM3U\nfile:///etc/passwd\n", "unreadable"),
        (b"  fLaC" + bytes(999), "another_format"),
        (b"PK\x03\x04" + bytes(999), "another_format"),
        (b"\0\0\0\x18ftypheic" + bytes(999), "another_format"),
    ],
    ids=["HLS", "concat", "PLS", "HLS as WAV", "HLS as M4A", "blanks in front", "ZIP", "picture"],
)
def test_no_library_guesses_what_a_file_is(data: bytes, code: str) -> None:
    assert code_of(data) == code


@pytest.mark.parametrize(
    "task", ["crash", "say_nothing", "say_something_else", "convert_to_noise", "refuse_in_own_words"]
)
def test_a_conversion_that_breaks_is_a_refusal(task: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversion, "_TRANSCODE", TASKS + task)
    assert code_of(VOICE) in ("not_decodable", "not_mp3")


@pytest.mark.parametrize(
    ("task", "limits"), [("decode_without_end", {"cpu_seconds": 1}), ("hang", {"wait_seconds": 0.2})]
)
def test_a_conversion_without_an_end_is_ended(
    task: str, limits: dict[str, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversion, "_TRANSCODE", TASKS + task)
    monkeypatch.setattr(conversion, "LIMITS", replace(conversion.LIMITS, **limits))
    assert code_of(VOICE) == "not_decodable"


def test_a_conversion_that_something_else_ends_is_no_fault_of_the_sound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversion, "_TRANSCODE", TASKS + "be_killed")
    with pytest.raises(ServiceError) as refused:
        inspect_any(VOICE)
    assert refused.value.code == CHECK_UNAVAILABLE


def test_the_conversion_finds_no_key_no_file_and_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversion, "_TRANSCODE", TASKS + "convert_and_look_around")
    assert inspect_any(VOICE).duration_ms == pytest.approx(12_000, abs=60)


def test_no_process_that_has_the_keys_loads_ffmpeg() -> None:
    program = (
        "import os, sys, django; django.setup();"
        "import rvm.project.urls, delivery.audio.conversion;"
        "assert 'delivery.admin.recordings' in sys.modules and 'av' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_every_sentence_tells_what_to_do() -> None:
    for message in CONVERSION_REJECTIONS.values():
        assert message.endswith("upload the new file.")
    for found in CONVERTED.values():
        assert found.name.startswith(("a ", "an ")) and found.demuxer


def test_a_minute_is_converted_within_the_limits_of_its_child() -> None:
    found = inspect_any(sound_file("FLAC", make.noise(60, 44100), 44100))
    assert found.duration_ms == 60_029
