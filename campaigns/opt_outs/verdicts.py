"""Verdicts on opt-outs: what a cell says about whether its person has opted out, by the kind of its column. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from campaigns.opt_outs.returns import comes_back
from rvm.spreadsheets.cells.answers import Answer, Standing, answer, standing


class Says(StrEnum):
    """The statement of a cell about its person."""

    OUT = "out"  # the person must not be reached
    IN = "in"  # the person may be reached
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
    """The statement of a cell in a column of this kind, `opt_out` or `consent`. It may be in words of an appointment's status."""
    said = _SAID[kind][answer(cell)]
    if comes_back(cell):
        return Says.IN
    return _STOOD.get(standing(cell), said) if said is Says.UNCLEAR else said
