"""The boundaries of an MP3's tags, found without reading their content.

A cover picture can be a 764 kB bomb that expands to 600 MB, so a tag is measured and removed, never parsed. Tags stand in front of
the sound and behind it, and between sounds in a file that was joined of several. ID3v2 is measured by its own size, ID3v1 by its
fixed one; APE and Lyrics3 need marks at both ends, or, without the first, items that fill the stated size. A tag that claims more
than the file has is none. The frame walk counts anything else as junk.
"""

from __future__ import annotations

import re

from delivery.audio.rejections import rejected

_PADDING = re.compile(rb"\0*")
_MAX_TAGS = 16  # some programs write another tag instead of changing the first
_ID3V2_HEADER = 10
_ID3V1, _ID3V1_ENHANCED = 128, 227
_APE_MARK, _APE_FOOTER, _MAX_APE_ITEMS = b"APETAGEX", 32, 100
_APE_IS_HEADER = 1 << 29
_MAX_LYRICS1 = 5100
_MAX_LYRICS2 = 64 * 1024


def end_of_front_tags(data: bytes) -> int:
    """The offset after the tags at the start, 0 without one. Raises AudioRejected `tag_damaged` for an impossible size of ID3v2.

    Zeros after a tag count as its padding, because several taggers do not include padding in the size.
    """
    at = 0
    for _ in range(_MAX_TAGS):
        end = end_of_tag(data, at)
        if end == at:
            break
        at = end_of_padding(data, end)
    if data.startswith(b"ID3", at):
        measured = _id3v2_size(data, at) or "an impossible number of"
        raise rejected("tag_damaged", measured=measured, allowed=len(data) - at)
    return at


def end_of_padding(data: bytes, at: int) -> int:
    """The offset of the first byte from `at` that is not zero."""
    return _PADDING.match(data, at).end()  # type: ignore[union-attr] # an empty match is a match


def start_of_back_tags(data: bytes) -> int:
    """The offset at which the tags at the end begin, `len(data)` without one."""
    end = len(data)
    for _ in range(_MAX_TAGS):
        start = next(
            (start for start in _claimed_starts(data, end) if start >= 0 and end_of_tag(data, start) == end), end
        )
        if start == end:
            break
        end = start
    return end


def end_of_tag(data: bytes, at: int) -> int:
    """The offset after the tag that begins at `at`; `at` if there is none."""
    if data.startswith(b"ID3", at):
        end = at + (_id3v2_size(data, at) or 0)
    elif data.startswith(b"TAG+", at) and data.startswith(b"TAG", at + _ID3V1_ENHANCED):
        end = at + _ID3V1_ENHANCED + _ID3V1
    elif data.startswith(b"TAG", at):
        end = at + _ID3V1
    elif data.startswith(_APE_MARK, at):
        end = at + _APE_FOOTER + _ape_size(data, at)
        is_header = int.from_bytes(data[at + 20 : at + 24], "little") & _APE_IS_HEADER
        end = end if is_header and end > at + _APE_FOOTER and data.startswith(_APE_MARK, end - _APE_FOOTER) else at
    elif data.startswith(b"LYRICSBEGIN", at):
        end = _end_of_lyrics(data, at)
    else:
        end = _end_of_ape_items(data, at)
    return end if end <= len(data) else at


def _claimed_starts(data: bytes, end: int) -> list[int]:
    """The offsets at which a tag that ends at `end` would begin, by the mark at its end."""
    if data.startswith(b"TAG", max(0, end - _ID3V1)):
        start = end - _ID3V1
        return (
            [start - _ID3V1_ENHANCED, start] if data.startswith(b"TAG+", max(0, start - _ID3V1_ENHANCED)) else [start]
        )
    footer = max(0, end - _APE_FOOTER)
    if data.startswith(_APE_MARK, footer):
        size = _ape_size(data, footer)
        return [end - size - _APE_FOOTER, end - size]
    if data.startswith(b"3DI", max(0, end - _ID3V2_HEADER)):
        return [end - _id3v2_size(data, end - _ID3V2_HEADER)]
    if data.endswith(b"LYRICS200", 0, end) and data[end - 15 : end - 9].isdigit():
        return [end - 15 - int(data[end - 15 : end - 9])]
    if data.endswith(b"LYRICSEND", 0, end):
        return [data.rfind(b"LYRICSBEGIN", max(0, end - _MAX_LYRICS1 - 20), end)]
    return []


def _id3v2_size(data: bytes, at: int) -> int:
    """The bytes of the whole ID3v2 tag by the header or footer at `at`; 0 for an impossible size."""
    size = data[at + 6 : at + _ID3V2_HEADER]
    if len(size) < 4 or max(size) > 0x7F:
        return 0
    footer = _ID3V2_HEADER if data[at + 5] & 0x10 else 0  # ID3v2.4: a copy of the header, not in the size
    return _ID3V2_HEADER + (size[0] << 21 | size[1] << 14 | size[2] << 7 | size[3]) + footer


def _ape_size(data: bytes, at: int) -> int:
    """The bytes of an APE tag by the header or footer at `at`: of its items and its footer, without a header."""
    return int.from_bytes(data[at + 12 : at + 16], "little")


def _end_of_ape_items(data: bytes, at: int) -> int:
    """The end of an APE tag without a header, whose items begin at `at`; `at` if they do not lead to a footer of that size."""
    start = at
    for _ in range(_MAX_APE_ITEMS):
        key_end = data.find(b"\0", at + 8, at + 8 + 256)
        key = data[at + 8 : key_end]
        if key_end == -1 or len(key) < 2 or not (key.isascii() and key.decode("ascii").isprintable()):
            return start
        at = key_end + 1 + int.from_bytes(data[at : at + 4], "little")
        if data.startswith(_APE_MARK, at):
            end = at + _APE_FOOTER
            return end if end - start == _ape_size(data, at) else start
    return start


def _end_of_lyrics(data: bytes, at: int) -> int:
    end = data.find(b"LYRICS200", at, at + _MAX_LYRICS2)
    if end != -1 and data[end - 6 : end] == b"%06d" % (end - 6 - at):
        return end + len(b"LYRICS200")
    end = data.find(b"LYRICSEND", at, at + _MAX_LYRICS1 + 20)
    return end + len(b"LYRICSEND") if end != -1 else at
