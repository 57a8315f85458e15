"""The format of a file by its first bytes: for the message of a refusal, and for what is converted to MP3.

Magic bytes never cause a file to be accepted: what is converted is then judged like any MP3. They decide which one demuxer reads a
file, because a library that guesses formats can be led to another one, such as a playlist that opens other files.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Format:
    """`name`: with its article; `word` and `demuxer`, FFmpeg's name of its reader: of what is converted, else ""; `holds_sound`:
    whether a recording program opens it."""

    name: str
    word: str = ""
    demuxer: str = ""
    holds_sound: bool = True


_WAV = Format("a WAV file", "wav", "wav")
_AIFF = Format("an AIFF file", "aiff", "aiff")
_M4A = Format("an M4A file", "m4a", "mov")
_MP4 = Format("an MP4 file", "mp4", "mov")
_MOV = Format("a QuickTime file", "mov", "mov")
_3GP = Format("a 3GP file", "3gp", "mov")
_AAC = Format("an AAC file", "aac", "aac")
_OGG = Format("an Ogg file (Vorbis or Opus)", "ogg", "ogg")
_WEBM = Format("a WebM or Matroska file", "webm", "matroska")
_FLAC = Format("a FLAC file", "flac", "flac")
_AMR = Format("an AMR phone recording", "amr", "amr")
_CAF = Format("an Apple CAF file", "caf", "caf")
_WMA = Format("a WMA file", "wma", "asf")
_PICTURE = Format("a picture", holds_sound=False)
_PAGE = Format("a web page", holds_sound=False)

# (offset, magic bytes in lower case where letters, format); the first match counts
_MAGIC: tuple[tuple[int, bytes, Format], ...] = (
    (8, b"wave", _WAV),
    (8, b"aiff", _AIFF),
    (8, b"aifc", _AIFF),
    (8, b"avi ", Format("an AVI video")),
    (4, b"moov", _MOV),
    (4, b"mdat", _MOV),
    (4, b"ftypm4a", _M4A),
    (4, b"ftypm4b", _M4A),
    (4, b"ftypqt", _MOV),
    (4, b"ftyp3g", _3GP),
    (4, b"ftyphei", _PICTURE),
    (4, b"ftypmif1", _PICTURE),
    (4, b"ftypavif", _PICTURE),
    (4, b"ftyp", _MP4),
    (0, b"\xff\xf1", _AAC),
    (0, b"\xff\xf9", _AAC),
    (0, b"\xff\xf0", _AAC),
    (0, b"\xff\xf8", _AAC),
    (0, b"adif", Format("an AAC file")),  # its demuxer reads ADTS only
    (0, b"oggs", _OGG),
    (0, b"flac", _FLAC),
    (0, b"#!amr", _AMR),
    (0, b"caff", _CAF),
    (0, b"\x30\x26\xb2\x75", _WMA),
    (0, b"\x1ae\xdf\xa3", _WEBM),
    (0, b".snd", Format("an AU file")),
    (0, b"mthd", Format("a MIDI file, which holds notes and no sound")),
    (0, b"wvpk", Format("a WavPack file")),
    (0, b"mac ", Format("a Monkey's Audio file")),
    (0, b"flv\x01", Format("a Flash video")),
    (0, b"\x00\x00\x01\xba", Format("an MPEG video")),
    (0, b"\x00\x05\x16\x07", Format("the companion file of a Mac (its name begins with ._)", holds_sound=False)),
    (0, b"l\x00\x00\x00\x01\x14\x02\x00", Format("a Windows shortcut", holds_sound=False)),
    (0, b"\xd0\xcf\x11\xe0", Format("an Office document", holds_sound=False)),
    (0, b"{\\rtf", Format("a text document", holds_sound=False)),
    (0, b"rar!", Format("an archive (RAR)", holds_sound=False)),
    (0, b"7z\xbc\xaf", Format("an archive (7z)", holds_sound=False)),
    (0, b"pk\x03\x04", Format("a ZIP archive", holds_sound=False)),
    (0, b"\x1f\x8b", Format("a compressed (gzip) file", holds_sound=False)),
    (0, b"%pdf", Format("a PDF document", holds_sound=False)),
    (0, b"#extm3u", Format("a playlist", holds_sound=False)),
    (0, b"\x89png", _PICTURE),
    (0, b"\xff\xd8\xff", _PICTURE),
    (0, b"gif8", _PICTURE),
    (0, b"<!doctype html", _PAGE),
    (0, b"<html", _PAGE),
    (0, b"<?xml", Format("an XML document", holds_sound=False)),
)
# For the refusal of what would be converted at another place (`delivery.audio.conversion`).
CONVERTED_ELSEWHERE = (
    "The admin converts such a file when it is uploaded there, and the API if an administrator of the workspace switches "
    "`converts_audio` on. "
)
# What is converted, by the word that is stored.
CONVERTED: dict[str, Format] = {each.word: each for _, _, each in _MAGIC if each.word}
# How files of sounds are called.
SUFFIXES = (
    "mp3", "m4a", "mp4", "mov", "3gp", "aac", "wav", "aif", "aiff", "flac", "ogg", "oga", "opus", "webm", "mka", "amr", "caf", "wma",
)  # fmt: skip
# For the field of a form: what a browser offers to choose, and the help.
ACCEPTED = ",".join(["audio/*", *(f".{suffix}" for suffix in SUFFIXES)])
OTHER_FORMATS = "an M4A, WAV, Ogg, WebM, AIFF or FLAC file, a phone's recording or a video, which becomes an MP3"


def format_of(data: bytes) -> Format | None:
    """The format whose magic bytes `data` begins with; None for an unknown one."""
    lowered = data[:64].lower()
    for offset, magic, found in _MAGIC:
        if lowered.startswith(magic, offset):
            return found
    return None


def format_after_blanks(data: bytes) -> Format | None:
    """The format that begins in `data`, also after blanks, with which nothing is converted; None for an unknown one."""
    return format_of(data) or format_of(data[:64].lstrip(b" \t\r\n"))
