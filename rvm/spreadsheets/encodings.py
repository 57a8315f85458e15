"""The encoding of a file, by its byte order mark or else by its bytes."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator

from rvm.spreadsheets.refusals import SheetInvalid

_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
# Control characters except those that text has: tabs, line ends, form feeds, and Control-Z in files from DOS.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x19\x1b-\x1f]")
_MOST_CONTROLS = 0.01


class Accents:
    """The bytes of a file around its first one that is not ASCII, kept while the file passes. They show the encoding even if the head
    of the file is ASCII."""

    _MOST = 64 * 1024

    def __init__(self) -> None:
        self._kept = bytearray()

    @property
    def kept(self) -> bytes:
        return bytes(self._kept)

    def pass_on(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            if len(self._kept) < self._MOST and (self._kept or not chunk.isascii()):
                self._kept += chunk[: self._MOST - len(self._kept)] if self._kept else self._from_accent(chunk)
            yield chunk

    def _from_accent(self, chunk: bytes) -> bytes:
        """The bytes of a chunk from a little before the first one that is not ASCII."""
        first = next(at for at, byte in enumerate(chunk) if byte > 127)
        return chunk[max(0, first - 64) : first + self._MOST]


def guess_encoding(head: bytes, *, whole: bool, accents: bytes = b"") -> tuple[str, str]:
    """The codec, and the head as text without its byte order mark or a last character that is cut. Raises SheetInvalid: binary.

    These decide, in this order: a byte order mark, the NULs of UTF-16, mostly valid UTF-8; else it is Windows-1252. If the whole head
    is ASCII, `accents` decide: the bytes behind it from about the first one that is not.
    """
    encoding = next((name for mark, name in _MARKS if head.startswith(mark)), None) or _without_mark(head, whole)
    if encoding == "utf-8" and accents and head.isascii():
        encoding = _without_mark(accents, False)
    text = _decoded(head, encoding, "replace", whole)
    if "\0" in text or len(_CONTROL.findall(text)) > _MOST_CONTROLS * len(text):
        raise SheetInvalid(
            "binary",
            "This file is not text; save the list as CSV (UTF-8) in the program it comes from, and upload that.",
        )
    return encoding, text


def _without_mark(head: bytes, whole: bool) -> str:
    even, odd = head[0::2].count(0), head[1::2].count(0)
    units = max(len(head) // 2, 1)
    # In UTF-16, each comma, digit and line end has a NUL on the same side, whatever the script of the names is.
    if max(even, odd) * 10 > units and min(even, odd) * 20 <= max(even, odd):
        return "utf-16-le" if odd > even else "utf-16-be"
    try:
        _decoded(head, "utf-8", "strict", whole)
    except UnicodeDecodeError:
        text = _decoded(head, "utf-8", "replace", whole)
        broken = text.count("\N{REPLACEMENT CHARACTER}")
        # Many valid characters beside few broken ones are damaged UTF-8; text in other encodings has hardly any valid ones.
        return "utf-8" if len(text) - len(text.encode("ascii", "ignore")) > 2 * broken else "cp1252"
    return "utf-8"


def _decoded(head: bytes, encoding: str, errors: str, whole: bool) -> str:
    return codecs.getincrementaldecoder(encoding)(errors).decode(head, whole)
