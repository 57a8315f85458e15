"""The frame in front of what is served: who reads the first frame reads the true length."""

from __future__ import annotations

import io

import mutagen.mp3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery.audio import inspect
from delivery.audio.decoding import decode
from delivery.audio.mpeg.concatenation import join
from delivery.audio.mpeg.frames import walk
from delivery.audio.mpeg.xing_frame import with_xing_frame
from tests.delivery.audio import mp3_bytes as make
from tests.delivery.audio.mp3_bytes import Frame


def read_by_a_player(mp3: bytes) -> float:
    """The seconds by the first frame: of a Xing frame by its count, otherwise by the file's size and the first bit rate."""
    stream = walk(mp3).stream
    at = mp3.find(b"Xing", 0, 40) if b"Xing" in mp3[:40] else mp3.find(b"Info", 0, 40)
    if at == -1:
        return len(mp3) * 8 / stream.kbps[mp3[2]] / 1000
    assert mp3[at + 4 : at + 8] == b"\0\0\0\x07"
    assert int.from_bytes(mp3[at + 12 : at + 16], "big") == len(mp3)
    return int.from_bytes(mp3[at + 8 : at + 12], "big") * stream.samples_per_frame / stream.sample_rate


VARIABLE = [
    make.encoded(30, vbr=True),
    make.encoded(30, channels=2, vbr=True),
    make.encoded(12, 22050, channels=2, vbr=True),
    make.encoded(12, 8000, vbr=True),
    make.encoded(15, kbps=32) + make.encoded(15, kbps=320),
    make.encoded(15, kbps=320) + make.encoded(15, kbps=32),
]


@pytest.mark.parametrize("audio", VARIABLE)
def test_a_player_reads_the_true_length_of_a_variable_bit_rate(audio: bytes) -> None:
    kept = inspect(audio)
    served = with_xing_frame(kept.frames)
    assert served.endswith(kept.frames)
    assert len(served) > len(kept.frames)
    assert mutagen.mp3.MP3(io.BytesIO(kept.frames)).info.length != pytest.approx(kept.duration_ms / 1000, abs=1)
    assert mutagen.mp3.MP3(io.BytesIO(served)).info.length == pytest.approx(kept.duration_ms / 1000, abs=0.001)
    assert read_by_a_player(served) == pytest.approx(kept.duration_ms / 1000, abs=0.001)


@pytest.mark.parametrize("rate", [8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000])
@pytest.mark.parametrize("channels", [1, 2])
def test_every_stream_has_room_for_the_frame(rate: int, channels: int) -> None:
    parts = [inspect(make.encoded(10.1, rate, kbps, channels)).frames for kbps in (32, 64)]
    served = with_xing_frame(join(parts))
    found = walk(served)
    assert found.frames == join(parts)
    assert found.info_frame + found.frames == served
    assert mutagen.mp3.MP3(io.BytesIO(served)).info.length == pytest.approx(found.seconds, abs=0.001)


def test_a_constant_bit_rate_is_served_as_it_is() -> None:
    for rate, kbps in ((44100, 64), (22050, 32), (8000, 8), (48000, 320)):
        frames = inspect(make.encoded(12, rate, kbps)).frames
        assert with_xing_frame(frames) == frames


def test_a_constant_bit_rate_whose_size_misleads_gets_an_info_frame() -> None:
    frames = bytes(Frame("1", 0, 9)) * 2000  # an encoder that leaves the padding out: 0.2 per cent less
    served = with_xing_frame(frames)
    assert b"Info" in served[:40]
    assert read_by_a_player(served) == pytest.approx(2000 * 1152 / 44100, abs=0.001)


def test_what_is_served_is_the_same_recording_again() -> None:
    first = inspect(make.encoded(30, vbr=True))
    served = with_xing_frame(first.frames)
    again = inspect(served)
    assert (again.sha256, again.duration_ms, again.warnings) == (first.sha256, first.duration_ms, ())
    assert with_xing_frame(again.frames) == served
    assert (decode(again.frames, walk(served).stream) == decode(first.frames, walk(served).stream)).all()


def test_modes_of_two_channels_may_differ() -> None:
    frames = bytearray(bytes(Frame("1", 0, 9, mono=False)) * 50 + bytes(Frame("1", 0, 5, mono=False)) * 50)
    frames[3] = 0x00  # stereo; the others are joint stereo
    served = with_xing_frame(bytes(frames))
    assert served[3] == 0
    assert walk(served).frames == bytes(frames)


@given(
    st.sampled_from(["1", "2", "2.5"]),
    st.integers(0, 2),
    st.booleans(),
    st.lists(st.tuples(st.integers(1, 14), st.booleans(), st.booleans()), min_size=1, max_size=300),
)
def test_each_hundredth_of_the_time_is_found_by_its_position(
    version: str, rate_index: int, mono: bool, made: list[tuple[int, bool, bool]]
) -> None:
    frames = [Frame(version, rate_index, index, padding, mono, checksum) for index, padding, checksum in made]
    audio = b"".join(map(bytes, frames))
    served = with_xing_frame(audio)
    assert served.endswith(audio)
    assert read_by_a_player(served) == pytest.approx(len(frames) * frames[0].samples / frames[0].sample_rate, abs=0.073)
    if b"Xing" in served[:40]:
        at = served.find(b"Xing") + 16
        starts = [len(served) - len(audio)]
        for frame in frames[:-1]:
            starts.append(starts[-1] + len(bytes(frame)))
        for hundredth, position in enumerate(served[at : at + 100]):
            start = starts[len(frames) * hundredth // 100]
            assert position == start * 256 // len(served)


def test_bytes_that_are_no_frame_are_refused() -> None:
    with pytest.raises(ValueError, match="no frame"):
        with_xing_frame(b"hello")
