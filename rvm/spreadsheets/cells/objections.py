"""Patterns of words which say that a person must not be reached: “DO NOT CALL” after a name, “opted out” in a note, “(deceased)”.

`answers` reads the columns that ask for an answer. These patterns search all other columns, because people write a no there as well.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from string import ascii_lowercase

from rvm.spreadsheets.cells.answers import Answer, answer
from rvm.spreadsheets.cells.departures import is_gone
from rvm.spreadsheets.trimming import folded, without_runs

_NOT = (
    r"(?:\b(?:do|does|did|should|must|please|can|may|to|shall|will|is|are)[\W_]*(?:not|n[\W_]?t)\b"
    r"|\b(?:dont|doesnt|donot|never|not|cannot|cant|wont)\b|\b(?:can|won)[\W_]?t\b)"
)
_WISH = (
    r"(?:(?:ever|want(?:s|ing)?|wish(?:es|ing)?|need|willing|interested|in|like|agree|authorized?|authorise|consent|accept|allow(?:ed)?|permitted|okay|ok|be|to|for|us|we|any|more|auto\w*)"
    r"[\W_]+)*"
)
_REACH = (
    r"(?:call|phone|telephone|contact|ring|dial|leave|lv\b|lm\b|disturb|robo|send|reach|notif|messag|msg|voice|l?vms?\b|remind"
    r"|bothered\b(?![\W_]+(?:by|with))|hear[\W_]+from[\W_]+(?:us|you)\b)"
)
_MORE = r"(?:(?:more|further|all|any|of|phone|robo|auto\w*|reminder|the|to|our|your|leave|on)[\W_]+)*"
_CALLS = (
    r"(?:(?:robo)?calls?|calling|called|contact(?![\W_]+lens)|contacted|contacting|voice[\W_]*mails?|vms?|messages?|msgs?"
    r"|reminders?(?![\W_]+(?:sent|left|made|given|yet)))\b"
)
_REFUSES = (
    r"\b(?:no|stop|quit|refus(?:es?|ed|ing)|declin(?:es?|ed|ing)|reject(?:s|ed)|object(?:s|ed)|opposes|against|without|hates?|dislikes?"
    r"|(?:angry|upset|mad|annoyed)[\W_]+(?:about|by|at|with|w))"
)
_WITHDREW = (
    r"\b(?:revok(?:es|ed)|withdrew|withdrawn|withdraws|no|not|without|refus(?:es|ed)|declin(?:es|ed)|denied|denies)"
)
_TO_ME = (
    r"(?:(?:me|le|les|nos|se|quiere|desea|recibir|mas|acepta|autoriza|ser|que|dejar|deje|lo|la|volver|vuelva|a)[\W_]+)*"
)
_DIED = (
    r"(?:deceased?|dec[’']?s?d|dcsd|finad[oa]|q[\W_]*e[\W_]*p[\W_]*d|passed[\W_]+away|ha[sd][\W_]+passed[\W_]+on|died|estate[\W_]+of"
    r"|fallecid[oa]|fallecio|murio|difunt[oa]|occis[oa]|descanse[\W_]+en[\W_]+paz)"
)
_DATED = r"[\W_]*(?:\d{1,2}[/.-]\d{1,2}(?:[/.-]\d{2,4})?)?[\W_]*"
_LONE = (
    r"(?:stop(?:[\W_]*all)?|dead|rip|dnd|estate|remove(?:[\W_]+(?:me|us|pt|patient|client))?|removed"
    r"|blocked|unsubscribed|muert[oa])"
)

# A word before a colon or a dash that means a wish and not a count: “Calls: none” is a no, and “Missed calls: none” is a count.
_ASKED_FOR = (
    r"(?:\b(?:consent\w*|(?<!missed[ ])(?<!prior[ ])(?<!previous[ ])(?<!past[ ])"
    r"(?:calls?|vms?|voicemails?|messages?|msgs?|llamadas?|mensajes?)"
    r"|(?:phone|voice)[\W_]+contact)|(?:^|[\x1f;,.])[ ]*(?:contact\w*|reminders?))"
)

_OBJECTION = re.compile(
    rf"""
      {_NOT}[\W_]*{_WISH}{_REACH}
    | {_REFUSES}[\W_]+{_MORE}{_CALLS}(?![\W_]*(?:no|or|and)?[\W_]*no[\W_]*show)
    | \bopt(?:ed|s|ing)?[\W_]*out\b | \bd[\W_]?n[\W_]?c\b | \bdn(?:lm|lvm?)\b | \bdonotc\w+ | \bunsub(?:scri\w+)?\b
    | [†✝🚫⛔📵💀🪦] | \b{_DIED}\b
    | \b(?:dod|date[\W_]+of[\W_]+death)\b[\W_]*\d | (?:^|[\x1f(,;])[\W_]*d\.[ ]?\d{{1,2}}[/-]\d{{1,2}}[/-]\d\d
    | \b(?:pt|patient|client|she|he)[\W_]+(?:is[\W_]+|has[\W_]+)?(?:dead|expired|passed(?=[\W_]*(?:\d|\x1f|$)))\b
    | {_WITHDREW}[\W_]+(?:\w+[\W_]+)?consent(?:ed)?\b(?![\W_]+(?:is[\W_]+)?(?:need|requir|necessary))
    | \bconsent[\W_]+(?:was[\W_]+|is[\W_]+|has[\W_]+been[\W_]+)?(?:revoked|withdrawn|refused|declined|denied)\b
    | \b(?:no|without)[\W_]+(?:permission|authorization|authority)[\W_]+(?:to|for)[\W_]+{_REACH}
    | \b(?:removed?|take|taken)[\W_]+(?:\w+[\W_]+){{0,3}}(?:list|lists|calls?|reminders)\b(?![\W_]+of[\W_]+\w*(?:med|drug))
    | \btake[\W_]+(?:me|us|him|her|them|pt|patient)[\W_]+off\b(?=[\W_]*(?:$|\x1f|(?:please|pls|the|your|our|call\w*|all)\b))
    | \b(?:quit|saqu|sac[ao]|borr|elimin|remov|remuev)\w*[\W_]+(?:\w+[\W_]+){{0,2}}de[\W_]+(?:la|las|su|esta|nuestra)[\W_]+lista
    | \b(?:dej(?:e|en|ar)|pare|paren|parar)[\W_]+de[\W_]+(?:\w+[\W_]+)?(?:llam|molest|contact|mandar|enviar|dejar)
    | \b(?:pide|pidio|solicita|solicito|quiere)[\W_]+(?:\w+[\W_]+)?baja\b | \bbaja[\W_]+voluntaria\b
    | \bya[\W_]+no[\W_]+es[\W_]+(?:paciente|cliente)\b
    | (?:{_ASKED_FOR}|\b(?:ok|okay|permission|may)[\W_]+(?:to[\W_]+|we[\W_]+)?{_REACH}[\w ]{{0,30}})
      ["']?\s?[:=?-]{{1,3}}\s?["']?(?:no?|none|never|off|false|declined|refused|ningun[oa]|nunca)(?:[\W_]*(?:$|\x1f)|[;,.(}}"'])
    | \boff[\W_]+(?:the[\W_]+|our[\W_]+|your[\W_]+)?(?:call\w*[\W_]+|phone[\W_]+)?list\b
    | \b(?:remove|lose|delete)[\W_]+(?:my[\W_]+|this[\W_]+|his[\W_]+|her[\W_]+|their[\W_]+)?(?:number|phone|cell)\b
    | \brequest\w*[\W_]+(?:to[\W_]+be[\W_]+)?remov(?:al|ed)\b
    | \bwrong[\W_]*(?:number|person|party|phone|guy|man\b|woman|lady|individual|pt\b|patient|num\b|nbr|no\b|\#)
    | \b(?:numero|num|tel\w*)[\W_]+(?:equivocado|incorrecto|erroneo)\b
    | \bbelongs[\W_]+to[\W_]+(?:some(?:one|body)|another|a[\W_]+different)\b
    | \b(?:repl\w+|texted|text|sent|responded|answered)[\W_]+stop\b
    | \bblocked[\W_]+(?:us|our|the[\W_]+(?:clinic|office|number))\b
    | \b(?:fcc|tcpa|harass\w*)[\W_]+complain | \bcomplain\w*[\W_]+(?:\w+[\W_]+){{0,2}}(?:fcc|harass\w*)\b
    | \b(?:will|to|gonna|may)[\W_]+sue[\W_]+(?:us|you|the|if|over|clinic|practice|office)\b
    | \b(?:(?:will|gonna|(?:going|wants?|plans?|intends?)[\W_]+to)[\W_]+sue|(?:is|are)[\W_]+suing)
      [\W_]*(?:$|\x1f|\b(?:us|you|the|if|over)\b)
    | \bnot[\W_]+(?:his|hers?|theirs?|(?:the|this)[\W_]+(?:pts?|patients?|persons?))(?:[\W_]+s)?[\W_]+(?:number|phone|cell)\b
    | \b(?:texts?|sms|e?[\W_]?mails?|portal|letters?)[\W_]+instead\b | \b(?:tty|tdd|relay|vrs)[\W_]+only\b
    | \b(?:texts?|sms|e?[\W_]?mails?|portal|letters?)[\W_]+only\b | \bonly[\W_]+(?:texts?|sms|e?[\W_]?mails?|portal)\b
    | \bsolo[\W_]+(?:por[\W_]+)?(?:mensajes?[\W_]+de[\W_]+texto|correos?|textos?|sms|cartas?|e?[\W_]?mails?)\b
    | \bcease\b | \bd(?:ad[oa]|io)[\W_]+de[\W_]+baja\b | \bcomplain\w*[\W_]+(?:\w+[\W_]+){{0,2}}(?:calls?|voicemails?)\b
    | \bcalls?[\W_]+never\b
    | \bno[\W_]+{_TO_ME}(?:llam|contact(?!o?s?[\W_]+lens)|mensaje|msj|molest|recado|buzon|hablar(?:l[ea])?\b(?![\W_]+(?:ing|esp)))
    | \b(?:rechaz[ao]|rehus[ao]|niega|nego)\w*[\W_]+(?:\w+[\W_]+){{0,2}}(?:llam|mensaj|contact)
    | \bsin[\W_]+(?:consentimiento|autorizacion|permiso)\b
    | \bno[\W_]+longer[\W_]+(?:wants?|wish\w*|interested|agrees?|consents?|(?:an?[\W_]+|our[\W_]+)?(?:patient|pt|client))\b
    | \bno[\W_]+(?:le[\W_]+)?(?:tiene|esta|hay)[\W_]+interes | \bno[\W_]+interesad[oa]\b
    | \bnot[\W_]+interested\b(?![\W_]+in[\W_]+(?!\w*(?:call|reminder|message)))
    | \bthreaten\w*[\W_]+(?:\w+[\W_]+){{0,3}}(?:sue|legal|lawsuit|call\w*)\b | \bleave[\W_]+(?:me|us|him|her|them)[\W_]+alone\b
    | \b(?:ask\w*|wants?|says?|said|told|please|pls|request\w*)[\W_]+(?:\w+[\W_]+){{0,3}}
      stop\b(?![\W_]+(?:by|in|at|taking|smoking|drinking|vaping|using|eating|meds?|medications?|aspirin|blood|date)\b)
    | (?:^|\x1f)[\W_]*{_LONE}{_DATED}(?:\x1f|$)
    """,
    re.VERBOSE,
)
# A failed attempt is no wish of the person: not called yet, did not leave a message, no vm set up.
_TRIED = re.compile(
    r"\b(?:not|never)[\W_]+(?:(?:yet|been)[\W_]+)*(?:called|contacted|reached|phoned|notified|reminded|messaged)\b"
    r"|\b(?:did|could|was|were|has|have|had)[\W_]*(?:not|n[\W_]?t)[\W_]+(?:(?:yet|been|able|to|a)[\W_]+)*"
    r"(?:reach|leav|left|call|contact|phone|notif|lv?m\b)\w*"
    r"|\bcan(?:not|[\W_]?t)[\W_]+(?:reach|get)\w*"
    r"|\bno[\W_]+(?:vms?|voice[\W_]*mails?|messages?|msgs?)[\W_]+(?:left|set|setup|box)\b"
)
# Children and pets are left out, because they are the patients in a list of parents or of pet owners.
_RELATIVE = (
    r"(?:(?:grand|step|god)?(?:mother|father|mom|mum|dad|parents?)s?|brother|sister|siblings?|spouse|wife|husband|partner|aunt|uncle|cousin"
    r"|niece|nephew|grandparents?|friend|fiancee?|caregiver|roommate|espos[oa]|marido|mujer|madre|padre|mama|papa|herman[oa]|abuel[oa]"
    r"|ti[oa]|suegr[oa]|novi[oa]|pareja|conyuge|cuidadora?)"
)
_E_MAILS = (
    r"(?:(?:all|any|our|the|your|marketing|promotional|clinic|weekly|monthly)[ ]+){0,4}(?:e[-_ ]?mails?|newsletters?|e[-_ ]?blasts?"
    r"|boletin(?:es)?|correos?(?:[ ]+electronicos?)?)(?:[ ]+(?:lists?|campaigns?|marketing|newsletters?))?\b"
)
_AND_MORE = r"(?![^\x1f.;]*\b(?:calls?|called|phone\w*|voice\w*|vms?|texts?|sms|contact\w*|everything|all|request\w*|llamadas?)\b)"
# Statements that do not concern calls to this person: a relative has died (“wife passed away”, but not “per wife, passed away”, where
# the relative reports the person's death), an objection is negated (“DNC: no”), or only e-mail is refused.
_OF_OTHERS = re.compile(
    rf"""
      (?P<by>\b(?:per|by|from|via|w|with|to|says?|said|told|states?|called|reports?|segun|por|con|dice|dijo)\b[\W_]*
        (?:(?:his|her|their|the|pts?|patients?|su|la|el)\b[\W_]*)*)?
      \b(?:{_RELATIVE}[ ]+(?:(?:is|are|was|were|has|have|had|just|recently|also|now|already|both|ya|ha)[ ]+)*
        (?:deceased|dec[’']?d|passed(?:[ ]+away|[ ]+on)?|died|dead|expired|{_DIED})\b
      |(?:fallecio|murio|recently[ ]+deceased)[ ]+(?:(?:su|el|la|mi|un|una|his|her)[ ]+)?{_RELATIVE}\b(?=[\W\d_]*(?:$|\x1f)))
    | \b(?:dnc|do[ ]not[ ](?:call|contact)|opt(?:ed)?[ -]?out|unsubscribed|deceased|dead|hospice|cancell?ed)["']?
      [ ]?[:=][ ]?["']?(?:no?|false|0|none|null)\b(?=[\W_]*(?:$|\x1f)|["']?[ ]?[;,|}}])
    | \b(?:not|never|(?:did|has|have|is|was)(?:[ ]?not|n[’']t))[ ]+(?:been[ ]+)?(?:deceased|dead|opt(?:ed)?[ -]?out|unsub\w+)\b
    | \b(?:unsub\w*|opt(?:ed|s|ing)?[\W_]*out)[ ]+(?:from|of|for)[ ]+{_E_MAILS}{_AND_MORE}
    | \b{_E_MAILS}[ ]?[:-]?[ ]?(?:opt(?:ed)?[-_ ]*out|unsub\w*)\b{_AND_MORE}
    | \b(?:dad[oa]|dio|baja)[ ]+(?:de[ ]+baja[ ]+)?(?:del?|de[ ]+los?)[ ]+{_E_MAILS}{_AND_MORE}
    """,
    re.VERBOSE,
)
_WISHES = re.compile(r"prefer|rather|please|pls|\bwan|wish|request|\bask|should|must")
_MARKS = re.compile("[\u0300-\u036f]+")  # combining accents
# Each text that _OBJECTION matches has one of these words or _SIGNS. A text without them is not searched, which is several times
# faster.
_TELLTALE = """
call calls called calling phone telephone contact contacts contacted contacting ring dial leave leaving lv lm lvm lvms disturb
robo robocall robocalls send reach notify notifications message messages messaging msg msgs voice voicemail voicemails mail mails
email emails vm vms remind reminder reminders opt opted opts opting optout optedout dnc dnlm dnlv dnlvm d donotcall donotcontact
unsubscribe unsubscribed unsubscribes decease deceased dec decd away died expired passed rip fallecido fallecida fallecio murio
difunto difunta consent consented permission authorization authority remove removed take list lose delete wrong equivocado number
cease baja complained complains complaint llamar llame llamen llamadas llamada contactar contactado contactada mensaje mensajes
molestar molesten recado recados buzon consentimiento autorizacion permiso stop dead dnd blocked muerto muerta donot dont doesnt
never text texts sms portal letter letters only callback callbacks phoned ringing dialed notified longer alone cell dcsd decsd sd
finado finada qepd stopall unsub removal belongs incorrecto erroneo solo msj msjs llames llama llamemos llamamos llamando interes
interesado interesada descanse paz occiso occisa estate dod death party lista dejen deje dejar pare paren parar paciente cliente
voluntaria fcc tcpa sue q bothered hear llamarle llamarlo llamarla llamarme hablar hablarle hablarla interested threatened
threatens threatening suing llamadas mensajes reminders person phone guy man woman lady individual pt patient tty tdd relay
vrs instead
"""
_SIGNS = frozenset("†✝🚫⛔📵💀🪦")
TELLTALE_WORDS = frozenset(_TELLTALE.encode().split())
# Table that turns each byte other than a lower-case letter into a space. To split bytes is three times as fast as to split by a
# regular expression.
_WORDS_ONLY = bytes(byte if chr(byte) in ascii_lowercase else ord(" ") for byte in range(256))


def objects(text: str) -> bool:
    """Whether a text says anywhere that its person must not be reached, or has died. It raises no errors.

    The text may be several cells joined by `\\x1f`.
    """
    return objects_in(*words_of(text))


def words_of(text: str) -> tuple[str, list[bytes]]:
    """The arguments of `objects_in`: the text in lower case without accents and underscores, and its words of letters only."""
    low = without_runs(text.lower())
    if "_" in low:
        low = low.replace("_", " ")
    if not low.isascii():
        low = _MARKS.sub("", unicodedata.normalize("NFKD", low))
    return low, low.encode("ascii", "replace").translate(_WORDS_ONLY).split()


def objects_in(low: str, words: Iterable[bytes]) -> bool:
    """The answer of `objects` for the text and the words that `words_of` returns. It raises no errors."""
    if TELLTALE_WORDS.isdisjoint(words) and (low.isascii() or _SIGNS.isdisjoint(low)):
        return False
    found = _OBJECTION.search(low)
    if found is not None and _OF_OTHERS.search(low):
        low = _without_others(low)
        found = _OBJECTION.search(low)
    if found is None or _TRIED.search(low) is None or _WISHES.search(low):
        return found is not None
    return _OBJECTION.search(_TRIED.sub(" ", low)) is not None


def _without_others(low: str) -> str:
    """The note without its statements about another person or about e-mail only, and without negated objections."""
    return _OF_OTHERS.sub(lambda said: said[0] if said["by"] else " ", low)


# “No charge” and “no show” begin with a no, but answer nothing.
_NO_SUCH = r"(?!\s*(?:show|charge|cost|fault|contrast|co-?pay|fee|prep)\b)"
_PLAINLY_NO = re.compile(
    rf"\W*(?:no|nope|never|nunca)\s*(?:[-\u2013\u2014,;:!(/]{_NO_SUCH}|\.(?!\s*\d)|$)", re.IGNORECASE
)
# In a note these words mean that the person refused or died, or that the visit was canceled. In other columns they may concern a
# referral or an insurance plan.
_NOTED = re.compile(
    r"""
      \W*(?:(?:pt|patient|px|client|paciente)\W+)?(?:refuse[sd]?|declin(?:e[sd]?|ed)|revoked|withdrew|withdrawn|rejected|expired|exp|passed
      |rechaz[oóa]|rehus[oóa]|(?:se\W+)?neg[oó])(?:\W*$|\W+(?:on\W+)?\d|\W+(?:reminders?|calls?|contact)\b)
    | \W*(?:(?:appt|appointment|apt|visit|pt|patient|cita|paciente)\W+)?(?:cancel+ed|cancelad[oa]|cancel(?:[oó]|ar)|c/?xl?['’]?d?)
      (?!.*\bre(?:sch|book|program|agend))
      (?:\W*$|\W+(?:on\W+)?\d|\W+(?:per|by|via|por|appt|apt|appointment|visit|la\W+cita)\b)
    | \W*(?:no\W+(?:phone|tel|v\W?m)|wn)\W*$
    | .*\b(?:do\W*not|don\W?t|never)\W+use\W*(?:(?:this|that|the|my|his|her)\W+)?(?:\w+\W+)?(?:number|phone|cell|$)
    """,
    re.IGNORECASE | re.VERBOSE,
)
# Words that are answers in a column of answers, but ordinary words and numbers in notes.
_EVERYDAY = frozenset({"none", "0", "off", "on", "ok", "okay", "check", "checked", "unchecked", "given", "signed"})


@lru_cache(maxsize=8192)
def denies(cell: str) -> bool:
    """Whether a note is a no, begins with one, or says that the person has left: “No”, “No - moved away”, “Stop”, “Pt declined”.

    It raises no errors.
    """
    cell = without_runs(cell)
    low = cell.lower()
    cell = _without_others(low) if _OF_OTHERS.search(low) else cell
    return _is_no(cell) or _NOTED.match(cell) is not None or is_gone(cell)


def _is_no(cell: str) -> bool:
    said = answer(cell)
    if said is Answer.FORBIDS or _PLAINLY_NO.match(cell):
        return True
    return said in (Answer.NO, Answer.CROSS) and folded(cell) not in _EVERYDAY


_ENDS = re.compile(
    r"\W*(?:(?:cancel(?:l*ed)?|cancelad[oa]|deceased|fallecid[oa]|no[ -]?show|disconnected)\b"
    r"|(?:(?:in|on|to)\W+)?hospice(?:\W+care)?\W*$|(?:deleted?|voided)\W*$)",
    re.IGNORECASE,
)


def ends_plainly(cell: str) -> bool:
    """Whether a cell begins with a word that excludes the person in every column: “Cancelled by patient”, “Deceased”.

    It raises no errors.
    """
    return _ENDS.match(without_runs(cell)) is not None


@lru_cache(maxsize=8192)
def answers_plainly(cell: str) -> bool:
    """Whether a cell is an answer in any column. It raises no errors.

    A yes or a mark counts like a no, because in an unknown column either may mean that the person must not be reached.
    """
    if _is_no(cell) or ends_plainly(cell):
        return True
    return answer(cell) is Answer.YES and folded(cell) not in _EVERYDAY


def answers_something(cell: str) -> bool:
    """Whether a cell is an answer in any column, or a note that is a no; for columns with unknown names. It raises no errors."""
    return answers_plainly(cell) or denies(cell)
