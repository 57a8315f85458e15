"""Kinds of the columns of an opt-out list, guessed from names and cells. Pure.

By default, all people on such a list have opted out. A column may contradict this, such as “OK to call” in a list of patients, or
“Opted out” with marks for some people only; then the user who uploaded the list is asked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from campaigns.opt_outs.call_logs import Side, is_of_one_number, side_of
from campaigns.opt_outs.endings import doubt_about, is_of_messages
from campaigns.opt_outs.verdicts import Says, says
from rvm.spreadsheets.cells.answers import Answer
from rvm.spreadsheets.cells.phones import numbers_in
from rvm.spreadsheets.columns.kinds import AREA_CODE, DECIDING, EXTENSION, PHONE_TYPE, PHONES, UNCLEAR, column_twice
from rvm.spreadsheets.columns.names import Sense, Whose, meaning_of, says_whose, whose
from rvm.spreadsheets.columns.questions import PERHAPS_ANOTHERS_PHONE, UNNAMED_PHONES, Question
from rvm.spreadsheets.columns.reading import (
    NOTHING_AROUND,
    Around,
    Column,
    Sureness,
    Watch,
    Why,
    read_columns,
    without_verdicts,
)
from rvm.spreadsheets.columns.samples import Sample
from rvm.spreadsheets.columns.words import meanings_of, words_of
from rvm.spreadsheets.phone_owners import is_anothers
from rvm.spreadsheets.refusals import ColumnsInvalid

REASON = "reason"
# Columns that say who has opted out: people with a yes in the first kind, people without one in the second.
SAYING = ("opt_out", "consent")
# Columns that belong to the phone beside them.
_OF_PHONES = (EXTENSION, AREA_CODE, PHONE_TYPE, "country")
KINDS = (*PHONES, REASON, *_OF_PHONES, *SAYING)
REPEATED = (EXTENSION, AREA_CODE, PHONE_TYPE, *SAYING)

QUESTION_TEXTS: dict[Question, str] = {
    **dict.fromkeys(
        Question,
        "It could say that some people on this list have not opted out. Are only those to be listed who have a yes in it, or words "
        "such as “Do not call”, only those who have not, or everybody?",
    ),
    Question.YES_OR_NO: "Not everybody on this list has a yes in it. Are only those with a yes in it to be listed, or everybody?",
    Question.WHAT_FOR: "People on this list have a yes in it, as those have who may be reached. Is it a list of patients, of whom "
    "only those without a yes have opted out, or is everybody to be listed?",
    Question.UNKNOWN: "It has keys, codes or steps, and it is not known here which of them means that a person has opted out. Leave "
    "only those people in the list who have, upload it again, and have the column not read.",
    Question.WHICH_PHONE: f"{UNNAMED_PHONES} Which ones are? In a log of calls or messages the person is who called or wrote, or who "
    "was called; a number of your own is not to be listed.",
    Question.WHOSE_PHONE: f"{PERHAPS_ANOTHERS_PHONE} Is it a number of the person? One that stands in nearly every row is hardly "
    "one.",
    Question.PHONE_TYPE: "It may say whose the phones beside it are. Read as the type of the phone, it keeps those of others, such "
    "as an emergency contact's, off the suppression list; or does it say something else?",
}
# The only question about a column that seems to be a permission.
PERMISSION = Question.WHAT_FOR
_REASONS = frozenset({"reason", "reasons", "rsn", "motivo", "razon", "why"})
_PHONE_QUESTIONS = (Question.WHICH_PHONE, Question.WHOSE_PHONE)


def read_opt_outs(
    header: Sequence[str] | None, rows: Sequence[Sequence[str]], _around: Around = NOTHING_AROUND
) -> list[Column]:
    """The readings of the columns of a list, one Column for each, as `read_columns` returns them; a kind is in KINDS, UNCLEAR or "".

    A column with a name such as “Do not call” may have the numbers, and all numbers of a person count.
    """
    # The whole name of a column says who has opted out; the name without words about opting out says whose number it has.
    own, plain = read_columns(header, rows, of_opt_outs=True), read_columns(header, rows)
    samples = [Sample([row[at] if at < len(row) else "" for row in rows]) for at in range(len(plain))]
    names = [*(header or ()), *[""] * (len(plain) - len(header or ()))]
    columns = [_column(*each) for each in zip(own, plain, names, samples, strict=True)]
    columns = _of_calls(names, columns, samples)
    if all(column.kind != REASON for column in columns):
        for at, name in enumerate(header or ()):
            if _is_reason(name) and not samples[at].phones and not _answers(samples[at]):
                columns[at] = Column(REASON, Sureness.SURE, Why.NAME)
                break
    phones = iter(PHONES)
    order = sorted(
        (at for at, column in enumerate(columns) if column.kind in PHONES),
        key=lambda at: PHONES.index(columns[at].kind),
    )
    renamed = dict(zip(order, phones, strict=False))
    return [replace(column, kind=renamed[at]) if at in renamed else column for at, column in enumerate(columns)]


def _of_calls(names: Sequence[str], columns: Sequence[Column], samples: Sequence[Sample]) -> list[Column]:
    """The columns, changed where their phones may not be those of people, as in a log of calls.

    A column with the same number in nearly every row has the clinic's own: it is not read, or the user is asked whose it is. If it
    is not clear which side of a call is the person, the user is asked about the columns of the sides.
    """
    found = list(columns)
    sides = {at: side for at, name in enumerate(names) if samples[at].holds_phones and (side := side_of(name))}
    asked = {at for at, column in enumerate(columns) if column.question in _PHONE_QUESTIONS and samples[at].phones}
    own = {at for at, column in enumerate(columns) if column.kind in PHONES}
    same = {at for at in {*sides, *asked, *own} if is_of_one_number(samples[at])}
    for at in same:
        others = {*sides, *asked, *own} - same
        named = at not in sides and columns[at].kind in PHONES and columns[at].why is not Why.CELLS
        found[at] = _ask(Question.WHOSE_PHONE) if named or not others else _NOT_READ
    parties, plain = [at for at in sides if at not in same], own - same - {*sides}
    if parties and (plain or not _is_one_party(parties, sides, samples)):
        for at in parties:
            found[at] = _ask(Question.WHICH_PHONE)
    elif parties or (len(asked - same) == 1 and same and not own - same):
        for nth, at in enumerate(parties or asked - same):
            found[at] = Column(PHONES[nth], Sureness.LIKELY, Why.CELLS)
    return found


def _is_one_party(parties: Sequence[int], sides: Mapping[int, Side], samples: Sequence[Sample]) -> bool:
    """Whether all these columns are about the same side of a call and have the same numbers."""
    numbers = [[numbers_in(cell) for cell in samples[at].filled] for at in parties]
    return len({sides[at] for at in parties}) == 1 and all(each == numbers[0] for each in numbers)


def _column(own: Column, plain: Column, name: str, sample: Sample) -> Column:
    deciding = plain.kind in DECIDING or plain.kind == UNCLEAR
    if own.kind in PHONES and (sample.phones or not deciding):
        return _ask(Question.WHOSE_PHONE) if sample.phones and _is_to_reach(name) else own
    about_phones = own.question in (*_PHONE_QUESTIONS, Question.PHONE_TYPE)
    if own.kind in _OF_PHONES or (about_phones and not _are_reasons(own, sample)):
        return own
    if own.kind == REASON:
        return Column(REASON, Sureness.SURE, Why.NAME)
    question = doubt_about(name, sample)
    if question is Question.UNKNOWN or (question and is_of_messages(name)):
        return _ask(question)
    found = _DECIDED[plain.kind](plain, sample) if deciding and sample.filled else _NOT_READ
    if found is _NOT_READ and sample.holds_phones and meaning_of(name).sense in _UNNAMED:
        return _ask(Question.WHOSE_PHONE, Why.CELLS)
    return _ask(question) if found is _NOT_READ and question else found


# A column of phones whose name has one of these senses may have the person's numbers, so the user is asked.
_UNNAMED = (Sense.UNKNOWN, Sense.BLANK, Sense.HARMLESS, Sense.ACT)


def _is_to_reach(name: str) -> bool:
    """Whether the name of a column of phones says that people may be reached there: “OK to call phone”, “Number to keep”."""
    meanings = [meanings_of(word) for word in words_of(name)]
    permits = any("permit" in each for each in meanings) or not _KEPT.isdisjoint(words_of(name))
    return permits and all(each.isdisjoint(("refuse", "no")) for each in meanings)


_KEPT = frozenset({"keep", "keeps", "kept", "retain", "conservar", "mantener"})


_NOT_READ = Column("", Sureness.SURE, Why.NOTHING, watch=Watch.WORDS)


def _ask(question: Question, why: Why = Why.NAME_AND_CELLS) -> Column:
    return Column(UNCLEAR, Sureness.UNSURE, why, question)


def _said_by(kind: str, sample: Sample) -> Counter[Says]:
    return Counter({Says.NOTHING: sample.blank}) + Counter(says(kind, cell) for cell in sample.filled)


def _marks(plain: Column, sample: Sample) -> Column:
    return plain if set(_said_by("opt_out", sample)) == {Says.OUT} else _ask(Question.YES_OR_NO)


def _permits(plain: Column, sample: Sample) -> Column:
    return _ask(PERMISSION) if _said_by("consent", sample)[Says.IN] else plain


def _describes(plain: Column, sample: Sample) -> Column:
    """A column with a status or with deaths. If it forbids reaching some of the people, it may say who has opted out."""
    said = _said_by("opt_out", sample)
    return _ask(Question.YES_OR_NO) if said[Says.OUT] and len(said) > 1 else _NOT_READ


def _asks(plain: Column, sample: Sample) -> Column:
    """A column of unknown meaning. If all cells have words, some a no and none a yes, they are reasons, such as “STOP” or “DNC”."""
    reasons = sample.answers[Answer.FORBIDS] and not sample.blank and not _answers(sample)
    return _NOT_READ if reasons else _ask(plain.question)


def _answers(sample: Sample) -> bool:
    """Whether a cell may say that its person has not opted out."""
    return any(sample.answers[said] for said in (Answer.YES, Answer.NO, Answer.PERMITS, Answer.CROSS, Answer.DATE))


def _are_reasons(own: Column, sample: Sample) -> bool:
    """Whether a column that looks like types of phones has reasons: “Wrong number” and “Disconnected” say why, and not whose."""
    others = any(says_whose(cell) and (is_anothers(cell) or whose(cell) is Whose.GUARDIAN) for cell in sample.filled)
    return own.question in (Question.WHOSE_PHONE, Question.PHONE_TYPE) and not sample.phones and not others


def _is_reason(name: str) -> bool:
    words = set(words_of(without_verdicts(name)))
    return bool(words) and words <= _REASONS


_DECIDED: dict[str, Callable[[Column, Sample], Column]] = {
    "opt_out": _marks,
    "consent": _permits,
    "deceased": _describes,
    "canceled": _describes,
    "appointment_status": _describes,
    UNCLEAR: _asks,
}


def check_opt_out_columns(columns: Sequence[str | None]) -> None:
    """Raise ColumnsInvalid if the kinds do not fit together, as `check_columns`."""
    named = [column for column in columns if column is not None]
    for column in named:
        if column not in (*KINDS, UNCLEAR):
            raise ColumnsInvalid(
                "invalid_choice",
                f"A list of opt-outs has no column of the kind {column}; it has {', '.join(KINDS)}, or one that is not read.",
            )
        if named.count(column) > 1 and column not in (*REPEATED, UNCLEAR):
            raise column_twice(column)
    if UNCLEAR not in named and not set(PHONES) & set(named):
        raise ColumnsInvalid(
            "phone_column_missing",
            "No column of the list is read as phone numbers of the people on it; say which one holds them.",
        )
