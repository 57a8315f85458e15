"""An MP3 inside a RIFF: frames as the sound of a WAV file, which some recorders and editors write under the name .mp3."""

from __future__ import annotations

_MPEG_LAYERS, _MP3, _EXTENSIBLE = 0x0050, 0x0055, 0xFFFE  # WAVE_FORMAT_… of Microsoft's mmreg.h
_MAX_CHUNKS = 64


def unwrapped(data: bytes) -> bytes:
    """The MP3 in a RIFF; `data` itself if it is no RIFF, or one with another sound."""
    form = data[8:12]
    if not data.startswith(b"RIFF") or form not in (b"WAVE", b"RMP3"):
        return data
    at, is_mp3 = 12, form == b"RMP3"
    for _ in range(_MAX_CHUNKS):
        name, size, body = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little"), at + 8
        if name == b"fmt ":
            is_mp3 = _format(data[body : body + size]) in (_MPEG_LAYERS, _MP3)
        if name == b"data" and is_mp3:
            return data[body : body + size] if size else data[body:]  # a recorder that was stopped leaves the size at 0
        at = body + size + size % 2
    return data


def _format(chunk: bytes) -> int:
    kind = int.from_bytes(chunk[:2], "little")
    return int.from_bytes(chunk[24:26], "little") if kind == _EXTENSIBLE else kind
