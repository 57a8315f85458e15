"""Patterns of lines that a report prints between and below its people: totals, page numbers, its author, the clinic's phone.

These lines are not recipients.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from rvm.spreadsheets.cells.phones import looks_like_phone
from rvm.spreadsheets.trimming import trimmed

# The filled cells that a line of a report may have. The row of a person has more, or a name.
MAX_FILLED = 3

_COUNTED = (
    r"(?:patients?|people|persons?|records?|rows?|appointments?|appts?|visits?|calls?|contacts?|clients?|members?|names|numbers|phones"
    r"|opt\W?outs?|entries|lines)"
)
_CONTADOS = r"(?:pacientes?|citas?|registros?|personas?|llamadas?|n[uú]meros?|bajas?)"
_OURS = (
    r"(?:clinic|practice|hospital|facility|front\W?desk|help\W?desk|call\W?center|after\W?hours|our|company|dept|department|scheduling"
    r"|billing|nurse|reception)"
)
_PHONE = r"(?:phone|telephone|tel|ph|fax|number|line|hotline|desk|contact)(?:\W+(?:number|no|\#))?"
_MADE = r"(?:generated|printed|prepared|exported|created|produced|pulled|downloaded|compiled|provided|submitted|maintained|run)"
_ABOUT = r"(?:questions?|corrections?|concerns?|changes|help|assistance|support|problems?|errors?|issues|information|info|removals?)"
_SOBRE = r"(?:preguntas?|dudas?|ayuda|informaci[oó]n|correcciones|problemas?|cambios)"
_END = r"\s*(?:[:=?\x1f]|\(?\+?\d|$)"
# Matches at the first filled cell of a row; the cells are joined by \x1f.
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
    | (?:for|any|with|if\W+you\W+have)\W+(?:(?:\w+\W+)?questions\b|(?:more\W+|further\W+|any\W+)?{_ABOUT}\b)
    | questions\s*[?:\x1f]
    | (?:please\W+)?(?:call|contact|dial|phone|text|fax)\b[^\x1f]{{0,80}}\b(?:with|for|if|about|regarding)\W+
      (?:(?:you|any|more|further|have|there|are|is|your|the|to|make)\W+)*{_ABOUT}\b
    | (?:clinic|practice|hospital|facility|front\W?desk|help\W?desk|call\W?center)[^\w\x1f]+\d{{3}}\b
    | (?:please\W+)?(?:call|contact)\W+(?:us|the\W+(?:office|clinic|front)|our|support|it\W+(?:help|support))\b
    | confidential(?:ity)?\W*(?:notice|information|document|report|do\W+not|\x1f|$) | data\W+as\W+of\W+\d | copyright\b
    | p[aá]gina\W+\d+ | total(?:es)?\W+(?:de\W+)?{_CONTADOS}\b | (?:generado|impreso|creado|exportado)\W+(?:por|el|en)\b
    | (?:preguntas|dudas)\b | (?:para\W+(?:m[aá]s\W+)?|si\W+(?:usted\W+)?tiene\W+(?:alguna\W+)?|alguna\W+){_SOBRE}\b
    | (?:por\W+favor\W+)?(?:llam[ea]|llamar|comun[ií]quese|contacte)\b[^\x1f]{{0,80}}\b(?:si|por|para|con)\W+
      (?:(?:usted|tiene|hay|alguna|algunas|m[aá]s|cualquier|su|sus)\W+)*{_SOBRE}\b
    | (?:cl[ií]nica|consultorio|recepci[oó]n)[^\w\x1f]+\d{{3}}\b | fin\W+(?:de\W+la\W+lista|del\W+(?:informe|reporte))\b
    | tel[eé]fono\W+(?:de\W+la\W+)?(?:cl[ií]nica|oficina|consultorio){_END}
    )""",
    re.IGNORECASE | re.VERBOSE,
)
_COUNT = re.compile(
    rf"\d{{1,7}}\s+{_COUNTED}(?:\W+(?:found|listed|total|selected|printed|in\W+(?:list|report)))?\W*(?:\x1f|$)",
    re.IGNORECASE,
)
# The three letters with which matches of _LINE begin, and those with which matches of _OF_A_CLINIC end. Other texts are not tried,
# because every row of a list is tested.
_BEGINS = """
cli clí pra hos fac fro hel cal aft our com dep sch bil nur rec mai off bus eme sup gra sub tot rep num cou pat peo per row app vis
con mem nam pag pág lis fil dat ext gen pri pre exp cre pro pul dow run end for any wit if que ple cop tel fax pho imp fin dud dia tex
par si por lla alg opt
"""
_FIRST_LETTERS = frozenset(_BEGINS.split())
_LAST_LETTERS = frozenset(
    [
        "nic",
        "ica",
        "tal",
        "ter",
        "tre",
        "oup",
        "tes",
        "ice",
        "ine",
        "esk",
        "ion",
        "rio",
        "ics",
        "try",
        "llc",
        "ber",
        "one",
        "urs",
        "ina",
        "pal",
    ]
)
# How many characters the name and the address of a clinic have at most.
_LONGEST = 200
_BEFORE, _BEHIND = " \x1f*-_.#([\"'~=>•¿¡", " .:,;"
_OF_A_CLINIC = re.compile(
    r"\b(?:clinic|clinica|clínica|hospital|(?:medical|health|dental|surgery|wellness)\W+(?:center|centre|group|associates|clinic|office)"
    r"|family\W+(?:practice|medicine|health|dentistry)|front\W+desk|reception|recepci[oó]n|consultorio|centro\W+m[eé]dico|pediatrics"
    r"|orthopa?edics|dentistry|llc|(?:main|front|business|billing|corporate)\W+(?:office|desk|line|number|phone)|after\W+hours"
    r"|oficina(?:\W+principal)?|answering\W+service|call\W+center)\W*$",
    re.IGNORECASE,
)

_CLINICA = re.compile(r"\W*(?:cl[ií]nica|consultorio|centro\W+m[eé]dico|hospital)\b\D*[\d\W]{7,}", re.IGNORECASE)
# An address with a phone after it and no name: 123 Main St, Austin TX (202) 555-0100.
_ADDRESS = re.compile(
    r"\W*\d{1,6}\s+(?:[\w.]+\s+){1,4}(?:st|street|ave|avenue|rd|road|blvd|boulevard|dr|drive|ln|lane|way|pkwy|hwy|suite|ste|plaza)\b"
    r".*\d{3}\W{0,2}\d{4}",
    re.IGNORECASE,
)
# A label that belongs to no person, in a row without a name: “Office: (202) 555-0100”.
_LABELLED = re.compile(
    r"\W*(?:main|office|phone|telephone|tel|fax|contact|line|number|oficina|tel[eé]fono)(?:\W+(?:office|phone|line|number|no))?\s*:",
    re.IGNORECASE,
)
# A number after a name: - (202) 555-0100, Phone: 202.555.0100.
_NUMBER_BEHIND = re.compile(
    r"(?:\W*\b(?:phone|telephone|tel|ph|t[eé]l|tel[eé]fono|office|main))?[\W\d]*$", re.IGNORECASE
)


def begins_as_one(cells: str) -> bool:
    """Whether the cells of a row, joined by `\\x1f`, begin with a line of a report. It raises no errors."""
    said = cells.lstrip(_BEFORE)
    begins = said[:3].rstrip().lower()
    if begins[:1].isdigit():
        return _COUNT.match(said) is not None
    return begins in _FIRST_LETTERS and _LINE.match(said) is not None


def names_a_clinic(name: str) -> bool:
    """Whether a text in the column of names is the name of a clinic, as in the footer of a report. It raises no errors."""
    ends = name[-_LONGEST:]
    return ends[-4:].rstrip(_BEHIND)[-3:].lower() in _LAST_LETTERS and _OF_A_CLINIC.search(ends) is not None


def names_a_clinic_alone(cells: Sequence[str]) -> bool:
    """Whether the only filled cell of a row is the name or address of a clinic with its phone: “Lakeside Clinic (202) 555-0100”.

    It raises no errors.
    """
    if sum(map(bool, cells)) > MAX_FILLED:
        return False
    filled = [cell for cell in map(trimmed, cells) if cell]
    return (
        len(filled) == 1
        and len(filled[0]) <= _LONGEST
        and (
            names_a_clinic(_NUMBER_BEHIND.sub("", filled[0]))
            or _CLINICA.fullmatch(filled[0]) is not None
            or _ADDRESS.match(filled[0]) is not None
        )
    )


def line_of_report_for(titles: Iterable[Sequence[str]], name_at: int | None) -> Callable[[Sequence[str], str], bool]:
    """A function of a trimmed row and of its cells joined by `\\x1f`, which returns whether the row is a line of a report.

    `titles` are the rows above the list: a report repeats them on each page, and a title with the clinic's phone looks like a person.
    `name_at` is the index of the column of names, or None. The function raises no errors.
    """
    heads = {told for title in titles if any(map(looks_like_phone, told := _told(title)))}

    def is_line(row: Sequence[str], cells: str) -> bool:
        # Most rows of people have more cells, and every row of a list is tested, so this test comes first.
        if len(row) - row.count("") > MAX_FILLED:
            return bool(heads) and _told(row) in heads
        reported = begins_as_one(cells)
        if not reported and name_at is not None and name_at < len(row):
            name = row[name_at]
            reported = names_a_clinic(name) if name else _is_labelled(row)
        return reported or (bool(heads) and _told(row) in heads)

    return is_line


def _is_labelled(row: Sequence[str]) -> bool:
    filled = _told(row)
    return len(filled) == 1 and _LABELLED.match(filled[0]) is not None


def _told(row: Sequence[str]) -> tuple[str, ...]:
    return tuple(filter(None, map(trimmed, row)))
