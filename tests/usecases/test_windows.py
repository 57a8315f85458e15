"""Calling windows hold in every zone at once, also on the days on which clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from usecases.windows import Hours, next_open

EIGHT, NINE_PM = time(8), time(21)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def at(text: str, zone: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


TABLE = [
    # name, now, zones, start, end, opens
    ("within the window: now", "2026-03-02T15:00:30", ["America/New_York"], EIGHT, NINE_PM, "2026-03-02T15:00:30"),
    ("before it: this morning", "2026-03-02T09:00", ["America/New_York"], EIGHT, NINE_PM, "2026-03-02T13:00"),
    ("after it: tomorrow", "2026-03-03T03:00", ["America/New_York"], EIGHT, NINE_PM, "2026-03-03T13:00"),
    ("at its first moment", "2026-03-02T13:00", ["America/New_York"], EIGHT, NINE_PM, "2026-03-02T13:00"),
    ("its end is outside", "2026-03-03T02:00", ["America/New_York"], EIGHT, NINE_PM, "2026-03-03T13:00"),
    ("a moment before its end", "2026-03-03T01:59:59", ["America/New_York"], EIGHT, NINE_PM, "2026-03-03T01:59:59"),
    ("Arizona in winter is Denver", "2026-01-15T14:30", ["America/Phoenix"], EIGHT, NINE_PM, "2026-01-15T15:00"),
    ("Arizona keeps no summer time", "2026-07-15T14:30", ["America/Phoenix"], EIGHT, NINE_PM, "2026-07-15T15:00"),
    ("Denver does", "2026-07-15T13:30", ["America/Denver"], EIGHT, NINE_PM, "2026-07-15T14:00"),
    ("both in summer: the later one opens", "2026-07-15T14:30", ["America/Phoenix", "America/Denver"], EIGHT, NINE_PM,
     "2026-07-15T15:00"),
    ("both in summer: the earlier one closes", "2026-07-16T03:30", ["America/Phoenix", "America/Denver"], EIGHT, NINE_PM,
     "2026-07-16T15:00"),
    ("half-hour zone", "2026-01-15T11:00", ["America/St_Johns"], EIGHT, NINE_PM, "2026-01-15T11:30"),
    ("coast to coast, winter", "2026-01-15T12:00", ["America/New_York", "America/Los_Angeles"], EIGHT, NINE_PM,
     "2026-01-15T16:00"),
    ("St. John's and Honolulu, winter", "2026-01-15T12:00", ["America/St_Johns", "Pacific/Honolulu"], EIGHT, NINE_PM,
     "2026-01-15T18:00"),
    ("St. John's has closed for both", "2026-01-16T00:30", ["America/St_Johns", "Pacific/Honolulu"], EIGHT, NINE_PM,
     "2026-01-16T18:00"),
    ("spring forward: the morning comes an hour earlier", "2026-03-08T05:00", ["America/New_York"], EIGHT, NINE_PM,
     "2026-03-08T12:00"),
    ("fall back: an hour later", "2026-11-01T05:00", ["America/New_York"], EIGHT, NINE_PM, "2026-11-01T13:00"),
    ("start that does not exist: right after the gap", "2026-03-08T06:00", ["America/New_York"], time(2, 30), time(4),
     "2026-03-08T07:00"),
    ("window that does not exist: the day after", "2026-03-08T06:00", ["America/New_York"], time(2, 10), time(2, 50),
     "2026-03-09T06:10"),
    ("hour that comes twice: its second time", "2026-11-01T05:50", ["America/New_York"], time(1, 30), time(1, 45),
     "2026-11-01T06:30"),
    ("second pass before the start: never back in time", "2026-11-01T06:10", ["America/New_York"], time(1, 30), time(1, 45),
     "2026-11-01T06:30"),
    ("Lord Howe moves by half an hour", "2026-10-03T15:00", ["Australia/Lord_Howe"], time(2), time(4), "2026-10-03T15:30"),
    ("Havana skips midnight", "2026-03-08T04:00", ["America/Havana"], time(0), time(0, 30), "2026-03-09T04:00"),
    ("no zone is common: never", "2026-01-15T12:00", ["America/New_York", "Asia/Tokyo"], time(9), time(17), None),
    ("no zone is known: never", "2026-01-15T12:00", [], EIGHT, NINE_PM, None),
]  # fmt: skip


@pytest.mark.parametrize(
    ("now", "zones", "start", "end", "opens"), [row[1:] for row in TABLE], ids=[r[0] for r in TABLE]
)
def test_the_window_opens_when_the_table_says(
    now: str, zones: list[str], start: time, end: time, opens: str | None
) -> None:
    assert next_open(utc(now), zones, Hours(start, end)) == (None if opens is None else utc(opens))


BY_DAY = [
    # name, now, zones, days, opens at 8 to 21
    ("today is allowed", "2026-03-02T15:00", ["America/New_York"], [1], "2026-03-02T15:00"),
    ("the next allowed day", "2026-03-02T15:00", ["America/New_York"], [2, 4], "2026-03-03T13:00"),
    ("over the weekend", "2026-03-06T15:00", ["America/New_York"], [1, 2, 3, 4], "2026-03-09T12:00"),
    ("the same day next week", "2026-03-03T03:00", ["America/New_York"], [1], "2026-03-09T12:00"),
    ("a week over the change of clocks", "2026-03-07T12:00", ["America/New_York"], [6], "2026-03-07T13:00"),
    ("the local day counts, not UTC's", "2026-03-03T01:30", ["America/New_York"], [1], "2026-03-03T01:30"),
    ("on both sides of the date line a day is shared", "2026-03-01T12:00", ["Pacific/Guam", "Pacific/Honolulu"], [1],
     None),
    ("two days make room for both", "2026-03-01T12:00", ["Pacific/Guam", "Pacific/Honolulu"], [1, 2],
     "2026-03-02T22:00"),
    ("no day at all", "2026-03-02T15:00", ["America/New_York"], [], None),
]  # fmt: skip


@pytest.mark.parametrize("days", [[0], [8], [1, 2, 9]])
def test_days_that_are_none_are_refused_and_not_sought_for_ever(days: list[int]) -> None:
    with pytest.raises(ValueError, match="one of 1 to 7"):
        next_open(utc("2026-03-01T12:00"), ["UTC"], Hours(EIGHT, NINE_PM, frozenset(days)))


@pytest.mark.parametrize(("now", "zones", "days", "opens"), [row[1:] for row in BY_DAY], ids=[r[0] for r in BY_DAY])
def test_the_window_opens_only_on_its_days(now: str, zones: list[str], days: list[int], opens: str | None) -> None:
    assert next_open(utc(now), zones, Hours(EIGHT, NINE_PM, frozenset(days))) == (None if opens is None else utc(opens))


@pytest.mark.parametrize(("start", "end"), [(time(9), time(9)), (time(17), time(9))])
def test_an_empty_window_never_opens(start: time, end: time) -> None:
    assert next_open(utc("2026-03-02T15:00"), ["America/New_York"], Hours(start, end)) is None


@settings(max_examples=150)
@given(
    st.sampled_from(["2026-01-15", "2026-03-06", "2026-10-30"]),
    st.integers(0, 48 * 3600),
    st.lists(
        st.sampled_from(["America/New_York", "America/Phoenix", "Pacific/Honolulu", "UTC"]), min_size=1, max_size=2
    ),
    st.sets(st.integers(1, 7), min_size=1),
    st.integers(0, 12),
)
def test_on_days_of_the_week_it_opens_at_the_first_hour_that_all_zones_share(
    day: str, second: int, zones: list[str], days: set[int], hour: int
) -> None:
    def fits(moment: datetime) -> bool:
        locals_ = [moment.astimezone(ZoneInfo(zone)) for zone in zones]
        return all(time(hour) <= local.time() < time(hour + 11) and local.isoweekday() in days for local in locals_)

    now = utc(day) + timedelta(seconds=second)
    found = next_open(now, zones, Hours(time(hour), time(hour + 11), frozenset(days)))
    hours = [now, *(now.replace(minute=0, second=0) + timedelta(hours=n) for n in range(1, 8 * 24))]
    expected = next(filter(fits, hours), None)
    if expected is not None:
        assert found == expected
    else:
        assert found is None or found > hours[-1]


def test_a_moment_of_any_zone_is_taken_and_the_answer_is_utc() -> None:
    now = datetime(2026, 3, 2, 7, tzinfo=ZoneInfo("America/New_York"))
    opens = next_open(now, ["America/New_York"], Hours(EIGHT, NINE_PM))
    assert opens == at("2026-03-02T08:00", "America/New_York")
    assert opens is not None
    assert opens.tzinfo is UTC


def is_open(moment: datetime, zones: list[str], start: time, end: time) -> bool:
    return all(start <= moment.astimezone(ZoneInfo(zone)).time() < end for zone in zones)


def by_search(now: datetime, zones: list[str], start: time, end: time) -> datetime | None:
    """The same by looking at every minute: windows and clock changes lie on whole minutes."""
    if is_open(now, zones, start, end):
        return now
    minute = now.replace(second=0, microsecond=0)
    for _ in range(2 * 24 * 60):
        minute += timedelta(minutes=1)
        if is_open(minute, zones, start, end):
            return minute
    return None


ZONES = [
    "America/New_York", "America/Chicago", "America/Phoenix", "America/Denver", "America/Los_Angeles", "America/St_Johns",
    "America/Havana", "America/Anchorage", "Pacific/Honolulu", "Pacific/Guam", "America/Puerto_Rico",
    "Australia/Lord_Howe", "Europe/London", "UTC",
]  # fmt: skip
# The days around every change of clocks in 2026 of those zones, and plain ones.
DAYS = ["2026-01-15", "2026-03-08", "2026-03-29", "2026-04-04", "2026-07-15", "2026-10-03", "2026-10-25", "2026-11-01"]
seconds = st.integers(-30 * 3600, 30 * 3600)
minutes = st.integers(0, 24 * 60 - 1)


@settings(max_examples=150)
@given(st.sampled_from(DAYS), seconds, st.lists(st.sampled_from(ZONES), min_size=1, max_size=3), minutes, minutes)
@example("2026-03-08", 5 * 3600, ["America/New_York"], 150, 240)
@example("2026-11-01", 5 * 3600 + 3000, ["America/New_York"], 90, 105)
def test_the_answer_is_open_everywhere_and_no_earlier_minute_is(
    day: str, second: int, zones: list[str], one: int, other: int
) -> None:
    low, high = sorted((one, other))
    start, end = time(*divmod(low, 60)), time(*divmod(high, 60)) if low < high else time(23, 59, 59)
    now = utc(day) + timedelta(seconds=second)
    found = next_open(now, zones, Hours(start, end))
    assert found is None or is_open(found, zones, start, end)
    expected = by_search(now, zones, start, end)
    if expected is not None or found is None:
        assert found == expected
    else:
        # Both look two days ahead; the search stops a minute early.
        assert found > now + timedelta(days=2) - timedelta(minutes=1)
