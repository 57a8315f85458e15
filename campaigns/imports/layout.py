"""Layout of one list: the kind of each column, and what is searched for in the columns that decide nothing. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from rvm.spreadsheets.columns.kinds import DECIDING, NAMES, UNCLEAR
from rvm.spreadsheets.columns.reading import Column, Watch
from rvm.spreadsheets.preview import Preview, width_of

# The columns that the error report appends. A corrected error report may be uploaded as a list; they are then not read.
REPORTED = ("row_number", "error_code", "error_message")
# Each cell of these columns is judged anyway, so nothing is searched for in them.
_JUDGED = frozenset({*DECIDING, UNCLEAR})


@dataclass(frozen=True)
class Layout:
    """The layout of one list. `columns` has a kind, the name of a merge field, or "" for a column that is not read; `watches` has
    what is searched for in each column, or None.

    `named`: whether a header names the columns. `header`: its names. `titles`: the rows above it. `said`: positions of the columns
    whose kind a user has set. `width`: the number of cells in a row; 0 if rows are ragged, as in workbooks, where a row ends with its
    last filled cell, so that missing cells are empty and no cell can be shifted.
    """

    columns: Sequence[str]
    watches: Sequence[Watch | None] = ()
    named: bool = True
    width: int = 0
    said: Collection[int] = ()
    titles: Sequence[Sequence[str]] = field(default=(), repr=False)
    header: Sequence[str] = field(default=(), repr=False)


def layout_of(columns: Sequence[str], said: Collection[int], seen: Preview, *, ragged: bool) -> Layout:
    """The layout of a list with the preview `seen`. `columns` are its kinds; `said` are the positions whose kind a user has set."""
    guessed = seen.columns
    watches = [
        _watch(kind, guessed[at] if at < len(guessed) else None, said=at in said) for at, kind in enumerate(columns)
    ]
    width = 0 if ragged else width_of(seen.header, [cells for _, cells in seen.rows])
    titles = [cells for _, cells in seen.header.titles]
    return Layout(columns, watches, any(seen.header.names), width, frozenset(said), titles, seen.header.names)


def _watch(kind: str, guessed: Column | None, *, said: bool) -> Watch | None:
    if kind in _JUDGED:
        return None
    if said:
        # An explicit refusal counts in any column that is read, and a remark such as “(Estate)” beside any name. A user can have the
        # column not read if it means something else.
        return (Watch.NAMES if kind in NAMES else Watch.WORDS) if kind else None
    if guessed is None:
        return Watch.ANSWERS
    if guessed.kind in REPORTED and not kind:
        return Watch.REPORTED
    # The watch belongs to the guessed kind, so it is not used if the column now has another kind.
    return guessed.watch if guessed.kind == kind else Watch.ANSWERS
