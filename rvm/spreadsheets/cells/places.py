"""Where a patient lives, and so which clocks may be theirs: zones of zone names, states, ZIP and Canadian postal codes.

All of it answers with every zone it may be, because a call is made only while all of them are inside the window. A postal code is
known by its state, not by its street: beside a state's border inside which the zone changes it gives both.
"""

from __future__ import annotations

import re
from functools import cache
from zoneinfo import available_timezones

from rvm.spreadsheets.cells.state_zones import PROVINCES_BY_LETTER, STATES, ZIP_PREFIXES, ZONE_NAMES
from rvm.spreadsheets.refusals import CellInvalid
from rvm.spreadsheets.trimming import folded, in_ascii, trimmed

_BRACKETS = re.compile(r"\([^)]*\)|\[[^\]]*\]")
# Characters of a cell that may name a place: longer ones hold prose, which the patterns are not made for. This word, of no place, is
# read in its stead.
MAX_LENGTH = 100
_PROSE = "prose"
_NOISE = frozenset({"time", "standard", "daylight", "summer", "us", "usa", "canada", "zone", "the"})
_ZIP = re.compile(r"([0-9]{3,5})(?:\.0+|-[0-9]{0,4})?|([0-9]{7,9})")
_CANADIAN = re.compile(r"([A-Z])[0-9][A-Z](?:[ -]?[0-9][A-Z][0-9])?")


def time_zone(text: str) -> tuple[str, ...]:
    """The zones that a cell names (`America/Chicago`, `Central`, `EST`), empty for an empty cell. Raises CellInvalid."""
    named = _name(text)
    if not named:
        return ()
    words = folded(_BRACKETS.sub(" ", named.replace(".", ""))).split()
    zones = ZONE_NAMES.get(" ".join(word for word in words if word not in _NOISE))
    if zones is None and (canonical := _iana().get(named.replace(" ", "_").casefold())):
        zones = (canonical,)
    if zones is None:
        raise CellInvalid(
            "time_zone_unknown",
            "This is not the name of a time zone; write it like America/Chicago, or Eastern, Central, Mountain or Pacific.",
        )
    return zones


def state(text: str) -> tuple[str, ...]:
    """The zones of a state, territory or province, by name or postal abbreviation; empty for an empty cell. Raises CellInvalid."""
    return zones_of_states(states_named(text))


def states_named(text: str) -> tuple[str, ...]:
    """The code of the state, territory or province itself, if the cell is not empty. Raises CellInvalid."""
    named = folded(_name(text))
    if not named:
        return ()
    # US-CA and CA-ON are ISO 3166-2; a state's own abbreviation never has a space.
    country, _, rest = named.partition(" ")
    code = _states().get(named.replace(" ", "")) or (_states().get(rest) if country in ("us", "ca") else None)
    if code is None:
        raise CellInvalid(
            "state_unknown",
            "This is no state or territory of the United States and no province of Canada; write its two letters, for example TX.",
        )
    return (code,)


def zones_of_states(codes: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(zone for code in codes for zone in STATES[code][1]))


def postal_code(text: str) -> tuple[str, ...]:
    """The zones of the state or province that a ZIP or Canadian postal code lies in; empty for an empty cell. Raises CellInvalid."""
    return zones_of_states(states_of_postal_code(text))


def states_of_postal_code(text: str) -> tuple[str, ...]:
    """The codes of the states or provinces themselves, if the cell is not empty. Raises CellInvalid."""
    written = in_ascii(_name(text)).upper()
    if not written:
        return ()
    found: tuple[str, ...] = ()
    if zipped := _ZIP.fullmatch(written):
        # Spreadsheet programs drop the leading nought: 2139 is 02139, and 21391234 is 02139-1234.
        digits = zipped[1].zfill(5) if zipped[1] else zipped[2].zfill(9)
        found = _states_by_prefix().get(int(digits[:3]), ())
    elif canadian := _CANADIAN.fullmatch(written):
        found = PROVINCES_BY_LETTER.get(canadian[1], ())
    if not found:
        raise CellInvalid(
            "postal_code_unknown",
            "This is neither a ZIP code of the United States nor a postal code of Canada; write it like 02139 or K1A 0B1.",
        )
    return found


def _name(text: str) -> str:
    named = trimmed(text)
    return named if len(named) <= MAX_LENGTH else _PROSE


@cache
def _iana() -> dict[str, str]:
    return {
        name.casefold(): name for name in available_timezones() if name not in ("Factory", "localtime", "posixrules")
    }


@cache
def _states() -> dict[str, str]:
    """By abbreviation and by name, folded and without spaces."""
    names = {folded(name).replace(" ", ""): code for code, (name, _) in STATES.items()}
    return (
        names
        | {code.casefold(): code for code in STATES}
        | {"washingtondc": "DC", "newfoundland": "NL", "usvirginislands": "VI"}
    )


@cache
def _states_by_prefix() -> dict[int, tuple[str, ...]]:
    found: dict[int, tuple[str, ...]] = {}
    for line in ZIP_PREFIXES.split():
        prefixes, _, codes = line.partition(":")
        first, _, last = prefixes.partition("-")
        for prefix in range(int(first), int(last or first) + 1):
            found[prefix] = tuple(codes.split("+"))
    return found
