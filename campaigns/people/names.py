"""Names of people as lists have them: how they are shown, and whether one matches a searched name. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from rvm.spreadsheets.trimming import without_accents

_NAMES = ("name", "first_name", "last_name")
_WORD = re.compile(r"\w+")
_APOSTROPHES = str.maketrans("", "", "'’ʼ`")
MIN_LETTERS = 2


def words_of(text: str) -> tuple[str, ...]:
    """The words of a name without case, accents and apostrophes: O'Brien, Zoë is obrien, zoe."""
    return tuple(_WORD.findall(without_accents(text.translate(_APOSTROPHES).casefold())))


def is_searchable(text: str) -> bool:
    """Whether a searched name has enough letters to be told from others."""
    return sum(map(len, words_of(text))) >= MIN_LETTERS


def matches(sought: Sequence[str], fields: Any) -> bool:
    """Whether each searched word begins one of the words of the name, in any order. `fields`: the merge fields of a voicemail."""
    if not sought or not isinstance(fields, Mapping):
        return False
    known = [word for name in _NAMES for word in words_of(str(fields.get(name) or ""))]
    return all(any(word.startswith(each) for word in known) for each in sought)


def name_in(fields: Any) -> str:
    """The name that the merge fields of a voicemail say; empty if they say none."""
    if not isinstance(fields, Mapping):
        return ""
    whole, first, last = (str(fields.get(name) or "").strip() for name in _NAMES)
    return whole or f"{first} {last}".strip()
