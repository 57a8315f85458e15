"""Reader of the names of columns: from the words of a name follows a kind, a phone with its owner, or a question for the user.

Cells are read elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, IntEnum
from functools import lru_cache

from rvm.spreadsheets.columns.questions import Question
from rvm.spreadsheets.columns.words import meanings_of, words_of


class Sense(Enum):
    """Class of a column by its name alone, before its cells are read."""

    BLANK = "blank"  # no name
    KIND = "kind"  # one of the kinds of `kinds`
    PHONE = "phone"
    ACT = "act"  # “Leave message”, “Contact”: the cells tell whether it is a consent, a phone or a text
    STATUS = "status"  # the cells tell whether it is of an appointment, of a person or of something else
    ASK = "ask"  # could decide whether a person may be reached
    HARMLESS = "harmless"  # does not decide it, even if its cells are yes or no
    DESCRIBES = "describes"  # does not decide it, unless its cells are yes or no
    NOTES = "notes"  # free text with any content
    UNKNOWN = "unknown"


class Whose(IntEnum):
    """Owner of a phone, from the person to other people."""

    OWN = 0
    ALTERNATE = 1  # a further phone at which the person may be reached
    CONTACT = 2  # the person's own phone in some lists, another person's in others
    UNKNOWN = 3
    GUARDIAN = 4
    OTHER = 5


@dataclass(frozen=True, slots=True)
class Meaning:
    """Meaning of a column's name.

    `kind` is the kind of a KIND. It further divides other senses: DESCRIBES into "fax", "address", "day", "time" and "contact",
    STATUS into "disposition", "confirmation" and "code", UNKNOWN into "code", and HARMLESS into "figure".

    `question` is set for ASK, and for a KIND if the user must be asked when the cells are ways to reach a person.

    For a PHONE, `rank` is how well it suits, where 0 is best, and `nth` is the digit in its name. `soft`, of a PHONE or a KIND, means
    that the cells must confirm the name.
    """

    sense: Sense
    kind: str = ""
    whose: Whose = Whose.OWN
    rank: int = 0
    nth: int = 1
    soft: bool = False
    question: Question = Question.NONE


_BEST, _MOBILE, _PATIENTS, _PLAIN, _HOME, _WORK, _SECOND, _BARE = range(8)
_PHONES = ("phone", "mobile")
_PLACED = ("home", "work", "daytime", "second", "primary")
_OF_PHONES = (*_PHONES, *_PLACED, "number", "person", "filler", "plain")
_ACTS = ("call", "voicemail", "message", "leave", "reach")
_OTHERS = ("other", "guardian")
# Words that do not change what the verdict in a name is about.
_BESIDE = (
    "filler",
    "person",
    *_PHONES,
    *_PLACED,
    *_ACTS,
    "contact",
    "number",
    "permit",
    "refuse",
    "no",
    "status",
    "appointment",
)


def _takes_a_letter(meanings: frozenset[str]) -> bool:
    return not meanings.isdisjoint(("phone", "mobile", "number", "contact"))


class _Name:
    """The words of a name, each with its possible meanings."""

    def __init__(self, name: str) -> None:
        self.words = words_of(name)
        # A single letter means home, work or cell only beside other words, so it has no meaning as the whole name.
        self.meanings = [
            meanings_of(word) if len(word) > 1 or len(self.words) > 1 else frozenset[str]() for word in self.words
        ]
        for at in range(len(self.words)):
            if self._counts(at):
                self.meanings[at] = frozenset({"number"})
        self.numbered = "#" in name
        # “Status_C” is a code, as in databases, but “Phone (C)” is a cell phone.
        if len(self.words) > 1 and self.words[-1] == "c" and not any(map(_takes_a_letter, self.meanings[:-1])):
            self.meanings[-1] = frozenset({"code", "filler"})
        self.explained = "=" in name
        self.divided = "/" in name

    def has(self, *meanings: str) -> bool:
        return any(not own.isdisjoint(meanings) for own in self.meanings)

    def only(self, *meanings: str) -> bool:
        """Whether every word may have one of these meanings. Digits are ignored, because they only number repeated columns."""
        return all(
            word.isdigit() or not own.isdisjoint(meanings) for word, own in zip(self.words, self.meanings, strict=True)
        )

    def count(self, meaning: str) -> int:
        return sum(meaning in own for own in self.meanings)

    @property
    def negations(self) -> int:
        return self.count("no")

    def _counts(self, at: int) -> bool:
        """Whether the word at this index is an abbreviation of number: Phone No., No. of visits, N° de teléfono."""
        if self.words[at] not in ("no", "n"):
            return False
        if at + 1 < len(self.words) and self.words[at + 1] in ("of", "de", "del"):
            return True
        if self.words[at] == "n":
            return False
        before = self.meanings[at - 1] if at else frozenset()
        after = self.meanings[at + 1] if at + 1 < len(self.words) else frozenset()
        return not before.isdisjoint(
            (*_PHONES, "record", "contact", "person", "reference", "id", "fax", "home", "work")
        ) and (after.isdisjoint((*_ACTS, *_PHONES, "contact", "channel", "permit")))


@lru_cache(maxsize=2048)
def meaning_of(name: str) -> Meaning:
    """The meaning of a column's name, by the first reader that understands it. It raises no errors."""
    said = _Name(name)
    if not said.words:
        return Meaning(Sense.BLANK)
    if all(map(str.isdigit, said.words)):
        return Meaning(Sense.UNKNOWN)  # a number of days, or the cell of a person in a list without a header
    for read in _READERS:
        if (meaning := read(said)) is not None:
            return meaning
    if said.has("note"):
        return Meaning(Sense.NOTES)
    if said.has("harmless") and not said.has("omit", *_ACTS, *_PHONES):
        aged = said.has("birth") or not {"age", "edad"}.isdisjoint(said.words)
        return Meaning(Sense.HARMLESS, "figure" if aged else "")
    if said.has("channel") and said.only("channel", "address", *_OF_THE_PERSON):
        return Meaning(Sense.DESCRIBES, "address")
    if said.only("code", "filler"):
        return Meaning(Sense.UNKNOWN, "code")  # Code, Flag, Ind: the subject is not named
    return Meaning(Sense.DESCRIBES if said.has("describes", "fax", *_OTHERS) else Sense.UNKNOWN)


def _kind(kind: str) -> Meaning:
    return Meaning(Sense.KIND, kind)


def _ask(question: Question) -> Meaning:
    return Meaning(Sense.ASK, question=question)


def _died(said: _Name) -> Meaning | None:
    if said.has("alive"):
        return _ask(Question.ALIVE)
    if said.only("vital", "status", "person") and said.has("vital"):
        return _kind("deceased")
    if not said.has("deceased"):
        return None
    own = said.only("deceased", "date", "time", "person", "filler", "status", "reason", "note", "code")
    return _kind("deceased") if own and not said.negations else _ask(Question.UNKNOWN)


def _canceled(said: _Name) -> Meaning | None:
    if said.has("rescheduled") and not said.has("count"):
        return _ask(Question.STATUS)  # it may concern the earlier visit or the current one
    if not said.has("canceled"):
        return None
    if said.has("count") and not said.has("permit", "refuse"):
        return Meaning(Sense.DESCRIBES)
    own = said.only("canceled", "appointment", "date", "time", "person", "filler", "status", "reason", "note", "other")
    return _kind("canceled") if own and not said.negations else _ask(Question.UNKNOWN)


def _status(said: _Name) -> Meaning | None:
    if (
        "estado" in said.words
        and said.has("appointment", "person")
        and said.only("status", "state", "appointment", "person", "filler")
    ):
        return _kind("appointment_status") if said.has("appointment") else Meaning(Sense.STATUS)
    disposed = said.has("disposition") or (said.has("discharge") and ("to" in said.words or said.has("status")))
    if disposed and said.only("disposition", "discharge", "status", "person", "filler", "code"):
        return Meaning(Sense.STATUS, "disposition")
    if said.has("confirmed") and said.only(
        "confirmed", "appointment", "status", "scheduling", "person", "filler", "code"
    ):
        return Meaning(Sense.STATUS, "confirmation")
    if said.has("appointment") and said.has("code") and said.only("appointment", "code", "person", "filler"):
        return Meaning(Sense.STATUS, "code")
    if not said.has("status") or said.has("permit", "refuse", "no", "either", *_ACTS, *_PHONES, *_OTHERS):
        return None
    if said.has("appointment", "scheduling") and said.only(
        "status", "appointment", "scheduling", "person", "filler", "code"
    ):
        return _kind("appointment_status")
    return Meaning(Sense.STATUS) if said.only("status", "person", "filler", "record", "code") else None


# Words beside “authorization” which tell that a payer's authorization is meant, and not the person's permission.
_REQUIRED = frozenset(
    {"required", "req", "needed", "needs", "requested", "requerido", "requerida", "pending", "number"}
)


def _administration(said: _Name) -> Meaning | None:
    """The meaning of a name about administrative work on documents and payers: Insurance verified, Letter sent, HIPAA on file."""
    if (
        not (said.has("matter") and said.has("handled"))
        or not said.only("matter", "handled", "person", "filler", "harmless", "number", "date", "detail")
        or said.has("omit", "no", *_ACTS, *_PHONES)
    ):
        return None
    # “Authorization on file” may be the person's permission to be called.
    if said.has("permit") and _REQUIRED.isdisjoint(said.words):
        return None
    return Meaning(Sense.HARMLESS)


def _verdict(said: _Name) -> Meaning | None:
    """The meaning of a name that asks whether the person may be reached."""
    negations = said.negations + said.count("refuse")
    may = said.count("permit")
    if not (may or said.count("refuse") or said.has("either")):
        reaches = said.has(*_ACTS, *_PHONES, "contact", "channel")
        if not (said.negations and reaches):
            return None
    if said.has("either") or said.explained:
        return _ask(Question.EITHER)
    if said.has(*_OTHERS):
        return _ask(Question.WHOSE_ANSWER)
    if said.has("trail") and ("campaign" in said.words or said.words[-1] in ("ip", "browser", "url")):
        return Meaning(Sense.DESCRIBES)  # the campaign or the address through which a person opted out
    # In a permission for calls, voicemails or messages HIPAA is its legal reason; in other names it may be a restriction.
    restricted = said.has("restrict") and not (
        may and "hipaa" in said.words and said.has("call", "voicemail", "message")
    )
    if (restricted or said.has("preference")) and not said.has("source"):
        return _ask(Question.RESTRICTION)
    if said.has("channel") and not said.has("call", "voicemail", *_PHONES):
        return _ask(Question.CHANNEL)
    if negations > 1 or (negations and (may > 1 or max(said.count("call"), said.count("voicemail")) > 1)):
        return _ask(Question.DOUBLE_NEGATIVE)
    if not said.only(
        *_BESIDE, "channel", "date", "dated", "time", "source", "reason", "note", "id", "code", "detail", "restrict"
    ):
        return _ask(Question.WHAT_FOR)
    return _kind("opt_out") if negations else _permission(said)


def _permission(said: _Name) -> Meaning:
    if said.words[-1] in ("by", "via", "through"):
        return _kind("consent_source")
    if said.words[-1] in ("on", "at", "since"):
        return _kind("consent_date")
    if said.only(*_BESIDE, "channel", "restrict"):
        return _kind("consent")
    if said.has("date", "time") and said.only(*_BESIDE, "channel", "date", "time"):
        return _kind("consent_date")
    if said.has("source") and said.only(*_BESIDE, "source"):
        # “Consent method” may be how the person consented, or the way of contact to which the person consented.
        return Meaning(
            Sense.KIND, "consent_source", question=Question.PREFERENCE if said.has("preference") else Question.NONE
        )
    return _ask(Question.WHAT_FOR)


def _act(said: _Name) -> Meaning | None:
    """The meaning of a name about calls, messages and contacts that is no verdict by its words."""
    if (
        said.has("preference")
        and said.has("confirmed")
        and said.only("preference", "confirmed", "appointment", "person", "filler", "source")
    ):
        return _ask(Question.PREFERENCE)
    if not said.has(*_ACTS) or said.has(*_PHONES):
        return None
    if said.has(*_OTHERS):
        return Meaning(Sense.DESCRIBES)
    if said.has("preference") and said.only(*_BESIDE, "preference", "channel", "detail", "source"):
        return _ask(Question.PREFERENCE)
    if said.has("decided", "restrict") or (said.has("alternate") and not said.has("contact", "number")):
        return _ask(Question.RESTRICTION)
    if said.has("number") or said.numbered or said.only("contact"):
        return None  # the number to call
    if said.has("note"):
        return Meaning(Sense.ACT) if said.only(*_BESIDE) else Meaning(Sense.NOTES)
    if said.has("date", "time", "count", "day", "name", "id"):
        return Meaning(Sense.DESCRIBES, "contact" if said.has("contact") and said.has("name") else "")
    if said.has("done", "second") or "1st" in said.words or "first" in said.words:
        return Meaning(Sense.DESCRIBES)  # a past call is no permission to call
    return Meaning(Sense.ACT) if said.only(*_BESIDE, "plain", "detail") else None


def _restriction(said: _Name) -> Meaning | None:
    return _ask(Question.RESTRICTION) if said.has("restrict") and not said.has(*_PHONES) else None


def _departure(said: _Name) -> Meaning | None:
    """The meaning of a name about the end of a patient's care: Hospice, Term date, Disenrolled."""
    return _ask(Question.RESTRICTION) if said.has("gone") and not said.has("matter", *_OTHERS) else None


def _extension(said: _Name) -> Meaning | None:
    if not said.has("extension"):
        return None
    own = said.only("extension", *_PHONES, *_PLACED, "number", "person", "filler")
    return _kind("extension") if own else Meaning(Sense.DESCRIBES)


_AREAS = frozenset({"area", "lada", "npa", "ac"})
_OF_AREAS = frozenset({"cod", "cve", "clave"})


def _area_code(said: _Name) -> Meaning | None:
    own = all(
        word in _AREAS or word in _OF_AREAS or not meanings.isdisjoint((*_OF_PHONES, "code"))
        for word, meanings in zip(said.words, said.meanings, strict=True)
    )
    return _kind("area_code") if own and not _AREAS.isdisjoint(said.words) else None


# “Office” as the type of a phone means the person's work, and not another organisation.
_OFFICES = frozenset({"office", "ofc", "oficina", "phone", "main"})
TYPES = frozenset(
    {"type", "types", "tipo", "kind", "label", "category", "class", "use", "usage", "description", "desc"}
)
# Words for the phone that is tried first. “Main” and “primary” are not among them, because they may mean something else.
_PREFERRED = frozenset({"preferred", "pref", "prefd", "best", "preferido", "preferida", "mejor"})
_PREFERRING = _PREFERRED | {
    "primary",
    "main",
    "default",
    "first",
    "principal",
    "preference",
    "preferencia",
    "prefers",
    "prefer",
    "prefs",
}
# Meanings of words which, beside “phone”, describe its owner or its type.
_OF_TYPES = ("detail", "contact", "disposition", "code", "name", "note", "record", "describes")
# Words that may describe the owner of a phone without the word “phone”, depending on the cells.
_RELATIONS = frozenset({"relation", "relationship", "rel", "parentesco", "parentezco", "relacion"})


def _phone_type(said: _Name) -> Meaning | None:
    typed = said.has(*_PHONES) and not TYPES.isdisjoint(said.words)
    return _kind("phone_type") if typed and said.only(*_OF_PHONES, *_OF_TYPES) else None


def _country(said: _Name) -> Meaning | None:
    if said.has("country") and said.only(
        "country", "code", *_PHONES, *_PLACED, "call", "person", "filler", "name", "address"
    ):
        return _kind("country")
    dials = said.has("code") and said.has("call") and said.only("code", "call", "filler")
    return _kind("country") if dials else None


def _phone(said: _Name) -> Meaning | None:
    named = said.has(*_PHONES) or (said.has("text") and said.has("number"))
    if said.has("fax"):
        return Meaning(Sense.DESCRIBES, "fax")
    if not named:
        return _bare_phone(said)
    if said.has(
        "detail",
        "date",
        "time",
        "id",
        "note",
        "code",
        "zone",
        "status",
        "language",
        "name",
        "restrict",
        "count",
        "source",
    ):
        plain = said.only(*_OF_PHONES, "id", "detail")
        return None if not plain or said.has("detail", "id", "note", "status") else _whose(said)
    return _whose(said)


def _whose(said: _Name) -> Meaning:
    whose = Whose.OWN
    # An alternate phone may be the person's, but an alternate contact is another person.
    if said.has("other", "former", "from") or (said.has("contact") and said.has("alternate", "second")):
        whose = Whose.OTHER
    elif said.has("guardian"):
        whose = Whose.GUARDIAN
    elif not said.only(*_OF_PHONES, "contact", "text", *_ACTS, "appointment", "country", "alternate"):
        whose = Whose.UNKNOWN
    elif said.has("contact"):
        whose = Whose.CONTACT
    elif said.has("alternate"):
        whose = Whose.ALTERNATE
    nth = next((int(word) for word in said.words if len(word) == 1 and word.isdecimal()), 1)
    return Meaning(Sense.PHONE, whose=whose, rank=_rank(said), nth=nth)


@lru_cache(maxsize=1024)
def whose(type_of_phone: str) -> Whose:
    """The owner of a phone by its type: OTHER for “Emergency contact” and “Fax”, GUARDIAN for “Mother”, else OWN."""
    said = _Name(type_of_phone)
    if said.has("other", "former", "fax") and not _OFFICES.issuperset(said.words):
        return Whose.OTHER
    return Whose.GUARDIAN if said.has("guardian") else Whose.OWN


_PLACES_OF_PHONES = ("mobile", "home", "work")
_LETTERS_OF_PHONES = {"h": "home", "c": "mobile", "m": "mobile", "w": "work", "b": "work"}


@lru_cache(maxsize=1024)
def types_of(text: str) -> tuple[str, ...]:
    """The phones of a person that a text names, in its order, each as home, mobile or work: “Home Phone”, “Cell, then work”, “C”."""
    said = _Name(text)
    if len(said.words) == 1 and (letter := _LETTERS_OF_PHONES.get(said.words[0])):
        return (letter,)
    found = [each for own in said.meanings for each in _PLACES_OF_PHONES if each in own]
    return tuple(dict.fromkeys(found))


def names_types(cell: str) -> bool:
    """Whether all words of a cell tell which phone of a person is meant."""
    return bool(types_of(cell)) and (
        len(cell) == 1 or _Name(cell).only(*_PHONES, *_PLACED, "number", "filler", "person", "contact")
    )


@lru_cache(maxsize=1024)
def names_another_way(cell: str) -> bool:
    """Whether a cell has a word for a way to reach a person other than a call: “Email”, “Text message”."""
    return _Name(cell).has("channel")


def prefers(name: str) -> bool:
    """Whether a column of this name may tell which of several phones is tried first: Preferred phone, Best number type."""
    said = _Name(name)
    preferring = not _PREFERRING.isdisjoint(said.words)
    return preferring and said.only(*_OF_PHONES, "contact", "preference", "detail", "reach", "call", "address")


@lru_cache(maxsize=1024)
def says_whose(cell: str) -> bool:
    """Whether all words of a cell describe the owner or the type of a phone: “Cell”, “Self”, “Emergency contact”."""
    said = _Name(cell)
    meanings = (*_PHONES, *_PLACED, "person", *_OTHERS, "contact", "former", "fax", "alternate")
    return said.has(*meanings) and said.only(*meanings, "number", "filler")


def may_say_whose(name: str) -> bool:
    """Whether a column of this name, or without one, may tell the owner of the phones beside it: Type, Relationship, Contact type."""
    said = _Name(name)
    related = all(
        word in _RELATIONS or not own or not own.isdisjoint((*_OF_PHONES, *_OF_TYPES, "contact"))
        for word, own in zip(said.words, said.meanings, strict=True)
    )
    return related and not said.has("date", "time", "appointment", "source")


def _rank(said: _Name) -> int:
    if (said.numbered or said.has(*_PHONES, "number")) and not _PREFERRED.isdisjoint(said.words):
        return _BEST
    if said.has("second"):
        return _SECOND
    if said.has("mobile", "text"):
        return _MOBILE
    if said.has("work"):
        return _WORK
    if said.has("home"):
        return _HOME
    return _PATIENTS if said.has("person") else _PLAIN


def _bare_phone(said: _Name) -> Meaning | None:
    """The meaning of a name of a phone that has no word for phone: Number, Contact number, To, Home, Work."""
    others = (*_OTHERS, "former", "from", "alternate")
    if (
        said.has("number", "contact")
        and said.has(*others)
        and said.only("number", *others, "contact", "second", *_ACTS)
    ):
        return Meaning(Sense.PHONE, whose=Whose.OTHER, rank=_BARE, soft=True)
    named = (
        said.has("number", "contact")
        or (said.numbered and said.has(*_ACTS))
        or (said.only(*_PLACED, "person") and said.has(*_PLACED) and not said.has("first"))
        or said.words in (("to",), ("call",), ("dial",), ("destination",))
    )
    if (
        not named
        or said.has("from")
        or not said.only("number", "contact", *_ACTS, *_PLACED, "plain", "filler", "appointment", "text", "person")
        or (said.has("person") and not said.has(*_ACTS, *_PLACED))
    ):
        return None
    whose = Whose.CONTACT if said.has("contact") else Whose.OWN
    best = said.has("number", *_ACTS) and not _PREFERRED.isdisjoint(said.words)
    rank = _BEST if best else _rank(said) if said.only(*_PLACED, "person") else _BARE
    return Meaning(Sense.PHONE, whose=whose, rank=rank, soft=True)


def phone_to_reach(name: str) -> Meaning | None:
    """The meaning of a name without a word for phone if the column holds phones: Reach at, Preferred contact, Call.

    None for names that cannot be of a phone to reach.
    """
    said = _Name(name)
    if (
        not said.has("contact", *_ACTS)
        or said.has("done", "no", "permit", "refuse", "either", "from", "channel")
        or not said.only("contact", *_ACTS, "person", "filler", "plain", "preference", "primary", "number")
    ):
        return None
    contact = said.has("contact") and "at" not in said.words
    rank = _BARE if _PREFERRED.isdisjoint(said.words) else _BEST
    return Meaning(Sense.PHONE, whose=Whose.CONTACT if contact else Whose.OWN, rank=rank, soft=True)


_OF_THE_PERSON = ("person", "filler", "primary")


def _name(said: _Name) -> Meaning | None:
    if said.has(*_OTHERS) or not said.only("name", "first", "last", "plain", *_OF_THE_PERSON):
        return None
    first, last = said.has("first"), said.has("last")
    if "primer" in said.words and last:
        return _kind("last_name")
    # “First” may also be an ordinal, so it is a first name only alone, with “name”, or with words for the person.
    first = first and (said.has("name") or len(said.words) == 1 or said.only("first", "last", "person", "filler"))
    if first or last:
        return _kind("name" if first and last else "first_name" if first else "last_name")
    return _kind("name") if said.has("name") or said.only("person") else None


_ADDRESS = ("address", "home", "code", *_OF_THE_PERSON)


def _place(said: _Name) -> Meaning | None:
    for kind, meaning, beside in (
        ("time_zone", "zone", ("name", "plain")),
        ("postal_code", "zip", ()),
        ("state", "state", ("name", "country")),
        ("language", "language", ("spoken", "name", "call", "contact")),
    ):
        if said.has(meaning) and said.only(meaning, *beside, *_ADDRESS):
            return _kind(kind)
    return None


def _number_of_record(said: _Name) -> Meaning | None:
    counted = ("number", "id", "code", "no")
    if said.has("reference") and said.only("reference", *counted, "filler"):
        return _kind("reference")
    if said.has("record") and said.only("record", "medical", *counted, "person", "filler"):
        return _kind("record_number")
    identified = said.has("id") and said.only("id", "person", "medical", *counted[:1], "filler")
    numbered = said.has("person") and said.has("number", "no") and said.only("person", *counted, "filler")
    return _kind("record_number") if identified or numbered else None


def _number_of_visit(said: _Name) -> Meaning | None:
    """The meaning of a name for the identifier of a visit: Visit ID, Appt #, CSN."""
    beside = (
        "appointment",
        "visit_number",
        "scheduling",
        "id",
        "number",
        "no",
        "code",
        "person",
        "filler",
        "record",
        "contact",
    )
    visits = said.has("appointment", "scheduling") and (said.has("id", "number") or said.numbered)
    serial = said.words in (("contact", "serial", "number"), ("encounter",))
    numbered = serial or ((visits or said.has("visit_number")) and said.only(*beside))
    return Meaning(Sense.KIND, "reference", soft=True) if numbered else None


def _appointment(said: _Name) -> Meaning | None:
    beside = ("appointment", "filler", "person")
    if said.only("date", "day", "time", "filler") and said.has("date", "day") != said.has("time"):
        return Meaning(Sense.DESCRIBES, "time" if said.has("time") else "day")
    if said.words == ("visits",) or said.has("last") or not said.has("appointment"):
        return None
    if said.has("time") and not said.has("date") and said.only(*beside, "time"):
        return _kind("appointment_time")
    dated = said.has("date", "day") or not {"appointment", "appointments", "appt", "cita", "dos"}.isdisjoint(said.words)
    return _kind("appointment_day") if dated and said.only(*beside, "date", "day", "time", "count") else None


_READERS: tuple[Callable[[_Name], Meaning | None], ...] = (
    _died,
    _canceled,
    _status,
    _administration,
    _verdict,
    _extension,
    _area_code,
    _phone_type,
    _country,
    _number_of_visit,
    _act,
    _phone,
    _name,
    _place,
    _restriction,
    _departure,
    _appointment,
    _number_of_record,
)
