"""The names of what is no MP3."""

from __future__ import annotations

import pytest

from delivery.audio.formats import _MAGIC, Format, format_after_blanks, format_of


@pytest.mark.parametrize(("offset", "magic", "named"), _MAGIC)
def test_every_format_is_called_by_its_name(offset: int, magic: bytes, named: Format) -> None:
    for written in (magic, magic.upper()):
        assert format_of(bytes(offset) + written + bytes(99)) is not None
    assert format_of(b"\x01" * offset + magic + bytes(99)) == named


def test_a_browsers_recording_is_called_webm() -> None:
    found = format_after_blanks(bytes.fromhex("1a45dfa39f42868101"))
    assert found and found.name == "a WebM or Matroska file"
