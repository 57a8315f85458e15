"""The likely format of a file that is not an MP3, for the message of its refusal.

Magic bytes never cause a file to be accepted.
"""

from __future__ import annotations

# (offset, magic bytes in lower case where letters, name with its article)
_MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (8, b"wave", "a WAV file"),
    (8, b"aiff", "an AIFF file"),
    (8, b"aifc", "an AIFF file"),
    (8, b"avi ", "an AVI video"),
    (4, b"ftyp", "an M4A or MP4 file"),
    (4, b"moov", "a QuickTime file"),
    (4, b"mdat", "a QuickTime file"),
    (0, b"\xff\xf1", "an AAC file"),
    (0, b"\xff\xf9", "an AAC file"),
    (0, b"\xff\xf0", "an AAC file"),
    (0, b"\xff\xf8", "an AAC file"),
    (0, b"adif", "an AAC file"),
    (0, b"oggs", "an Ogg file (Vorbis or Opus)"),
    (0, b"flac", "a FLAC file"),
    (0, b"#!amr", "an AMR phone recording"),
    (0, b"caff", "an Apple CAF file"),
    (0, b"\x30\x26\xb2\x75", "a WMA file"),
    (0, b"\x1ae\xdf\xa3", "a WebM or Matroska file"),
    (0, b".snd", "an AU file"),
    (0, b"mthd", "a MIDI file, which holds notes and no sound"),
    (0, b"wvpk", "a WavPack file"),
    (0, b"mac ", "a Monkey's Audio file"),
    (0, b"flv\x01", "a Flash video"),
    (0, b"\x00\x00\x01\xba", "an MPEG video"),
    (0, b"\x00\x05\x16\x07", "the companion file of a Mac (its name begins with ._)"),
    (0, b"l\x00\x00\x00\x01\x14\x02\x00", "a Windows shortcut"),
    (0, b"\xd0\xcf\x11\xe0", "an Office document"),
    (0, b"{\\rtf", "a text document"),
    (0, b"rar!", "an archive (RAR)"),
    (0, b"7z\xbc\xaf", "an archive (7z)"),
    (0, b"pk\x03\x04", "a ZIP archive"),
    (0, b"\x1f\x8b", "a compressed (gzip) file"),
    (0, b"%pdf", "a PDF document"),
    (0, b"#extm3u", "a playlist"),
    (0, b"\x89png", "a picture"),
    (0, b"\xff\xd8\xff", "a picture"),
    (0, b"gif8", "a picture"),
    (0, b"<!doctype html", "a web page"),
    (0, b"<html", "a web page"),
    (0, b"<?xml", "an XML document"),
)


def name_of_format(data: bytes, at: int = 0) -> str | None:
    """The name, with its article, of the format whose magic bytes are at `at`; None for an unknown format."""
    head = data[at : at + 64]
    spaces = len(head) - len(head.lstrip(b" \t\r\n"))
    for skip in {0, spaces}:
        lowered = head[skip:].lower()
        for offset, magic, name in _MAGIC:
            if lowered.startswith(magic, offset):
                return name
    return None
