"""An MP3 inside a RIFF is found, and nothing else is taken for one."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery.audio.mpeg.riff import unwrapped
from tests.delivery.audio import mp3_bytes as make

SOUND = bytes(make.Frame("1", 0, 9)) * 3


@pytest.mark.parametrize(
    "file",
    [
        make.riff(SOUND),
        make.riff(SOUND, extensible=True),
        make.riff(SOUND, kind=0x50),
        make.riff(SOUND, size=0),
        make.riff(SOUND, size=0xFFFFFFFF),
        b"RIFF" + bytes(4) + b"RMP3data" + struct.pack("<I", len(SOUND)) + SOUND,
    ],
)
def test_the_sound_of_a_riff_is_unwrapped(file: bytes) -> None:
    assert unwrapped(file)[: len(SOUND)] == SOUND
    assert len(unwrapped(file)) <= len(SOUND) + 1  # the chunk's padding, where its size is unknown


@pytest.mark.parametrize(
    "file", [b"", b"RIFF", SOUND, make.wav(1), make.riff(SOUND, kind=1), b"RIFF" + bytes(4) + b"AVI " + SOUND]
)
def test_anything_else_stays_what_it_is(file: bytes) -> None:
    assert unwrapped(file) is file


@given(st.binary(max_size=200), st.integers(12, 200))
def test_a_broken_riff_ends(noise: bytes, cut: int) -> None:
    file = b"RIFF" + bytes(4) + b"WAVE" + noise
    assert len(unwrapped(file)) <= len(file)
    assert len(unwrapped(make.riff(SOUND)[:cut])) <= cut
