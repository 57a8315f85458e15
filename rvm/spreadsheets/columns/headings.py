"""Patterns of headings which say that all people below must not be reached: a row between sections, a title, the name of a sheet."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from rvm.spreadsheets.cells.objections import denies, ends_plainly, objects
from rvm.spreadsheets.cells.phones import looks_like_phone
from rvm.spreadsheets.trimming import folded, in_ascii, trimmed

# Counts and dates with the punctuation around them: “Canceled (12)”, “DO NOT CALL - 3/2/2026”.
_FIGURES = re.compile(r"[0-9()\[\]/.,:#*~_–—-]+")
_COUNT = re.compile(r"\W*[0-9]{1,6}\W*(?:patients?|people|records?|rows?|pacientes)?\W*", re.IGNORECASE)
# A longer text is a sentence about something else, and not a heading.
_MAX_WORDS = 5
# Texts that do not describe the people below them: a total counts the rows above, a filter names people who are left out, and a
# legend explains marks.
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
# Headings of a section only. As the title of a whole list they often describe whom to call, such as people who were not seen lately.
_OVER_A_SECTION = re.compile(
    r"(?:(?:patients?|pts?|pacientes?)\W+)?(?:inactiv\w+|not\W+active|no\W+longer\b.*|former\b.*)\b"
)


_BESIDE = re.compile(
    r"(?:(?:patients?|pts?|people|list|who|pacientes?|lista|que|de)\W+)*(?:remov\w+|exclu(?:ded?|sions?|idos?)|supp?ress\w*|black\W?list\w*"
    r"|negra|block\w*|stops?|dnd|dead|rip|expired|estates?|unsubs?\w*|opt\w*outs?|inactiv\w+|former\b.*|no\W+longer\b.*|bad\W+\w+|wrong"
    r"|quitar|eliminad\w+|cancel\w*|declin\w+|refus\w+|muert\w+|murier\w+)\b"
)


def heading_at(cells: Sequence[str]) -> int | None:
    """The index of the cell with a heading which says that people must not be reached or have canceled; None if there is none.

    The row of a heading has no phone and no other text, apart from counts. It raises no errors.
    """
    filled = [(at, cell) for at, cell in enumerate(map(trimmed, cells)) if cell]
    if not filled or len({cell for _, cell in filled if not _COUNT.fullmatch(cell)}) != 1:
        return None
    at, text = next(each for each in filled if not _COUNT.fullmatch(each[1]))
    return at if not any(map(looks_like_phone, cells)) and (says_no(text) or _is_over(_OVER_A_SECTION, text)) else None


def headings(rows: Sequence[Sequence[str]]) -> set[int]:
    """The indexes of the columns with headings above people. A text below all people, such as a legend, is no heading."""
    found: set[int] = set()
    people = False
    for row in reversed(rows):
        if people and (at := heading_at(row)) is not None:
            found.add(at)
        people = people or any(map(looks_like_phone, row))
    return found


def any_says_no(titles: Iterable[str]) -> bool:
    """Whether any of these titles, or names of sheets or files, says that the people below it must not be reached."""
    return any(map(says_no, titles))


def keeps_out(name: str) -> bool:
    """Whether another sheet of the workbook has people whom the list must not reach, by its name: “DNC”, “Opt outs”, “Removed”."""
    return says_no(re.sub(r"(?<=[a-z])(?=[A-Z])|_", " ", name)) or _is_over(_BESIDE, name)


def says_no(text: str) -> bool:
    """Whether a text alone in its row says that the people below it must not be reached or have canceled. It raises no errors."""
    if _OF_OTHERS.search(text.lower()) or looks_like_phone(text):
        return False
    bare = _FIGURES.sub(" ", in_ascii(text)).strip()
    return bool(bare) and (objects(bare) or denies(bare) or ends_plainly(bare) or _is_over(_OVER_PEOPLE, text))


def _is_over(pattern: re.Pattern[str], text: str) -> bool:
    words = folded(_FIGURES.sub(" ", text))
    return words.count(" ") < _MAX_WORDS and pattern.match(words) is not None
