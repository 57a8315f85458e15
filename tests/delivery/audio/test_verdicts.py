"""The table of files that fool players and probes, and the verdict on each."""

from __future__ import annotations

import hashlib
import os
import random
import string
import tracemalloc
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest

from delivery.audio import REJECTIONS, WARNINGS, AudioRejected, inspect
from delivery.audio.decoding import decode
from delivery.audio.mpeg.frames import walk
from delivery.audio.rejections import CUT_OFF, EXPORT, LONGER, NO_SOUND
from tests.delivery.audio import mp3_bytes as make

Maker = Callable[[], bytes]


def _cover() -> bytes:
    return make.id3v2(make.picture_frame(b"\x89PNG" + b"\0" * 200_000))


def _joined(*kbps: int, seconds: float = 15) -> bytes:
    return b"".join(make.encoded(seconds, kbps=rate) for rate in kbps)


# name -> (file, true seconds, bit rate mode, warning codes)
ACCEPTED: dict[str, tuple[Maker, float, str, set[str]]] = {
    "constant bit rate": (lambda: make.encoded(30), 30, "CBR", set()),
    "stereo": (lambda: make.encoded(12, kbps=128, channels=2), 12, "CBR", {"very_quiet"}),  # twice the noise, as one
    "cover art": (lambda: _cover() + make.encoded(30), 30, "CBR", set()),
    "variable with Xing": (
        lambda: make.info_frame(30, mark=b"Xing") + make.encoded(30, vbr=True), 30, "VBR", set(),
    ),
    "variable with VBRI": (lambda: make.vbri_frame(30) + make.encoded(30, vbr=True), 30, "VBR", set()),
    "variable without Xing": (lambda: make.encoded(30, vbr=True), 30, "VBR", set()),
    "truncated, Info still says 30": (
        lambda: make.info_frame(30) + make.encoded(30)[: 120_000], 15, "CBR", {"shorter_than_announced"},
    ),
    "truncated without Info": (lambda: make.encoded(30)[:120_000], 15, "CBR", {"cut_off"}),
    "Xing says 3, audio is 30": (lambda: make.info_frame(3) + make.encoded(30), 30, "CBR", set()),
    "two lying Xing frames": (lambda: make.info_frame(3) + make.info_frame(99) + make.encoded(30), 30, "CBR", set()),
    "32 joined to 320 kbit/s": (lambda: _joined(32, 320), 30, "VBR", set()),
    "a few zeros at the end": (lambda: make.encoded(30) + bytes(2000), 30, "CBR", {"bytes_skipped"}),
    "a lost packet in the middle": (
        lambda: make.encoded(30)[:100_000] + b"\xaa" * 500 + make.encoded(30)[100_000:], 30, "CBR", {"bytes_skipped"},
    ),
    "a zlib bomb as cover art": (
        lambda: make.id3v2(make.picture_frame(bytes(200_000_000), compressed=True)) + make.encoded(30), 30, "CBR", set(),
    ),
    "a tenth of noughts at the end": (lambda: make.encoded(30) + bytes(24_000), 30, "CBR", {"bytes_skipped"}),
    "noughts between the sound and its tag": (
        lambda: make.encoded(30) + bytes(24_000) + make.id3v1(), 30, "CBR", {"bytes_skipped"},
    ),
    "a second frame that is damaged": (
        lambda: make.info_frame(30) + bytes(200) + make.encoded(30)[209:], 30, "CBR", {"bytes_skipped"},
    ),
    "a cover picture at the end": (lambda: make.encoded(30) + make.id3v2(bytes(50_000), footer=True), 30, "CBR", set()),
    "recordings with their tags, joined": (
        lambda: (_cover() + make.info_frame(15) + make.encoded(15) + make.id3v1()) * 2, 30, "CBR", set(),
    ),
    "MP3 inside a RIFF": (lambda: make.riff(make.encoded(30)), 30, "CBR", set()),
    "MP3 with tags inside a RIFF behind a tag": (
        lambda: _cover() + make.riff(_cover() + make.encoded(30) + make.id3v1()), 30, "CBR", set(),
    ),
    "every tag at the end": (
        lambda: make.encoded(30) + make.ape_tag() + make.lyrics3() + make.id3v1(), 30, "CBR", set(),
    ),
    "the lowest bit rate": (lambda: make.encoded(30, 8000, 8), 30, "CBR", {"low_bitrate"}),
    "recorded far too softly": (
        lambda: make.encode_pcm(make.noise(20, 8000, level=120), 8000, 64), 20, "CBR", {"very_quiet"},
    ),
    "heard on the left only": (lambda: make.encode_pcm(make.channels(1, 0), 44100, 128), 12, "CBR", set()),
    "the right channel nearly reversed": (
        lambda: make.encode_pcm(make.channels(1, -0.9), 44100, 128), 12, "CBR", {"very_quiet"},
    ),
    "a soft voice above a loud hum": (
        lambda: make.encode_pcm(make.tone(12, 60, 12000) + make.tone(12, 700, 200), 8000, 64), 12, "CBR", {"very_quiet"},
    ),
    "recorded far too loudly": (
        lambda: make.encode_pcm(make.noise(20, 8000, level=32000), 8000, 64), 20, "CBR", {"clipped"},
    ),
    "four seconds before a word and six after": (
        lambda: make.encode_pcm(
            np.pad(make.noise(20, 8000), ((4 * 8000, 6 * 8000), (0, 0))), 8000, 64,
        ), 30, "CBR", {"silent_start", "silent_end"},
    ),
}  # fmt: skip

# name -> (file, code of the refusal, what its sentence must name)
REFUSED: dict[str, tuple[Maker, str, str]] = {
    "nothing": (lambda: b"", "empty", "0 bytes"),
    "Xing says 30, audio is 5": (lambda: make.info_frame(30) + make.encoded(5), "too_short", "lasts 5.0 seconds"),
    "30 s cut off after 5": (lambda: make.info_frame(30) + make.encoded(5), "too_short", "The file announces 30.0 seconds"),
    "Xing says 6, audio is 5": (lambda: make.info_frame(6) + make.encoded(5), "too_short", "Make it longer"),
    "Xing says 30, audio is 120": (lambda: make.info_frame(30) + make.encoded(60) * 2, "too_long", "lasts 120.1 seconds"),
    "32 joined to 320 kbit/s, 75 s": (lambda: _joined(32, 320, 32, 320, 32), "too_long", "the longest allowed is 60"),
    "5 s then 400 kB of zeros": (lambda: make.encoded(5) + bytes(400_000), "too_much_junk", "only 5.0 seconds"),
    "30 s then 400 kB of zeros": (lambda: make.encoded(30) + bytes(400_000), "too_much_junk", "at most 10 per cent, as noughts"),
    "six headers then noise": (
        lambda: make.encoded(1, kbps=128)[:2508] + random.Random(1).randbytes(400_000), "too_much_junk", "0.2 seconds",
    ),
    "only an Info frame": (lambda: make.info_frame(30), "too_short", "lasts 0.0 seconds"),
    "half an Info frame": (lambda: make.info_frame(30)[:200], "too_short", "lasts 0.0 seconds"),
    "half a frame": (lambda: make.encoded(10)[:100], "too_short", "lasts 0.0 seconds"),
    "WAV renamed": (lambda: make.wav(20), "another_format", "a WAV file, not an MP3; renaming a file does not convert it. The admin"),
    "AAC renamed": (lambda: make.aac(20), "another_format", "an AAC file"),
    "AAC behind an ID3 tag": (lambda: make.id3v2(bytes(99)) + make.aac(20), "another_format", "an AAC file"),
    "M4A renamed": (lambda: b"\0\0\0\x20ftypM4A \0\0\0\0" + bytes(90_000), "another_format", "an M4A file"),
    "Ogg renamed": (lambda: b"OggS\0\x02" + bytes(90_000), "another_format", "an Ogg file"),
    "WebM renamed": (lambda: b"\x1aE\xdf\xa3" + bytes(90_000), "another_format", "a WebM or Matroska file"),
    "FLAC renamed": (lambda: b"fLaC" + bytes(90_000), "another_format", "a FLAC file"),
    "ZIP archive": (lambda: b"PK\x03\x04" + bytes(90_000), "another_format", "a ZIP archive"),
    "playlist that opens files": (lambda: b"#EXTM3U\nfile:///etc/passwd\n", "another_format", "a playlist"),
    "web page": (lambda: b"\n <!DOCTYPE html><p>Sign in</p>", "another_format", "Upload the recording itself"),
    "HTML glued in front": (lambda: b"<html></html>" + make.encoded(30), "another_format", "a web page"),
    "text glued in front": (lambda: b"hello" + make.encoded(30), "bytes_before_audio", "5 bytes"),
    "text behind the tag": (lambda: _cover() + b"hello" + make.encoded(30), "bytes_before_audio", "5 bytes"),
    "a stray byte in front": (lambda: b"\0" + make.encoded(30), "bytes_before_audio", "1 bytes"),
    "noise": (lambda: random.Random(2).randbytes(90_000), "not_mp3", "90000 bytes"),
    "text": (lambda: b"Good morning, this is a reminder. " * 999, "not_mp3", "export it as MP3"),
    "UTF-16 text": (lambda: ("Good morning. " * 999).encode("utf-16"), "not_mp3", "export it as MP3"),
    "a tag and nothing else": (_cover, "only_a_tag", "a tag (title, cover picture) and no sound"),
    "a tag of noughts and nothing else": (lambda: make.id3v2(bytes(50_000)), "only_a_tag", "its 50010 bytes"),
    "noughts": (lambda: bytes(90_000), "not_mp3", "90000 bytes were received"),
    "a tag and noise": (lambda: make.id3v2(b"x" * 90) + random.Random(2).randbytes(900), "not_mp3", "(1000 bytes"),
    "WebM of a browser's recorder": (
        lambda: bytes.fromhex("1a45dfa39f4286810142f7810142f2810442f381084282847765626d") + bytes(90_000),
        "another_format", "a WebM or Matroska file",
    ),
    "WAV with another sound": (lambda: make.riff(b"\x55" * 9000, kind=0x11), "another_format", "a WAV file"),
    "70 kB in front": (lambda: b"\x55" * 70_000 + make.encoded(30), "bytes_before_audio", "70000 bytes"),
    "a picture in front": (lambda: b"\xff\xd8\xff\xe0" + bytes(70_000) + make.encoded(30), "another_format", "a picture"),
    "MP2 renamed": (lambda: make.mp2(30), "wrong_layer", "Layer II (MP2)"),
    "MP1 renamed": (lambda: make.mp1(30), "wrong_layer", "Layer I;"),
    "free format": (lambda: make.free_format(30), "free_format", "8 to 320 kbit/s"),
    "a tag that claims 200 MB": (
        lambda: make.id3v2(claim=200_000_000) + make.encoded(30), "tag_damaged", "200000010 bytes",
    ),
    "a tag with an impossible size": (
        lambda: b"ID3\x04\0\0\xff\xff\xff\xff" + make.encoded(30), "tag_damaged", "impossible",
    ),
    "a tag cut in its header": (lambda: b"ID3\x04\0", "tag_damaged", "cut off"),
    "44.1 joined to 48 kHz": (
        lambda: make.encoded(15) + make.encoded(15, 48000), "mixed_format", "from 44100 Hz mono (MPEG 1) to 48000 Hz mono",
    ),
    "mono joined to stereo": (
        lambda: make.encoded(15) + make.encoded(15, channels=2), "mixed_format", "to 44100 Hz stereo (MPEG 1) after 15.0",
    ),
    "digital silence": (lambda: make.encode_pcm(make.noise(20, 8000, level=0), 8000, 16), "silent", "Only 0.0 seconds"),
    "the hiss of an idle line": (
        lambda: make.encode_pcm(make.noise(20, 8000, level=12), 8000, 64), "silent", "louder than 60 dB below",
    ),
    "channels of reversed polarity": (
        lambda: make.encode_pcm(make.channels(1, -1), 44100, 128), "silent", "plays both channels as one",
    ),
    "only the hum of a cable": (lambda: make.encode_pcm(make.tone(12, 60, 12000), 8000, 64), "silent", "300 to 3,400 Hz"),
    "only a whistle that no telephone plays": (
        lambda: make.encode_pcm(make.tone(12, 6000, 12000, 16000), 16000, 64), "silent", "Only 0.",
    ),
    "only 19 kHz": (
        lambda: make.encode_pcm(make.tone(12, 19000, 16000, 44100), 44100, 320), "silent", "on a telephone",
    ),
    "headers with nothing to play": (
        lambda: bytes(make.Frame("1", 0, 5, fill=0xFF)) * 800, "does_not_play", "of the recording's 20.9 seconds",
    ),
    "over 8 MB": (lambda: make.encoded(30).ljust(8 * 2**20 + 1, b"\0"), "too_large", "8.1 MB (8388609 bytes)"),
}  # fmt: skip


@pytest.mark.parametrize("name", ACCEPTED)
def test_an_honest_recording_is_accepted_with_its_true_length(name: str) -> None:
    file, seconds, mode, warnings = ACCEPTED[name]
    inspection = inspect(file())
    assert inspection.duration_ms == pytest.approx(seconds * 1000, abs=250)
    assert inspection.bitrate_mode == mode
    assert {warning.code for warning in inspection.warnings} == warnings


@pytest.mark.parametrize("name", REFUSED)
def test_a_wrong_file_is_refused_with_a_code_and_a_measured_sentence(name: str) -> None:
    file, code, words = REFUSED[name]
    with pytest.raises(AudioRejected) as refusal:
        inspect(file())
    assert refusal.value.code == code, refusal.value.message
    assert words in refusal.value.message
    assert str(refusal.value) == refusal.value.message


def test_the_table_covers_every_refusal_and_every_warning() -> None:
    # No bytes that anybody knows break the decoder; test_measurement breaks it otherwise.
    assert {code for _, code, _ in REFUSED.values()} == set(REJECTIONS) - {"not_decodable"}
    assert set().union(*(warnings for *_, warnings in ACCEPTED.values())) == set(WARNINGS)


def test_every_sentence_tells_what_to_do() -> None:
    advised = {
        (code, advice): message.replace("{advice}", advice)
        for code, message in REJECTIONS.items()
        for advice in (EXPORT, LONGER, CUT_OFF, NO_SOUND)
    }
    for code, message in advised.items():
        assert "pload" in message, code
    assert all(code == code.lower().replace(" ", "_") for code in REJECTIONS | WARNINGS)
    for code, message in (advised | WARNINGS).items():
        assert message.endswith("."), code
        assert not set(message) - set(string.printable), code


def test_what_is_kept_is_the_audio_alone_and_named_by_its_hash() -> None:
    audio = make.encoded(12)
    dressed = _cover() + make.info_frame(30) + audio + make.ape_tag() + make.id3v1()
    plain, kept = inspect(audio), inspect(dressed)
    assert plain.frames == kept.frames == audio
    assert plain.sha256 == kept.sha256 == hashlib.sha256(audio).hexdigest()


def test_what_is_kept_passes_again_unchanged() -> None:
    damaged = make.encoded(30)[:100_000] + b"\xaa" * 500 + make.encoded(30)[100_000:] + bytes(100)
    first = inspect(damaged)
    second = inspect(first.frames)
    assert second.frames == first.frames
    assert second.warnings == ()


def test_the_properties_of_a_recording_are_reported() -> None:
    inspection = inspect(make.info_frame(12, mono=False) + make.encoded(12, kbps=128, channels=2))
    assert (inspection.sample_rate, inspection.channels, inspection.bitrate_kbps) == (44100, 2, 128)
    assert inspection.encoder.startswith("LAME 3.100")
    assert inspect(make.encoded(12)).encoder == ""


def test_an_encoder_name_cannot_carry_control_characters() -> None:
    info = make.info_frame(12).replace(b"LAME3.100", b"LAME3.80\x1b")
    assert inspect(info + make.encoded(12)).encoder == "LAME 3.80"


@pytest.mark.parametrize(("damaged", "code"), [(3, None), (150, "does_not_play")])
def test_a_few_frames_that_do_not_play_are_forgiven_and_many_are_not(damaged: int, code: str | None) -> None:
    audio = bytearray(make.encoded(12))
    ends = _frame_ends(bytes(audio), 44100, 64)
    for start, end in list(pairwise(ends))[100 : 100 + damaged]:
        audio[start + 4 : end] = b"\xff" * (end - start - 4)
    if code is None:
        assert inspect(bytes(audio)).frames == audio
    else:
        with pytest.raises(AudioRejected, match="of the recording's 12") as refusal:
            inspect(bytes(audio))
        assert refusal.value.code == code


def test_the_decoder_stops_after_61_seconds() -> None:
    found = walk(make.encoded(40, 8000, 8) * 2)
    assert decode(found.frames, found.stream).shape == (61 * 8000, 1)


# LAME needs whole frames and adds its delay, so the exact limits are set with synthetic copies of one real frame.
BOUNDARIES = [
    # sample rate, samples per frame, fewest frames of 10 s, most frames of 60 s and 1,681 samples
    (44100, 1152, 383, 2298),
    (8000, 576, 139, 836),
]


@pytest.mark.parametrize(("rate", "per_frame", "fewest", "most"), BOUNDARIES)
def test_the_limits_hold_to_the_frame(rate: int, per_frame: int, fewest: int, most: int) -> None:
    assert (fewest - 1) * per_frame < 10 * rate <= fewest * per_frame
    assert most * per_frame <= 60 * rate + 1681 < (most + 1) * per_frame
    kbps = 32 if rate == 44100 else 8
    long = make.encode_pcm(make.noise(62, rate), rate, kbps)
    ends = _frame_ends(long, rate, kbps)
    for count, code in ((fewest - 1, "too_short"), (fewest, None), (most, None), (most + 1, "too_long")):
        data = long[: ends[count - 1]]
        if code is None:
            assert inspect(data).duration_ms == round(count * per_frame * 1000 / rate)
        else:
            with pytest.raises(AudioRejected) as refusal:
                inspect(data)
            assert refusal.value.code == code
            assert {"too_short": "9.9 seconds", "too_long": "60.1 s" if rate == 44100 else "60.3 s"}[code] in str(
                refusal.value
            )


@pytest.mark.parametrize("rate", [44100, 22050, 8000])
@pytest.mark.parametrize("seconds", [10.0, 60.0])
def test_what_lame_makes_of_exactly_ten_and_sixty_seconds_is_accepted(seconds: float, rate: int) -> None:
    padding_ms = inspect(make.encoded(seconds, rate, 32)).duration_ms - seconds * 1000
    assert 0 <= padding_ms <= 1681 / rate * 1000


def _frame_ends(mp3: bytes, rate: int, kbps: int) -> list[int]:
    ends, at = [], 0
    while at < len(mp3):
        at += (144 if rate >= 32000 else 72) * kbps * 1000 // rate + (mp3[at + 2] >> 1 & 1)
        ends.append(at)
    return ends


def test_the_size_limit_counts_the_upload_with_its_tags() -> None:
    audio = make.encoded(10)
    room = 8 * 1024 * 1024 - len(audio) - 10
    assert inspect(make.id3v2(bytes(room)) + audio).frames == audio
    with pytest.raises(AudioRejected) as refusal:
        inspect(make.id3v2(bytes(room + 1)) + audio)
    assert refusal.value.code == "too_large"


@pytest.mark.parametrize(("offset", "clicks"), [(0, 0), (8000, 0), (0, 1), (0, 5), (8000, 1)])
def test_silence_a_click_or_an_offset_does_not_pass_for_a_voice(offset: int, clicks: int) -> None:
    pcm = make.noise(12, 8000, level=0) + offset
    pcm[40_000 : 40_000 + clicks * 8000 : 8000] = 32000
    with pytest.raises(AudioRejected) as refusal:
        inspect(make.encode_pcm(pcm.astype("<i2"), 8000, 64))
    assert refusal.value.code == "silent"


def test_a_whisper_after_long_silence_is_heard() -> None:
    pcm = make.noise(20, 8000, level=100)
    pcm[: 17 * 8000] = 0
    assert inspect(make.encode_pcm(pcm, 8000, 64)).duration_ms > 20_000


@pytest.mark.parametrize(
    "file",
    [
        lambda: make.encoded(60, 48000, 320, 2),
        lambda: make.id3v2(make.picture_frame(os.urandom(6_000_000))) + make.encoded(60),
        lambda: make.id3v2(make.picture_frame(bytes(200_000_000), compressed=True)) + make.encoded(60),
        lambda: make.encoded(60, kbps=320) * 3,
        lambda: bytes(make.Frame("2", 1, 1)) * 300_000,
        lambda: b"\xff" * 8_000_000,
        lambda: b"\xff\xfb" * 4_000_000,
        lambda: make.id3v2() + bytes(8_000_000),
        lambda: make.info_frame(30) * 20_000,
    ],
)
def test_memory_is_bounded_by_the_size_limit(file: Maker) -> None:
    data = file()
    inspect_or_refuse(make.encoded(10))  # imports and caches are not what is measured
    tracemalloc.start()
    try:
        inspect_or_refuse(data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 64 * 2**20


def inspect_or_refuse(data: bytes) -> None:
    try:
        inspect(data)
    except AudioRejected as refusal:
        assert refusal.code in REJECTIONS
