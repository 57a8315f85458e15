"""Characters that nobody sees and spreadsheets are full of: spaces of every kind, zero-width marks, other scripts' digits."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

# Most cells: nothing to do.
_TRIM = re.compile(r"(?!')(?:[!-~]+(?: [!-~]+)*)?", re.ASCII)
_LETTERS_AND_DIGITS = re.compile(r"[^a-z0-9]+")


def trimmed(text: str) -> str:
    """The text without invisible characters, inner spaces as one plain space, line breaks kept, and without the apostrophe by which
    spreadsheet programs (and our own exports) mark text."""
    if _TRIM.fullmatch(text):
        return text
    if not text.isascii():
        text = "".join(map(_plain, text))
    text = "\n".join(" ".join(line.split()) for line in text.splitlines()).strip()
    return text[1:].lstrip() if text.startswith("'") else text


@lru_cache(maxsize=4096)
def _plain(char: str) -> str:
    category = unicodedata.category(char)
    if category == "Zs":
        return " "
    # Cf: zero-width spaces and joiners, byte order mark, marks of writing direction. Cs: half a character.
    return "" if category in ("Cf", "Cs") else char


def in_ascii(text: str) -> str:
    """Digits of every script, full-width signs and dashes of every length as their ASCII equals; the rest as it is."""
    if text.isascii():
        return text
    return "".join(map(_ascii, unicodedata.normalize("NFKC", text)))


@lru_cache(maxsize=4096)
def _ascii(char: str) -> str:
    category = unicodedata.category(char)
    if category == "Nd":
        return str(unicodedata.digit(char))
    return "-" if category == "Pd" or char == "\N{MINUS SIGN}" else char


def folded(text: str) -> str:
    """Words in lower case, without accents and punctuation, one space between them."""
    bare = (char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char))
    return _LETTERS_AND_DIGITS.sub(" ", "".join(bare).casefold()).strip()
