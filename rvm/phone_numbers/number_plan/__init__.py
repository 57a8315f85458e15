"""The number plan of +1: the kind and status of each area code, and the time zones and states in which owners of its numbers may be.

The project maintains and reviews its own plan, because the phonenumbers library has wrong zones for some area codes and none for
others. `compiler.py` describes how the tables are generated. This package imports no other package of the project.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

FOLDER = Path(__file__).parent


class Kind(StrEnum):
    GEOGRAPHIC = "geographic"
    TOLL_FREE = "toll_free"
    PREMIUM = "premium"
    PERSONAL = "personal"  # 5XX and 6XX, which belong to a person or a machine, not to a place
    SPECIAL = "special"  # services of carriers and of governments
    RESERVED = "reserved"


class Service(StrEnum):
    IN_SERVICE = "in_service"
    PLANNED = "planned"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class AreaCode:
    """One area code.

    `country` is an ISO 3166 code, empty if several countries share the area code; `regions` are states and provinces. `over` lists
    the area codes whose whole territory this one overlays. `zones` are all time zones in which owners may be, empty if not bounded
    or not known.
    """

    code: str
    country: str
    regions: tuple[str, ...]
    kind: Kind
    over: tuple[str, ...]
    service: Service
    zones: tuple[str, ...]


def rows_of(name: str) -> Iterator[dict[str, str]]:
    with (FOLDER / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        yield from csv.DictReader(file)


def _area_codes() -> Iterator[AreaCode]:
    for row in rows_of("area_codes"):
        yield AreaCode(
            row["code"],
            row["country"],
            tuple(row["regions"].split()),
            Kind(row["kind"]),
            tuple(row["over"].split()),
            Service(row["service"]),
            tuple(row["zones"].split()),
        )


AREA_CODES: Mapping[str, AreaCode] = {area.code: area for area in _area_codes()}
# The zones of toll-free and personal numbers, which are not bound to a place, and of area codes that the plan does not have.
ANYWHERE = tuple(sorted({zone for area in AREA_CODES.values() for zone in area.zones}))
_BY_AREA = {code: area.zones for code, area in AREA_CODES.items() if area.zones}
# By area code and exchange: the zones of places that are in only some of their area code's zones.
EXCHANGES = {
    row["code"] + exchange: tuple(row["zones"].split())
    for row in rows_of("exchanges")
    for exchange in row["exchanges"].split()
}


# The state of numbers of countries that have no states in the plan.
ELSEWHERE = "elsewhere"
US_STATES = frozenset(
    region
    for area in AREA_CODES.values()
    if area.country in ("US", "PR", "VI", "GU", "MP", "AS")
    for region in area.regions
)
# Names the plan's tables in the facts of a decision.
VERSION = hashlib.sha256(
    b"".join((FOLDER / f"{name}.csv").read_bytes() for name in ("area_codes", "exchanges"))
).hexdigest()[:12]


def _overlay_group(code: str) -> frozenset[str]:
    """The area codes on the same territory: those that this one overlays, those that overlay it, and theirs."""
    found, new = frozenset[str](), frozenset({code})
    while new:
        found |= new
        over = {other for each in new for other in AREA_CODES[each].over}
        new = frozenset(over | {each.code for each in AREA_CODES.values() if not new.isdisjoint(each.over)}) - found
    return found


def _states(area: AreaCode) -> tuple[str, ...]:
    regions = {region for code in _overlay_group(area.code) for region in AREA_CODES[code].regions}
    return tuple(sorted(regions)) or (ELSEWHERE,)


_STATES_BY_AREA = {code: _states(area) for code, area in AREA_CODES.items() if area.zones}


def area_code(e164: str) -> AreaCode | None:
    """The area code of a +1 number; None if the plan does not have it, which means a typing error or a code newer than the plan."""
    return AREA_CODES.get(e164[2:5])


def zones_of_1(e164: str) -> tuple[str, ...]:
    """All time zones in which the owner of a +1 number may be: never empty; all zones of +1 for an unknown or unbounded area code."""
    return EXCHANGES.get(e164[2:8]) or _BY_AREA.get(e164[2:5], ANYWHERE)


def states_of_1(e164: str) -> tuple[str, ...]:
    """All states and provinces in which the owner of a +1 number may be, ELSEWHERE for a country without them.

    Empty if the owner may be anywhere in +1, which is when `zones_of_1` gives all zones.
    """
    return _STATES_BY_AREA.get(e164[2:5], ())
