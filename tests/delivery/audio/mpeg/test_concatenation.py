"""Clips that are joined lose nothing, gain nothing, and do not reach into each other."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from delivery.audio import AudioRejected, inspect
from delivery.audio.clip_rejections import CLIP_REJECTIONS
from delivery.audio.clips import ClipInspection, inspect_clip
from delivery.audio.decoding import Samples, decode
from delivery.audio.mpeg.concatenation import bytes_needed_before, join, samples_of
from delivery.audio.mpeg.frames import walk
from tests.delivery.audio import mp3_bytes as make

# Half a frame of the clip before fades into the first one's (the MDCT's overlap), and the filter bank remembers 512 samples.
SEAM = 576 + 512

FORMATS = [(8000, 1), (16000, 1), (22050, 2), (24000, 1), (32000, 1), (44100, 1), (44100, 2), (48000, 1)]
RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)


@cache
def clip(seconds: float, rate: int, channels: int, kbps: int | None) -> ClipInspection:
    """`kbps` None: variable."""
    return inspect_clip(make.encoded(seconds, rate, kbps or 64, channels, vbr=kbps is None))


def sound(frames: bytes) -> Samples:
    return decode(frames, walk(frames).stream)


def expect_each_in_its_place(parts: Sequence[bytes]) -> None:
    joined = sound(join(parts))
    alone = [sound(part) for part in parts]
    assert len(joined) == sum(map(len, alone))
    at = 0
    for number, samples in enumerate(alone):
        heard = joined[at : at + len(samples)]
        skipped = SEAM if number else 0
        assert np.array_equal(heard[skipped:], samples[skipped:])
        at += len(samples)


@pytest.mark.parametrize(("rate", "channels"), FORMATS)
def test_every_sample_of_every_clip_is_heard_in_its_place(rate: int, channels: int) -> None:
    kbps = 64 if rate < 32000 else 128
    expect_each_in_its_place([clip(seconds, rate, channels, kbps).frames for seconds in (3, 0.5, 2)])


def test_bit_rates_may_differ_and_vary() -> None:
    parts = [
        clip(seconds, 44100, 1, kbps).frames for seconds, kbps in ((2, 32), (1, 320), (3, None), (2, 64), (3, 128))
    ]
    expect_each_in_its_place(parts)
    assert inspect(join(parts)).bitrate_mode == "VBR"


@settings(max_examples=40)
@given(
    of=st.sampled_from(FORMATS),
    parts=st.lists(
        st.tuples(st.sampled_from([0.25, 0.4, 1, 2.5]), st.sampled_from([32, 48, 64, 160, None])),
        min_size=2,
        max_size=8,
    ),
)
def test_whatever_is_joined_its_frames_and_samples_are_the_sum(
    of: tuple[int, int], parts: list[tuple[float, int]]
) -> None:
    clips = [clip(seconds, *of, kbps) for seconds, kbps in parts]
    expect_each_in_its_place([each.frames for each in clips])
    whole = walk(join([each.frames for each in clips]))
    assert whole.count == sum(walk(each.frames).count for each in clips)
    assert whole.frames == b"".join(each.frames for each in clips)
    assert whole.junk == 0 and not whole.cut_off
    assert whole.samples == samples_of([each.duration_ms for each in clips], of[0])


@given(rate=st.sampled_from(RATES), counts=st.lists(st.integers(1, 6000), min_size=1, max_size=10))
def test_a_duration_in_milliseconds_says_how_many_frames_there_are(rate: int, counts: list[int]) -> None:
    samples = 1152 if rate >= 32000 else 576
    durations = [round(count * samples / rate * 1000) for count in counts]
    assert samples_of(durations, rate) == sum(counts) * samples


def test_the_duration_of_the_whole_is_the_sum_of_its_clips() -> None:
    parts = [clip(seconds, 8000, 1, 32) for seconds in (4, 0.5, 6)]
    assert inspect(join([part.frames for part in parts])).duration_ms == sum(part.duration_ms for part in parts)


@pytest.mark.parametrize(
    ("second", "said"),
    [
        ((1, 48000, 1, 64), "Clip 2 is 48000 Hz mono (MPEG 1) and clip 1 is 44100 Hz mono (MPEG 1)"),
        ((1, 22050, 1, 64), "Clip 2 is 22050 Hz mono (MPEG 2)"),
        ((1, 44100, 2, 128), "Clip 2 is 44100 Hz stereo (MPEG 1)"),
    ],
)
def test_clips_that_differ_are_refused_with_what_each_is(second: tuple[float, int, int, int], said: str) -> None:
    with pytest.raises(AudioRejected) as caught:
        join([clip(1, 44100, 1, 64).frames, clip(*second).frames])
    assert caught.value.code == "clips_differ"
    assert said in caught.value.message
    assert "export it as a new MP3 like the others" in caught.value.message


def cut_where_a_frame_points_back(mp3: bytes) -> bytes:
    """What a cutting tool leaves that copies frames: the recording from such a frame on."""
    audio = walk(mp3)
    at = 0
    while not bytes_needed_before(audio.frames[at:]):
        at += audio.stream.lengths[audio.frames[at + 2]]
    return audio.frames[at:]


@pytest.mark.parametrize(("rate", "kbps"), [(44100, 128), (22050, 64), (8000, 32)])
def test_a_clip_that_was_cut_out_of_a_recording_is_refused(rate: int, kbps: int) -> None:
    # A pause leaves bytes over, which the sound behind it takes.
    pcm = np.concatenate([make.noise(1, rate, level=1), make.noise(3, rate)])
    cut = cut_where_a_frame_points_back(make.encode_pcm(pcm, rate, kbps))
    needed = bytes_needed_before(cut)
    assert needed > 0
    with pytest.raises(AudioRejected) as caught:
        join([clip(1, rate, 1, kbps).frames, cut])
    assert caught.value.code == "cut_out"
    assert f"needs {needed} bytes" in caught.value.message
    assert "export it as a new MP3" in caught.value.message
    with pytest.raises(AudioRejected) as at_upload:
        inspect_clip(cut)
    assert at_upload.value.message == caught.value.message


@pytest.mark.parametrize("checksum", [False, True])
@pytest.mark.parametrize(
    ("version", "side_info", "needed"),
    [
        ("1", bytes([0, 0]), 0),
        ("1", bytes([0xFF, 0x80]), 511),
        ("1", bytes([0x00, 0x80]), 1),
        ("1", bytes([0x80, 0x7F]), 256),
        ("2", bytes([0xFF, 0xFF]), 255),
        ("2", bytes([0x00, 0xFF]), 0),
        ("2.5", bytes([0x01, 0x00]), 1),
    ],
)
def test_how_far_a_frame_points_back_stands_behind_its_header_and_checksum(
    version: str, side_info: bytes, needed: int, checksum: bool
) -> None:
    frame = bytes(make.Frame(version, 0, 5, checksum=checksum))
    at = 6 if checksum else 4
    # What a reader finds who looks at the wrong place points back.
    frame = frame[:4] + b"\xab\xcd"[: at - 4] + side_info + frame[at + 2 :]
    assert bytes_needed_before(frame) == needed


def test_every_sentence_says_what_to_do() -> None:
    for message in CLIP_REJECTIONS.values():
        assert message.endswith("upload that.")
