"""Reader of the columns of a list: the kind of each column, how sure it is and why, and the question that the user must answer."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field
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
    """Reason for the kind of a column."""

    NAME = "name"
    CELLS = "cells"
    NAME_AND_CELLS = "name_and_cells"
    PLACE = "place"  # another column is equal by name and cells, but further right
    SAID = "said"  # a user said so
    NOTHING = "nothing"


class Watch(StrEnum):
    """Search for a no in a column that decides nothing, because people write one there as well."""

    WORDS = "words"  # “do not call”, “deceased”
    NOTES = "notes"  # WORDS, and a plain no
    ANSWERS = "answers"  # WORDS, and any yes, no or mark, because its question is not known
    CODES = "codes"  # WORDS, and a yes, no or mark longer than one character, because single ones are codes
    PREFERENCE = "preference"  # WORDS, and any answer or way to be reached that is no phone of the person
    FIGURES = "figures"  # WORDS, and a note in the place of a number: “Expired 3/2” as a record number
    DAYS = "days"  # as FIGURES and CODES together
    NAMES = "names"  # WORDS, and remarks beside a name: “(Estate)”, “- expired”
    REPORTED = "reported"  # WORDS and ANSWERS, except in the texts of our own error report


@dataclass(frozen=True, slots=True)
class Column:
    """Reading of one column. `kind` is one of KINDS, the name of a merge field, UNCLEAR with a question, or "" if it is not used."""

    kind: str
    sure: Sureness
    why: Why
    question: Question = Question.NONE
    watch: Watch = Watch.WORDS


@dataclass(frozen=True, slots=True)
class Around:
    """Surroundings of the rows of a list.

    `titles` are the texts above the rows, and the name of their sheet. `marked` are the indexes of columns in which the cells of some
    people have a colour of their own. `beside` are the names of other sheets with people.
    """

    titles: Sequence[str] = field(default=(), repr=False)
    marked: Sequence[int] = ()
    beside: Sequence[str] = field(default=(), repr=False)


NOTHING_AROUND = Around()
SAID = Column("", Sureness.SURE, Why.SAID)
_WATCHES = {
    **dict.fromkeys(NAMES, Watch.NAMES),
    **dict.fromkeys(("record_number", "reference"), Watch.FIGURES),
    **dict.fromkeys(("appointment_day", "appointment_time"), Watch.DAYS),
}
_MERGED = ""  # the kind of a merge field until it has its name


def read_columns(
    header: Sequence[str] | None,
    rows: Sequence[Sequence[str]],
    _around: Around = NOTHING_AROUND,
    *,
    of_opt_outs: bool = False,
) -> list[Column]:
    """One Column for each column of the header or of the widest row; none is `phone` if the list has no phone column.

    `header` is None if the list has none, and `rows` are the first rows of the list. `of_opt_outs` is true for a list of people who
    must not be reached, in which a column “Do not call” may hold numbers and every number of a person counts. `_around` is ignored;
    it makes the signature compatible with `read_patients`. It raises no errors.
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
    """One Column for each column of a list of people who are to be reached, as `read_columns`, with more questions for the user.

    The questions are about lists side by side, titles, other sheets, headings between rows, and coloured cells. It raises no errors.
    """
    columns = read_columns(header, rows)
    for at in _side_by_side(header or (), columns):
        columns[at] = _ask(Question.WHICH_PHONE)
    if columns and (asked := _asked_of(around)) is not Question.NONE:
        at = next((at for at, column in enumerate(columns) if column.kind == "phone"), 0)
        columns[at] = _ask(asked, Why.NOTHING)
    for at in headings(rows):
        columns[at] = _ask(Question.HEADING, Why.CELLS)
    # A colour in a column other than names and phones is about the value of that column.
    of_people = [at for at in around.marked if at < len(columns) and columns[at].kind in (*NAMES, *PHONES)]
    for at in of_people[:1]:
        columns[at] = _ask(Question.COLOUR, Why.CELLS)
    return columns


def _asked_of(around: Around) -> Question:
    if any_says_no(around.titles):
        return Question.TITLE
    return Question.SHEET if any(map(keeps_out, around.beside)) else Question.NONE


def _side_by_side(names: Sequence[str], columns: Sequence[Column]) -> list[int]:
    """The indexes of the phones of two lists side by side (Name, Phone, Name, Phone), which would be mistaken for one person's."""
    said = list(map(folded, names))
    twice = [at for at, name in enumerate(said) if name and said.count(name) > 1]
    people = any(meaning_of(names[at]).kind in NAMES for at in twice)
    return [at for at in twice if columns[at].kind in PHONES] if people else []


def _of_one_appointment(meanings: list[Meaning]) -> list[Meaning]:
    """The meanings, in which a plain “Time” beside “Appointment day” is the appointment's, and a plain “Date” likewise.

    The list itself is changed.
    """
    kinds = {meaning.kind for meaning in meanings if meaning.sense is Sense.KIND}
    for plain, kind, beside in (
        ("time", "appointment_time", "appointment_day"),
        ("day", "appointment_day", "appointment_time"),
    ):
        found = [at for at, meaning in enumerate(meanings) if meaning == Meaning(Sense.DESCRIBES, plain)]
        if beside in kinds and kind not in kinds and len(found) == 1:
            meanings[found[0]] = Meaning(Sense.KIND, kind)
    return meanings


# Names of columns, as words, that only exported lists of newsletters have.
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
    """The meanings, in which the time of consent to a newsletter decides nothing, because it is no consent to calls."""
    words = [words_of(name) for name in names]
    if not any(each in words for each in _OF_MAILINGS):
        return meanings
    return [
        Meaning(Sense.DESCRIBES, "time") if each == ("optin", "time") else meaning
        for each, meaning in zip(words, meanings, strict=True)
    ]


def _one_reference(meanings: list[Meaning]) -> list[Meaning]:
    """The meanings, in which the number of a visit is the reference only if no column is named as the reference."""
    if Meaning(Sense.KIND, "reference") not in meanings:
        return meanings
    return [Meaning(Sense.DESCRIBES) if each.soft and each.kind == "reference" else each for each in meanings]


def holds_people(columns: Sequence[Column]) -> bool:
    """Whether a list with these columns has a phone column, or may have one."""
    return any(
        column.kind in PHONES or column.question in (Question.WHICH_PHONE, Question.WHOSE_PHONE) for column in columns
    )


def _named(column: Column, kind: str) -> Column:
    return Column(kind, column.sure, column.why, column.question, column.watch)


# Columns of phones.


@dataclass(frozen=True, slots=True)
class _Candidate:
    at: int
    meaning: Meaning
    count: int


def _phones(meanings: Sequence[Meaning], samples: Sequence[Sample], owned: Container[Whose]) -> dict[int, Column]:
    """The columns of phones by index: the person's, those whose owner must be asked, and those of others as merge fields.

    `owned` are the owners whose phones count as the person's.
    """
    named = [
        _Candidate(at, meaning, samples[at].phones)
        for at, meaning in enumerate(meanings)
        if meaning.sense is Sense.PHONE
        and (_may_hold_phones(meaning, samples[at]) or (Whose.ALTERNATE in owned and _may_count(meaning, samples[at])))
    ]
    contacts = _contacts(named, meanings)
    # The best rank, as of “Best contact number”, shows that the phone is the person's.
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
    """The watch of a column named as phones. Among phones a mark means that there is none; without phones it may mean anything."""
    return Watch.WORDS if count else Watch.ANSWERS


def _to_reach(meaning: Meaning, name: str, sample: Sample) -> Meaning:
    """The meaning of a column such as “Reach at” or “Preferred contact”, which is a phone if its cells are phones."""
    if meaning.sense in (Sense.ACT, Sense.ASK, Sense.DESCRIBES, Sense.UNKNOWN) and sample.holds_phones:
        return phone_to_reach(name) or meaning
    return meaning


def _may_hold_phones(meaning: Meaning, sample: Sample) -> bool:
    """Whether the cells of a column named as a phone agree with its name.

    A column “Phone” with answers, marks, dates or types of phones does not. A soft name such as “Home” needs phones in the cells.
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
    """Whether a column in a list of opt-outs may have numbers, even a few. A soft name such as “Contact” needs digits in a cell."""
    return not meaning.soft or not sample.filled or sample.share(lambda cell: any(map(str.isdigit, cell))) > 0


def _contacts(named: Sequence[_Candidate], meanings: Sequence[Meaning]) -> list[_Candidate]:
    """The columns such as “Contact phone”, which may be the person's; none if a column has the name of a contact."""
    return (
        []
        if any(meaning.kind == "contact" for meaning in meanings)
        else [each for each in named if each.meaning.whose is Whose.CONTACT]
    )


def _in_order(own: Sequence[_Candidate]) -> dict[int, Column]:
    """The person's phones in the order in which they are tried, by rank.

    A column that is less than half as full as another one comes after it, unless it is a preferred phone.
    """
    fullest = max(each.count for each in own)
    ordered = sorted(
        own,
        key=lambda each: (
            # A preferred phone keeps its rank even with few cells, because the next one is tried where it is empty.
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
    """The columns of phones in a list that names none as the person's: the only unnamed one full of phones, else questions."""
    unnamed = [
        _Candidate(at, meaning, samples[at].phones)
        for at, meaning in enumerate(meanings)
        if meaning.sense in (Sense.UNKNOWN, Sense.BLANK, Sense.ACT)
    ]
    fullest = max((each.count for each in unnamed if samples[each.at].holds_phones), default=0)
    # A column with half as many phones as the fullest one may be the right one, whatever else it has.
    close = [each for each in unnamed if each.count and each.count * 2 >= fullest]
    doubtful = [each for each in named if each.meaning.whose is not Whose.OTHER]
    if len(close) == 1 and not doubtful:
        return {close[0].at: Column("phone", Sureness.LIKELY, Why.CELLS)}
    asked = close + doubtful or list(named) or _hidden(meanings, samples)
    question = Question.WHICH_PHONE if len(asked) > 1 else Question.WHOSE_PHONE
    return {each.at: Column(UNCLEAR, Sureness.UNSURE, Why.CELLS, question) for each in asked}


def _hidden(meanings: Sequence[Meaning], samples: Sequence[Sample]) -> list[_Candidate]:
    """Columns of phones whose names mean something else, for a list that has no other phones."""
    return [
        _Candidate(at, meaning, samples[at].phones)
        for at, meaning in enumerate(meanings)
        if meaning.sense in (Sense.HARMLESS, Sense.DESCRIBES) and meaning.kind != "fax" and samples[at].holds_phones
    ]


def _extends(at: int, names: Sequence[str], columns: dict[int, Column]) -> bool:
    """Whether the nearest phone on the left, or the first phone if none is on the left, is one that is dialled."""
    phones = [each for each in columns if meaning_of(names[each]).sense is Sense.PHONE or columns[each].kind in PHONES]
    left = [each for each in phones if each < at]
    nearest = max(left) if left else min(phones, default=None)
    return nearest is not None and columns[nearest].kind in PHONES


def _completes(at: int, columns: dict[int, Column], samples: Sequence[Sample]) -> bool:
    """Whether the nearest dialled phone on the left or on the right lacks its area code."""
    phones = sorted(each for each, column in columns.items() if column.kind in PHONES)
    left, right = [each for each in phones if each < at], [each for each in phones if each > at]
    return any(samples[each].lacks_area_codes for each in (*left[-1:], *right[:1]))


# Other columns.


def _of_preference(name: str, names: Sequence[str], sample: Sample, columns: Mapping[int, Column]) -> Column | None:
    """A column that tells which of several phones is tried first; None for any other column, such as the type of one phone."""
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
    """A column whose cells tell the owners of the phones, although its name does not, such as “Relationship”; None for other columns.

    “Spouse” may be the owner of the phone, or the relation of the person to another one, so the user is asked if any cell names
    another person.
    """
    sense = meaning_of(name).sense
    # PHONE and ACT are tried as well, because “Whose phone” and “Contact” are phones only if their cells are.
    if sense not in (Sense.UNKNOWN, Sense.BLANK, Sense.DESCRIBES, Sense.ACT, Sense.PHONE) or not may_say_whose(name):
        return None
    # A way in which the person wishes to be reached is the subject of Question.PREFERENCE.
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
    # “None” and “Declined” may be values among sources, so a source counts as a consent only if a cell permits.
    answered = sample.holds_answers and (kind == "consent_date" or sample.permits)
    if kind in ("consent_date", "consent_source") and answered and not sample.holds_dates:
        return Column("consent", Sureness.LIKELY, Why.NAME_AND_CELLS)
    if kind == "canceled" and sample.counts:
        return _merged(Watch.WORDS)  # a number of cancellations
    if kind in ("appointment_day", "appointment_time") and sample.names_standings and not sample.holds_dates:
        return Column("appointment_status", Sureness.LIKELY, Why.NAME_AND_CELLS)
    if (question := _DOUBTS.get(kind, _no_doubt)(sample)) is not Question.NONE:
        return _ask(question, Why.NAME_AND_CELLS)
    # Each kind has its watch, because “Cancelled” may be written in place of a day or a time.
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
    """The question for a column of days: one such as “Appt” with short codes has statuses instead."""
    return Question.STATUS if sample.holds_short_codes else _answers_in_doubt(sample)


def _answers_in_doubt(sample: Sample) -> Question:
    return Question.YES_OR_NO if sample.holds_answers and not sample.holds_dates else Question.NONE


def _type_in_doubt(sample: Sample) -> Question:
    """The question for a column of phone types: “Mother” is the one to call for a child, but another person for an adult."""
    guardians = any(whose(cell) is Whose.GUARDIAN for cell in sample.filled)
    return Question.PHONE_TYPE if guardians else _answers_in_doubt(sample)


def _record_number_in_doubt(sample: Sample) -> Question:
    """The question for a column of record numbers.

    The numbers 0 and 1 may be answers as well. They are record numbers if all cells are distinct numbers, because answers repeat.
    """
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
    # “Discharged” may end a planned visit, but a list of discharged patients says it of each person, so the user is asked.
    ended = meaning.kind == "disposition" and sample.standings[Standing.CANCELED] > 0
    if sample.names_standings and not sample.holds_short_codes and not ended:
        return Column("appointment_status", Sureness.LIKELY, Why.NAME_AND_CELLS)
    if _says_no_status(meaning, sample):
        return _merged(Watch.CODES if meaning.kind == "code" else Watch.ANSWERS, Sureness.LIKELY)
    return _ask(Question.STATUS, Why.NAME_AND_CELLS)


def _says_no_status(meaning: Meaning, sample: Sample) -> bool:
    """Whether the cells are no statuses: a confirmation may be a date or a number, and the code of a visit may be its type."""
    if meaning.kind == "confirmation":
        return not sample.filled or sample.answers[Answer.DATE] == len(sample.filled) or sample.identifies
    return meaning.kind == "code" and not (sample.holds_short_codes or sample.ends_somebody)


def _asked(meaning: Meaning, sample: Sample) -> Column:
    """A column to be asked about, unless it holds numbers and no answers, such as “Authorization No.”."""
    numbers = sample.holds_digits and not sample.holds_dates and not sample.answered
    return _merged(Watch.ANSWERS, Sureness.LIKELY) if numbers else _ask(meaning.question)


def _harmless(meaning: Meaning, sample: Sample) -> Column:
    if sample.ends_somebody_plainly:
        return _ask(Question.STATUS, Why.CELLS)
    return _merged(Watch.FIGURES if meaning.kind == "figure" and sample.holds_digits else Watch.WORDS)


def _described(meaning: Meaning, sample: Sample) -> Column:
    if meaning.kind == "address" and sample.holds_addresses:
        return _merged(Watch.WORDS)  # “Declined” among addresses means that the person gave none
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
    Sense.PHONE: _unknown,  # named as a phone, but its cells do not agree
}


def _merge_field(name: str, at: int, taken: set[str]) -> str:
    """The name of a merge field for a column, as a unique slug, which is added to `taken`."""
    slug = folded(name).replace(" ", "_")[:36].rstrip("_")
    if not slug or not slug[0].isalpha():
        slug = f"column_{slug or at + 1}"[:36]
    unique, count = slug, 2
    while unique in taken:
        unique, count = f"{slug}_{count}", count + 1
    taken.add(unique)
    return unique


def without_verdicts(name: str) -> str:
    """The name of a column in a list of opt-outs, without words for consent and refusal, because the whole list is about these."""
    return " ".join(
        word for word in words_of(name) if meanings_of(word).isdisjoint(("refuse", "no", "permit", "filler"))
    )
