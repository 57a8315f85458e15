"""Days are read as people in the United States write them, and begin and end with the clocks of their time zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rvm.platform.errors import ServiceError
from rvm.platform.times.days import MAX_YEAR, MIN_YEAR, bounds, day_in

TODAY = date(2026, 11, 30)
DAY = date(2026, 11, 20)
ZONES = (
    "America/New_York", "America/Chicago", "America/Denver", "America/Phoenix", "America/Los_Angeles",
    "America/Anchorage", "Pacific/Honolulu", "America/Puerto_Rico", "America/Havana", "UTC",
)  # fmt: skip
days = st.dates(date(2000, 1, 1), date(MAX_YEAR, 12, 31))
recent_days = st.dates(date(2007, 3, 1), date(2037, 12, 31))  # by the rules of today


def read(text: str, *, ahead: bool = False, today: date = TODAY) -> date:
    return day_in(text, lambda: today, ahead=ahead)


def refused(text: str) -> str:
    with pytest.raises(ServiceError) as refusal:
        read(text)
    assert refusal.value.code == "day_not_understood"
    return refusal.value.message


@pytest.mark.parametrize(
    "text",
    [
        "11/20/2026", "11/20/26", "11/20", "11-20-2026", " 11/20/2026 ", "Nov 20", "nov. 20", "Nov 20th", "NOVEMBER 20 2026",
        "Nov 20, 2026", "November 20, 26", "20 Nov 2026", "20th November", "2026-11-20", "2026/11/20", "Fri, Nov 20, 2026",
        "Friday 11/20/2026", "fri nov 20",
    ],
)  # fmt: skip
def test_a_day_is_read_in_every_spelling(text: str) -> None:
    assert read(text) == DAY


@given(
    days, st.sampled_from(["%m/%d/%Y", "%m/%d/%y", "%Y-%m-%d", "%B %d, %Y", "%b %d %Y", "%a, %b %d, %Y", "%d %b %Y"])
)
def test_every_day_that_is_written_is_read_back(day: date, spelling: str) -> None:
    assert read(day.strftime(spelling)) == day


@given(days, days, st.booleans())
def test_a_day_without_a_year_is_the_nearest_on_its_side_of_today(day: date, today: date, ahead: bool) -> None:
    found = read(f"{day:%b %d}", ahead=ahead, today=today)
    assert (found.month, found.day) == (day.month, day.day)
    assert found >= today if ahead else found <= today
    nearer = {
        found.replace(year=year) for year in range(*sorted((found.year, today.year))) if (day.month, day.day) != (2, 29)
    }
    assert not {other for other in nearer if found != other and (today <= other < found or found < other <= today)}


@pytest.mark.parametrize(("text", "day"), [("today", TODAY), ("Yesterday", TODAY - timedelta(days=1))])
def test_a_day_can_be_said_from_today(text: str, day: date) -> None:
    assert read(text) == day


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("13/11/2026", "has no month 13: the month comes before the day. For November 13 write 11/13/2026."),
        ("31/12", "For December 31 write 12/31."),
        ("31/13/2026", "has no month 31"),
        ("11/31/2026", "November 2026 has 30 days"),
        ("2/29/2027", "February 2027 has 28 days"),
        ("2/30", "February has 29 days"),
        ("Sat 11/20/2026", "November 20, 2026 is a Friday"),
        ("9999-12-31", "not between the years 1971 and 2099"),
        ("11/20/1926", "not between the years 1971 and 2099"),
        ("20.11.2026", "Write it as month/day/year (11/20/2026), Nov 20, 2026 or 2026-11-20."),
        ("11/20/126", "is no day"),
        ("November", "is no day"),
        ("last week", "is no day"),
        ("١١/٢٠/٢٠٢٦", "is no day"),
        ("<script>" + "x" * 99, "…”"),
    ],
)  # fmt: skip
def test_what_is_no_day_is_refused_with_what_to_write(text: str, words: str) -> None:
    assert words in refused(text)


@given(st.text(max_size=30) | st.text("0123456789/- ,novdec", max_size=14))
def test_any_text_is_a_day_of_these_years_or_refused(text: str) -> None:
    try:
        assert MIN_YEAR <= read(text).year <= MAX_YEAR
    except ServiceError as refusal:
        assert refusal.message.startswith("“")


@given(recent_days, st.sampled_from(ZONES))
def test_a_day_has_23_24_or_25_hours_and_the_next_one_follows(day: date, name: str) -> None:
    zone = ZoneInfo(name)
    begin, end = bounds(day, day, zone)
    assert begin is not None and end is not None
    assert end - begin in {timedelta(hours=hours) for hours in (23, 24, 25)}
    assert bounds(day + timedelta(days=1), None, zone)[0] == end
    for moment in (begin, end - timedelta(microseconds=1)):
        assert moment.astimezone(zone).date() == day
    assert (begin - timedelta(microseconds=1)).astimezone(zone).date() == day - timedelta(days=1)


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 8), 23), (date(2026, 11, 1), 25), (date(2026, 11, 2), 24)])
def test_a_day_of_new_york_is_shorter_and_longer_when_clocks_change(day: date, hours: int) -> None:
    begin, end = bounds(day, day, ZoneInfo("America/New_York"))
    assert begin is not None and end is not None
    assert end - begin == timedelta(hours=hours)


def test_a_midnight_that_is_left_out_is_the_moment_of_the_change() -> None:
    begin, _ = bounds(date(2026, 3, 8), None, ZoneInfo("America/Havana"))
    assert begin == datetime(2026, 3, 8, 5, tzinfo=UTC)


def test_a_missing_end_is_open() -> None:
    assert bounds(None, None, ZoneInfo("UTC")) == (None, None)
    assert bounds(None, date.max, ZoneInfo("UTC")) == (None, None)
