"""Remarks beside a name which say that the person must not be reached: “Smith, John (Estate)”, “Ana Paz (expired 3/2)”, “ZZ Ana Paz”.

Text that brackets, dashes, asterisks or similar signs separate from a name is read as a note about the person. In the name itself
only words that are not names count, and only at its beginning or end.
"""

from __future__ import annotations

import re
from functools import lru_cache

from rvm.spreadsheets.cells.objections import denies, ends_plainly, objects
from rvm.spreadsheets.trimming import without_runs

# How many characters of a name are searched.
_LONGEST = 300
# Every name of a list is tested, so ordinary ones are recognised quickly: by their characters, their beginning and their end.
_PLAIN = re.compile(r"[\w ,.'’]*")
_ENDS = "estate|expired|dead|inactive|inactivo|inactiva|deactivated|archived|dismissed|terminated|hospice|dnu|not use|discharged"
_LAST_LETTERS = frozenset(word[-3:] for word in _ENDS.split("|"))
_FIRST_LETTERS = frozenset(["zz", "xx", "th", "es", "ex", "in", "do"])
_AT_THE_ENDS = re.compile(
    rf"""
      \W*(?:(?-i:(?:Z{{2,}}|z{{2,}}|X{{2,}}|x{{2,}})(?=[A-Z]))|(?:z{{2,}}|x{{2,}})(?![^\W_]))
    | \W*(?:the\W+late|estate\W+of|expired|inactiv[eoa]|do\W+not\W+use)\b(?=\W*\w)
    | .*\b(?:{_ENDS.replace(" ", "[ ]")})[\W\d]*$
    """,
    re.IGNORECASE | re.VERBOSE,
)
_BRACKETED = re.compile(r"[(\[{<]([^()\[\]{}<>]*)[)\]}>]?")
_DIVIDED = re.compile(r"[ ][-\u2013\u2014]+[ ]?|[-\u2013\u2014]+[ ]|[-\u2013\u2014]{2,}|[*;:/~|=_#!]+")
# Signs in a name or after it: combining characters that strike letters through, and crosses.
_SIGNS = re.compile("[\u0336\u0335❌✗✘✖]|~~")
_REMARKS = re.compile(
    r"""
      (?:the\W+)?estate\b.* | late | dead | died\b.* | passed\b.* | expired\b.* | rip | dod\b.* | dec\.? | [dxn]
    | (?:b\W*\d[\d/.-]*\W+)?d\.?\W*\d[\d/.-]* | (?:19|20)\d\d\W+20\d\d
    | inactiv\w+ | deactivated | archived | dismissed\b.* | terminated\b.* | transferred(?:\W+(?:out|care))? | do\W*not\W*use | dnu
    | nis | not\W+(?:an?\W+|our\W+|my\W+)?(?:patient|pt|client)\b.* | c/?x
    | mudad[oa] | muert[oa] | fallecid[oa] | baja | dado\W+de\W+baja
    """,
    re.IGNORECASE | re.VERBOSE,
)


def remarks_no(name: str) -> bool:
    """Whether a remark in the cell of a name says that the person must not be reached. It raises no errors."""
    low = name.lower()
    if low[-3:] not in _LAST_LETTERS and low[:2] not in _FIRST_LETTERS and "_" not in low and _PLAIN.fullmatch(low):
        return False
    return _says_no(without_runs(name[:_LONGEST]))


@lru_cache(maxsize=4096)
def _says_no(name: str) -> bool:
    if _SIGNS.search(name):
        return True
    bare = _BRACKETED.sub(" ; ", name)
    if _AT_THE_ENDS.match(bare.strip(" ;,")):
        return True
    pieces = _DIVIDED.split(bare)
    # A comma in the first piece means a name such as “No, Kim”, where “No” is a family name.
    parted = [piece for at, piece in enumerate(pieces) if at or "," not in piece] if len(pieces) > 1 else []
    return any(map(_denies, [*_BRACKETED.findall(name), *parted]))


def _denies(remark: str) -> bool:
    said = remark.strip(" .,'\"")
    return bool(said) and (_REMARKS.fullmatch(said) is not None or denies(said) or ends_plainly(said) or objects(said))
