"""How a list is written: its format, encoding and delimiter, and whether its first row names the columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

HEAD_BYTES = 256 * 1024
# What may be chosen instead of the guess: codec and what a person calls it.
ENCODINGS = {
    "utf-8": "UTF-8",
    "utf-8-sig": "UTF-8 with a byte order mark",
    "utf-16": "UTF-16 with a byte order mark",
    "utf-16-le": "UTF-16, little endian",
    "utf-16-be": "UTF-16, big endian",
    "cp1252": "Windows (Western European)",
}
DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}


@dataclass(frozen=True)
class Dialect:
    """Of an `xlsx`, `encoding` and `delimiter` are empty."""

    format: Literal["csv", "xlsx"]
    encoding: str
    delimiter: str
    has_header: bool


def guess(head: bytes, *, whole: bool) -> Dialect:
    """Guess from the first up to HEAD_BYTES of a file; `whole` says that this is all of it. Raises SheetRefused.

    Of an xlsx the head does not show the first row: has_header is True until `preview.examine` has seen it.
    """
    raise NotImplementedError
