"""What one cell says, by the field of its column. Everything here raises CellRefused, and nothing else, for any text."""

from __future__ import annotations

from campaigns.spreadsheets.phones import phone
from campaigns.spreadsheets.places import postal_code, state, time_zone
from campaigns.spreadsheets.refusals import CellRefused
from campaigns.spreadsheets.trimming import folded, trimmed

__all__ = ["consent", "phone", "postal_code", "state", "text", "time_zone"]

# As `folded` leaves them.
_YES = frozenset(
    {"yes", "y", "true", "t", "1", "x", "on", "ok", "agreed", "accepted", "granted", "given", "signed", "consented"}
    | {"opted in", "opt in", "optin", "si", "oui", "ja"}
)
_NO = frozenset(
    {"no", "n", "false", "f", "0", "off", "none", "declined", "denied", "refused", "revoked", "withdrawn", "stop"}
    | {"not given", "no consent", "opted out", "opt out", "optout", "non", "nein"}
)
# Characters; what is longer is prose, of which no part is to be taken for the answer.
LONGEST_ANSWER = 1000
_SIGNS = {"✓": True, "✔": True, "☑": True, "✅": True, "✗": False, "✘": False, "❌": False, "☐": False}


def text(cell: str) -> str:
    """The cell as it is kept as a merge field: without invisible characters, outer spaces and a leading apostrophe."""
    return trimmed(cell)


def consent(cell: str) -> bool | None:
    """Whether a cell says yes or no; None for an empty cell. Raises CellRefused (`consent_unclear`)."""
    said = trimmed(cell)
    if not said:
        return None
    if len(said) > LONGEST_ANSWER:
        raise _unclear()
    if said[0] in _SIGNS and not folded(said):
        return _SIGNS[said[0]]
    word = folded(said.removesuffix(".0"))
    if word not in _YES and word not in _NO:
        raise _unclear()
    return word in _YES


def _unclear() -> CellRefused:
    return CellRefused("consent_unclear", "The consent column says neither yes nor no here; write yes or no.")
