"""The tz database for the local times of recipients: the pinned tzdata package, in every process.

zoneinfo prefers the machine's files, which may be old: those of Debian 12 were an hour off for British Columbia, Alberta and Manitoba
a month after their clocks had changed. Importing this module makes zoneinfo read the package only. The settings import it before any
time zone is used, so processes need no special start.
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

# There are three to six releases a year, and governments change clocks at a few weeks' notice: after a year a newer one exists.
MAX_AGE = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Release:
    """A release of the tz database: the package's `version`, the `iana` version, and the earliest possible day of publication."""

    version: str
    iana: str
    earliest: date

    def age(self, today: date) -> timedelta:
        """The maximum age of the release."""
        return today - self.earliest


def read_package_only() -> None:
    """Make zoneinfo read all zones from the tzdata package, including those already cached."""
    zoneinfo.reset_tzpath(to=())
    ZoneInfo.clear_cache()


def reads_package_only() -> bool:
    return not zoneinfo.TZPATH


@cache
def release() -> Release:
    """The release in use.

    It has no date of publication. The earliest possible one follows from the year in its name and from its newest bulletin on leap
    seconds, of which there are two a year.
    """
    days = [date(int(tzdata.IANA_VERSION[:4]), 1, 1)]
    bulletin = (resources.files("tzdata") / "zoneinfo" / "leapseconds").read_text(encoding="utf-8")
    if updated := re.search(r"^#updated ([0-9]+)", bulletin, re.MULTILINE):
        days.append(datetime.fromtimestamp(int(updated[1]), UTC).date())
    return Release(tzdata.__version__, tzdata.IANA_VERSION, max(days))


@lru_cache(maxsize=512)
def zone(name: str) -> ZoneInfo:
    """The time zone with this IANA name. Raises ZoneInfoNotFoundError."""
    return ZoneInfo(name)


read_package_only()
