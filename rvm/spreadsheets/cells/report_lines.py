"""Lines that a report writes among its people and below them: totals, pages, who printed it, its own phone. They are nobody."""

from __future__ import annotations

import re
from collections.abc import Sequence

# Cells of such a row that hold anything; a person's has more, or a name.
MAX_FILLED = 3

_COUNTED = r"(?:patients?|people|persons?|records?|rows?|appointments?|appts?|visits?|calls?|contacts?|clients?|members?|names)"
_CONTADOS = r"(?:pacientes?|citas?|registros?|personas?|llamadas?)"
_OURS = (
    r"(?:clinic|practice|hospital|facility|front\W?desk|help\W?desk|call\W?center|after\W?hours|our|company|dept|department|scheduling"
    r"|billing|nurse|reception)"
)
_PHONE = r"(?:phone|telephone|tel|ph|fax|number|line|hotline|desk|contact)(?:\W+(?:number|no|\#))?"
_MADE = r"(?:generated|printed|prepared|exported|created|produced|pulled|downloaded|run)"
_END = r"\s*(?:[:=?\x1f]|\(?\+?\d|$)"
# From the first cell on that holds anything; cells are joined by \x1f.
_LINE = re.compile(
    rf"""(?:
      (?:{_OURS}(?:'s)?\W+)+{_PHONE}{_END}
    | (?:(?:main|office|business|emergency|support)\W+)+{_PHONE}\s*:
    | fax(?:\W+(?:number|no))?\s*\W?[:\x1f] | (?:phone|telephone|tel|call)\s*:\s*\x1f
    | (?:grand\W+|sub\W?|report\W+)?totals?
      (?:\W+(?:number|no|count))?(?:\W+of)?(?:\W+{_COUNTED})?(?:\W+(?:listed|printed|selected|found))?{_END}
    | (?:{_COUNTED}|total)\W+counts?{_END} | (?:number|count)\W+of\W+{_COUNTED}\b | count\s*[:=]?\s*(?:\d|\x1f)
    | page\W+\d+\W*(?:of\W+\d+\W*)?(?:\x1f|$)
    | (?:report|list|file|data|extract)\W+(?:was\W+)?{_MADE}\b | {_MADE}\W+(?:by|on|at|from)\b
    | (?:report|run|print)\W+(?:date|time|id|criteria|parameters|by|title)\b | end\W+of\W+(?:the\W+)?(?:report|list|file|page|data)\b
    | (?:for|any|with|if\W+you\W+have)\W+(?:\w+\W+)?questions\b | questions\s*[?:\x1f]
    | (?:please\W+)?(?:call|contact)\W+(?:us|the\W+(?:office|clinic|front)|our|support|it\W+(?:help|support))\b
    | confidential(?:ity)?\W*(?:notice|information|document|report|do\W+not|\x1f|$) | data\W+as\W+of\W+\d | copyright\b
    | p[aá]gina\W+\d+ | total(?:es)?\W+(?:de\W+)?{_CONTADOS}\b | (?:generado|impreso|creado|exportado)\W+(?:por|el|en)\b
    | (?:preguntas|dudas)\b | fin\W+(?:de\W+la\W+lista|del\W+(?:informe|reporte))\b
    | tel[eé]fono\W+(?:de\W+la\W+)?(?:cl[ií]nica|oficina|consultorio){_END}
    )""",
    re.IGNORECASE | re.VERBOSE,
)
_COUNT = re.compile(
    rf"\d{{1,7}}\s+{_COUNTED}(?:\W+(?:found|listed|total|selected|printed|in\W+(?:list|report)))?\W*(?:\x1f|$)",
    re.IGNORECASE,
)
# What the expressions can find begins and ends so; others are not tried, for every row of a list is asked.
_BEGINS = """
cli pra hos fac fro hel cal aft our com dep sch bil nur rec mai off bus eme sup gra sub tot rep num cou pat peo per row app vis con
mem nam pag pág lis fil dat ext gen pri pre exp cre pro pul dow run end for any wit if que ple cop tel fax pho imp fin dud
"""
_FIRST_LETTERS = frozenset(_BEGINS.split())
_LAST_LETTERS = frozenset(["nic", "ica", "tal", "ter", "tre", "oup", "tes", "ice", "ine", "esk", "ion"])
_BEFORE, _BEHIND = " \x1f*-_.#([\"'~=>•", " .:,;"
_OF_A_CLINIC = re.compile(
    r"\b(?:clinic|clinica|clínica|hospital|(?:medical|health|dental|surgery|wellness)\W+(?:center|centre|group|associates|clinic|office)"
    r"|family\W+(?:practice|medicine)|front\W+desk|reception)\W*$",
    re.IGNORECASE,
)


def begins_as_one(cells: str) -> bool:
    """Whether the cells of a row, joined by `\\x1f`, begin with such a line."""
    said = cells.lstrip(_BEFORE)
    begins = said[:3].rstrip().lower()
    if begins[:1].isdigit():
        return _COUNT.match(said) is not None
    return begins in _FIRST_LETTERS and _LINE.match(said) is not None


def names_a_clinic(name: str) -> bool:
    """Whether the name of a person is a clinic's, as beside its phone in the foot of a report."""
    return name[-4:].rstrip(_BEHIND)[-3:].lower() in _LAST_LETTERS and _OF_A_CLINIC.search(name) is not None


def is_short(cells: Sequence[str]) -> bool:
    """Whether a row has so few cells with anything in them that it may be one."""
    return sum(map(bool, map(str.strip, cells))) <= MAX_FILLED
