"""The names of what is no MP3."""

from __future__ import annotations

import pytest

from delivery.audio.formats import _MAGIC, name_of_format


@pytest.mark.parametrize(("offset", "magic", "name"), _MAGIC)
def test_every_format_is_called_by_its_name(offset: int, magic: bytes, name: str) -> None:
    for written in (magic, magic.upper()):
        assert name_of_format(bytes(offset) + written + bytes(99)) is not None
    assert name_of_format(b"\x01" * offset + magic + bytes(99)) == name


def test_a_browsers_recording_is_called_webm() -> None:
    assert name_of_format(bytes.fromhex("1a45dfa39f42868101")) == "a WebM or Matroska file"
