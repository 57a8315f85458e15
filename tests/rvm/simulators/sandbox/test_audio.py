"""The vendor's quick look at a recording."""

from __future__ import annotations

import pytest

from rvm.simulators.sandbox.audio import is_usable, seconds
from tests.rvm.simulators.sandbox.harness import FRAME, MP3

TAG = b"ID3\x04\x00\x00" + bytes([0, 0, 1, 0]) + bytes(128)


def test_frames_add_up_to_seconds():
    assert seconds(MP3) == pytest.approx(340 * 0.036)


def test_a_tag_before_the_frames_is_skipped():
    assert seconds(TAG + MP3) == seconds(MP3)


@pytest.mark.parametrize(
    ("data", "usable"),
    [
        (MP3, True),
        (FRAME * 200, False),
        (FRAME * 1700, False),
        (b"", False),
        (b"\xff", False),
        (b"<html>not found</html>" * 1000, False),
        (b"\xff\xf3\xf8\xc4" + bytes(5000), False),
        (b"RIFF" + MP3, False),
    ],
    ids=["12 s", "7 s", "61 s", "nothing", "one byte", "a page", "bad bit rate", "leading rubbish"],
)
def test_only_ten_to_sixty_seconds_of_frames_are_usable(data: bytes, usable: bool):
    assert is_usable(data) is usable
