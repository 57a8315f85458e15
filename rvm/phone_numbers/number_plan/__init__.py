"""The number plan of +1: the kind and status of each area code, and the time zones in which owners of its numbers may be.

The project maintains and reviews its own plan, because the phonenumbers library has wrong zones for some area codes and none for
others. `compiler.py` describes how the tables are generated. This package imports no other package of the project.
"""

from __future__ import annotations

import csv
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
_BY_EXCHANGE = {
    row["code"] + exchange: tuple(row["zones"].split())
    for row in rows_of("exchanges")
    for exchange in row["exchanges"].split()
}


def area_code(e164: str) -> AreaCode | None:
    """The area code of a +1 number; None if the plan does not have it, which means a typing error or a code newer than the plan."""
    return AREA_CODES.get(e164[2:5])


def zones_of_1(e164: str) -> tuple[str, ...]:
    """All time zones in which the owner of a +1 number may be: never empty; all zones of +1 for an unknown or unbounded area code."""
    return _BY_EXCHANGE.get(e164[2:8]) or _BY_AREA.get(e164[2:5], ANYWHERE)
