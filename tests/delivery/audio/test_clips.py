"""The verdict on a clip: shorter than a recording, else as strict."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from delivery.audio import AudioRejected
from delivery.audio.clip_rejections import CLIP_WARNINGS
from delivery.audio.clips import inspect_clip
from delivery.audio.mpeg.frames import walk
from tests.delivery.audio import mp3_bytes as make


@pytest.mark.parametrize("rate", [8000, 22050, 44100, 48000])
@pytest.mark.parametrize("seconds", [0.25, 1, 59])
def test_a_word_is_a_clip_and_so_is_a_minute(rate: int, seconds: float) -> None:
    data = make.encoded(seconds, rate)
    clip = inspect_clip(data)
    assert clip.frames == walk(data).frames
    assert clip.sha256 == hashlib.sha256(clip.frames).hexdigest()
    assert clip.duration_ms == round(walk(data).seconds * 1000)
    assert (clip.sample_rate, clip.channels) == (rate, 1)
    assert clip.warnings == ()


def test_what_stands_around_the_frames_is_not_kept() -> None:
    data = make.id3v2(b"\0" * 50) + make.info_frame(1) + make.encoded(1) + make.id3v1()
    assert inspect_clip(data).frames == make.encoded(1)


@pytest.mark.parametrize(
    ("data", "code", "said"),
    [
        (b"", "empty", "0 bytes"),
        (bytes(8 * 2**20 + 1), "too_large", "the largest allowed is 8 MB"),
        (make.encoded(0.05), "too_short", "the shortest allowed is 0.2"),
        (make.encoded(61, 8000), "too_long", "the longest allowed is 60"),
        (make.wav(1), "another_format", "a WAV file"),
        (make.encoded(1) + make.encoded(1, 48000), "mixed_format", "48000 Hz"),
        (make.encoded(1) + bytes(9000), "too_much_junk", "at most 10 per cent"),
        (bytes(make.Frame("1", 0, 5, fill=0xFF)) * 100, "does_not_play", "of the recording's 2.6 seconds"),
    ],
)
def test_a_clip_is_refused_for_what_a_recording_is(data: bytes, code: str, said: str) -> None:
    with pytest.raises(AudioRejected) as caught:
        inspect_clip(data)
    assert caught.value.code == code
    assert said in caught.value.message


def test_a_pause_is_a_clip_with_a_word_to_its_uploader() -> None:
    clip = inspect_clip(make.encode_pcm(np.zeros((8000, 1), "<i2"), 8000, 32))
    assert [warning.code for warning in clip.warnings] == ["silent_clip"]
    assert "right for a pause" in clip.warnings[0].message


def test_a_clip_is_warned_about_for_what_a_recording_is() -> None:
    clip = inspect_clip(make.encoded(2, 8000, 8)[:-10])
    assert [warning.code for warning in clip.warnings] == ["cut_off", "low_bitrate"]


def test_every_warning_fits_its_column() -> None:
    from delivery.models import Clip

    room = Clip._meta.get_field("warnings").base_field.max_length
    assert all(len(message) + 20 <= room for message in CLIP_WARNINGS.values())
