"""How the rows of one list are laid out: what each column is, and what is looked for in those that decide nothing. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from rvm.spreadsheets.columns.kinds import DECIDING, NAMES, UNCLEAR
from rvm.spreadsheets.columns.reading import Column, Watch
from rvm.spreadsheets.preview import Preview, width_of

# Behind the list's own columns in our error report, which comes back fixed. A list that has them is read without them.
REPORTED = ("row_number", "error_code", "error_message")
# Everything in these is judged.
_JUDGED = frozenset({*DECIDING, UNCLEAR})


@dataclass(frozen=True)
class Layout:
    """`columns` are kinds, merge fields' names or "" where a column is not read; `watches` is what is looked for in each, or None.

    `named` says whether a header names them, and `header` are its names. `said` are the places of which a person has said what stands
    there, and `titles` are the rows above the header. `width` is how many cells rows have, 0 where they are ragged, as those of
    workbooks are, which end with their last cell: there what is missing at the end is empty, and nothing can be shifted.
    """

    columns: Sequence[str]
    watches: Sequence[Watch | None] = ()
    named: bool = True
    width: int = 0
    said: Collection[int] = ()
    titles: Sequence[Sequence[str]] = ()
    header: Sequence[str] = ()


def layout_of(columns: Sequence[str], said: Collection[int], seen: Preview, *, ragged: bool) -> Layout:
    """`said` are the places of which a person has said what stands there."""
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
        # A no in so many words is one in a column of notes too, and “(Estate)” beside any name; who means something else by it has
        # the column not read.
        return (Watch.NAMES if kind in NAMES else Watch.WORDS) if kind else None
    if guessed is None:
        return Watch.ANSWERS
    if guessed.kind in REPORTED and not kind:
        return Watch.REPORTED
    # What it was once taken for says nothing where it is now taken for something else.
    return guessed.watch if guessed.kind == kind else Watch.ANSWERS
