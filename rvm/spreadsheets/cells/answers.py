"""Reader of answers in columns that decide whether a person may be reached, by lists of words, mostly in English and Spanish.

An answer is never guessed: a cell that is no known answer and no date is UNCLEAR, and an empty cell is BLANK, which is not a yes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from enum import StrEnum

from rvm.spreadsheets.trimming import folded, in_ascii, trimmed


class Answer(StrEnum):
    """Answer of one cell.

    YES and NO answer the question in the column's name. PERMITS and FORBIDS state by themselves whether the person may be reached.
    CROSS means no if other cells of the column have ticks, and is a mark if the other cells are blank.
    """

    YES = "yes"
    NO = "no"
    DATE = "date"
    PERMITS = "permits"
    FORBIDS = "forbids"
    CROSS = "cross"
    BLANK = "blank"
    UNCLEAR = "unclear"


class Standing(StrEnum):
    """Effect of the status of an appointment or of a person."""

    STANDS = "stands"
    CANCELED = "canceled"
    DECEASED = "deceased"
    FORBIDS = "forbids"
    BLANK = "blank"
    UNCLEAR = "unclear"


# The words are in the form that `folded` returns: lower case, without accents and punctuation.
_WORDS: dict[Answer, str] = {
    Answer.YES: """yes, y, true, t, 1, x, xx, xxx, xxxx, on, ok, okay, yep, yeah, check, checked, si, s, verdadero, cierto, oui, ja,
        wahr,        sim, wi, yes please, yes thanks, yes thank you, si por favor, si gracias""",
    Answer.NO: "no, n, false, f, 0, off, none, nope, unchecked, falso, non, nein, nao, no thanks, no thank you, no gracias, no one",
    Answer.PERMITS: """agreed, accepted, granted, given, signed, consented, opted in, opt in, optin, consent, consents, yes opted in,
        authorized, allowed, permitted, approved, subscribed, not opted out, not unsubscribed, ok to call, okay to call,
        ok to leave message, ok to leave voicemail, may call, can call, call ok, acepta, acepto, aceptado, autoriza, autorizado,
        consiente, permitido, firmado, puede llamar""",
    Answer.FORBIDS: """
        declined, denied, refused, refuses, revoked, withdrawn, stop, stopped, not given, no consent, opted out, opt out,
        optout, did not consent, does not consent, not consented, do not call, don t call, dont call, do not contact, dnc,
        dnd, never, no calls, no call, disagree, i disagree, do not agree, i do not agree, no i do not agree, i do not
        consent, do not consent, no i do not consent, i do not accept, decline, i decline, refuse, revoke, unsub, stopall,
        stop all, email only, mail only, text only, texts only, letter only, portal only, mychart only, not interested, do not
        want, not allowed, not permitted, not ok, unsubscribed, blocked, remove, removed, rejected, objected, prohibited, do
        not leave message, do not leave voicemail, no voicemail, no voicemails, no vm, no message, no messages, no contact,
        wrong number, rehusa, rechaza, rechazado, negado, revocado, no llamar, no llame, no contactar, no acepta, no autoriza,
        no autorizado, no consiente, no molestar, baja, dado de baja, bloqueado, numero equivocado""",
}
_SIGNS: dict[str, Answer] = {
    **dict.fromkeys("✓✔☑✅👍🗸", Answer.YES),
    **dict.fromkeys("✗✘❌✖", Answer.CROSS),
    **dict.fromkeys("🚫⛔👎📵†✝", Answer.FORBIDS),
    "☐": Answer.NO,
}
# In characters. A longer cell is prose, and a word in prose is not the answer.
MAX_LENGTH = 60
_MEANING = {word.strip(): answer for answer, words in _WORDS.items() for word in " ".join(words.split()).split(",")}
# Answers in columns that ask whether a person has died, or whether an appointment was canceled.
_DIED = "deceased, dead, died, decd, dec d, expired, passed, passed away, fallecido, fallecida, difunto, difunta, muerto, muerta"
_LIVES = "alive, living, vivo, viva"
_CANCELED = """canceled, cancelled, cancel, cancels, canceled by patient, cancelled by patient, patient canceled, patient cancelled,
    pt canceled, pt cancelled, pt cancel, patient cancel, provider canceled, provider cancelled, provider cancel, clinic canceled,
    clinic cancelled, canceled by provider, cancelled by provider, canceled by clinic, cancelled by clinic, canceled late,
    cancelled late, late cancel, late canceled, late cancelled, same day cancel, cx, cxl, cxld, can, canc, cncl, c x, no show,
    noshow, no shows, no showed, ns, n s, nsh, did not show, did not attend, dna, missed, delete, did not keep, dnka, failed, broken,
    left without being seen, lwbs, dc, discontinued,
    rescheduled, resched, rsc, rs, r s, rescheduled by patient, bumped, moved, deleted, voided, void,
    entered in error, error, removed, discharged, inactive appointment, cancelado, cancelada, anulado, anulada, reprogramado,
    reprogramada, no asistio, ausente"""
# Answers in columns that ask for consent. In a column “Opted out” the same words would mean the opposite.
_CONSENTED = """agree, i agree, yes i agree, accept, i accept, yes i accept, i consent, yes i consent, on file, obtained,
    received, verbal, written, enabled, active, in, phone, phone call, phone calls, call, calls, voice, voice call, voice calls,
    voicemail, cell, cell phone, mobile, mobile phone, telephone, telefono, celular, llamada, llamadas, voz"""
_NOT_CONSENTED = """disabled, inactive, out, not on file, not obtained, not received, not signed, unsigned, expired, lapsed,
    email, e mail, mail, letter, text, texts, text message, sms, portal, mychart, whatsapp, correo, correo electronico, carta,
    texto, mensaje de texto, ninguno"""
_STANDS = """
    scheduled, sched, sch, schd, confirmed, conf, confirm, unconfirmed, not confirmed, pending, pend, pen, booked, book, active,
    open, new, planned, future, upcoming, proposed, tentative, requested, reserved, ready, arrived, arr, checked in, check in,
    checkin, in progress, in room, completed, complete, comp, done, seen, checked out, check out, fulfilled, kept, reminded,
    current, started, overbook, overbooked, double booked, auto confirmed, text confirmed, preconfirmed, reconfirmed, no response,
    not reached, roomed, pre registered, preregistered, left msg,
    left message, left voicemail, lm, lvm, message left, no answer, waiting, programado, programada, confirmado,
    confirmada, pendiente, activo, activa, agendado, agendada"""


def _split(words: str) -> frozenset[str]:
    return frozenset(word.strip() for word in " ".join(words.split()).split(","))


# A yes or a no may be followed by how or by whom it was given, which does not change the answer: “Yes - verbal”, “No (per wife)”.
_GIVEN = re.compile(r"(yes|y|si|sí|no|n)\s*[-\u2013\u2014,;:(/ ]\s*(.+)", re.IGNORECASE | re.DOTALL)
_WAYS_OF_GIVING = _split("""
    verbal, verbally, oral, written, in writing, signed, on file, paper, online, electronic, by phone, per phone, per pt, per patient,
    per mom, per dad, per wife, per husband, per spouse, by pt, by patient, firmado, firmada, por escrito, por telefono, por paciente
""")
_DIED_WORDS, _LIVES_WORDS, _CANCELED_WORDS, _STANDS_WORDS = map(_split, (_DIED, _LIVES, _CANCELED, _STANDS))
_CONSENTED_WORDS, _NOT_CONSENTED_WORDS = map(_split, (_CONSENTED, _NOT_CONSENTED))
# One of these words decides a status of several words: “Cancelled - weather”, “20 Expired”.
_ENDED = frozenset({"canceled", "cancelled", "cancelada", "cancelado", "rescheduled", "reprogramada", "reprogramado"})
_DEAD = frozenset({"deceased", "expired", "died", "dead", "death", "fallecido", "fallecida"})
_NOT = frozenset({"no", "not", "never", "un", "sin"})
# Words for the places to which patients are discharged; _BESIDES adds by whom or how an appointment was confirmed.
_PLACES = _split("""
    home, self, care, health, hha, svc, svcs, service, services, snf, skilled, nursing, facility, rehab, rehabilitation, irf, ltc,
    ltach, long, term, short, acute, hospital, discharge, discharged, disch, routine, assisted, living, alf, ama, admit, admitted,
    observation, casa, domicilio
""")
_BESIDES = _PLACES | _split("""
    via, by, on, per, at, with, w, to, the, of, and, or, text, sms, phone, email, portal, web, online, call, auto, pt, patient, mom,
    dad, spouse, am, pm
""")

_MONTHS = [
    "jan",
    "feb",
    "mar",
    "apr",
    "may",
    "jun",
    "jul",
    "aug",
    "sep",
    "oct",
    "nov",
    "dec",
    "ene",
    "abr",
    "ago",
    "dic",
]
_TIME = r"(?:[ t]+[0-9]{1,2}(?::[0-9]{2}){1,2}(?:\.[0-9]+)?(?: ?[ap]\.?m\.?)?(?: ?z|[+-][0-9]{2}:?[0-9]{2})?)?"
_ISO = re.compile(rf"([0-9]{{4}})[-/.]([0-9]{{1,2}})[-/.]([0-9]{{1,2}}){_TIME}|([0-9]{{4}})([0-9]{{2}})([0-9]{{2}})")
_NUMERIC = re.compile(rf"([0-9]{{1,2}})[-/.]([0-9]{{1,2}})[-/.]([0-9]{{4}}|[0-9]{{2}}){_TIME}")
_NAMED = re.compile(
    rf"(?:([0-9]{{1,2}})[- ]+(?:de )?)?([a-z]{{3,10}})\.?[- ]+(?:de )?(?:([0-9]{{1,2}})(?:st|nd|rd|th)?[, -]+)?([0-9]{{4}}){_TIME}"
)
# The format in which spreadsheet programs display a date that a user typed: 1-Dec-26.
_SHORT = re.compile(rf"([0-9]{{1,2}})[- ]([a-z]{{3,10}})\.?[- ]([0-9]{{2}}){_TIME}")
_WEEKDAY = re.compile(
    r"(?:(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?|lunes|martes|mi[eé]rcoles|jueves|viernes|s[aá]bado|domingo)"
    r"\.?,? +(?=[0-9a-z])"
)
# A date outside these years is a placeholder: 1900-01-01 means no date, and 9999-12-31 means no end.
_FIRST_YEAR, _LAST_YEAR = 1980, 2060


def answer(cell: str) -> Answer:
    """The answer of a cell, independent of its column. It raises no errors."""
    said = trimmed(cell)
    if not said:
        return Answer.BLANK
    if len(said) > MAX_LENGTH:
        return Answer.UNCLEAR
    if not said.isascii() and not (word := folded(said)) and said[0] in _SIGNS:
        return _SIGNS[said[0]]
    word = folded(said.removesuffix(".0"))
    if (known := _MEANING.get(word)) is not None:
        return known
    return Answer.DATE if is_date(said) else _given(said)


def _given(said: str) -> Answer:
    """The answer of a cell with a yes or a no and its date, or how it was given, or the same in two languages: “Yes / Sí”."""
    both = {_MEANING.get(folded(part)) for part in said.split("/")}
    if len(both) == 1 and (one := both.pop()) in (Answer.YES, Answer.NO):
        return one
    if not (given := _GIVEN.fullmatch(said)):
        return Answer.UNCLEAR
    how = given[2].strip(" -\u2013\u2014,;:()/.")
    way, _, day = how.rpartition(" ")
    known = is_date(how) or folded(how) in _WAYS_OF_GIVING or (folded(way) in _WAYS_OF_GIVING and is_date(day))
    return _MEANING[folded(given[1])] if known else Answer.UNCLEAR


def died(cell: str) -> Answer:
    """The answer of a cell in a column that asks whether a person has died. It raises no errors."""
    return _asked(cell, _DIED_WORDS, _LIVES_WORDS)


def consented(cell: str) -> Answer:
    """The answer of a cell in a column that asks whether a person may be reached. It raises no errors."""
    return _asked(cell, _CONSENTED_WORDS, _NOT_CONSENTED_WORDS)


def canceled(cell: str) -> Answer:
    """The answer of a cell in a column that asks whether an appointment was canceled. It raises no errors."""
    return _asked(cell, _CANCELED_WORDS, _STANDS_WORDS)


def _asked(cell: str, yes: frozenset[str], no: frozenset[str]) -> Answer:
    said = answer(cell)
    if said is Answer.UNCLEAR and len(cell) <= MAX_LENGTH:
        word = folded(trimmed(cell))
        return Answer.YES if word in yes else Answer.NO if word in no else said
    return said


def standing(cell: str) -> Standing:
    """The standing that a cell with the status of an appointment or of a person amounts to. It raises no errors."""
    said = trimmed(cell)
    if not said:
        return Standing.BLANK
    if len(said) > MAX_LENGTH:
        return Standing.UNCLEAR
    word = folded(said)
    if word in _CANCELED_WORDS:
        return Standing.CANCELED
    if word in _DIED_WORDS:
        return Standing.DECEASED
    if answer(cell) is Answer.FORBIDS:
        return Standing.FORBIDS
    if word in _STANDS_WORDS or word in _LIVES_WORDS:
        return Standing.STANDS
    return _standing_in_words(word.split())


def _standing_in_words(words: Sequence[str]) -> Standing:
    if not _NOT.isdisjoint(words):
        return Standing.UNCLEAR
    if not _DEAD.isdisjoint(words):
        return Standing.DECEASED
    if not _ENDED.isdisjoint(words):
        return Standing.CANCELED
    told = [word for word in words if not word.isdigit()]
    stands = told and told[0] in _STANDS_WORDS | _PLACES and _BESIDES.issuperset(told[1:])
    return Standing.STANDS if stands else Standing.UNCLEAR


def is_date(text: str) -> bool:
    """Whether a text is a date in the years 1980 to 2060, with or without a time. It raises no errors."""
    low = in_ascii(text).lower().strip()
    if not any(map(str.isdigit, low)) or len(low) > 40:
        return False
    low = _WEEKDAY.sub("", low, count=1) if low[0].isalpha() else low
    if iso := _ISO.fullmatch(low):
        year, month, day = (int(part) for part in iso.groups() if part)
        return _exists(year, month, day)
    if numeric := _NUMERIC.fullmatch(low):
        first, second, year = int(numeric[1]), int(numeric[2]), int(numeric[3])
        year += 2000 if year < 100 else 0
        return _exists(year, first, second) or _exists(year, second, first)
    if short := _SHORT.fullmatch(low):
        return short[2][:3] in _MONTHS and _exists(2000 + int(short[3]), 1, int(short[1]))
    named = _NAMED.fullmatch(low)
    return named is not None and named[2][:3] in _MONTHS and _exists(int(named[4]), 1, int(named[1] or named[3] or 1))


def _exists(year: int, month: int, day: int) -> bool:
    try:
        date(year, month, day)
    except ValueError:
        return False
    return _FIRST_YEAR <= year <= _LAST_YEAR
