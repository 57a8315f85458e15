"""How a campaign runs by forecast: by table where a person can reckon it, by property for whatever else."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.planning.forecast import Forecast, Group, forecast
from usecases.windows import EVERY_DAY, Hours, closing, next_open

NEW_YORK, PHOENIX, DENVER, HONOLULU = "America/New_York", "America/Phoenix", "America/Denver", "Pacific/Honolulu"
# A Monday, 9 in the morning in New York, 7 in Denver and Phoenix (before clocks change on 8 March).
NOW = datetime(2026, 3, 2, 14, tzinfo=UTC)
DAY = Hours(time(8), time(21))
WORKDAYS = frozenset({1, 2, 3, 4, 5})


def run(
    *groups: tuple[str, int], hours: Hours | None = DAY, end: timedelta = timedelta(hours=72), pace: float = 1.0
) -> Forecast:
    return forecast([Group((zone,), n) for zone, n in groups], hours, start=NOW, end=NOW + end, pace=pace)


def test_nobody_is_done_at_no_time() -> None:
    assert run() == Forecast({}, 0, None)


def test_those_whose_window_is_open_leave_at_the_pace() -> None:
    assert run((NEW_YORK, 100), pace=2) == Forecast({NOW: 100}, 0, NOW + timedelta(seconds=50))


def test_those_whose_window_opens_later_leave_then() -> None:
    opening = NOW + timedelta(hours=1)
    assert run((NEW_YORK, 100), (DENVER, 50), (PHOENIX, 30)) == Forecast(
        {NOW: 100, opening: 80}, 0, opening + timedelta(seconds=80)
    )


def test_what_a_day_has_no_room_for_leaves_when_the_window_opens_again() -> None:
    # 12 hours are left in New York today.
    assert run((NEW_YORK, 50_000)) == Forecast(
        {NOW: 43_200, datetime(2026, 3, 3, 13, tzinfo=UTC): 6_800}, 0, datetime(2026, 3, 3, 14, 53, 20, tzinfo=UTC)
    )


def test_what_has_no_room_before_the_end_stays_unsent() -> None:
    assert run((NEW_YORK, 5000), end=timedelta(hours=1)) == Forecast({NOW: 3600}, 1400, NOW + timedelta(hours=1))


def test_who_became_due_earlier_goes_first() -> None:
    # Denver opens while New York still has 3,600 to go, and waits for them.
    opening = NOW + timedelta(hours=1)
    ran = run((NEW_YORK, 7200), (DENVER, 10), end=timedelta(hours=2, seconds=5))
    assert ran == Forecast({NOW: 7200, opening: 5}, 5, NOW + timedelta(hours=2, seconds=5))


def test_a_person_who_may_be_in_two_zones_is_reached_while_both_are_open() -> None:
    both = Group((NEW_YORK, HONOLULU), 40_000)
    ran = forecast([both], DAY, start=NOW, end=NOW + timedelta(hours=72), pace=1.0)
    # 8 in Honolulu is 18 UTC; 21 in New York is 2 UTC.
    assert ran.sent == {
        datetime(2026, 3, 2, 18, tzinfo=UTC): 28_800,
        datetime(2026, 3, 3, 18, tzinfo=UTC): 11_200,
    }


def test_only_the_days_that_were_chosen_count() -> None:
    friday = datetime(2026, 3, 6, 23, tzinfo=UTC)
    hours = Hours(time(8), time(21), WORKDAYS)
    ran = forecast([Group((NEW_YORK,), 20_000)], hours, start=friday, end=friday + timedelta(days=7), pace=1.0)
    # Three hours on Friday; then Monday, when clocks have changed meanwhile.
    assert ran.sent == {friday: 10_800, datetime(2026, 3, 9, 12, tzinfo=UTC): 9_200}


def test_where_no_window_binds_all_leave_at_once() -> None:
    assert run((HONOLULU, 10), hours=None) == Forecast({NOW: 10}, 0, NOW + timedelta(seconds=10))


def test_people_of_no_known_zone_stay_unsent() -> None:
    ran = forecast([Group((), 3)], DAY, start=NOW, end=NOW + timedelta(days=3), pace=1.0)
    assert ran == Forecast({}, 3, NOW + timedelta(days=3))


@pytest.mark.parametrize(
    ("moment", "zone", "hours", "expected"),
    [
        (NOW, NEW_YORK, DAY, datetime(2026, 3, 3, 2, tzinfo=UTC)),
        # Clocks go from 2 to 3 at 7 UTC: the window ends with them.
        (
            datetime(2026, 3, 8, 6, 45, tzinfo=UTC),
            NEW_YORK,
            Hours(time(1, 30), time(2, 30)),
            datetime(2026, 3, 8, 7, tzinfo=UTC),
        ),
        # And from 2 back to 1 at 6 UTC: out of the window, before its end.
        (
            datetime(2026, 11, 1, 5, 45, tzinfo=UTC),
            NEW_YORK,
            Hours(time(1, 30), time(4)),
            datetime(2026, 11, 1, 6, tzinfo=UTC),
        ),
        # Around the clock on workdays: closes with Friday.
        (NOW, "UTC", Hours(time.min, time.max, WORKDAYS), datetime(2026, 3, 7, tzinfo=UTC)),
        (NOW, "UTC", Hours(time.min, time.max), None),
    ],
)
def test_a_window_closes_where_something_else_begins(
    moment: datetime, zone: str, hours: Hours, expected: datetime | None
) -> None:
    assert closing(moment, (zone,), hours) == expected


zones = st.lists(
    st.sampled_from([NEW_YORK, PHOENIX, DENVER, HONOLULU, "America/Chicago", "Pacific/Guam"]),
    min_size=1,
    max_size=2,
    unique=True,
).map(tuple)
people = st.lists(st.builds(Group, zones, st.integers(0, 5000)), max_size=5)
clock = st.times(max_value=time(23, 59)).map(lambda at: at.replace(second=0, microsecond=0))
hours_of_day = st.builds(
    lambda pair, days: Hours(min(pair), max(pair), frozenset(days)),
    st.tuples(clock, clock),
    st.one_of(st.just(EVERY_DAY), st.sets(st.integers(1, 7), min_size=1)),
)
# Around both changes of clocks.
moments = st.datetimes(  # hypothesis takes its bounds without a zone
    datetime(2026, 3, 5),  # noqa: DTZ001
    datetime(2026, 11, 5),  # noqa: DTZ001
    timezones=st.just(UTC),
).map(lambda at: at.replace(microsecond=0))
lengths = st.integers(1, 10 * 24 * 60).map(lambda minutes: timedelta(minutes=minutes))
paces = st.floats(0.01, 1000)


@settings(max_examples=60)
@given(people, hours_of_day, moments, lengths, paces)
def test_everybody_is_sent_once_or_runs_out_of_time(
    groups: list[Group], hours: Hours, start: datetime, length: timedelta, pace: float
) -> None:
    ran = forecast(groups, hours, start=start, end=start + length, pace=pace)
    assert sum(ran.sent.values()) + ran.unsent == sum(group.count for group in groups)
    assert ran.unsent >= 0
    assert all(count > 0 for count in ran.sent.values())


@settings(max_examples=60)
@given(people, hours_of_day, moments, lengths, paces)
def test_every_opening_is_one_of_the_windows_and_before_the_end(
    groups: list[Group], hours: Hours, start: datetime, length: timedelta, pace: float
) -> None:
    ran = forecast(groups, hours, start=start, end=start + length, pace=pace)
    for opening in ran.sent:
        assert start <= opening < start + length
        assert any(next_open(opening, group.zones, hours) == opening for group in groups)
    if ran.finishes_at is not None:
        assert start <= ran.finishes_at <= start + length


@settings(max_examples=60)
@given(people, hours_of_day, moments, lengths, paces, st.floats(1, 20))
def test_being_faster_never_finishes_later_nor_leaves_more_unsent(
    groups: list[Group], hours: Hours, start: datetime, length: timedelta, pace: float, times: float
) -> None:
    slow = forecast(groups, hours, start=start, end=start + length, pace=pace)
    fast = forecast(groups, hours, start=start, end=start + length, pace=pace * times)
    # Whole people are rounded, in each group for itself.
    assert fast.unsent <= slow.unsent + len(groups)
    if fast.finishes_at is not None and not fast.unsent:
        assert slow.finishes_at is not None
        assert fast.finishes_at <= slow.finishes_at + timedelta(seconds=1)


@settings(max_examples=60)
@given(hours_of_day, moments, zones)
def test_between_opening_and_closing_the_window_is_open(hours: Hours, moment: datetime, where: tuple[str, ...]) -> None:
    opening = next_open(moment, where, hours)
    if opening is None:
        return
    closes = closing(opening, where, hours)
    assert closes is not None
    assert closes > opening
    inside = opening + (closes - opening) / 2
    for within in (inside, closes - timedelta(microseconds=1)):
        assert next_open(within, where, hours) == within
    assert next_open(closes, where, hours) != closes
