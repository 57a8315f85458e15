"""Columns of an opt-out list that say how a call, a message or an entry ended; in some of its rows, no one has opted out. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from campaigns.opt_outs.verdicts import Says, says
from rvm.spreadsheets.cells.answers import Answer, answer
from rvm.spreadsheets.cells.objections import objects
from rvm.spreadsheets.columns.names import Sense, meaning_of
from rvm.spreadsheets.columns.questions import Question
from rvm.spreadsheets.columns.samples import Sample
from rvm.spreadsheets.columns.words import words_of
from rvm.spreadsheets.trimming import folded, trimmed

# Words of column names; `adds` and `takes` are cells that say what was done with a number on a list.
_WORDS = """
pressed: key keys keypress digit digits dtmf pressed press option input selection selected tecla opcion digito
ends: disposition dispo disp result results outcome outcomes status stat sts estatus resultado response responses respuesta scrub
messages: message messages msg msgs reply replies body transcript transcription menu choice mensaje mensajes transcripcion menu
sorts: type tipo category categoria class list tag tags flag code group keyword event action accion estado text texto content pref
sorts: preference preferencia
adds: add added insert inserted create created new agregar agregado alta
takes: remove removed delete deleted drop quitar quitado borrar borrado baja
"""
_MEANINGS: dict[str, set[str]] = defaultdict(set)
for _line in _WORDS.strip().splitlines():
    _meaning, _, _words = _line.partition(": ")
    _MEANINGS[_meaning].update(_words.split())
_PRESSED, _ENDS, _MESSAGES, _SORTS, _ADDS, _TAKES = _MEANINGS.values()
_MAX_KEY = 2


def is_of_messages(name: str) -> bool:
    return not _MESSAGES.isdisjoint(words_of(name))


def doubt_about(name: str, sample: Sample) -> Question:
    """The question about a column that may say how a call or message ended, what was answered or what was done; NONE if it does not.

    It is for columns whose names do not say that they decide who has opted out.
    """
    words = set(words_of(name))
    notes = meaning_of(name).sense is Sense.NOTES and words.isdisjoint(_MESSAGES)
    if not sample.filled or sample.phones or sample.holds_dates or notes:
        return Question.NONE
    said = {folded(cell) for cell in sample.filled}
    out = sample.share(_is_out_in_words)
    replies = not words.isdisjoint(_MESSAGES)
    ends = not words.isdisjoint(_ENDS) or (replies and not (sample.holds_answers and out == 0))
    differs = len(said) > 1 and (out < 1 if ends else 0 < out < 1 and not words.isdisjoint(_SORTS))
    # A yes that answers a message, or a pressed key, does not say that the person wants to be listed.
    codes = any(len(cell) <= _MAX_KEY for cell in said) or (replies and sample.answers[Answer.YES] > 0)
    pressed = (
        not words.isdisjoint(_PRESSED) and len(said) > 1 and sample.share(lambda cell: len(cell) <= _MAX_KEY) > 0.5
    )
    turned = not _ADDS.isdisjoint(said) and not _TAKES.isdisjoint(said)
    if pressed or turned or (differs and codes):
        return Question.UNKNOWN
    return Question.STATUS if differs else Question.NONE


def all_out(names: Sequence[str], rows: Sequence[Sequence[str]]) -> list[int]:
    """The positions of the columns that say how a call or message ended and whose filled cells in these rows all say an opt-out."""
    found = []
    for at, name in enumerate(names):
        cells = [cell for row in rows if at < len(row) and (cell := trimmed(row[at]))]
        if cells and not (_ENDS | _MESSAGES | _SORTS).isdisjoint(words_of(name)) and all(map(_is_out_in_words, cells)):
            found.append(at)
    return found


def is_out(cell: str) -> bool:
    """Whether a cell of a column of `all_out` says an opt-out or is blank, so that its person is listed."""
    return not trimmed(cell) or _is_out_in_words(cell)


def _is_out_in_words(cell: str) -> bool:
    return answer(cell) is not Answer.YES and (says("opt_out", cell) is Says.OUT or objects(cell))
