"""Time zones in which a patient may live, by the name of a zone, a state, a ZIP code or a Canadian postal code.

Every reader returns all zones or states that are possible, because a call is made only while all zones are inside the calling window.
A postal code has all zones of its state or province, also where the code itself lies in only one of them.
"""

from __future__ import annotations

import re
from functools import cache
from zoneinfo import available_timezones

from rvm.spreadsheets.cells.state_zones import PROVINCES_BY_LETTER, STATES, ZIP_PREFIXES, ZONE_NAMES
from rvm.spreadsheets.refusals import CellInvalid
from rvm.spreadsheets.trimming import folded, in_ascii, trimmed

_BRACKETS = re.compile(r"\([^)]*\)|\[[^\]]*\]")
# In characters. A longer cell is prose, which the patterns do not handle. It is replaced by a word that names no place.
MAX_LENGTH = 100
_PROSE = "prose"
_NOISE = frozenset({"time", "standard", "daylight", "summer", "us", "usa", "canada", "zone", "the"})
_ZIP = re.compile(r"([0-9]{3,5})(?:\.0+|-[0-9]{0,4})?|([0-9]{7,9})")
_CANADIAN = re.compile(r"([A-Z])[0-9][A-Z](?:[ -]?[0-9][A-Z][0-9])?")


def time_zone(text: str) -> tuple[str, ...]:
    """The zones that a cell names (`America/Chicago`, `Central`, `EST`); empty for an empty cell.

    Raises CellInvalid for an unknown name.
    """
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
    """The zones of a state, territory or province, by name or postal abbreviation; empty for an empty cell.

    Raises CellInvalid for an unknown state.
    """
    return zones_of_states(states_named(text))


def states_named(text: str) -> tuple[str, ...]:
    """The code of a state, territory or province, as a tuple of one, by name or postal abbreviation; empty for an empty cell.

    Raises CellInvalid for an unknown state.
    """
    named = folded(_name(text))
    if not named:
        return ()
    # US-CA and CA-ON are codes of ISO 3166-2. An abbreviation alone has no space, so the text before one is the country.
    country, _, rest = named.partition(" ")
    code = _states().get(named.replace(" ", "")) or (_states().get(rest) if country in ("us", "ca") else None)
    if code is None:
        raise CellInvalid(
            "state_unknown",
            "This is no state or territory of the United States and no province of Canada; write its two letters, for example TX.",
        )
    return (code,)


def zones_of_states(codes: tuple[str, ...]) -> tuple[str, ...]:
    """The zones of states and provinces by their codes, each zone once. Raises KeyError for an unknown code."""
    return tuple(dict.fromkeys(zone for code in codes for zone in STATES[code][1]))


def postal_code(text: str) -> tuple[str, ...]:
    """The zones of the states or provinces in which a ZIP or Canadian postal code may lie; empty for an empty cell.

    Raises CellInvalid as `states_of_postal_code`.
    """
    return zones_of_states(states_of_postal_code(text))


def states_of_postal_code(text: str) -> tuple[str, ...]:
    """The codes of the states or provinces in which a ZIP or Canadian postal code may lie; empty for an empty cell.

    Raises CellInvalid for any other text, and for a code that is not assigned to a state or province.
    """
    written = in_ascii(_name(text)).upper()
    if not written:
        return ()
    found: tuple[str, ...] = ()
    if zipped := _ZIP.fullmatch(written):
        # Spreadsheet programs drop leading zeros: 2139 is 02139, and 21391234 is 02139-1234.
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
    """The code of each state or province by its abbreviation and its name, both folded and without spaces."""
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
