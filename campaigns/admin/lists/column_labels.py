"""Columns of a list for the page: the first cells, the detected kind with its certainty and reason, and the choices; masking of
cells. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from campaigns.imports.uploaded_lists import ColumnRead
from campaigns.opt_outs import columns as opt_outs
from rvm.platform.observability.masking import DOTS
from rvm.spreadsheets.cells.phones import looks_like_phone
from rvm.spreadsheets.columns.kinds import CALLED, KINDS, MERGE_FIELD, UNCLEAR
from rvm.spreadsheets.columns.questions import QUESTION_TEXTS
from rvm.spreadsheets.columns.reading import Sureness, Why

_WHY = {
    Why.NAME: "by its name",
    Why.CELLS: "by what stands in it",
    Why.NAME_AND_CELLS: "by its name and what stands in it",
    Why.PLACE: "by its place; the next one is as good",
    Why.SAID: "as you said",
    Why.NOTHING: "nothing about it is known here",
}
_SURE = {Sureness.SURE: "Sure", Sureness.LIKELY: "Probably", Sureness.UNSURE: "Not sure"}
MAX_CELLS = 3
_NOT_SLUG = re.compile(r"[^a-z0-9]+")
# Every non-ASCII character is masked as a letter: in a wrong encoding, one letter appears as two symbols.
_LETTER = re.compile(r"[A-Za-z]|[^\x00-\x7f\d]")
_DIGIT = re.compile(r"\d")


@dataclass(frozen=True, slots=True)
class Column:
    """A column on the page. `choices`: (value, words). `chosen`: "" if the column is not read. `sure`, `why`: certainty and reason of
    the detected kind, as text. `question`: what the user must answer before the check. `cells`: the first cells."""

    position: int
    header: str = field(repr=False)
    chosen: str
    choices: list[tuple[str, str]]
    sure: str
    why: str
    question: str
    cells: list[str] = field(repr=False)


_CALLED_OF_OPT_OUTS = {
    **CALLED,
    "phone": "Phone number of the person",
    "reason": "Reason",
    "opt_out": "Only those with a yes here have opted out",
    "consent": "Those with a yes here have not opted out",
}


def labeled_opt_out_columns(
    header: Sequence[str], reading: Sequence[ColumnRead], rows: Sequence[Sequence[str]] = ()
) -> list[Column]:
    """One Column for each column of an opt-out list."""
    kinds = [(kind, _CALLED_OF_OPT_OUTS[kind]) for kind in opt_outs.KINDS]
    return [
        Column(
            column.position,
            header[column.position],
            column.kind,
            [*_asked(column.kind), ("", "Not read: it decides nothing"), *kinds],
            certainty_label(column),
            source_label(column),
            opt_outs.QUESTION_TEXTS.get(column.question, "") if column.question else "",
            _cells(rows, column.position),
        )
        for column in reading
    ]


def labeled_columns(
    header: Sequence[str], reading: Sequence[ColumnRead], rows: Sequence[Sequence[str]] = ()
) -> list[Column]:
    """One Column for each column of a recipient list; `rows` are the first rows, masked for a user that may not see numbers."""
    return [
        Column(
            column.position,
            header[column.position],
            column.kind,
            _choices(header[column.position], column.position, column.kind),
            certainty_label(column),
            source_label(column),
            QUESTION_TEXTS.get(column.question, ""),
            _cells(rows, column.position),
        )
        for column in reading
    ]


def _cells(rows: Sequence[Sequence[str]], at: int) -> list[str]:
    """The first distinct non-empty cells of the column, at most MAX_CELLS."""
    return list(dict.fromkeys(row[at] for row in rows if row[at]))[:MAX_CELLS]


def certainty_label(column: ColumnRead) -> str:
    if not column.kind:
        return "Not needed" if column.why is not Why.SAID else "Not read, as you said"
    return "Not understood" if column.kind == UNCLEAR else _SURE[column.sure]


def source_label(column: ColumnRead) -> str:
    if not column.kind or column.kind == UNCLEAR:
        return ""
    return _WHY[column.why]


def _choices(name: str, at: int, chosen: str) -> list[tuple[str, str]]:
    own = chosen if chosen and chosen not in (*KINDS, UNCLEAR) else merge_field(name, at)
    kinds = [(kind, CALLED[kind]) for kind in KINDS]
    return [*_asked(chosen), ("", "Not read"), *kinds, (own, f"Other: {own.replace('_', ' ')}")]


def _asked(chosen: str) -> list[tuple[str, str]]:
    return [(UNCLEAR, "Please say what it is")] if chosen == UNCLEAR else []


def merge_field(name: str, at: int) -> str:
    """The merge field name of a column of no known kind: from its header, else from its position."""
    slug = _NOT_SLUG.sub("_", name.lower()).strip("_")[:40]
    return slug if MERGE_FIELD.fullmatch(slug) and slug not in (*KINDS, UNCLEAR) else f"column_{at + 1}"


def masked_cell(cell: str) -> str:
    """A masked cell: the last four digits of a phone number; in other cells letters become “x” and digits “0”."""
    if looks_like_phone(cell):
        digits = "".join(_DIGIT.findall(cell))
        return f"{DOTS}{digits[-4:]}" if len(digits) > 4 else DOTS
    return _DIGIT.sub("0", _LETTER.sub("x", cell))
