"""The boundaries of an MP3's tags, found without reading their content.

A cover picture can be a 764 kB bomb that expands to 600 MB, so a tag is measured and removed, never parsed. ID3v2 is
recognised only at the start, by its own size, which must be within the file. ID3v1, APEv2 and Lyrics3 are recognised only
at the end; APEv2 and Lyrics3 need marks at both ends. The frame walk counts anything else as junk.
"""

from __future__ import annotations

import re

from delivery.audio.rejections import rejected

_ID3V2_HEADER = 10
_PADDING = re.compile(rb"\0*")
_MAX_TAGS = 4  # some programs write a second tag instead of changing the first
_APE_FOOTER = 32
_MAX_LYRICS1 = 5100 + len(b"LYRICSBEGIN") + len(b"LYRICSEND")


def end_of_front_tags(data: bytes) -> int:
    """The offset after the ID3v2 tags at the start, 0 without one. Raises AudioRejected `tag_damaged` for an impossible size.

    Zeros after a tag count as its padding, because several taggers do not include padding in the size.
    """
    at = 0
    for _ in range(_MAX_TAGS):
        if data[at : at + 3] != b"ID3":
            break
        size = data[at + 6 : at + _ID3V2_HEADER]
        if len(size) < 4 or max(size) > 0x7F:
            raise rejected("tag_damaged", measured="an impossible number of", allowed=len(data) - at)
        length = _ID3V2_HEADER + (size[0] << 21 | size[1] << 14 | size[2] << 7 | size[3])
        if data[at + 5] & 0x10:  # ID3v2.4: a copy of the header as a footer, not in the size
            length += _ID3V2_HEADER
        if at + length > len(data):
            raise rejected("tag_damaged", measured=length, allowed=len(data) - at)
        at += length
        at = _PADDING.match(data, at).end()  # type: ignore[union-attr] # an empty match is a match
    return at


def start_of_back_tags(data: bytes) -> int:
    """The offset at which the tags at the end begin, `len(data)` without one."""
    end = len(data)
    for _ in range(_MAX_TAGS):
        start = _start_of_last_tag(data, end)
        if start == end:
            break
        end = start
    return end


def _start_of_last_tag(data: bytes, end: int) -> int:
    """The start of the tag that ends at `end`; `end` if there is none."""
    if data[max(0, end - 128) : end].startswith(b"TAG") and end >= 128:
        start = end - 128
        return start - 227 if data[max(0, start - 227) : start].startswith(b"TAG+") else start
    footer = data[max(0, end - _APE_FOOTER) : end]
    if footer.startswith(b"APETAGEX") and len(footer) == _APE_FOOTER:
        size = int.from_bytes(footer[12:16], "little")
        start = end - size - _APE_FOOTER
        return start if start >= 0 and data.startswith(b"APETAGEX", start) else end
    if data.endswith(b"LYRICS200", 0, end) and data[end - 15 : end - 9].isdigit():
        start = end - 15 - int(data[end - 15 : end - 9])
        return start if start >= 0 and data.startswith(b"LYRICSBEGIN", start) else end
    if data.endswith(b"LYRICSEND", 0, end):
        start = data.rfind(b"LYRICSBEGIN", max(0, end - _MAX_LYRICS1), end)
        return start if start >= 0 else end
    return end
