"""Words above people that say of all of them that they must not be reached: a row between sections, a title, the name of a sheet."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from rvm.spreadsheets.cells.objections import denies, ends_plainly, objects
from rvm.spreadsheets.cells.phones import looks_like_phone
from rvm.spreadsheets.trimming import folded, in_ascii, trimmed

# Counts, dates and what stands around them: “Canceled (12)”, “DO NOT CALL - 3/2/2026”.
_FIGURES = re.compile(r"[0-9()\[\]/.,:#*~_–—-]+")
_COUNT = re.compile(r"\W*[0-9]{1,6}\W*(?:patients?|people|records?|rows?|pacientes)?\W*", re.IGNORECASE)
# What is said of people in so few words is a heading, and not a sentence about something else.
_MAX_WORDS = 5
# What a total counts stands above it; what is excluded is not below; and a legend explains marks.
_OF_OTHERS = re.compile(
    r"=|\b(?:sub)?totals?\b|\bcount\b|\bpages?\b|\bexclud|\bwithout\b|\bexcept|\bremoved\b|\bscrubbed\b|\bfilter|\bcriteria\b"
    r"|\bno\W+(?:dnc|opt|cancel\w*|deceased|do\W+not)\b|\bparameters?\b|\bnot\W+(?:in|equal)\b|\bsin\b|\bexcluid|\bexcepto\b"
)
_OVER_PEOPLE = re.compile(
    r"(?:(?:patients?|pts?|appointments?|appts?|visits?|pacientes?|citas?)\W+)?(?:cancel+\w*|no\W?shows?|decease\w*|dead|fallecid\w+"
    r"|opt(?:ed)?\W?outs?|exclu[ds]\w+|suppress\w+|block\w*list\w*|unsubscribe\w*|remov(?:e|als?)|do\W+not\W+(?:remind|schedule|text)|dnc\w*"
    r"|hospice|moved|transferred|disconnected|(?:bad|wrong)\W+(?:numbers?|phones?)|declin\w+|refus\w+|revo\w+|rechaz\w+|bajas?"
    r"|bloquead\w+|excluid\w+|mudad\w+)\b"
)
# Of whole lists these are often whom to call: who has not been seen for long.
_OVER_A_SECTION = re.compile(
    r"(?:(?:patients?|pts?|pacientes?)\W+)?(?:inactiv\w+|not\W+active|no\W+longer\b.*|former\b.*)\b"
)


_BESIDE = re.compile(
    r"(?:(?:patients?|pts?|people|list|who|pacientes?|lista|que|de)\W+)*(?:remov\w+|exclu(?:ded?|sions?|idos?)|supp?ress\w*|black\W?list\w*"
    r"|negra|block\w*|stops?|dnd|dead|rip|expired|estates?|unsubs?\w*|opt\w*outs?|inactiv\w+|former\b.*|no\W+longer\b.*|bad\W+\w+|wrong"
    r"|quitar|eliminad\w+|cancel\w*|declin\w+|refus\w+|muert\w+|murier\w+)\b"
)


def heading_at(cells: Sequence[str]) -> int | None:
    """The place at which a row without a phone says only that somebody must not be reached, or has canceled; None of other rows."""
    filled = [(at, cell) for at, cell in enumerate(map(trimmed, cells)) if cell]
    if not filled or len({cell for _, cell in filled if not _COUNT.fullmatch(cell)}) != 1:
        return None
    at, text = next(each for each in filled if not _COUNT.fullmatch(each[1]))
    return at if not any(map(looks_like_phone, cells)) and (says_no(text) or _is_over(_OVER_A_SECTION, text)) else None


def headings(rows: Sequence[Sequence[str]]) -> set[int]:
    """The places of those that stand above people: what stands below them, as a legend does, says nothing of anybody."""
    found: set[int] = set()
    people = False
    for row in reversed(rows):
        if people and (at := heading_at(row)) is not None:
            found.add(at)
        people = people or any(map(looks_like_phone, row))
    return found


def any_says_no(titles: Iterable[str]) -> bool:
    """Whether a title, or the name of a sheet or a file, says that the people below it must not be reached."""
    return any(map(says_no, titles))


def keeps_out(name: str) -> bool:
    """Whether a sheet of this name beside a list has people whom the list must not reach: “DNC”, “Opt outs”, “Removed”."""
    return says_no(re.sub(r"(?<=[a-z])(?=[A-Z])|_", " ", name)) or _is_over(_BESIDE, name)


def says_no(text: str) -> bool:
    """Whether a text that stands alone says so of the people below it."""
    if _OF_OTHERS.search(text.lower()) or looks_like_phone(text):
        return False
    bare = _FIGURES.sub(" ", in_ascii(text)).strip()
    return bool(bare) and (objects(bare) or denies(bare) or ends_plainly(bare) or _is_over(_OVER_PEOPLE, text))


def _is_over(pattern: re.Pattern[str], text: str) -> bool:
    words = folded(_FIGURES.sub(" ", text))
    return words.count(" ") < _MAX_WORDS and pattern.match(words) is not None
