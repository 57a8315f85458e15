"""Plain forms of texts from spreadsheets: without invisible characters, with plain spaces, digits and dashes."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

# Texts that need no change, as in most cells.
_TRIM = re.compile(r"(?!')(?:[!-~]+(?: [!-~]+)*)?", re.ASCII)
_LETTERS_AND_DIGITS = re.compile(r"[^a-z0-9]+")
# In characters: the longest run of signs that patterns are given, and the length below which a text of signs only costs nothing.
_LONGEST_RUN = 12
_SHORT = 48
_RUN = re.compile(rf"[\W_]{{{_LONGEST_RUN + 1},}}")


def trimmed(text: str) -> str:
    """The text without invisible characters, outer spaces and a leading apostrophe, by which spreadsheet programs and our own exports
    mark text. Inner spaces become one plain space, and line breaks stay."""
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
    """The text with ASCII digits, signs and dashes for those of other scripts and widths; other characters are in the form NFKC."""
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
    """The words of the text in lower case, without accents and punctuation, with one space between them."""
    return _LETTERS_AND_DIGITS.sub(" ", without_accents(text).casefold()).strip()


def without_accents(text: str) -> str:
    """The text in the form NFKD without its accents: “Día” is “Dia”."""
    return "".join(char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char))


def without_runs(text: str) -> str:
    """The text with each of its different signs once in place of a long run of signs.

    Patterns pass over any signs between words. From each of the n signs of a run they would read on to its end, which is n² steps.
    """
    if len(text) < _SHORT:
        return text
    return _RUN.sub(lambda run: "".join(dict.fromkeys(run[0]))[:_LONGEST_RUN], text)
