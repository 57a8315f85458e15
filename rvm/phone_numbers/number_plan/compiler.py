"""The generator of the number plan's zones from the phonenumbers library and reviewed tables.

Not for run time, because it reads all places of the library.

Reviewed by people, with a source in each row:

* `area_codes.csv`: one row for each area code of +1; only its column `zones` is generated.
* `corrections.csv`: corrections of the library. In a row without a place, `zones` replaces the library's zone `library` for the whole
  area code; empty `zones` removes it; with empty `library`, `zones` are added. In a row with a place, spelt as in the library, the
  place is in `zones` instead of in `library`.

Generated: the zones of area codes, and `exchanges.csv`, the places that are in only some of their area code's zones.

* An overlay has all zones of the area codes that it overlays, whatever the library says, because they share their territory.
* An exchange has fewer zones than its area code only if the library names its place, so that a person could review the row: one in a
  hundred had a wrong clock. Zones of other exchanges in the library are ignored. A place is no proof of where the owner is: numbers
  are ported within their rate centre only (47 CFR 52.21), but people take a mobile phone along. A person who moved away may equally
  have left the zones of the whole area code. If a whole town were held to two clocks, a use case with a short window would have no
  hour in which to reach it.
* Zones that have had equal clocks since 2020 are merged under one name. Other zones stay separate, even if their clocks are equal
  today: the change of British Columbia in 2026 can be reversed.
"""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from phonenumbers.geodata import GEOCODE_DATA
from phonenumbers.timezone import UNKNOWN_TIMEZONE
from phonenumbers.tzdata import TIMEZONE_DATA

from rvm.phone_numbers.number_plan import FOLDER, Kind, rows_of

Row = dict[str, str]
Zones = frozenset[str]

NOWHERE: Zones = frozenset()
_CODE, _EXCHANGE = len("1850"), len("1850492")


def _places_of_exchanges() -> dict[str, str]:
    """The library's place names by country code, area code and exchange.

    The library may have one entry for ten consecutive exchanges of a place. Omaha would thereby get 402-555, but exchange 555 belongs
    to no place: it is for directory assistance and fiction.
    """
    named = {prefix: str(names["en"]) for prefix, names in GEOCODE_DATA.items() if prefix[0] == "1" and "en" in names}
    tens = {
        f"{prefix}{digit}": place
        for prefix, place in named.items()
        if len(prefix) == _EXCHANGE - 1
        for digit in range(10)
    }
    found = tens | {prefix: place for prefix, place in named.items() if len(prefix) == _EXCHANGE}
    return {prefix: place for prefix, place in found.items() if not prefix.endswith("555")}


_PLACES = _places_of_exchanges()


class ReviewNeeded(Exception):
    """phonenumbers and a reviewed CSV disagree; the message names the entry and the action."""


@dataclass
class Corrections:
    """The corrections of one area code; `used` are the rows that applied to an entry of the library."""

    rows: list[Row]
    used: list[Row] = field(default_factory=list)

    def read(self, zones: Zones, place: str) -> Zones:
        """The corrected zones for the library's `zones` of a place, or of an entry without a place if `place` is empty."""
        for row in self.rows:
            if place and row["place"] == place and _zones(row["library"]) == zones:
                return self._use(row)
        for row in self.rows:
            if not row["place"] and row["library"] in zones:
                zones = zones - {row["library"]} | self._use(row)
        return zones

    def added(self, known: Zones) -> Zones:
        more = [row for row in self.rows if not row["library"] and not _zones(row["zones"]) <= known]
        return NOWHERE.union(*map(self._use, more))

    def unused(self) -> list[Row]:
        return [row for row in self.rows if row not in self.used]

    def _use(self, row: Row) -> Zones:
        self.used.append(row)
        return _zones(row["zones"])


def compiled() -> dict[str, str]:
    """The texts of the two generated tables, by name. Raises ReviewNeeded."""
    library, plan = _library(), {row["code"]: row for row in rows_of("area_codes")}
    if unknown := sorted(library.keys() - plan.keys()):
        raise ReviewNeeded(f"The library has zones for {', '.join(unknown)}; add a row to area_codes.csv for each.")
    corrections = {code: Corrections([]) for code in plan}
    for row in rows_of("corrections"):
        corrections[row["code"]].rows.append(row)
    read = {
        code: {prefix: corrections[code].read(*zones) for prefix, zones in library.get(code, {}).items()}
        for code in plan
    }
    own = {code: NOWHERE.union(*zones.values()) for code, zones in read.items()}
    own = {code: zones | corrections[code].added(zones) for code, zones in own.items()}
    unions = {code: _union(code, plan, own) for code in plan}
    for row in (row for each in corrections.values() for row in each.unused()):
        raise ReviewNeeded(f"The library says no longer what corrections.csv corrects; review the row {row}.")
    places = [row for code in plan for row in _places(code, unions[code], read[code])]
    areas = [row | {"zones": " ".join(sorted(unions[code]))} for code, row in plan.items()]
    return {"area_codes": _text(areas), "exchanges": _text(places)}


def stored(name: str) -> str:
    return (FOLDER / f"{name}.csv").read_text(encoding="utf-8")


def _library() -> dict[str, dict[str, tuple[Zones, str]]]:
    """The library's data by area code and prefix: the zones, and the place of an exchange or an empty string."""
    found: dict[str, dict[str, tuple[Zones, str]]] = defaultdict(dict)
    for prefix in {*TIMEZONE_DATA, *_PLACES}:
        if prefix[0] == "1" and len(prefix) >= _CODE and (zones := _library_zones(prefix)):
            found[prefix[1:_CODE]][prefix] = (zones, _PLACES.get(prefix, ""))
    return found


def _library_zones(prefix: str) -> Zones:
    """The library's zones for the longest part of the prefix that has any, at least as long as the area code."""
    known = (prefix[:end] for end in range(len(prefix), _CODE - 1, -1) if prefix[:end] in TIMEZONE_DATA)
    return frozenset(TIMEZONE_DATA.get(next(known, ""), ())) - {UNKNOWN_TIMEZONE}


def _union(code: str, plan: dict[str, Row], own: dict[str, Zones]) -> Zones:
    """All zones of an area code and of the codes that it overlays; empty if it is not geographic. Raises ReviewNeeded."""
    if plan[code]["kind"] != Kind.GEOGRAPHIC:
        return NOWHERE
    zones = own[code].union(*(_union(other, plan, own) for other in plan[code]["over"].split()))
    if not zones:
        raise ReviewNeeded(
            f"No zone is known for {code}; say in area_codes.csv over which code it lies, or add its zones."
        )
    return zones


def _places(code: str, union: Zones, read: dict[str, Zones]) -> Iterator[Row]:
    found: dict[str, dict[Zones, list[str]]] = defaultdict(lambda: defaultdict(list))
    for prefix, zones in sorted(read.items()):
        if (place := _PLACES.get(prefix)) and NOWHERE < zones < union:
            found[place][zones].append(prefix[_CODE:])
    for place, exchanges in sorted(found.items()):
        if len(exchanges) > 1:
            raise ReviewNeeded(f"The library has {place} ({code}) in several zones; say in corrections.csv in which.")
        for zones, of_zones in exchanges.items():
            yield {"code": code, "place": place, "zones": " ".join(sorted(zones)), "exchanges": " ".join(of_zones)}


def _zones(text: str) -> Zones:
    return frozenset(text.split())


def _text(rows: Iterable[Row]) -> str:
    rows = list(rows)
    text = io.StringIO()
    writer = csv.DictWriter(text, rows[0].keys(), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
