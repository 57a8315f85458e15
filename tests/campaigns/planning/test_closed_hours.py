"""Hours that never meet: what is said to close them does, and what is said to heal them heals."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.planning.closed_hours import MAX_GROUPS, Closed, OwnHours, Part, Proposal, closed_hours
from campaigns.planning.forecast import Group, forecast
from usecases.state_rules import current_version
from usecases.windows import MAX_DAYS, USUAL_DELAY, Freeze, Hours, next_open

MONDAY = datetime(2026, 3, 2, 15, tzinfo=UTC)
END = MONDAY + timedelta(days=3)
RULES = current_version()
NEW_YORK = Group(("America/New_York",), 100, states=("NY",))
HAWAII = Group(("Pacific/Honolulu",), 40, states=("HI",))
KENTUCKY = Group(("America/Chicago", "America/New_York"), 30, states=("KY",))
RHODE_ISLAND = Group(("America/New_York",), 20, states=("RI",))
COAST_TO_COAST = Group(("America/New_York", "Pacific/Honolulu"), 10, states=("HI", "NY"))
SOON = replace(NEW_YORK, count=3, expires_at=MONDAY + timedelta(hours=30))
ANYWHERE = Group(("America/St_Johns", "Pacific/Guam"), 5)
EVERY_DAY = frozenset(range(1, 8))
USUAL_DAYS = frozenset(range(1, 7))


def own_hours(**fields: Any) -> OwnHours:
    return OwnHours(**{
        "start": None, "end": None, "days": None,
        "use_case_start": time(9), "use_case_end": time(20), "use_case_days": USUAL_DAYS, **fields,
    })  # fmt: skip


def hours_of(own: OwnHours, **fields: Any) -> Hours:
    days = own.use_case_days if own.days is None else own.days & own.use_case_days
    return Hours(
        **{
            "start": own.start_of(own.start),
            "end": own.end_of(own.end),
            "days": days,
            "holidays": False,
            "rules": RULES,
            "closes_early": USUAL_DELAY,
            **fields,
        }
    )


def closed(groups: list[Group], own: OwnHours, *, end: datetime = END, **fields: Any) -> Closed:
    return closed_hours(groups, hours_of(own, **fields), own, start=MONDAY, end=end, pace=10)


def proposal(found: Closed, name: str) -> Proposal:
    [one] = [each for each in found.proposals if each.name == name]
    return one


def test_nothing_is_said_where_everybody_is_reached() -> None:
    assert closed([NEW_YORK, HAWAII, KENTUCKY], own_hours()) == Closed()


def test_hours_of_a_campaign_that_the_law_of_a_state_closes_are_widened_no_further_than_needed() -> None:
    own = own_hours(start=time(9), end=time(10))
    found = closed([NEW_YORK, replace(KENTUCKY, zones=("America/New_York",))], own)
    [group] = found.groups
    assert (found.people, group.people, group.opens_at) == (30, 30, None)
    assert group.parts == (Part.CAMPAIGN_HOURS, Part.STATE_RULES)
    assert group.explanation == (
        "The campaign's hours 9:00 AM to 10:00 AM and the hours of the law (of the federation, Kentucky) together leave them no "
        "allowed time."
    )
    # Kentucky opens at ten, and the last quarter of an hour is the carrier's.
    wider = proposal(found, "campaign_hours")
    assert wider.text == "Widen the campaign's hours to 9:00 AM to 10:30 AM."
    assert (wider.target, wider.people) == ("campaign", 30)
    assert wider.changes == {"window_start": time(9), "window_end": time(10, 30)}


def test_zones_that_are_far_apart_close_narrow_hours() -> None:
    found = closed([COAST_TO_COAST], own_hours(start=time(9), end=time(12)))
    [group] = found.groups
    assert group.parts == (Part.CAMPAIGN_HOURS, Part.ZONES)
    wider = proposal(found, "campaign_hours")
    assert wider.changes == {"window_start": time(9), "window_end": time(14, 30)}


def test_the_hours_of_the_use_case_are_widened_where_the_campaign_follows_them() -> None:
    found = closed([RHODE_ISLAND, NEW_YORK], own_hours(use_case_start=time(18), use_case_end=time(20)))
    assert found.groups[0].parts == (Part.USE_CASE_HOURS, Part.STATE_RULES)
    wider = proposal(found, "use_case_hours")
    assert (wider.target, wider.changes) == ("use_case", {"window_start": time(17, 30), "window_end": time(20)})


def test_days_that_do_not_come_before_the_end_are_said_with_when_they_would() -> None:
    found = closed([NEW_YORK], own_hours(days=frozenset({6})))
    [group] = found.groups
    assert group.parts == (Part.CAMPAIGN_END, Part.CAMPAIGN_DAYS)
    assert group.opens_at == datetime(2026, 3, 7, 14, tzinfo=UTC)
    assert group.explanation == "The campaign's days (Saturday) leave them no allowed time before the campaign's end."
    assert [each.name for each in found.proposals] == ["campaign_days", "campaign_end"]
    assert proposal(found, "campaign_days").changes == {"days": None}
    later = proposal(found, "campaign_end")
    assert later.changes == {"ends_at": datetime(2026, 3, 7, 15, tzinfo=UTC)}


def test_an_end_that_comes_too_soon_is_the_only_thing_in_the_way() -> None:
    found = closed([HAWAII, NEW_YORK], own_hours(), end=MONDAY + timedelta(hours=2))
    [group] = found.groups
    assert group.parts == (Part.CAMPAIGN_END,)
    assert group.explanation == "Their next allowed time comes after the campaign's end."
    assert proposal(found, "campaign_end").changes == {"ends_at": datetime(2026, 3, 2, 20, tzinfo=UTC)}


def test_days_that_never_meet_and_an_end_before_the_use_cases_next_day_are_healed_together() -> None:
    """Tuesday is no day of the use case, and its next Monday comes after the end: neither change helps by itself."""
    own = own_hours(days=frozenset({2}), use_case_days=frozenset({1}))
    tuesday = MONDAY + timedelta(days=1)
    found = closed_hours([NEW_YORK], hours_of(own), own, start=tuesday, end=tuesday + timedelta(days=3), pace=10)
    [both] = found.proposals
    assert (both.name, both.target, both.people) == ("campaign_days_and_end", "campaign", 100)
    assert both.changes == {"days": None, "ends_at": datetime(2026, 3, 9, 14, tzinfo=UTC)}
    assert both.text == (
        "Send on all days of the use case (Monday), and end the campaign on Mon, Mar 9, 2026, 2:00 PM UTC, when all of these can "
        "have been sent."
    )


def test_hours_days_and_an_end_that_never_meet_are_healed_together() -> None:
    own = own_hours(start=time(7), end=time(9), days=frozenset({2}), use_case_days=frozenset({1}))
    tuesday = MONDAY + timedelta(days=1)
    found = closed_hours([NEW_YORK], hours_of(own), own, start=tuesday, end=tuesday + timedelta(days=3), pace=10)
    [all_three] = found.proposals
    assert all_three.name == "campaign_hours_days_and_end"
    assert all_three.changes == {
        "window_start": None,
        "window_end": None,
        "days": None,
        "ends_at": datetime(2026, 3, 9, 14, tzinfo=UTC),
    }


def test_times_are_said_by_the_clock_of_the_start() -> None:
    own, there = own_hours(days=frozenset({6})), ZoneInfo("America/New_York")
    found = closed_hours([NEW_YORK], hours_of(own), own, start=MONDAY.astimezone(there), end=END, pace=10)
    later = proposal(found, "campaign_end")
    assert later.text == "End the campaign on Sat, Mar 7, 2026, 10:00 AM EST, when all of these can have been sent."
    assert later.changes == {"ends_at": datetime(2026, 3, 7, 15, tzinfo=UTC)}


def test_the_end_is_left_alone_where_hours_alone_reach_as_many() -> None:
    found = closed([RHODE_ISLAND, NEW_YORK], own_hours(start=time(19), end=time(20)))
    assert [each.name for each in found.proposals] == ["campaign_hours"]


def test_a_freeze_is_named_with_its_state() -> None:
    found = closed([HAWAII], own_hours(), freezes=(Freeze("HI", date(2026, 3, 1)),))
    assert found.groups[0].parts == (Part.FREEZES,)
    assert found.groups[0].explanation == "The stop of messages to Hawaii leaves them no allowed time."
    assert found.proposals == []


def test_people_whom_no_change_of_hours_reaches_have_no_proposal() -> None:
    found = closed([ANYWHERE], own_hours(use_case_start=time(8), use_case_end=time(21), use_case_days=EVERY_DAY))
    assert found.people == 5
    assert found.proposals == []
    assert found.groups[0].explanation.endswith("together leave them no allowed time.")


def test_only_the_largest_groups_are_shown_and_all_are_counted() -> None:
    many = [replace(NEW_YORK, count=count, states=("NY",) * (count + 1)) for count in range(1, 40)]
    found = closed(many, own_hours(days=frozenset({6})))
    assert found.people == sum(range(1, 40))
    assert [group.people for group in found.groups] == list(range(39, 39 - MAX_GROUPS, -1))


groups_of = st.lists(
    st.sampled_from([NEW_YORK, HAWAII, KENTUCKY, RHODE_ISLAND, COAST_TO_COAST, ANYWHERE, SOON]),
    min_size=1,
    max_size=4,
    unique=True,
)
quarters = st.integers(0, 95).map(lambda quarter: time(*divmod(quarter * 15, 60)))
optional_days = st.one_of(st.none(), st.sets(st.integers(1, 7), min_size=1).map(frozenset))


@settings(max_examples=150)
@given(
    groups_of, st.one_of(st.none(), quarters), st.one_of(st.none(), quarters), quarters, quarters, optional_days, optional_days,
    st.integers(1, 200), st.booleans(),
)  # fmt: skip
def test_every_proposal_heals_as_many_as_it_says_and_every_part_named_alone_is_in_the_way(
    groups: list[Group], start: time | None, end: time | None, first: time, last: time, days: Any, own_days: Any, ends: int,
    law: bool,
) -> None:  # fmt: skip
    own = own_hours(
        start=start, end=end, days=own_days, use_case_start=min(first, last), use_case_end=max(first, last),
        use_case_days=days or USUAL_DAYS,
    )  # fmt: skip
    until, rules = MONDAY + timedelta(hours=ends), RULES if law else ""
    found = closed(groups, own, end=until, rules=rules)
    hours = hours_of(own, rules=rules)

    def reached(hours: Hours, group: Group, end: datetime = until) -> bool:
        opens = next_open(MONDAY, group.zones, hours, group.states)
        return opens is not None and opens < (group.expires_at or end)

    shut = [group for group in groups if not reached(hours, group)]
    assert found.people == sum(group.count for group in shut)
    for each in found.proposals:
        changes = dict(each.changes)
        last_moment = changes.pop("ends_at", until)
        if each.target == "campaign":
            named = {"window_start": "start", "window_end": "end", "days": "days"}
        else:
            named = {"window_start": "use_case_start", "window_end": "use_case_end", "days": "use_case_days"}
        changed = own._replace(**{
            named[name]: frozenset(value) if name == "days" and value is not None else value for name, value in changes.items()
        })  # fmt: skip
        healed = [group for group in shut if reached(hours_of(changed, rules=rules), group, last_moment)]
        assert sum(group.count for group in healed) == each.people > 0, each
    for told in found.groups:
        assert told.parts
    # The widest that the campaign's own hours, days and end can be.
    most = hours_of(own._replace(start=None, end=None, days=None), rules=rules)
    if not any(each.target == "campaign" for each in found.proposals):
        assert not [group for group in shut if reached(most, group, MONDAY + timedelta(days=MAX_DAYS))]


def test_the_end_that_is_proposed_lets_everybody_go_at_the_pace() -> None:
    own, slow = own_hours(days=frozenset({6})), 0.01
    groups = [replace(NEW_YORK, count=500)]
    found = closed_hours(groups, hours_of(own), own, start=MONDAY, end=END, pace=slow)
    end = proposal(found, "campaign_end").changes["ends_at"]
    assert forecast(groups, hours_of(own), start=MONDAY, end=end, pace=slow).unsent == 0
    assert forecast(groups, hours_of(own), start=MONDAY, end=end - timedelta(hours=1, minutes=1), pace=slow).unsent > 0


@pytest.mark.parametrize("count", [1, MAX_GROUPS])
def test_it_is_worked_out_with_few_looks(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A preview is asked for by a person who waits."""
    looks = []

    def counted(*arguments: Any) -> datetime | None:
        looks.append(arguments)
        return next_open(*arguments)

    monkeypatch.setattr("campaigns.planning.closed_hours.next_open", counted)
    shut = [replace(COAST_TO_COAST, count=10 + number) for number in range(count)]
    closed(shut, own_hours(start=time(9), end=time(11), days=frozenset({1})))
    assert len(looks) < 60 * count
