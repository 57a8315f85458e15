"""Signs in a list of canceled appointments that some of them stand: a heading or title over them, or “do not cancel”. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from rvm.spreadsheets.cells.answers import Standing, standing
from rvm.spreadsheets.trimming import folded, trimmed

_COUNT = re.compile(r"\W*[0-9]{1,6}\W*")
# The words of a heading that do not tell the standing, as in “Confirmed appointments for 3/2/2026 (12)”.
_BESIDE = re.compile(
    r"\b(?:[0-9]+|appointments?|appts?|visits?|patients?|pts?|people|list|of|for|on|the|today|all|total|citas?|pacientes?|visitas?|lista|de"
    r"|las?|los|del?|para|el)\b"
)
_PLURAL = re.compile(r"(?<=[aoe])s\b")
# The number of a record, visit or phone, such as visit-12 or V1007. A text with one is not a heading.
_IDENTIFIER = re.compile(r"[a-z][-_#]?[0-9]|[0-9][-_]?[a-z]|[0-9]{7}", re.IGNORECASE)
_MAX_HEADING = 80
# Words that say in any cell that the appointment is kept. A note about the fee or letter of a cancellation does not say so.
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
    """Whether a cell of a row says that its appointment is kept after all."""
    return any(_KEEPS.search(cell) for cell in cells if cell)


def cancels_all(cells: Sequence[str]) -> bool:
    """Whether every cell of a column says that an appointment was canceled, and none that it is kept."""
    return all(map(_CANCELS.search, cells)) and not keeps(cells)


def cancels_some(cells: Sequence[str]) -> bool:
    """Whether some of the filled cells of a column say that an appointment was canceled and others do not."""
    said = {_CANCELS.search(cell) is not None for cell in map(trimmed, cells) if cell}
    return len(said) == 2


def under_headings(titles: Iterable[str]) -> Callable[[Sequence[str]], Standing]:
    """A function that takes the rows in their order and returns for each the standing by the last heading or title above it.

    It returns STANDS, CANCELED or, without such a heading, BLANK.
    """
    above = Standing.BLANK
    for title in titles:
        above = _headed(title) or above

    def over(row: Sequence[str]) -> Standing:
        nonlocal above
        above = _headed(_heading(row)) or above
        return above

    return over


def _heading(row: Sequence[str]) -> str:
    """The only text in a row, apart from a count; empty if the row has several texts or none."""
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
