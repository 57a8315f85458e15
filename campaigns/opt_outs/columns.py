"""What each column of a list of opt-outs is taken for. Pure.

Everybody on such a list is meant. A column may say otherwise, as “OK to call” does where the list is one of patients, or “Opted out”
where only some are marked; whoever has uploaded the list is asked what to make of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from enum import StrEnum

from rvm.spreadsheets.cells.answers import Answer, Standing, answer, standing
from rvm.spreadsheets.columns.kinds import DECIDING, EXTENSION, PHONES, UNCLEAR, column_twice
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
from rvm.spreadsheets.columns.words import words_of
from rvm.spreadsheets.refusals import ColumnsInvalid

REASON = "reason"
# Who has a yes in the one is meant, who has a yes in the other is not.
SAYING = ("opt_out", "consent")
KINDS = (*PHONES, REASON, EXTENSION, "country", *SAYING)
REPEATED = (EXTENSION, *SAYING)

SENTENCES: dict[Question, str] = {
    **dict.fromkeys(
        Question,
        "It could say that some people on this list have not opted out. Are only those with a yes in it to be listed, only those "
        "without, or everybody?",
    ),
    Question.YES_OR_NO: "Not everybody on this list has a yes in it. Are only those with a yes in it to be listed, or everybody?",
    Question.WHAT_FOR: "People on this list have a yes in it, as those have who may be reached. Is it a list of patients, of whom "
    "only those without a yes have opted out, or is everybody to be listed?",
    Question.WHICH_PHONE: f"{UNNAMED_PHONES} Which ones are?",
    Question.WHOSE_PHONE: f"{PERHAPS_ANOTHERS_PHONE} Is it a number of the person?",
}
# The question that is asked about a permission, and about nothing else.
PERMISSION = Question.WHAT_FOR
_REASONS = frozenset({"reason", "reasons", "rsn", "motivo", "razon", "why"})
_PHONE_QUESTIONS = (Question.WHICH_PHONE, Question.WHOSE_PHONE)


class Says(StrEnum):
    """What a cell says about its person."""

    OUT = "out"  # must not be reached
    IN = "in"  # may be
    NOTHING = "nothing"
    UNCLEAR = "unclear"


_ANSWERED: dict[Answer, Says] = {
    Answer.FORBIDS: Says.OUT,
    Answer.PERMITS: Says.IN,
    Answer.BLANK: Says.NOTHING,
    Answer.UNCLEAR: Says.UNCLEAR,
    Answer.CROSS: Says.UNCLEAR,
}
_A = Answer
_SAID: Mapping[str, Mapping[Answer, Says]] = {
    "opt_out": {**_ANSWERED, _A.YES: Says.OUT, _A.DATE: Says.OUT, _A.NO: Says.IN},
    "consent": {**_ANSWERED, _A.YES: Says.IN, _A.DATE: Says.IN, _A.NO: Says.OUT, _A.CROSS: Says.OUT},
}
_STOOD = {Standing.FORBIDS: Says.OUT, Standing.DECEASED: Says.OUT, Standing.STANDS: Says.IN}


def says(kind: str, cell: str) -> Says:
    """What a cell of a column of this kind, one of SAYING, says; words of a status as well."""
    said = _SAID[kind][answer(cell)]
    return _STOOD.get(standing(cell), said) if said is Says.UNCLEAR else said


def read_opt_outs(
    header: Sequence[str] | None, rows: Sequence[Sequence[str]], _around: Around = NOTHING_AROUND
) -> list[Column]:
    """One Column for each column, as `read_columns`, of kinds in KINDS, UNCLEAR or "".

    A column named “Do not call” may hold the numbers, and every number of the person counts.
    """
    # By their whole names columns say who is meant; without the words about opting out they say whose number it is.
    own, plain = read_columns(header, rows, of_opt_outs=True), read_columns(header, rows)
    samples = [Sample([row[at] if at < len(row) else "" for row in rows]) for at in range(len(plain))]
    columns = [_column(*each) for each in zip(own, plain, samples, strict=True)]
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


def _column(own: Column, plain: Column, sample: Sample) -> Column:
    deciding = plain.kind in DECIDING or plain.kind == UNCLEAR
    if own.kind in PHONES and (sample.phones or not deciding):
        return own
    if own.question in _PHONE_QUESTIONS or own.kind in (EXTENSION, "country"):
        return own
    if own.question is Question.PHONE_TYPE:
        return _NOT_READ  # every number of the list counts
    if own.kind == REASON:
        return Column(REASON, Sureness.SURE, Why.NAME)
    return _DECIDED[plain.kind](plain, sample) if deciding and sample.filled else _NOT_READ


_NOT_READ = Column("", Sureness.SURE, Why.NOTHING, watch=Watch.WORDS)


def _ask(question: Question) -> Column:
    return Column(UNCLEAR, Sureness.UNSURE, Why.NAME_AND_CELLS, question)


def _said_by(kind: str, sample: Sample) -> Counter[Says]:
    return Counter({Says.NOTHING: sample.blank}) + Counter(says(kind, cell) for cell in sample.filled)


def _marks(plain: Column, sample: Sample) -> Column:
    return plain if set(_said_by("opt_out", sample)) == {Says.OUT} else _ask(Question.YES_OR_NO)


def _permits(plain: Column, sample: Sample) -> Column:
    return _ask(PERMISSION) if _said_by("consent", sample)[Says.IN] else plain


def _describes(plain: Column, sample: Sample) -> Column:
    """Of a status, or of who has died: where it names some as out, it may say who is meant."""
    said = _said_by("opt_out", sample)
    return _ask(Question.YES_OR_NO) if said[Says.OUT] and len(said) > 1 else _NOT_READ


def _asks(plain: Column, sample: Sample) -> Column:
    """Where everybody has words, some of them a no and none a yes, these are reasons: STOP, asked, DNC."""
    reasons = sample.answers[Answer.FORBIDS] and not sample.blank and not _answers(sample)
    return _NOT_READ if reasons else _ask(plain.question)


def _answers(sample: Sample) -> bool:
    """Whether a cell may say that its person has not opted out."""
    return any(sample.answers[said] for said in (Answer.YES, Answer.NO, Answer.PERMITS, Answer.CROSS, Answer.DATE))


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
    """Whether a mapping makes sense, as `check_columns`. Raises ColumnsInvalid."""
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
