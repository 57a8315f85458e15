"""Readers of one cell by the kind of its column. For any text, they raise no error other than CellInvalid."""

from __future__ import annotations

from collections.abc import Sequence

from rvm.spreadsheets.cells.countries import country
from rvm.spreadsheets.cells.phones import phone
from rvm.spreadsheets.cells.places import (
    postal_code,
    state,
    states_named,
    states_of_postal_code,
    time_zone,
    zones_of_states,
)
from rvm.spreadsheets.refusals import CellInvalid
from rvm.spreadsheets.trimming import trimmed

__all__ = [
    "CellInvalid",
    "country",
    "phone",
    "postal_code",
    "state",
    "states_named",
    "states_of_postal_code",
    "text",
    "texts",
    "time_zone",
    "zones_of_states",
]


def text(cell: str) -> str:
    """The value of a merge field: the cell without invisible characters, outer spaces and a leading apostrophe.

    It raises no errors.
    """
    return trimmed(cell)


def texts(row: Sequence[str]) -> Sequence[str]:
    """The cells of a row, each as `text` returns it. It raises no errors.

    All cells are tested together first, because most rows have nothing to trim. Of the characters that `trimmed` changes, only the
    plain space is printable.
    """
    whole = f"|{'|'.join(row)}|"
    if whole.isprintable() and not ("  " in whole or " |" in whole or "| " in whole or "|'" in whole):
        return row
    return list(map(trimmed, row))
