"""The number plan of +1: what each area code is, and in which time zones the people are who have its numbers.

Ours and reviewed, because the phonenumbers library has wrong zones for some codes and none for others; `compiler.py` says how the
tables beside it are made. It knows no other package of the project.
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
    PERSONAL = "personal"  # 5XX and 6XX: follow a person or a machine
    SPECIAL = "special"  # services of carriers and of the government
    RESERVED = "reserved"


class Service(StrEnum):
    IN_SERVICE = "in_service"
    PLANNED = "planned"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class AreaCode:
    """One area code. `country` is an ISO 3166 code, empty where several share it; `regions` are states and provinces; `over` are the
    codes over whose whole territory it lies; `zones` are all that its people may be in, empty where that is anywhere or not known."""

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
# A toll-free or personal number follows its owner, and an area code that is not in the plan is somewhere.
ANYWHERE = tuple(sorted({zone for area in AREA_CODES.values() for zone in area.zones}))
_BY_AREA = {code: area.zones for code, area in AREA_CODES.items() if area.zones}
# Area code and exchange of the places that lie in some of their code's zones only.
_BY_EXCHANGE = {
    row["code"] + exchange: tuple(row["zones"].split())
    for row in rows_of("exchanges")
    for exchange in row["exchanges"].split()
}


def area_code(e164: str) -> AreaCode | None:
    """The area code of a number of +1; None where the plan does not know it: a typing error, or newer than the plan."""
    return AREA_CODES.get(e164[2:5])


def zones_of_1(e164: str) -> tuple[str, ...]:
    """Every time zone that the owner of a number of +1 may be in: never empty, and anywhere in +1 where the area is not known."""
    return _BY_EXCHANGE.get(e164[2:8]) or _BY_AREA.get(e164[2:5], ANYWHERE)
