"""Words on an opt-out list that say that a person may be reached again: “START”, “Opted back in”, “Removed from DNC list”. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from rvm.spreadsheets.cells.phones import looks_like_phone
from rvm.spreadsheets.trimming import folded, trimmed

# In characters. A longer cell tells a story, and a part of it does not say how the story ended.
_MAX_LENGTH = 60
_LISTS = (
    r"(?:dncl?|do\snot\s(?:call|contact|disturb)|opt(?:ed)?\s?outs?|suppression|suppressed|block(?:ed)?|stop|exclusion|black\s?list"
    r"|unsubscribed?)"
)
_LISTAS = r"lista\s(?:de\s)?(?:no\s(?:llamar|contactar)|exclusion|bajas|bloqueo|bloqueados|excluidos)"
_REACH = (
    r"(?:call(?:s|ed|ing)?|contact(?:ed)?|reach(?:ed)?|messages?|voicemails?|vms?|reminders?"
    r"|leave\s(?:a\s)?(?:message|voicemail|vm))"
)
# The words are in the form that `folded` returns; only a date may follow them.
_BACK = re.compile(
    rf"""(?:(?:pt|patient|client|contact|user|he|she|has|have|was|is|now|paciente|ya)\s)*
    (?: opt(?:ed|s|ing)?\s(?:back\s)?in(?:\sagain)? | (?:re\s?)?opt\s?in | (?:re\s?)?optin | re\s?subscrib(?:ed?|es) | subscribed
      | unstop | start(?:ed)?(?:\s(?:again|keyword))? | re\s?activated? | reinstated? | re\s?consent(?:ed|s)? | un\s?block(?:ed)?
      | un\s?suppress(?:ed)? | (?:white|allow)\s?list(?:ed)? | callable | contactable
      | (?:remov(?:e|ed)|tak(?:e|en)|took|delet(?:e|ed)|clear(?:ed)?|releas(?:e|ed))\s(?:\w+\s){{0,2}}?(?:off|from)\s(?:\w+\s){{0,2}}?
        {_LISTS}(?:\slists?)?
      | off\s(?:of\s)?(?:the\s|our\s)?{_LISTS}(?:\slists?)?
      | (?:ok|okay|fine|safe|good|clear(?:ed)?|allowed|resumed?|restart|wants?|agree[sd]?|yes)\s
        (?:(?:to|be|for|we|us|now|again|get|receiv(?:e|ing)|having|the|our)\s)*{_REACH}(?:\s(?:again|now|ok|okay))*
      | (?:may|can)\s(?:we\s)?(?:be\s|now\s)*{_REACH}(?:\s(?:again|now))*
      | {_REACH}\s(?:ok|okay|allowed|again)
      | chang(?:ed|es)\s(?:(?:his|her|their|my)\s)?mind(?:\s(?:and\s)?wants?\s{_REACH})?
      | (?:no\slonger|not(?:\sany\s?more)?)\s(?:on\s(?:the\s|our\s)?(?:{_LISTS}(?:\slists?)?|lists?)|{_LISTS})
      | volver\sa\sllamar | (?:si\s)?(?:se\s|le\s)*pueden?\s(?:volver\sa\s)?(?:llamar|contactar)(?:\sde\snuevo)?
      | (?:si\s)?(?:quiere|desea|acepta|autoriza)\s(?:(?:recibir|las|de|nuevo|otra|vez)\s)*llamadas(?:\sde\snuevo|\sotra\svez)?
      | ok\spara\sllamar | (?:si\s)?llamar\s(?:de\snuevo|otra\svez) | reactivad[oa] | re\s?inscrit[oa] | desbloquead[oa]
      | (?:quitad|sacad|eliminad|borrad|retirad)[oa]s?\sde\s(?:la\s)?{_LISTAS} | (?:ya\s)?no\s(?:esta\s)?en\s(?:la\s)?{_LISTAS}
      | cambio\sde\s(?:opinion|parecer|idea)
    )(?:\s(?:on|as\sof|since|el|desde))?(?:\s\d[\d\s]*)?""",
    re.VERBOSE,
)
_COUNT = re.compile(r"\W*[0-9]{1,6}\W*")


@lru_cache(maxsize=8192)
def comes_back(cell: str) -> bool:
    """Whether the whole cell says that its person may be reached again."""
    return len(cell) <= _MAX_LENGTH and _BACK.fullmatch(folded(cell)) is not None


def permits_below(row: Sequence[str]) -> bool:
    """Whether a row has no phone and only the text that people may be reached again, as a heading over them has."""
    filled = {cell for cell in map(trimmed, row) if cell and not _COUNT.fullmatch(cell)}
    return len(filled) == 1 and not any(map(looks_like_phone, row)) and comes_back(filled.pop())
