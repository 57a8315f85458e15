"""The conversion itself: every format and coding, as long as it was, in one channel in which all are heard."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from delivery.audio import AudioRejected
from delivery.audio.conversion.transcoding import SAMPLE_RATE, transcode
from delivery.audio.decoding import decode
from delivery.audio.formats import CONVERTED, format_of
from delivery.audio.mpeg.frames import Walk, walk
from tests.delivery.audio.conversion.sound_files import (
    WRITERS,
    channels_of,
    rate_of,
    riff,
    sound_file,
    video_file,
    written,
)
from tests.delivery.audio.mp3_bytes import noise

# Samples that LAME puts before the sound, and of one frame.
DELAY, FRAME = 1105, 1152
# LAME keeps so many samples free behind the last one, so it may take one frame more.
MARGIN = 288
# The longest frame of any of the codings: 2,048 samples at 44.1 kHz. What is not coded in frames keeps every sample.
MAX_CODED_FRAME = 0.047
EXACT = ("pcm", "flac", "alac")


def converted(data: bytes, shortest: float = 0.01) -> tuple[dict[str, float], Walk]:
    """In this process, which only a test does."""
    found = format_of(data)
    assert found and found.demuxer
    arguments: dict[str, Any] = {"name": found.name, "demuxer": found.demuxer, "shortest": shortest, "longest": 60}
    facts, mp3 = transcode(BytesIO(data), **arguments)
    assert isinstance(facts, dict) and isinstance(mp3, bytes)
    return facts, walk(mp3)


def refusal_of(data: bytes) -> AudioRejected:
    with pytest.raises(AudioRejected) as refused:
        converted(data)
    return refused.value


def tone(seconds: float, rate: int, hertz: float = 440, level: float = 8000) -> npt.NDArray[np.float64]:
    return level * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)


@pytest.mark.parametrize("kind", WRITERS)
def test_every_format_and_coding_becomes_an_mp3_as_long_as_it_was(kind: str) -> None:
    rate = rate_of(kind)
    data = sound_file(kind, noise(3, rate, channels_of(kind)), rate)
    found = format_of(data)
    assert found and found.word == WRITERS[kind][2]
    facts, audio = converted(data)
    exact = WRITERS[kind][1].startswith(EXACT)
    assert facts["seconds"] == pytest.approx(3, abs=1 / SAMPLE_RATE if exact else MAX_CODED_FRAME)
    assert (audio.stream.sample_rate, audio.stream.channels, audio.kbps) == (44100, 1, {64})
    assert (audio.info_frame, audio.junk, audio.cut_off) == (b"", 0, False)


def test_every_word_that_is_stored_has_its_file_here() -> None:
    assert {word for _, _, word in WRITERS.values()} == set(CONVERTED)


@given(
    samples=st.integers(2000, 100_000),
    rate=st.sampled_from([8000, 11025, 16000, 22050, 44100, 48000, 96000]),
    channels=st.integers(1, 8),
)
@settings(max_examples=25, deadline=None)
def test_what_is_converted_lasts_as_long_as_before_within_a_frame(samples: int, rate: int, channels: int) -> None:
    pcm = np.full((samples, channels), 1000, "<i2")
    facts, audio = converted(riff(pcm, rate))
    assert facts["seconds"] == pytest.approx(samples / rate, abs=2 / SAMPLE_RATE)
    assert 0 <= audio.samples - DELAY - round(facts["seconds"] * SAMPLE_RATE) <= FRAME + MARGIN


@pytest.mark.parametrize("rate", [8000, 11025, 22050, 48000])
def test_a_minute_is_accepted_to_the_sample_and_no_sample_more(rate: int) -> None:
    minute = np.full((60 * rate, 1), 1000, "<i2")
    assert converted(riff(minute, rate))[0]["seconds"] == 60
    longer = refusal_of(riff(np.append(minute, minute[: rate // 100], axis=0), rate))
    assert (longer.code, "more than 60 seconds" in longer.message) == ("too_long", True)


def test_ten_seconds_are_measured_before_the_encoder_completes_its_frames() -> None:
    with pytest.raises(AudioRejected, match=r"lasts 9\.9 seconds"):
        converted(riff(np.full((79_999, 1), 1000, "<i2"), 8000), shortest=10)
    assert converted(riff(np.full((80_000, 1), 1000, "<i2"), 8000), shortest=10)[0]["seconds"] == 10


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 6, 8])
@pytest.mark.parametrize("heard", ["first", "last"])
def test_what_one_channel_says_is_heard(channels: int, heard: str) -> None:
    pcm = np.zeros((16_000, channels), "<i2")
    pcm[:, 0 if heard == "first" else -1] = tone(2, 8000)
    _, audio = converted(riff(pcm, 8000))
    spectrum = np.abs(np.fft.rfft(decode(audio.frames, audio.stream)[:SAMPLE_RATE, 0]))
    assert int(spectrum.argmax()) == 440
    assert decode(audio.frames, audio.stream).std() > 300


def test_what_is_no_number_in_a_file_of_floats_is_silence() -> None:
    data = bytearray(sound_file("WAV, float", noise(3, 8000), 8000))
    data[4000:4400] = np.full(100, np.nan, "<f4").tobytes()
    assert converted(bytes(data))[0]["seconds"] == pytest.approx(3, abs=1 / SAMPLE_RATE)


def test_the_pitch_and_the_order_stay_as_they_were() -> None:
    rate = 48000
    parts = [tone(1, rate, hertz) for hertz in (300, 600, 1200)]
    pcm = np.concatenate(parts).astype("<i2")[:, np.newaxis]
    _, audio = converted(sound_file("WebM, Opus", pcm, rate))
    samples = decode(audio.frames, audio.stream)[:, 0]
    for second, hertz in enumerate((300, 600, 1200)):
        middle = samples[int((second + 0.25) * SAMPLE_RATE) :][: SAMPLE_RATE // 2]
        assert int(np.abs(np.fft.rfft(middle)).argmax()) * 2 == pytest.approx(hertz, abs=4)


def test_what_browsers_record_is_read_though_its_head_says_no_length() -> None:
    """Safari's MP4 is in fragments; Chrome's and Firefox's WebM is written without a way back to its head."""
    fragments = sound_file("MP4", noise(3, 44100), 44100, movflags="frag_keyframe+empty_moov")
    stream = sound_file("WebM, Opus", noise(3, 48000), 48000, live="1")
    for data in (fragments, stream):
        assert converted(data)[0]["seconds"] == pytest.approx(3, abs=MAX_CODED_FRAME)


@pytest.mark.parametrize("muxer", ["mp4", "mov", "matroska"])
def test_of_a_video_the_sound_is_taken(muxer: str) -> None:
    assert converted(video_file(muxer, noise(3, 44100), 44100))[0]["seconds"] == pytest.approx(3, abs=MAX_CODED_FRAME)


@pytest.mark.parametrize("muxer", ["mp4", "matroska"])
def test_a_video_without_sound_and_a_file_with_two_sounds_are_refused_by_name(muxer: str) -> None:
    silent = refusal_of(video_file(muxer, None, 44100))
    assert (silent.code, "without a sound track" in silent.message) == ("no_sound", True)
    two = refusal_of(written(muxer, [("aac", noise(3, 44100), 44100), ("aac", noise(3, 44100), 44100)]))
    assert (two.code, "2 sound tracks" in two.message) == ("many_sounds", True)


def test_a_coding_that_is_not_on_the_list_is_refused_by_name() -> None:
    refused = refusal_of(written("matroska", [("ac3", noise(3, 48000, 2), 48000)]))
    assert (refused.code, "not converted: ac3" in refused.message) == ("unknown_coding", True)


@pytest.mark.parametrize(("rate", "channels"), [(1, 1), (3999, 1), (384_000, 1), (8000, 9), (8000, 64)])
def test_what_no_microphone_records_is_refused_with_its_measures(rate: int, channels: int) -> None:
    refused = refusal_of(riff(noise(3, 8000, channels), rate))
    assert refused.code == "unusual_sound"
    assert f"{rate} samples a second and {channels} channels" in refused.message


@pytest.mark.parametrize(
    "kind", ["WAV", "AIFF", "FLAC", "M4A", "Ogg, Opus", "WebM, Opus", "CAF", "AMR", "WMA", "M4A, lossless"]
)
def test_a_file_that_is_cut_off_is_measured_or_called_damaged(kind: str) -> None:
    rate = rate_of(kind)
    data = sound_file(kind, noise(6, rate, channels_of(kind)), rate)
    try:
        facts, _ = converted(data[: len(data) // 2])
    except AudioRejected as refused:
        assert refused.code == "unreadable"
    else:
        assert facts["seconds"] == pytest.approx(3, abs=1.1)  # a page of Ogg is a second


@pytest.mark.parametrize("kind", ["WAV", "AIFF", "FLAC", "WebM, Opus"])
def test_what_is_cut_off_announces_more_than_it_holds(kind: str) -> None:
    data = sound_file(kind, noise(6, rate_of(kind), 1), rate_of(kind))
    assert converted(data[: len(data) // 2])[0]["announced"] == pytest.approx(6, abs=0.1)


@pytest.mark.parametrize("size", [0x7FFFFFFF, 0xFFFFFFFF])
def test_a_size_that_a_program_did_not_know_announces_nothing(size: int) -> None:
    facts, _ = converted(riff(noise(3, 8000), 8000, size=size))
    assert facts == {"seconds": 3, "announced": 3}


def test_pieces_that_are_lost_in_between_are_missed() -> None:
    """Ogg pages have checksums, so a damaged one is lost, and the times of the others tell."""
    data = sound_file("Ogg, Opus", noise(12, 48000), 48000)
    pages = data.split(b"OggS")
    damaged = b"OggS".join(
        page[:-1] + bytes([page[-1] ^ 1]) if number == 5 else page for number, page in enumerate(pages)
    )
    refused = refusal_of(damaged)
    assert refused.code == "does_not_play"
    assert "of the recording's 12.0 seconds" in refused.message


def test_hours_in_a_few_megabytes_are_left_after_a_minute() -> None:
    assert refusal_of(b"#!AMR\n" + b"\x3c".ljust(32, b"\0") * 250_000).code == "too_long"


def test_a_file_of_which_nothing_decodes_is_left_after_a_thousand_pieces() -> None:
    """Eight million would take a minute of the processor."""
    assert refusal_of(b"#!AMR\n" + b"\x7c" * 8_000_000).code == "unreadable"


@pytest.mark.parametrize("kind", ["FLAC", "Ogg, Opus"])
def test_ten_minutes_of_silence_in_a_small_file_are_left_after_a_minute(kind: str) -> None:
    rate = 8000 if kind == "FLAC" else 48000
    data = sound_file(kind, np.zeros((600 * rate, 1), "<i2"), rate)
    assert len(data) < 200_000
    assert refusal_of(data).code == "too_long"


def test_a_rate_that_changes_on_the_way_is_refused() -> None:
    first, second = (written("adts", [("aac", noise(3, rate), rate)]) for rate in (44100, 22050))
    refused = refusal_of(first + second)
    assert refused.code == "mixed_format"
    assert "from 44100 Hz mono to 22050 Hz" in refused.message


@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.parametrize("kept", [4, 12, 40, 400])
def test_a_beginning_and_noise_is_refused_or_measured(kind: str, kept: int) -> None:
    """No exception but a refusal, whatever follows the magic bytes."""
    rate = rate_of(kind)
    head = sound_file(kind, noise(1, rate, channels_of(kind)), rate)[:kept]
    data = head + np.random.default_rng(kept).bytes(20_000)
    found = format_of(data)
    if found and found.demuxer:
        try:
            converted(data)
        except AudioRejected as refused:
            assert refused.message.endswith(".")
