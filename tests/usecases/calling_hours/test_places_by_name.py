"""Where clocks and laws meet: places by name, on plain days and on days on which clocks change."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest

from rvm.phone_numbers.places import Places, places_known, places_of
from usecases.state_rules import current_version
from usecases.windows import USUAL_DELAY, Freeze, Hours, closing, next_open

RULES = current_version()
# As wide as federal law: what narrows it is the place.
LAW = Hours(time.min, time.max, rules=RULES)
USUAL = Hours(time(9), time(20), frozenset(range(1, 7)), holidays=False, rules=RULES, closes_early=USUAL_DELAY)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def of(area_code: str, exchange: str = "555") -> Places:
    return places_of(f"+1{area_code}{exchange}0142")


TABLE = [
    # name, places, from, opens, closes: all UTC
    ("Arizona in winter runs as Denver", of("602"), "2026-01-15T06:00", "2026-01-15T15:00", "2026-01-16T04:00"),
    ("Arizona in summer does not", of("602"), "2026-07-15T06:00", "2026-07-15T15:00", "2026-07-16T04:00"),
    ("New Mexico in summer", of("505"), "2026-07-15T06:00", "2026-07-15T15:00", "2026-07-16T03:00"),
    ("the Navajo Nation has both clocks in summer: the later opens, the earlier closes", of("928"), "2026-07-15T06:00",
     "2026-07-15T15:00", "2026-07-16T03:00"),
    ("and one in winter", of("928"), "2026-01-15T06:00", "2026-01-15T15:00", "2026-01-16T04:00"),
    ("Hawaii has no daylight time", of("808"), "2026-07-15T12:00", "2026-07-15T18:00", "2026-07-16T07:00"),
    ("nor in winter", of("808"), "2026-01-15T12:00", "2026-01-15T18:00", "2026-01-16T07:00"),
    ("Puerto Rico is an hour ahead of New York in winter", of("787"), "2026-01-15T06:00", "2026-01-15T12:00",
     "2026-01-16T01:00"),
    ("and equal in summer", of("939"), "2026-07-15T06:00", "2026-07-15T12:00", "2026-07-16T01:00"),
    ("the north-west of Indiana may be Central or Eastern", of("219"), "2026-01-15T06:00", "2026-01-15T14:00",
     "2026-01-16T02:00"),
    ("Indianapolis is Eastern", of("317"), "2026-01-15T06:00", "2026-01-15T13:00", "2026-01-16T02:00"),
    ("the overlay of the south of Indiana has both", of("930"), "2026-01-15T06:00", "2026-01-15T14:00", "2026-01-16T02:00"),
    ("the west of Kentucky, from ten by its law", of("270"), "2026-01-15T06:00", "2026-01-15T16:00", "2026-01-16T02:00"),
    ("its overlay too", of("364"), "2026-01-15T06:00", "2026-01-15T16:00", "2026-01-16T02:00"),
    ("Louisville is Eastern, from ten", of("502"), "2026-01-15T06:00", "2026-01-15T15:00", "2026-01-16T02:00"),
    ("the Panhandle of Florida until eight Eastern", of("850"), "2026-01-15T06:00", "2026-01-15T14:00", "2026-01-16T01:00"),
    ("Texas on a Sunday from noon", of("214"), "2026-03-01T06:00", "2026-03-01T18:00", "2026-03-02T03:00"),
    ("Rhode Island ends on Saturday at five", of("401"), "2026-03-07T06:00", "2026-03-07T15:00", "2026-03-07T22:00"),
    ("and goes on on Monday", of("401"), "2026-03-08T06:00", "2026-03-09T13:00", "2026-03-09T22:00"),
    ("Pennsylvania on a Saturday until noon", of("215"), "2026-03-07T06:00", "2026-03-07T13:00", "2026-03-07T17:00"),
    ("Louisiana not on Mardi Gras", of("504"), "2026-02-17T06:00", "2026-02-18T14:00", "2026-02-19T02:00"),
    ("Nebraska on Thanksgiving from one, by both clocks", of("308"), "2026-11-26T06:00", "2026-11-26T20:00",
     "2026-11-27T03:00"),
    ("Mississippi not on the Monday after a Fourth of July on Saturday", of("601"), "2026-07-04T06:00",
     "2026-07-07T13:00", "2026-07-08T01:00"),
    # Clocks go from 2 to 3 on 8 March, and from 2 back to 1 on 1 November.
    ("Chicago on the day on which clocks go forward", of("312"), "2026-03-08T05:00", "2026-03-08T14:00", "2026-03-09T02:00"),
    ("Chicago on the day on which they go back", of("312"), "2026-11-01T05:00", "2026-11-01T15:00", "2026-11-02T03:00"),
    ("Honolulu on that day", of("808"), "2026-11-01T11:00", "2026-11-01T18:00", "2026-11-02T07:00"),
    ("Phoenix on that day", of("602"), "2026-03-08T06:00", "2026-03-08T15:00", "2026-03-09T04:00"),
    ("abroad by federal law alone", of("441"), "2026-01-15T06:00", "2026-01-15T12:00", "2026-01-16T01:00"),
]  # fmt: skip


@pytest.mark.parametrize(("where", "now", "opens", "closes"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_the_law_opens_and_closes_where_the_person_is(where: Places, now: str, opens: str, closes: str) -> None:
    found = next_open(utc(now), where.zones, LAW, where.states)
    assert found == utc(opens)
    assert closing(utc(opens), where.zones, LAW, where.states) == utc(closes)


def test_the_usual_policy_leaves_out_sundays_and_holidays_and_ends_before_its_end() -> None:
    where = of("212")
    thanksgiving = utc("2026-11-26T15:00")
    assert next_open(thanksgiving, where.zones, USUAL, where.states) == utc("2026-11-27T14:00")
    friday = utc("2026-11-28T00:44:59")
    assert next_open(friday, where.zones, USUAL, where.states) == friday
    # A quarter of an hour before eight: the carrier may take so long.
    assert next_open(utc("2026-11-28T00:45"), where.zones, USUAL, where.states) == utc("2026-11-28T14:00")
    saturday_evening = utc("2026-11-29T00:45")
    assert next_open(saturday_evening, where.zones, USUAL, where.states) == utc("2026-11-30T14:00")


def test_a_person_who_moved_is_bound_by_both_states() -> None:
    # A number of Louisville, an address in Florida.
    both = places_known(["America/New_York", "America/Chicago", "state:FL", "state:KY"], "+15025550142")
    assert next_open(utc("2026-01-15T06:00"), both.zones, LAW, both.states) == utc("2026-01-15T16:00")
    assert closing(utc("2026-01-15T16:00"), both.zones, LAW, both.states) == utc("2026-01-16T01:00")


def test_a_person_who_may_be_anywhere_is_reached_when_all_states_agree() -> None:
    anywhere = places_of("+18005550142")
    assert anywhere.states == ()
    found = next_open(utc("2026-03-02T00:00"), anywhere.zones, LAW, anywhere.states)
    # Rhode Island's hours, 9 to 18, in every zone from Newfoundland to Guam: never.
    assert found is None
    on_the_mainland = ("America/New_York", "America/Los_Angeles")
    assert next_open(utc("2026-03-02T00:00"), on_the_mainland, LAW, ()) == utc("2026-03-02T18:00")
    assert closing(utc("2026-03-02T18:00"), on_the_mainland, LAW, ()) == utc("2026-03-02T23:00")


@pytest.mark.parametrize(
    ("freeze", "state", "bound"),
    [
        (Freeze("LA", date(2026, 3, 2), date(2026, 3, 3)), "LA", True),
        (Freeze("LA", date(2026, 3, 2), date(2026, 3, 3)), "TX", False),
        (Freeze("US", date(2026, 3, 2), date(2026, 3, 3)), "TX", True),
    ],
)
def test_a_frozen_state_opens_on_the_morning_after_by_its_own_clock(freeze: Freeze, state: str, bound: bool) -> None:
    hours = Hours(time(9), time(20), rules=RULES, freezes=(freeze,))
    chicago = ZoneInfo("America/Chicago")
    noon = datetime(2026, 3, 2, 12, tzinfo=chicago).astimezone(UTC)
    opens = next_open(noon, ("America/Chicago",), hours, (state,))
    assert opens == (datetime(2026, 3, 4, 9, tzinfo=chicago).astimezone(UTC) if bound else noon)
    assert next_open(noon, ("America/Chicago",), hours, ()) == datetime(2026, 3, 4, 10, tzinfo=chicago).astimezone(UTC)


def test_over_midnight_a_window_around_the_clock_does_not_close_early_but_before_a_day_off() -> None:
    hours = Hours(time.min, time.max, frozenset({1, 2}), closes_early=USUAL_DELAY)
    monday_night = utc("2026-03-02T23:59")
    assert next_open(monday_night, ("UTC",), hours) == monday_night
    assert closing(monday_night, ("UTC",), hours) == utc("2026-03-03T23:45")
    assert next_open(utc("2026-03-03T23:45"), ("UTC",), hours) == utc("2026-03-09T00:00")
