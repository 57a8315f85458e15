"""Numbers and names that stand for patients', and the search for them in whatever spelling they got somewhere."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable
from urllib.parse import unquote_to_bytes

# Each kind of work has a number of its own, so that what is found says from where it came.
_AREAS = (
    "212",
    "312",
    "415",
    "617",
    "713",
    "206",
    "303",
    "404",
    "503",
    "602",
    "702",
    "808",
    "907",
    "954",
    "314",
    "216",
)
NUMBERS = [f"+1{area}5550187" for area in _AREAS]
NAMES = ("Wilhelmine", "Quisquilia", "Ottokarine", "Zephyrinus")

# Between the digits of a number: what people and encodings write there.
_GAP = rb"(?:\D|%20|%28|%29|%2B|&nbsp;|&#\d+;){0,3}"
_ENCODED = re.compile(rb"[A-Za-z0-9_+/=-]{12,}")


def _spellings(number: str) -> Iterable[bytes]:
    digits = number[2:]
    yield _GAP.join(part.encode() for part in (digits[:3], digits[3:6], digits[6:]))
    yield re.escape(digits.encode().hex().encode())
    yield re.escape(digits.encode("utf-16-le"))


_PATTERN = re.compile(
    b"|".join(
        [
            *(spelling for number in NUMBERS for spelling in _spellings(number)),
            *(re.escape(name.encode()) for name in NAMES),
            *(re.escape(name.encode().hex().encode()) for name in NAMES),
        ]
    ),
    re.IGNORECASE,
)


def found_in(content: bytes) -> set[str]:
    """The markers in the content, also in what is written in base64, in hexadecimal or as a part of an address."""
    found = {match.decode(errors="replace") for match in _PATTERN.findall(content)}
    found |= {match.decode(errors="replace") for match in _PATTERN.findall(unquote_to_bytes(content))}
    for token in set(_ENCODED.findall(content)):
        for decode in (base64.b64decode, base64.urlsafe_b64decode):
            for start in range(4):
                piece = token[start:]
                try:
                    decoded = decode(piece[: len(piece) // 4 * 4])
                except (binascii.Error, ValueError):
                    continue
                found |= {match.decode(errors="replace") for match in _PATTERN.findall(decoded)}
    return found
