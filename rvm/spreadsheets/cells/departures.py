"""Patterns of notes that a person has left, or that a number is no longer theirs: moved, in hospice, not in service.

They also find refusals in sentences, such as a no that a person has said, a lawyer, or a wish for letters only.
"""

from __future__ import annotations

import re

from rvm.spreadsheets.cells.state_zones import STATES
from rvm.spreadsheets.trimming import without_runs

# How many characters of a note are searched.
_LONGEST = 2_000
_NAMES = {
    "SOMEBODY": "(?:pt|patient|px|client|paciente|he|she|they|family)",
    "ELSEWHERE": "(?:clinics?|practices?|doctors?|drs?|providers?|pcps?|dentists?|physicians?)",
    "PHONE": "(?:phones?|numbers?|num|nbr|no|line|landline|cell|tel|telephone|mobile|#)",
    "ANOTHER": "(?:an?other|a different|a new|some other)",
    "RELATIVE": "(?:wife|husband|spouse|partner|son|daughter|dtr|mother|father|mom|dad|sister|brother|neighbor|friend|roommate"
    "|boyfriend|girlfriend|caregiver|landlord|employer|aunt|uncle|cousin|ex|espos[oa]|hij[oa]|vecin[oa])",
    "SERVICE": "(?:(?:no longer|not|out of) (?:in )?service|fuera de servicio|desconectado)",
    "STATE": f"(?:{'|'.join(name for name, _ in STATES.values())})",
}
# Each line is a regular expression that may match anywhere in a note; a space in it matches anything between words.
_ANYWHERE = r"""
(?:not|no longer) (?:an? |our )?(?:patient|pt|client) (?:any\W?more|here|of ours|at this)
not our (?:patient|pt|client)
(?:former|ex) (?:patient|pt|client)
(?:left|leaving|leaves|(?:dismissed|discharged|fired|terminated|released) from) (?:the |our |this )?(?:practice|clinic)
(?:transferr?(?:ed|ing)|moving|moved|switch(?:ed|ing)) (?:his |her |their |all |the )?(?:care|practices?|clinics?)
(?:changed|changing|switched|switching) ELSEWHERE\W*$
(?:transferred|moved|moving|went|goes|going|switched) (?:out )?to ANOTHER ELSEWHERE
(?:sees|seeing|uses|using|found) ANOTHER ELSEWHERE
(?:pcp|care|doctor|dr|provider|goes|going|treated|followed|managed|seen) elsewhere
now (?:followed|managed|treated|seen) (?:by|at|with) (?:the )?(?:va|veterans?|ANOTHER ELSEWHERE)
(?:followed|managed|treated|seen) (?:by|at|with) (?:the )?(?:va|veterans?)(?: \w+)? (?:now|instead)
SOMEBODY (?:(?:is|are|has|have|was|now|already) )*(?:moved(?:\W*$| away| out)|relocated)
moved (?:away|out)(?! (?:of )?(?:bed|room|rm|chair|from))
moved (?:\w+ )?(?:another|different) (?:state|city|town|country|area)
moved to STATE
SOMEBODY (?:(?:is|has|was|now) )*(?:in|on|entered|under|to|into|receiving) hospice
(?:does\W*n\W?o?t|no longer) lives? (?:here|there|at this)
PHONE (?:is |was |has (?:been )?|now )*(?:disc(?:onn?(?:ected)?)?(?!\w)|changed|SERVICE)
PHONE (?:is |are |was )?(?:(?:shut|cut|turned) off|no good|out of order|incorrect|dead|bad)
PHONE (?:is |are |was )?not (?:a )?(?:good|working|valid|correct|right)
PHONE (?:is |was |does )?not accept(?:ing)? (?:any )?(?:\w+ )?calls
PHONE (?:is|was) (?:for )?(?:an? |the |now )*(?:business|store|restaurant|company|office|school|some(?:body|one)|another|different)
(?:not|isn\W?t) (?:the |a |her |his )?(?:correct|right|valid|good) (?:phone|number|#|cell)
(?:no longer|doesn\W?t|does not|not) (?:\w+ )?(?:follow\w*|com(?:e|es|ing)|seen|sees?|go(?:es|ing)?) (?:here|with us|to us|to this)
(?:do(?:es)?n\W?t|do(?:es)? not|not) (?:come|coming|seen|seeing us) (?:here )?any\W?more
(?:instead of|rather than) (?:a |the |any |phone |voice )*(?:calls?|calling|voicemails?|vms?)
(?:obit|obituary)(?! writer)
coded (?:and )?expired
SOMEBODY passed (?:over|this|last|yesterday|today|peacefully|suddenly|during|due|at home|in (?:his|her|their|the) sleep)
(?:bad|invalid|incorrect|non\W?working|not (?:a )?working|changed) (?:(?:phone|cell|tel|contact) )?(?:numbers?|num|nbr)
(?:number|phone|cell|#) (?:belongs to|is|was) (?:an? |the |his |her |their |pts? )*(?:some\w*|another|ex\W?)?\W?RELATIVE
(?:number|phone|cell) belongs to (?:a|an|the|some)
(?:said|says|told us|answered|replied|dijo|dice) (?:that |que )?no(?: thanks?| thank you| gracias| m[aá]s| more)?\W*(?:$|[,;.(])
(?:contact(?! lens)|reach|notify)\w* (?:\w+ )?(?:only )?(?:by|via|thru|through) (?:us )?(?:mail|letters?|e\W?mails?|texts?|sms|portal)
(?:won\W?t|will not|can\W?t|cannot|not) (?:be )?(?:coming|attend(?:ing)?|(?:able to )?make (?:it|(?:the |this |his |her )?appt))
do not (?:schedule|book|re\W?sched\w*|bother)
(?:legal hold|legal action|litigation|litigators?|lawsuits?|suing|c\W*&\W*d letter)
(?:attorney|atty|lawyer|legal counsel|abogad[oa]) (?:is |now |has been )*(?:involved|retained|hired|involucrad[oa])
(?:retained|hired|represented by|got|consulted) (?:an? |his |her |their |with )*(?:attorney|atty|lawyer|counsel)
(?:contact|call|speak (?:to|with)|through) (?:the |his |her )?(?:attorney|atty|lawyer)
(?:amenaz\w+ con|va a|quiere) demandar(?:nos|lo|la)?
(?:acci[oó]n|demanda) (?:legal|judicial)
(?:wants?|prefers?|send) (?:letters?|mail|e\W?mails?|texts?) (?:only|instead)
no phone\W*$
passed (?:last (?:week|month|night|year)|yesterday)
se mud[oó](?! (?:el|la)\b)
ya no (?:es (?:nuestr[oa] )?paciente|vive|viene)
no vive (?:aqu[ií]|ah[ií]|all[ií])
(?:n[uú]mero|tel[eé]fono|cel(?:ular)?) (?:desconectado|cambiado|no existe|fuera de servicio)
cambi[oó] (?:de )?(?:n[uú]mero|cl[ií]nica|doctora?|m[eé]dico|tel[eé]fono)
(?:tel|tel[eé]fono|n[uú]mero|cel) (?:no existe|no sirve|no es|de otra|es de otra)
no (?:insistir|insistan|vendr[aá]|va a venir|asistir[aá])
(?:pid\w+|solicit\w+|quiere) que (?:lo|la|le|los|las|me|nos) (?:quit|sac|borr|elimin)\w+
(?:molest[oa]|enojad[oa]) (?:con|por) (?:las |tantas |nuestras )?llamadas
no es (?:su|el) n[uú]mero
prohibido llamar
"""
# Expressions that must match a whole note, apart from a subject before them and a date after them.
_ALONE = r"""
moved
relocated
disc(?:onn?(?:ected)?)?
SERVICE
no\W?show(?:ed)?
ns
n/s
inactive(?: (?:patient|pt|client))?
(?:now )?(?:in|on|entered|under|to|into) hospice(?: care)?
hospice(?: (?:care|pt|patient))?
comfort care(?: only)?
fired
terminated
dismissed
not (?:an? |our )?(?:patient|pt|client)
incarcerated
(?:in|to) (?:jail|prison)
deported
deportad[oa]
(?:on )?hold
bad (?:phone|cell|#)
(?:this is |it\W?s |his |her |pts? |ex\W?)*RELATIVE(?:\W?s)? (?:phone|cell|number|#)
funeral
(?:(?:please|pls) )?(?:send|mail) (?:a )?letters?(?: (?:please|pls))?
nis
fax (?:line|number|machine)
"""


def _one_of(lines: str) -> str:
    for name, words in _NAMES.items():
        lines = lines.replace(name, words)
    return "|".join(line.replace(" ", r"\W+") for line in lines.strip().splitlines())


_GONE = re.compile(rf"(?<!\w)(?:{_one_of(_ANYWHERE)})(?!\w)", re.IGNORECASE)
_DAY = r"\W+(?:on\W+|since\W+)?\d{1,2}[/-]\d{1,2}(?:[/-]\d{2,4})?\W*$"
_GONE_ALONE = re.compile(
    rf"\W*(?:{_NAMES['SOMEBODY']}\W+)?(?:{_one_of(_ALONE)})(?:\W*$|{_DAY})",
    re.IGNORECASE,
)


def is_gone(note: str) -> bool:
    """Whether a note says that its person has left or refuses, or that the number is wrong. It raises no errors.

    Only the first 2,000 characters of a long note are searched.
    """
    searched = without_runs(note[:_LONGEST])
    return _GONE_ALONE.match(searched) is not None or _GONE.search(searched) is not None
