"""What one cell says, by the kind of its column. Everything here raises CellRefused, and nothing else, for any text."""

from __future__ import annotations

from campaigns.spreadsheets.countries import country
from campaigns.spreadsheets.phones import phone
from campaigns.spreadsheets.places import postal_code, state, time_zone
from campaigns.spreadsheets.refusals import CellRefused
from campaigns.spreadsheets.trimming import trimmed

__all__ = ["CellRefused", "country", "phone", "postal_code", "state", "text", "time_zone"]


def text(cell: str) -> str:
    """The cell as it is kept as a merge field: without invisible characters, outer spaces and a leading apostrophe."""
    return trimmed(cell)
