"""How times are written for people, and how times that they write are read: Sat, Nov 28, 2026, 10:04 AM EST.

It is the spelling of the United States in the Unicode locale data (CLDR), which browsers use too, with the day of the week and the
zone's abbreviation. Without a zone that is named, a time is shown by the active one: at the desk that of the person
(`rvm.platform.admin.people.time_zone`), elsewhere UTC. The formats themselves are Django's, in `rvm/project/formats`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, tzinfo
from typing import NoReturn

from django.utils import formats, timezone

from rvm.platform.errors import ServiceError
from rvm.platform.times.days import EXAMPLE, day_in

MOMENT_EXAMPLE = f"{EXAMPLE} 9:00 AM"
_CLOCK = re.compile(
    r"(?P<day>.*?)(?:,? (?:at )?|T)(?P<hour>[0-9]{1,2})(?::(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:\.[0-9]+)?)?)?"
    r" ?(?P<half>[ap]\.?m\.?)?",
    re.IGNORECASE,
)


def moment(at: datetime | None, zone: tzinfo | None = None) -> str:
    """The time to the minute; empty for None."""
    return "" if at is None else formats.date_format(timezone.localtime(at, zone), "DATETIME_FORMAT")


def moment_to_the_second(at: datetime, zone: tzinfo | None = None) -> str:
    """The time to the second, where the order of events within a minute matters."""
    spelling = formats.get_format("DATETIME_FORMAT").replace("g:i", "g:i:s")
    return formats.date_format(timezone.localtime(at, zone), spelling)


def day(at: datetime | date | None, zone: tzinfo | None = None) -> str:
    """The day, of a time the one on which it is: Sat, Nov 28, 2026; empty for None."""
    if at is None:
        return ""
    local = timezone.localtime(at, zone) if isinstance(at, datetime) else at
    return formats.date_format(local, "DATE_FORMAT")


def clock(at: time) -> str:
    """A time of a day: 10:04 AM."""
    return formats.time_format(at, "TIME_FORMAT")


def moment_in(text: str, today: Callable[[], date]) -> datetime:
    """The local time that a person means, without an offset: a day as in `day_in`, then 9:00 AM, 9am, 14:00 or T14:00.

    A day without a year is the next such day. Raises ServiceError (`day_not_understood`, `time_not_understood`).
    """
    plain = " ".join(text.split())
    found = _CLOCK.fullmatch(plain)
    if found is None or not found["day"] or (found["minute"] is None and found["half"] is None):
        _refuse(plain)
    hour, minute = int(found["hour"]), int(found["minute"] or 0)
    if half := (found["half"] or "").casefold()[:1]:
        if not 1 <= hour <= 12:
            _refuse(plain)
        hour = hour % 12 + (12 if half == "p" else 0)
    if hour > 23 or minute > 59:
        _refuse(plain)
    return datetime.combine(day_in(found["day"], today, ahead=True), time(hour, minute))


def moment_at(local: datetime, zone: tzinfo) -> datetime:
    """The moment of a local time, in UTC; of one that occurs twice, the first. Raises ServiceError for one that clocks skip."""
    found = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if found.astimezone(zone).replace(tzinfo=None) != local:
        raise ServiceError(
            "time_skipped",
            f"{clock(local.time())} does not exist on {day(local.date())} in {zone}: clocks are put forward over it. "
            "Choose another time.",
        )
    return found


def _refuse(text: str) -> NoReturn:
    raise ServiceError(
        "time_not_understood",
        f"“{text[:40]}” is no day with a time. Write it as month/day/year and time: {MOMENT_EXAMPLE}.",
    )
