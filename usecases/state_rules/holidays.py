"""Holidays as functions of the year: the federal ones, and the calendars of states whose rules forbid calls on holidays.

Where a holiday is kept on another day because it falls on a weekend, both days count: a rule may mean either. Sources: 5 U.S.C. 6103
and Executive Order 11582 for the federal days and their shift; https://www.dnc.com/news/2019-january-restricted-call-dates and
https://dnc.dreamhosters.com/tag/restrictedcalldates/page/12 for the states.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from functools import lru_cache

FEDERAL = "federal"
_DAY = timedelta(days=1)
_MONDAY, _THURSDAY, _SATURDAY, _SUNDAY = 0, 3, 5, 6


def nth_weekday(year: int, month: int, weekday: int, nth: int) -> date:
    """The nth such weekday of a month; Monday is 0, and the last one is -1."""
    if nth < 0:
        last = date(year + month // 12, month % 12 + 1, 1) - _DAY
        return last - _DAY * ((last.weekday() - weekday) % 7)
    first = date(year, month, 1)
    return first + _DAY * ((weekday - first.weekday()) % 7 + 7 * (nth - 1))


def easter(year: int) -> date:
    """Easter Sunday of the Gregorian calendar (J. Meeus, Astronomical Algorithms, chapter 8)."""
    a, b, c = year % 19, year // 100, year % 100
    h = (19 * a + b - b // 4 - (b - (b + 8) // 25 + 1) // 3 + 15) % 30
    l = (32 + 2 * (b % 4) + 2 * (c // 4) - h - c % 4) % 7  # noqa: E741 - the letters of the source
    month, day = divmod(h + l - 7 * ((a + 11 * h + 22 * l) // 451) + 114, 31)
    return date(year, month, day + 1)


def _federal(year: int) -> Iterator[date]:
    """The federal holidays on their own days."""
    yield date(year, 1, 1)  # New Year's Day
    yield nth_weekday(year, 1, _MONDAY, 3)  # Martin Luther King Jr.
    yield nth_weekday(year, 2, _MONDAY, 3)  # Washington's Birthday
    yield nth_weekday(year, 5, _MONDAY, -1)  # Memorial Day
    yield date(year, 6, 19)  # Juneteenth
    yield date(year, 7, 4)  # Independence Day
    yield nth_weekday(year, 9, _MONDAY, 1)  # Labor Day
    yield nth_weekday(year, 10, _MONDAY, 2)  # Columbus Day
    yield date(year, 11, 11)  # Veterans Day
    yield nth_weekday(year, 11, _THURSDAY, 4)  # Thanksgiving Day
    yield date(year, 12, 25)  # Christmas Day


def _mardi_gras(year: int) -> date:
    return easter(year) - 47 * _DAY


def _louisiana(year: int) -> Iterator[date]:
    """With the days of the Public Service Commission that move with Easter: Mardi Gras and Good Friday."""
    yield from _federal(year)
    yield _mardi_gras(year)
    yield easter(year) - 2 * _DAY


def _alabama(year: int) -> Iterator[date]:
    """With Mardi Gras, a holiday in Baldwin and Mobile counties only: a number does not tell the county."""
    yield from _federal(year)
    yield _mardi_gras(year)


def _utah(year: int) -> Iterator[date]:
    yield from _federal(year)
    yield date(year, 7, 24)  # Pioneer Day


def _nearest(day: date) -> date:
    """The substitute of a holiday: Friday for Saturday, Monday for Sunday, and otherwise the day itself."""
    return day + _DAY * {_SATURDAY: -1, _SUNDAY: 1}.get(day.weekday(), 0)


def _next(day: date) -> date:
    """The substitute where it always comes after: Monday for Saturday and for Sunday."""
    return day + _DAY * {_SATURDAY: 2, _SUNDAY: 1}.get(day.weekday(), 0)


# By name: the days of a year, and the substitute of a day.
_CALENDARS: Mapping[str, tuple[Callable[[int], Iterator[date]], Callable[[date], date]]] = {
    FEDERAL: (_federal, _nearest),
    "AL": (_alabama, _nearest),
    "LA": (_louisiana, _nearest),
    "MS": (_federal, _next),
    "RI": (_federal, _next),
    "UT": (_utah, _nearest),
}
CALENDARS = frozenset(_CALENDARS)


@lru_cache(maxsize=256)
def holidays(calendar: str, year: int) -> frozenset[date]:
    """All holidays of the calendar in a year, with substitutes: New Year's Day of the next year may be kept on 31 December.

    Raises KeyError for an unknown calendar."""
    days, substitute = _CALENDARS[calendar]
    found = {each for of in (year, year + 1) for day in days(of) for each in (day, substitute(day))}
    return frozenset(day for day in found if day.year == year)


def is_holiday(calendar: str, day: date) -> bool:
    return day in holidays(calendar, day.year)
