"""The tz database that decides what time it is where people live: the pinned tzdata package, in every process.

zoneinfo prefers the machine's own files, and these are as old as the machine: those of Debian 12 had British Columbia, Alberta and
Manitoba an hour off a month after their clocks had changed. Importing this module makes zoneinfo read the package and nothing else.
The settings import it before anything can ask for a zone, so that no process has to be started in a special way.
"""

from __future__ import annotations

import re
import zoneinfo
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache, lru_cache
from importlib import resources
from zoneinfo import ZoneInfo

import tzdata

# Three to six releases come out each year, and governments change clocks at a few weeks' notice: after a year there is a newer one.
MAX_AGE = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Release:
    """`version` is the package's, `iana` the database's own; `earliest` is the first day on which it can have come out."""

    version: str
    iana: str
    earliest: date

    def age(self, today: date) -> timedelta:
        """How old it is at most."""
        return today - self.earliest


def read_package_only() -> None:
    """Make zoneinfo read zones from the tzdata package, also those that were asked for before."""
    zoneinfo.reset_tzpath(to=())
    ZoneInfo.clear_cache()


def reads_package_only() -> bool:
    return not zoneinfo.TZPATH


@cache
def release() -> Release:
    """The release in use. It does not say when it came out: not before the year in its name, nor before the newest bulletin on leap
    seconds in it, of which there are two a year."""
    days = [date(int(tzdata.IANA_VERSION[:4]), 1, 1)]
    bulletin = (resources.files("tzdata") / "zoneinfo" / "leapseconds").read_text(encoding="utf-8")
    if updated := re.search(r"^#updated ([0-9]+)", bulletin, re.MULTILINE):
        days.append(datetime.fromtimestamp(int(updated[1]), UTC).date())
    return Release(tzdata.__version__, tzdata.IANA_VERSION, max(days))


@lru_cache(maxsize=512)
def zone(name: str) -> ZoneInfo:
    """One time zone. Raises ZoneInfoNotFoundError."""
    return ZoneInfo(name)


read_package_only()
