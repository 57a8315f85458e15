"""What one cell says, by the kind of its column. Everything here raises CellInvalid, and nothing else, for any text."""

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
    """The cell as it is kept as a merge field: without invisible characters, outer spaces and a leading apostrophe."""
    return trimmed(cell)


def texts(row: Sequence[str]) -> Sequence[str]:
    """What `text` makes of each cell. That there is nothing to trim, as in most rows, is seen of all cells at once."""
    whole = f"|{'|'.join(row)}|"
    if (
        whole.isascii()
        and whole.isprintable()
        and not ("  " in whole or " |" in whole or "| " in whole or "|'" in whole)
    ):
        return row
    return list(map(trimmed, row))
