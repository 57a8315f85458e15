"""What each column of a list is taken for, how surely, why, and what has to be asked before anybody is reached by it."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from rvm.spreadsheets.cells.answers import Answer, Standing, canceled, died
from rvm.spreadsheets.cells.countries import country
from rvm.spreadsheets.cells.objections import answers_something
from rvm.spreadsheets.cells.phones import area_code
from rvm.spreadsheets.cells.places import postal_code, state, time_zone
from rvm.spreadsheets.columns.headings import any_says_no, headings, keeps_out
from rvm.spreadsheets.columns.kinds import (
    AREA_CODE,
    EXTENSION,
    KINDS,
    NAMES,
    ONCE,
    PHONE_TYPE,
    PHONES,
    PREFERRED_PHONE,
    UNCLEAR,
)
from rvm.spreadsheets.columns.names import (
    TYPES,
    Meaning,
    Sense,
    Whose,
    may_say_whose,
    meaning_of,
    names_another_way,
    names_types,
    phone_to_reach,
    prefers,
    says_whose,
    types_of,
    whose,
)
from rvm.spreadsheets.columns.questions import Question
from rvm.spreadsheets.columns.samples import Sample
from rvm.spreadsheets.columns.words import meanings_of, words_of
from rvm.spreadsheets.trimming import folded, trimmed


class Sureness(StrEnum):
    SURE = "sure"
    LIKELY = "likely"
    UNSURE = "unsure"


class Why(StrEnum):
    """By what a column was taken for what it is."""

    NAME = "name"
    CELLS = "cells"
    NAME_AND_CELLS = "name_and_cells"
    PLACE = "place"  # by name and cells another one is as good, and stands behind it
    SAID = "said"  # by a person
    NOTHING = "nothing"


class Watch(StrEnum):
    """What is looked for in a column that decides nothing, in case that somebody wrote a no into it."""

    WORDS = "words"  # “do not call”, “deceased”
    NOTES = "notes"  # these, and a plain no
    ANSWERS = "answers"  # these, and any yes or mark, of which nobody knows to what
    CODES = "codes"  # these, unless they are one figure or letter, as others stand in the column too
    PREFERENCE = "preference"  # these, and any answer or way to be reached that is no phone of the person
    FIGURES = "figures"  # these, and a note in the place of a figure: “Expired 3/2” as a record number
    DAYS = "days"  # as of FIGURES and of CODES
    NAMES = "names"  # these, and what stands beside a name: “(Estate)”, “- expired”
    REPORTED = "reported"  # these, but for what our own error report says


@dataclass(frozen=True, slots=True)
class Column:
    """`kind` is one of KINDS, a merge field's name, UNCLEAR with a question, or "" where it is not read."""

    kind: str
    sure: Sureness
    why: Why
    question: Question = Question.NONE
    watch: Watch = Watch.WORDS


@dataclass(frozen=True, slots=True)
class Around:
    """What is seen of a list beside its rows: `titles` are what stands above them, and the name of their sheet; `marked` are the
    places of columns in which some people's cells have a colour of their own; `beside` are the names of other sheets with people."""

    titles: Sequence[str] = ()
    marked: Sequence[int] = ()
    beside: Sequence[str] = ()


NOTHING_AROUND = Around()
SAID = Column("", Sureness.SURE, Why.SAID)
_WATCHES = {
    **dict.fromkeys(NAMES, Watch.NAMES),
    **dict.fromkeys(("record_number", "reference"), Watch.FIGURES),
    **dict.fromkeys(("appointment_day", "appointment_time"), Watch.DAYS),
}
_MERGED = ""  # until it has its name


def read_columns(
    header: Sequence[str] | None,
    rows: Sequence[Sequence[str]],
    _around: Around = NOTHING_AROUND,
    *,
    of_opt_outs: bool = False,
) -> list[Column]:
    """One Column for each column; `header` is None where the list has none, `rows` are the first ones of the list.

    As many as the widest of them has cells. Of a list without a phone column none is `phone`. `of_opt_outs` is said of a list of
    people who must not be reached, where a column “Do not call” may hold the numbers, and every number of theirs counts.
    """
    names = list(map(without_verdicts, header or ()) if of_opt_outs else header or ())
    names += [""] * (max(map(len, rows), default=0) - len(names))
    samples = [Sample([row[at] if at < len(row) else "" for row in rows]) for at in range(len(names))]
    meanings = [_to_reach(meaning_of(name), name, samples[at]) for at, name in enumerate(names)]
    meanings = _of_a_mailing(names, _one_reference(_of_one_appointment(meanings)))
    columns = _phones(meanings, samples, {Whose.OWN, Whose.ALTERNATE} if of_opt_outs else {Whose.OWN})
    taken = {*KINDS}
    used: set[str] = set()
    for at, name in enumerate(names):
        if (column := columns.get(at)) is None:
            column = _of_preference(name, names, samples[at], columns) or _of_types(name, samples[at])
            column = column or _settled(meanings[at], samples[at])
            alone = (column.kind == EXTENSION and not _extends(at, names, columns)) or (
                column.kind == AREA_CODE and not _completes(at, columns, samples)
            )
            if column.kind in used or alone:
                column = _merged(Watch.CODES)
            used |= {column.kind} & {*ONCE}
            columns[at] = column
        if column.kind == _MERGED and trimmed(name):
            columns[at] = _named(column, _merge_field(name, at, taken))
    return [columns[at] for at in range(len(names))]


def read_patients(
    header: Sequence[str] | None, rows: Sequence[Sequence[str]], around: Around = NOTHING_AROUND
) -> list[Column]:
    """As `read_columns`, of a list of people who are to be reached, in which more has to be asked."""
    columns = read_columns(header, rows)
    for at in _side_by_side(header or (), columns):
        columns[at] = _ask(Question.WHICH_PHONE)
    if columns and (asked := _asked_of(around)) is not Question.NONE:
        at = next((at for at, column in enumerate(columns) if column.kind == "phone"), 0)
        columns[at] = _ask(asked, Why.NOTHING)
    for at in headings(rows):
        columns[at] = _ask(Question.HEADING, Why.CELLS)
    # A mark beside something else than a person is about that.
    of_people = [at for at in around.marked if at < len(columns) and columns[at].kind in (*NAMES, *PHONES)]
    for at in of_people[:1]:
        columns[at] = _ask(Question.COLOUR, Why.CELLS)
    return columns


def _asked_of(around: Around) -> Question:
    if any_says_no(around.titles):
        return Question.TITLE
    return Question.SHEET if any(map(keeps_out, around.beside)) else Question.NONE


def _side_by_side(names: Sequence[str], columns: Sequence[Column]) -> list[int]:
    """The phones of lists that stand beside each other: Name, Phone, Name, Phone. One person's would be taken for another's."""
    said = list(map(folded, names))
    twice = [at for at, name in enumerate(said) if name and said.count(name) > 1]
    people = any(meaning_of(names[at]).kind in NAMES for at in twice)
    return [at for at in twice if columns[at].kind in PHONES] if people else []


def _of_one_appointment(meanings: list[Meaning]) -> list[Meaning]:
    """A plain “Time” beside “Appointment day” is the appointment's, and so is a plain “Date” beside “Appointment time”."""
    kinds = {meaning.kind for meaning in meanings if meaning.sense is Sense.KIND}
    for plain, kind, beside in (
        ("time", "appointment_time", "appointment_day"),
        ("day", "appointment_day", "appointment_time"),
    ):
        found = [at for at, meaning in enumerate(meanings) if meaning == Meaning(Sense.DESCRIBES, plain)]
        if beside in kinds and kind not in kinds and len(found) == 1:
            meanings[found[0]] = Meaning(Sense.KIND, kind)
    return meanings


# Names that lists of a newsletter have, and no others.
_OF_MAILINGS = (
    ("optin", "ip"),
    ("confirm", "time"),
    ("confirm", "ip"),
    ("member", "rating"),
    ("leid",),
    ("euid",),
    ("last", "changed"),
)


def _of_a_mailing(names: Sequence[str], meanings: list[Meaning]) -> list[Meaning]:
    """When somebody has agreed to a newsletter says nothing of calls, neither a time nor a blank."""
    words = [words_of(name) for name in names]
    if not any(each in words for each in _OF_MAILINGS):
        return meanings
    return [
        Meaning(Sense.DESCRIBES, "time") if each == ("optin", "time") else meaning
        for each, meaning in zip(words, meanings, strict=True)
    ]


def _one_reference(meanings: list[Meaning]) -> list[Meaning]:
    """The number of a visit is the reference where no column is named so."""
    if Meaning(Sense.KIND, "reference") not in meanings:
        return meanings
    return [Meaning(Sense.DESCRIBES) if each.soft and each.kind == "reference" else each for each in meanings]


def holds_people(columns: Sequence[Column]) -> bool:
    """Whether a list with these columns has a phone in it, or may have one."""
    return any(
        column.kind in PHONES or column.question in (Question.WHICH_PHONE, Question.WHOSE_PHONE) for column in columns
    )


def _named(column: Column, kind: str) -> Column:
    return Column(kind, column.sure, column.why, column.question, column.watch)


# Phones.


@dataclass(frozen=True, slots=True)
class _Candidate:
    at: int
    meaning: Meaning
    count: int


def _phones(meanings: Sequence[Meaning], samples: Sequence[Sample], owned: Container[Whose]) -> dict[int, Column]:
    """The columns that hold phones of the person, and those of which has to be asked whose they are."""
    named = [
        _Candidate(at, meaning, samples[at].phones)
        for at, meaning in enumerate(meanings)
        if meaning.sense is Sense.PHONE
        and (_may_hold_phones(meaning, samples[at]) or (Whose.ALTERNATE in owned and _may_count(meaning, samples[at])))
    ]
    contacts = _contacts(named, meanings)
    # “Best contact number” says itself that it is the person's.
    own = [each for each in named if each.meaning.whose in owned or (not each.meaning.rank and each in contacts)]
    own = own or contacts
    if own:
        found = _in_order(own)
        found |= {
            each.at: Column(UNCLEAR, Sureness.UNSURE, Why.NAME, Question.WHOSE_PHONE)
            for each in named
            if each.meaning.whose is Whose.GUARDIAN and each.at not in found
        }
    else:
        found = _by_cells(meanings, samples, named)
    return {each.at: _merged(_watch_of_phones(each.count)) for each in named} | found


def _watch_of_phones(count: int) -> Watch:
    """In a column of phones a mark stands for none; where there are no phones, it may mean anything."""
    return Watch.WORDS if count else Watch.ANSWERS


def _to_reach(meaning: Meaning, name: str, sample: Sample) -> Meaning:
    """“Reach at” and “Preferred contact” are phones where phones stand in them."""
    if meaning.sense in (Sense.ACT, Sense.ASK, Sense.DESCRIBES, Sense.UNKNOWN) and sample.holds_phones:
        return phone_to_reach(name) or meaning
    return meaning


def _may_hold_phones(meaning: Meaning, sample: Sample) -> bool:
    """Whether nothing in the cells is against it.

    A “Phone” of yes and no, of marks or of dates holds none, and “Home” is one only where phones stand in it.
    """
    if meaning.soft:
        return sample.holds_phones or not sample.worded
    return sample.phones > 0 or not (
        Sample(sample.worded).answers_or_dates
        or sample.names_ways
        or sample.share(names_types) >= 0.5
        or sample.share(says_whose) >= 0.5
    )


def _may_count(meaning: Meaning, sample: Sample) -> bool:
    """Of people who opted out every number counts, also in a column of few; a “Contact” of words alone is a name."""
    return not meaning.soft or not sample.filled or sample.share(lambda cell: any(map(str.isdigit, cell))) > 0


def _contacts(named: Sequence[_Candidate], meanings: Sequence[Meaning]) -> list[_Candidate]:
    """“Contact phone” is the person's own where no other is; beside the name of a contact it may be that one's."""
    return (
        []
        if any(meaning.kind == "contact" for meaning in meanings)
        else [each for each in named if each.meaning.whose is Whose.CONTACT]
    )


def _in_order(own: Sequence[_Candidate]) -> dict[int, Column]:
    """By rank; a column that is not half as full as another one comes behind it, however well it is named."""
    fullest = max(each.count for each in own)
    ordered = sorted(
        own,
        key=lambda each: (
            # Where a preferred one is empty the next is tried.
            each.count * 2 < fullest and not (each.count and not each.meaning.rank),
            each.meaning.rank,
            -each.count,
            each.meaning.nth,
            each.at,
        ),
    )
    found: dict[int, Column] = {}
    for nth, each in enumerate(ordered[: len(PHONES)]):
        follows = ordered[nth + 1 :]
        tied = bool(follows) and follows[0].meaning == each.meaning and follows[0].count == each.count
        why = Why.PLACE if tied else Why.NAME_AND_CELLS if each.count else Why.NAME
        sure = Sureness.LIKELY if tied else Sureness.SURE
        found[each.at] = Column(PHONES[nth], sure, why, watch=_watch_of_phones(each.count))
    return found


def _by_cells(meanings: Sequence[Meaning], samples: Sequence[Sample], named: Sequence[_Candidate]) -> dict[int, Column]:
    """Where no column is named as the person's own phone: one whose name says nothing, if only one is full of phones."""
    unnamed = [
        _Candidate(at, meaning, samples[at].phones)
        for at, meaning in enumerate(meanings)
        if meaning.sense in (Sense.UNKNOWN, Sense.BLANK, Sense.ACT)
    ]
    fullest = max((each.count for each in unnamed if samples[each.at].holds_phones), default=0)
    # Half as many phones as in the fullest one may be as good, whatever else stands in the column.
    close = [each for each in unnamed if each.count and each.count * 2 >= fullest]
    doubtful = [each for each in named if each.meaning.whose is not Whose.OTHER]
    if len(close) == 1 and not doubtful:
        return {close[0].at: Column("phone", Sureness.LIKELY, Why.CELLS)}
    asked = close + doubtful or list(named) or _hidden(meanings, samples)
    question = Question.WHICH_PHONE if len(asked) > 1 else Question.WHOSE_PHONE
    return {each.at: Column(UNCLEAR, Sureness.UNSURE, Why.CELLS, question) for each in asked}


def _hidden(meanings: Sequence[Meaning], samples: Sequence[Sample]) -> list[_Candidate]:
    """Somebody else's by their names, in a list that has no other phones."""
    return [
        _Candidate(at, meaning, samples[at].phones)
        for at, meaning in enumerate(meanings)
        if meaning.sense in (Sense.HARMLESS, Sense.DESCRIBES) and meaning.kind != "fax" and samples[at].holds_phones
    ]


def _extends(at: int, names: Sequence[str], columns: dict[int, Column]) -> bool:
    """Whether the phone on its left, or else on its right, is one that is dialled."""
    phones = [each for each in columns if meaning_of(names[each]).sense is Sense.PHONE or columns[each].kind in PHONES]
    left = [each for each in phones if each < at]
    nearest = max(left) if left else min(phones, default=None)
    return nearest is not None and columns[nearest].kind in PHONES


def _completes(at: int, columns: dict[int, Column], samples: Sequence[Sample]) -> bool:
    """Whether the phone on its left or the one on its right is dialled and lacks its area code."""
    phones = sorted(each for each, column in columns.items() if column.kind in PHONES)
    left, right = [each for each in phones if each < at], [each for each in phones if each > at]
    return any(samples[each].lacks_area_codes for each in (*left[-1:], *right[:1]))


# All others.


def _of_preference(name: str, names: Sequence[str], sample: Sample, columns: Mapping[int, Column]) -> Column | None:
    """A column that says of several phones of the person which is tried first. The type of one phone is no such thing."""
    if not prefers(name) or sample.share(names_types) < 0.5:
        return None
    if any(names_another_way(cell) or answers_something(cell) for cell in sample.filled if not names_types(cell)):
        return _ask(Question.PREFERENCE, Why.CELLS)
    phones = {words_of(names[at]) for at, column in columns.items() if column.kind in PHONES}
    of_one = tuple(word for word in words_of(name) if word not in TYPES) in phones
    typed = any(meaning_of(each).kind == PHONE_TYPE for each in names if each != name)
    if of_one or not (typed or any(types_of(" ".join(words)) for words in phones)):
        return None
    return Column(PREFERRED_PHONE, Sureness.LIKELY, Why.NAME_AND_CELLS, watch=Watch.PREFERENCE)


def _of_types(name: str, sample: Sample) -> Column | None:
    """A column that says of the phones in its rows whose they are, though it is not named so, as “Relationship” may.

    “Spouse” may be whose phone it is, and what the person is to somebody: where somebody else is named, it is asked.
    """
    sense = meaning_of(name).sense
    # “Whose phone” and “Contact” are phones only where phones stand in them.
    if sense not in (Sense.UNKNOWN, Sense.BLANK, Sense.DESCRIBES, Sense.ACT, Sense.PHONE) or not may_say_whose(name):
        return None
    # By which way somebody wishes to be reached is another question.
    if sample.share(says_whose) < 0.5 or sample.names_other_ways or (sense is Sense.ACT and sample.names_ways):
        return None
    said = {whose(cell) for cell in sample.filled if says_whose(cell)}
    if said == {Whose.OWN}:
        return Column(PHONE_TYPE, Sureness.LIKELY, Why.CELLS)
    return _ask(Question.PHONE_TYPE, Why.CELLS)


def _settled(meaning: Meaning, sample: Sample) -> Column:
    return _SETTLE[meaning.sense](meaning, sample)


def _ask(question: Question, why: Why = Why.NAME) -> Column:
    return Column(UNCLEAR, Sureness.UNSURE, why, question)


def _merged(watch: Watch, sure: Sureness = Sureness.SURE) -> Column:
    return Column(_MERGED, sure, Why.NAME, watch=watch)


def _of_kind(meaning: Meaning, sample: Sample) -> Column:
    kind = meaning.kind
    if meaning.soft and not (sample.identifies or not sample.filled):
        return _described(meaning, sample)
    if (read := _READ_AS.get(kind)) is not None:
        fits = sample.reads_as(read)
        return Column(kind, Sureness.SURE, Why.NAME_AND_CELLS) if fits else _described(meaning, sample)
    if meaning.question is not Question.NONE and sample.names_other_ways:
        return _ask(meaning.question, Why.NAME_AND_CELLS)
    # “None” and “Declined” may stand among sources.
    answered = sample.holds_answers and (kind == "consent_date" or sample.permits)
    if kind in ("consent_date", "consent_source") and answered and not sample.holds_dates:
        return Column("consent", Sureness.LIKELY, Why.NAME_AND_CELLS)
    if kind == "canceled" and sample.counts:
        return _merged(Watch.WORDS)  # how often
    if kind in ("appointment_day", "appointment_time") and sample.names_standings and not sample.holds_dates:
        return Column("appointment_status", Sureness.LIKELY, Why.NAME_AND_CELLS)
    if (question := _DOUBTS.get(kind, _no_doubt)(sample)) is not Question.NONE:
        return _ask(question, Why.NAME_AND_CELLS)
    # Where a day or an hour is expected “Cancelled” may stand instead of it.
    watch = _WATCHES.get(kind, Watch.WORDS)
    return Column(kind, Sureness.SURE, Why.NAME_AND_CELLS if sample.filled else Why.NAME, watch=watch)


_READ_AS: dict[str, Callable[[str], object]] = {
    "time_zone": time_zone,
    "postal_code": postal_code,
    "state": state,
    "country": country,
    AREA_CODE: area_code,
}


def _no_doubt(sample: Sample) -> Question:
    return Question.NONE


def _consent_in_doubt(sample: Sample) -> Question:
    return Question.WHAT_FOR if sample.holds_texts and not sample.consents else Question.NONE


def _death_in_doubt(sample: Sample) -> Question:
    return Question.UNKNOWN if sample.share(lambda cell: died(cell) is Answer.UNCLEAR) > 0.5 else Question.NONE


def _cancellation_in_doubt(sample: Sample) -> Question:
    return Question.STATUS if sample.share(lambda cell: canceled(cell) is Answer.UNCLEAR) > 0.5 else Question.NONE


def _status_in_doubt(sample: Sample) -> Question:
    return Question.NONE if sample.names_standings or not sample.filled else Question.STATUS


def _day_in_doubt(sample: Sample) -> Question:
    """A column “Appt” of letters or single figures has no days, but codes of how it stands."""
    return Question.STATUS if sample.holds_short_codes else _answers_in_doubt(sample)


def _answers_in_doubt(sample: Sample) -> Question:
    return Question.YES_OR_NO if sample.holds_answers and not sample.holds_dates else Question.NONE


def _type_in_doubt(sample: Sample) -> Question:
    """“Mother” is whom to call about a child, and may be somebody else about anybody else."""
    guardians = any(whose(cell) is Whose.GUARDIAN for cell in sample.filled)
    return Question.PHONE_TYPE if guardians else _answers_in_doubt(sample)


def _record_number_in_doubt(sample: Sample) -> Question:
    """The first patients of a practice have the numbers 1 and 2; a mark stands beside several people."""
    counted = all(map(str.isdigit, sample.filled)) and len({*sample.filled}) == len(sample.filled)
    return Question.NONE if counted else _answers_in_doubt(sample)


_DOUBTS: dict[str, Callable[[Sample], Question]] = {
    "consent": _consent_in_doubt,
    "deceased": _death_in_doubt,
    "canceled": _cancellation_in_doubt,
    "appointment_status": _status_in_doubt,
    "record_number": _record_number_in_doubt,
    "phone_type": _type_in_doubt,
    "appointment_day": _day_in_doubt,
    **dict.fromkeys(
        (
            "name",
            "first_name",
            "last_name",
            "language",
            "appointment_time",
            "reference",
        ),
        _answers_in_doubt,
    ),
}


def _act(meaning: Meaning, sample: Sample) -> Column:
    if sample.names_ways:
        return _ask(Question.PREFERENCE, Why.CELLS)
    if sample.holds_answers or sample.consents or sample.marks_with_dates:
        return Column("consent", Sureness.LIKELY, Why.NAME_AND_CELLS)
    return _ask(Question.YES_OR_NO) if not sample.filled else _merged(Watch.NOTES, Sureness.LIKELY)


def _status(meaning: Meaning, sample: Sample) -> Column:
    # “Discharged” ends a visit that was to be, and is what a list of the discharged says of everybody.
    ended = meaning.kind == "disposition" and sample.standings[Standing.CANCELED] > 0
    if sample.names_standings and not sample.holds_short_codes and not ended:
        return Column("appointment_status", Sureness.LIKELY, Why.NAME_AND_CELLS)
    if _says_no_status(meaning, sample):
        return _merged(Watch.CODES if meaning.kind == "code" else Watch.ANSWERS, Sureness.LIKELY)
    return _ask(Question.STATUS, Why.NAME_AND_CELLS)


def _says_no_status(meaning: Meaning, sample: Sample) -> bool:
    """A confirmation may be the day on which it was, or have a number; a code of a visit may be of its type."""
    if meaning.kind == "confirmation":
        return not sample.filled or sample.answers[Answer.DATE] == len(sample.filled) or sample.identifies
    return meaning.kind == "code" and not (sample.holds_short_codes or sample.ends_somebody)


def _asked(meaning: Meaning, sample: Sample) -> Column:
    """What holds figures and no answers is a number of something: Authorization No."""
    numbers = sample.holds_digits and not sample.holds_dates and not sample.answered
    return _merged(Watch.ANSWERS, Sureness.LIKELY) if numbers else _ask(meaning.question)


def _harmless(meaning: Meaning, sample: Sample) -> Column:
    if sample.ends_somebody_plainly:
        return _ask(Question.STATUS, Why.CELLS)
    return _merged(Watch.FIGURES if meaning.kind == "figure" and sample.holds_digits else Watch.WORDS)


def _described(meaning: Meaning, sample: Sample) -> Column:
    if meaning.kind == "address" and sample.holds_addresses:
        return _merged(Watch.WORDS)  # of whom some have declined to give theirs
    if sample.ends_somebody_plainly:
        return _ask(Question.STATUS, Why.CELLS)
    if sample.answers_in_words:
        return _ask(Question.YES_OR_NO, Why.CELLS)
    return _merged(Watch.DAYS if meaning.kind in ("day", "time") and sample.holds_digits else Watch.CODES)


def _notes(meaning: Meaning, sample: Sample) -> Column:
    if sample.notes_answer:
        return _ask(Question.YES_OR_NO, Why.CELLS)
    return _merged(Watch.NOTES)


def _unknown(meaning: Meaning, sample: Sample) -> Column:
    if sample.names_other_ways:
        return _ask(Question.PREFERENCE, Why.CELLS)
    if sample.holds_answers or sample.answers_somewhere or sample.marks_with_dates or sample.objects_with_dates:
        return _ask(Question.YES_OR_NO, Why.CELLS)
    coded = meaning.kind == "code" or meaning.sense is Sense.PHONE
    if sample.ends_somebody or (coded and sample.holds_short_codes):
        return _ask(Question.STATUS, Why.CELLS)
    return Column(_MERGED, Sureness.UNSURE, Why.NOTHING, watch=Watch.CODES if sample.holds_codes else Watch.ANSWERS)


_SETTLE: dict[Sense, Callable[[Meaning, Sample], Column]] = {
    Sense.KIND: _of_kind,
    Sense.ACT: _act,
    Sense.STATUS: _status,
    Sense.ASK: _asked,
    Sense.HARMLESS: _harmless,
    Sense.DESCRIBES: _described,
    Sense.NOTES: _notes,
    Sense.UNKNOWN: _unknown,
    Sense.BLANK: _unknown,
    Sense.PHONE: _unknown,  # named so, and no phone stands in it
}


def _merge_field(name: str, at: int, taken: set[str]) -> str:
    """Its name as code can say it, and unlike all others; `taken` gains it."""
    slug = folded(name).replace(" ", "_")[:36].rstrip("_")
    if not slug or not slug[0].isalpha():
        slug = f"column_{slug or at + 1}"[:36]
    unique, count = slug, 2
    while unique in taken:
        unique, count = f"{slug}_{count}", count + 1
    taken.add(unique)
    return unique


def without_verdicts(name: str) -> str:
    """A name in a list of people who opted out, without the words that say so: everything there is about that."""
    return " ".join(
        word for word in words_of(name) if meanings_of(word).isdisjoint(("refuse", "no", "permit", "filler"))
    )
