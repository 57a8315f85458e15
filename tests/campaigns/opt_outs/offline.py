"""What becomes of a list of opt-outs, without a database: which numbers it lists, which rows it refuses, what it asks."""

from __future__ import annotations

from dataclasses import dataclass, field

from campaigns.imports.layout import layout_of
from campaigns.opt_outs.listing import Noted, reader_of
from campaigns.opt_outs.service import KIND
from rvm.spreadsheets.columns.kinds import PHONES, UNCLEAR
from rvm.spreadsheets.encodings import Accents
from rvm.spreadsheets.preview import examine, open_list
from rvm.spreadsheets.refusals import CellInvalid


@dataclass
class Listed:
    """`numbers` are those that are listed, `refused` the codes by row; both are empty while something is `asked`. `permitted` counts
    the rows whose person may be reached by a column, and `noted` are rows of which a further number is not listed."""

    columns: list[str]
    asked: list[str]
    numbers: set[str] = field(default_factory=set)
    refused: dict[int, str] = field(default_factory=dict)
    permitted: int = 0
    notices: list[str] = field(default_factory=list)
    noted: set[int] = field(default_factory=set)


def list_out(content: bytes) -> Listed:
    accents = Accents()
    list(accents.pass_on([content]))
    dialect, seen = examine(lambda: [content], accents=accents.kept, columns=KIND.columns)
    kinds = [column.kind for column in seen.columns]
    listed = Listed(kinds, [column.question for column in seen.columns if column.kind == UNCLEAR])
    if not listed.asked and set(kinds).isdisjoint(PHONES):
        listed.asked = ["phone_column_missing"]  # the check refuses it
    if listed.asked:
        return listed
    seen, rows = open_list([content], dialect, columns=KIND.columns)
    read, noted = reader_of(layout_of(kinds, [], seen, ragged=False), [], seen), Noted()
    for number, cells in rows:
        try:
            entry = read(cells)
        except CellInvalid as refused:
            listed.refused[number] = refused.code
            continue
        noted.take(number, entry)
        listed.noted |= {number} if "missed" in entry.noted else set()
        listed.numbers |= set(entry.numbers)
        listed.permitted += entry.permits
    listed.notices = noted.messages()
    return listed
