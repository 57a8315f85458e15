"""Days as people in the United States write them, and the moments at which days of a time zone begin and end."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import NoReturn

from rvm.platform.errors import ServiceError

# How people are shown what to write.
EXAMPLE = "11/20/2026"
MIN_YEAR, MAX_YEAR = 1971, 2099
_CENTURY = 2000  # of years with two digits
MAX_SHOWN = 40

_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_YEAR_FIRST = re.compile(r"([0-9]{4})([-/])([0-9]{1,2})\2([0-9]{1,2})")
_MONTH_FIRST = re.compile(r"([0-9]{1,2})(?:([-/])([0-9]{1,2})(?:\2([0-9]{2}|[0-9]{4}))?)")
_NAMED = re.compile(r"([a-z]+)\.? ?([0-9]{1,2})(?:st|nd|rd|th)?(?:,? ?([0-9]{4})|, ?([0-9]{2}))?")
_DAY_BEFORE_NAME = re.compile(r"([0-9]{1,2})(?:st|nd|rd|th)? ([a-z]+)\.?(?:,? ([0-9]{4}))?")
_WEEKDAY = re.compile(r"([a-z]{3,9})\.?,? (?=.)")


def day_in(text: str, today: Callable[[], date], *, ahead: bool = False) -> date:
    """The day that a person means. Without a year it is the last such day up to today, or with `ahead` the next one from today.

    Read are 11/20/2026, 11/20/26, 11/20, Nov 20, November 20 2026, 20 Nov 2026, 2026-11-20, today, yesterday and tomorrow, also after
    the day of the week. The month is before the day. Raises ServiceError (`day_not_understood`) with what to write.
    """
    plain = " ".join(text.casefold().split())
    if plain in ("today", "yesterday", "tomorrow"):
        return today() + timedelta(days=("yesterday", "today", "tomorrow").index(plain) - 1)
    weekday, plain = _weekday_before(plain)
    year, month, day = _parts(plain) or _refuse(text, f"is no day. Write it as {_examples()}.")
    if not 1 <= month <= 12:
        # As elsewhere in the world: the day first.
        swapped = f"{day}/{month}{f'/{year}' if year else ''}"
        meant = f" For {_MONTHS[day - 1]} {month} write {swapped}." if _is_day(month, day) else ""
        _refuse(text, f"has no month {month}: the month comes before the day.{meant}")
    if year is not None and not MIN_YEAR <= year <= MAX_YEAR:
        _refuse(text, f"is not between the years {MIN_YEAR} and {MAX_YEAR}. Write it as {_examples()}.")
    known = year if year is not None else _year_of(month, day, today(), ahead=ahead)
    if known is None or not 1 <= day <= monthrange(known, month)[1]:
        last = monthrange(known or 2000, month)[1]
        _refuse(text, f"is no day: {_MONTHS[month - 1]}{f' {year}' if year else ''} has {last} days.")
    found = date(known, month, day)
    if weekday is not None and found.weekday() != weekday:
        name = _WEEKDAYS[found.weekday()].capitalize()
        _refuse(text, f"is no such day: {_MONTHS[month - 1]} {day}, {known} is a {name}.")
    return found


def bounds(first: date | None, last: date | None, zone: tzinfo) -> tuple[datetime | None, datetime | None]:
    """The moments, in UTC, from which and before which whole days of a zone lie, both days included; None for an open end.

    A day has 23 or 25 hours where the clocks change. A midnight that a change leaves out is the moment of the change.
    """
    return (
        _midnight(first, zone) if first else None,
        _midnight(last + timedelta(days=1), zone) if last and last < date.max else None,
    )


def _midnight(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, time.min, zone).astimezone(UTC)


def _parts(plain: str) -> tuple[int | None, int, int] | None:
    """Year, month and day as they are written; the month may be 13 then."""
    if found := _YEAR_FIRST.fullmatch(plain):
        return int(found[1]), int(found[3]), int(found[4])
    if (found := _MONTH_FIRST.fullmatch(plain)) and found[3]:
        return _full_year(found[4]), int(found[1]), int(found[3])
    if (found := _NAMED.fullmatch(plain)) and (month := _month(found[1])):
        return _full_year(found[3] or found[4]), month, int(found[2])
    if (found := _DAY_BEFORE_NAME.fullmatch(plain)) and (month := _month(found[2])):
        return _full_year(found[3]), month, int(found[1])
    return None


def _weekday_before(plain: str) -> tuple[int | None, str]:
    found = _WEEKDAY.match(plain)
    places = [at for at, name in enumerate(_WEEKDAYS) if found and name.startswith(found[1])]
    return (places[0], plain[found.end() :]) if found and len(places) == 1 else (None, plain)


def _month(name: str) -> int | None:
    """The month of its name or of the beginning of it: Nov, Sept."""
    found = [number for number, full in enumerate(_MONTHS, 1) if len(name) > 2 and full.casefold().startswith(name)]
    return found[0] if len(found) == 1 else None


def _full_year(digits: str | None) -> int | None:
    return None if not digits else int(digits) + (_CENTURY if len(digits) == 2 else 0)


def _is_day(day: int, month: int) -> bool:
    return 1 <= month <= 12 and 1 <= day <= monthrange(2000, month)[1]


def _year_of(month: int, day: int, today: date, *, ahead: bool) -> int | None:
    """The year in which the day is nearest, on its side of today; None for a day that no year has."""
    for year in _years(today.year, ahead=ahead):
        if 1 <= day <= monthrange(year, month)[1]:
            found = date(year, month, day)
            if found >= today if ahead else found <= today:
                return year
    return None


def _years(year: int, *, ahead: bool) -> Iterator[int]:
    """This year and those after or before it, as many as are between two leap days."""
    return iter(range(year, year + 9) if ahead else range(year, year - 9, -1))


def _examples() -> str:
    return f"month/day/year ({EXAMPLE}), Nov 20, 2026 or 2026-11-20"


def _refuse(text: str, why: str) -> NoReturn:
    shown = text.strip()
    raise ServiceError("day_not_understood", f"“{shown[:MAX_SHOWN]}{'…' if len(shown) > MAX_SHOWN else ''}” {why}")
