"""Holidays are functions of the year, with their substitutes."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from usecases.state_rules.holidays import CALENDARS, FEDERAL, easter, holidays, is_holiday, nth_weekday


def days(year: int, *texts: str) -> set[date]:
    return {date.fromisoformat(f"{year}-{text}") for text in texts}


# As the Office of Personnel Management publishes them, and the days themselves where another day is kept.
OF_2026 = days(
    2026, "01-01", "01-19", "02-16", "05-25", "06-19", "07-03", "07-04", "09-07", "10-12", "11-11", "11-26", "12-25"
)
OF_2027 = days(
    2027, "01-01", "01-18", "02-15", "05-31", "06-18", "06-19", "07-04", "07-05", "09-06", "10-11", "11-11", "11-25",
    "12-24", "12-25", "12-31",
)  # fmt: skip


@pytest.mark.parametrize(("year", "expected"), [(2026, OF_2026), (2027, OF_2027)])
def test_the_federal_holidays_are_those_that_are_published(year: int, expected: set[date]) -> None:
    assert holidays(FEDERAL, year) == expected


# The earliest and the latest of two centuries among them.
EASTER = ["1954-04-18", "2008-03-23", "2024-03-31", "2025-04-20", "2026-04-05", "2027-03-28", "2028-04-16", "2029-04-01",
          "2030-04-21", "2038-04-25", "2049-04-18"]  # fmt: skip


@pytest.mark.parametrize("day", EASTER)
def test_easter_is_where_the_almanacs_have_it(day: str) -> None:
    assert easter(int(day[:4])) == date.fromisoformat(day)


def test_a_month_has_its_last_monday_also_in_december() -> None:
    assert nth_weekday(2026, 5, 0, -1) == date(2026, 5, 25)
    assert nth_weekday(2026, 12, 3, -1) == date(2026, 12, 31)
    assert nth_weekday(2026, 2, 6, -1) == date(2026, 2, 22)


@pytest.mark.parametrize(
    ("calendar", "day", "expected"),
    [
        ("LA", "2026-02-17", True),  # Mardi Gras
        ("AL", "2026-02-17", True),
        ("MS", "2026-02-17", False),
        ("LA", "2026-04-03", True),  # Good Friday
        ("UT", "2026-04-03", False),
        ("UT", "2026-07-24", True),  # Pioneer Day
        ("UT", "2027-07-23", True),  # and the Friday before, when it falls on a Saturday
        ("LA", "2026-07-24", False),
        # Independence Day on a Saturday: Friday in most states, Monday in Mississippi and Rhode Island.
        ("AL", "2026-07-03", True),
        ("MS", "2026-07-03", False),
        ("MS", "2026-07-06", True),
        ("RI", "2026-07-06", True),
        ("federal", "2026-07-06", False),
        ("federal", "2021-12-31", True),  # New Year's Day of the next year
        ("MS", "2021-12-31", False),
        ("MS", "2022-01-03", True),
    ],
)
def test_a_state_keeps_its_own_holidays(calendar: str, day: str, expected: bool) -> None:
    assert is_holiday(calendar, date.fromisoformat(day)) is expected


@pytest.mark.parametrize("calendar", sorted(CALENDARS))
@pytest.mark.parametrize("year", [2024, 2026, 2028, 2033])
def test_a_year_has_no_day_of_another_and_no_lack_of_holidays(calendar: str, year: int) -> None:
    found = holidays(calendar, year)
    assert {day.year for day in found} == {year}
    assert 11 <= len(found) <= 24
    # Nobody is kept waiting for more than a long weekend.
    assert all(not {day + timedelta(days=n) for n in range(5)} <= found for day in found)


def test_an_unknown_calendar_is_no_empty_one() -> None:
    with pytest.raises(KeyError):
        holidays("XX", 2026)
