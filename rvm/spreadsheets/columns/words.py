"""Splitter of a column's name into words, each with its possible meanings."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from rvm.spreadsheets.columns.vocabulary import HINTS, MEANINGS, OPTING, PIECES, TOGETHER
from rvm.spreadsheets.trimming import folded

# Boundaries between words that are written together: patientPhone, DNCFlag, Phone1, EC1Cell, consentYN, but not VMs.
_SEAMS = re.compile(
    r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z](?!s\b)[a-z])|(?<=[A-Za-z]{2})(?=[0-9])|(?<=[0-9])(?=[A-Z]{2})"
    r"|(?<=[A-Za-z]{2})(?=[YS]N\b)"
)
_NOT = re.compile(r"(?i)n['’´`]t\b")
_LONGEST = 80
_LONGEST_TOGETHER = max(map(len, TOGETHER))
_UNKNOWN: frozenset[str] = frozenset()


@lru_cache(maxsize=2048)
def words_of(name: str) -> tuple[str, ...]:
    """The words of a name in lower case, without hints such as (Y/N): `PAT_HomePhone` is pat, home, phone; `Opt-Out?` is optout."""
    said = folded(_NOT.sub("nt ", _SEAMS.sub(" ", name[:_LONGEST]))).split()
    pieces = [piece for word in said for piece in _pieces(word)]
    return tuple(_together(_without_hints(pieces)))


def meanings_of(word: str) -> frozenset[str]:
    """The meanings of a word in `vocabulary`; empty for an unknown word."""
    return MEANINGS.get(word, _UNKNOWN)


def _pieces(word: str) -> tuple[str, ...]:
    """The known words of which a word is composed: homephone is home and phone.

    A word that is known, or that cannot be split completely into known words, is returned unchanged.
    """
    if word in MEANINGS or len(word) < 5 or len(word) > 40:
        return (word,)
    # best[end] is the shortest split of the first `end` letters into pieces.
    best: list[tuple[str, ...] | None] = [()] + [None] * len(word)
    for end in range(2, len(word) + 1):
        for start in range(max(0, end - 16), end - 1):
            before, piece = best[start], word[start:end]
            if before is not None and piece in PIECES and ((now := best[end]) is None or len(before) + 1 < len(now)):
                best[end] = (*before, piece)
    return best[-1] or (word,)


def _without_hints(words: Sequence[str]) -> list[str]:
    kept: list[str] = []
    at = 0
    while at < len(words):
        # Words such as “No Yes?” at the beginning are the name itself, and so is “in/out” after “opt”.
        if at and tuple(words[at : at + 2]) in HINTS and words[at - 1] not in OPTING:
            at += 2
        else:
            kept.append(words[at])
            at += 1
    return kept


def _together(words: Sequence[str]) -> Iterator[str]:
    at = 0
    while at < len(words):
        for length in range(_LONGEST_TOGETHER, 1, -1):
            found = tuple("opt" if word in OPTING else word for word in words[at : at + length])
            if len(found) == length and found in TOGETHER:
                yield TOGETHER[found]
                at += length
                break
        else:
            yield words[at]
            at += 1
