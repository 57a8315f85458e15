"""What a list of canceled appointments says of those that stand: a heading or a title over them, “do not cancel” in a note. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from rvm.spreadsheets.cells.answers import Standing, standing
from rvm.spreadsheets.trimming import folded, trimmed

_COUNT = re.compile(r"\W*[0-9]{1,6}\W*")
# Of a heading: Confirmed appointments for 3/2/2026 (12).
_BESIDE = re.compile(
    r"\b(?:[0-9]+|appointments?|appts?|visits?|patients?|pts?|people|list|of|for|on|the|today|all|total|citas?|pacientes?|visitas?|lista|de"
    r"|las?|los|del?|para|el)\b"
)
_PLURAL = re.compile(r"(?<=[aoe])s\b")
# A number of a record, a visit or a phone: visit-12, V1007.
_IDENTIFIER = re.compile(r"[a-z][-_#]?[0-9]|[0-9][-_]?[a-z]|[0-9]{7}", re.IGNORECASE)
_MAX_HEADING = 80
# In any cell; a fee or a letter about a cancellation says nothing.
_KEEPS = re.compile(
    r"""\b(?:do\W*not|don\W?t|never|not)\W+(?:be\W+|to\W+be\W+)?cancel | \bun\W?cancel | \breinstat | \brestored?\b
    | \bcancel\w*\W+(?:in|by)\W+(?:error|mistake)\b | \bcoming\W+after\W+all\b | \b(?:still|is|are|be)\W+(?:coming|attending)\b
    | \bwill\W+(?:come|attend|keep|be\W+there|make\W+it)\b
    | \b(?:wants?|wishes|would\W+like|decided|plans|asked|prefers)\W+to\W+(?:keep|come|attend)\b
    | ^\W*(?:keep|keeping|keeps|kept)\b
    | \b(?:keep|keeps|keeping)\W+(?:(?:the|his|her|their|this)\W+)?(?:appt|appointment|visit|slot|time)\b
    | \bno\W+(?:se\W+)?cancel(?:ar|ad[oa]|o|a|en?)\b | \bcancelad[oa]\W+por\W+error\b
    | \bmant(?:ener|iene)\W+(?:la\W+|su\W+)?cita\b
    | ^\W*mant(?:ener|iene)\b | \bsigue\W+en\W+pie\b | \bs[ií]\W+(?:viene|vendr[aá]|asiste|asistir[aá])\b | \breactivad[oa]\b
    | \brestablecid[oa]\b""",
    re.IGNORECASE | re.VERBOSE,
)
_CANCELS = re.compile(
    r"\b(?:cancel\w*|cxl\w*|cncl\w*|cx|anulad\w+|no\W?show\w*|reprogramad\w+|resched\w*)\b", re.IGNORECASE
)


def keeps(cells: Iterable[str]) -> bool:
    """Whether a row says somewhere that its appointment is kept after all."""
    return any(_KEEPS.search(cell) for cell in cells if cell)


def cancels_all(cells: Sequence[str]) -> bool:
    """Whether every cell of a column says so."""
    return all(map(_CANCELS.search, cells)) and not keeps(cells)


def cancels_some(cells: Sequence[str]) -> bool:
    """Whether a column says of some that they were canceled, and of others something else."""
    said = {_CANCELS.search(cell) is not None for cell in map(trimmed, cells) if cell}
    return len(said) == 2


def under_headings(titles: Iterable[str]) -> Callable[[Sequence[str]], Standing]:
    """A function that says of each row, in their order, how the appointments stand that a heading over it names, or a title."""
    above = Standing.BLANK
    for title in titles:
        above = _headed(title) or above

    def over(row: Sequence[str]) -> Standing:
        nonlocal above
        above = _headed(_heading(row)) or above
        return above

    return over


def _heading(row: Sequence[str]) -> str:
    """What stands alone in a row, but for a count."""
    filled = {cell for cell in map(trimmed, row) if cell and not _COUNT.fullmatch(cell)}
    return filled.pop() if len(filled) == 1 else ""


def _headed(text: str) -> Standing | None:
    if not text or len(text) > _MAX_HEADING or _IDENTIFIER.search(text):
        return None
    if keeps([text]):
        return Standing.STANDS
    words = " ".join(_BESIDE.sub(" ", folded(text)).split())
    said = [standing(each) for each in (words, _PLURAL.sub("", words)) if each]
    return next((each for each in said if each in (Standing.STANDS, Standing.CANCELED)), None)
