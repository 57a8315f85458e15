"""A simulated year: no message leaves outside any rule, by an oracle that looks at every minute by itself.

The short form draws moments; `make year` goes through the whole year for every place that an area code has.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rvm.phone_numbers.number_plan import AREA_CODES
from rvm.phone_numbers.places import Places, places_of
from tests.usecases.calling_hours.oracle import may_be_heard, may_be_sent
from usecases.eligibility import OF_HOURS, Defer, Expire, Facts, Send, decide, explain
from usecases.state_rules import STATE_NAMES, current_version
from usecases.windows import EVERY_DAY, USUAL_DELAY, Freeze, Hours, closing, next_open

RULES = current_version()
MINUTE = timedelta(minutes=1)
# Every combination of zones and states that an area code has; the last is that of people who may be anywhere.
ALL_PLACES = sorted({places_of(f"+1{code}5550142") for code in AREA_CODES} | {places_of("+18005550142")})
USUAL = Hours(time(9), time(20), frozenset(range(1, 7)), holidays=False, rules=RULES, closes_early=USUAL_DELAY)
WIDE = Hours(time(8), time(21), rules=RULES, closes_early=USUAL_DELAY)
ALL_DAY = Hours(time.min, time.max, rules=RULES, closes_early=USUAL_DELAY)
FROZEN = Hours(
    time(9), time(21), rules=RULES, closes_early=USUAL_DELAY,
    freezes=(Freeze("LA", date(2026, 8, 27), date(2026, 9, 2)), Freeze("US", date(2026, 12, 30))),
)  # fmt: skip

places = st.one_of(
    st.sampled_from(ALL_PLACES),
    # A list may say more: an address in one state, a number of another.
    st.tuples(st.sampled_from(ALL_PLACES), st.sampled_from(ALL_PLACES)).map(
        lambda two: Places(
            tuple(sorted({*two[0].zones, *two[1].zones})),
            tuple(sorted({*two[0].states, *two[1].states})) if all(each.states for each in two) else (),
        )
    ),
)
dates = st.dates(date(2026, 1, 2), date(2026, 12, 28))
policies = st.builds(
    lambda bounds, days, holidays, law, freezes, early: Hours(
        time(*divmod(min(bounds), 60)),
        time(*divmod(max(bounds), 60)),
        frozenset(days),
        holidays,
        RULES if law else "",
        tuple(freezes),
        timedelta(minutes=early),
    ),
    st.tuples(st.integers(0, 1439), st.integers(0, 1439)),
    st.one_of(st.just(EVERY_DAY), st.sets(st.integers(1, 7), min_size=1)),
    st.booleans(),
    st.booleans(),
    st.lists(
        st.builds(
            lambda state, start, length: Freeze(state, start, start + timedelta(days=length) if length else None),
            st.sampled_from([*STATE_NAMES, "US"]),
            dates,
            st.integers(0, 20),
        ),
        max_size=2,
    ),
    st.sampled_from([0, 1, 15, 40]),
)
hours_of = st.one_of(st.sampled_from([USUAL, WIDE, ALL_DAY, FROZEN]), policies)
# Around both changes of clocks more often than on other days.
moments = st.one_of(
    st.tuples(dates, st.integers(0, 86_399)),
    st.tuples(st.sampled_from([date(2026, 3, 7), date(2026, 3, 8), date(2026, 10, 31), date(2026, 11, 1)]), st.integers(0, 86_399)),
).map(lambda when: datetime.combine(when[0], time.min, UTC) + timedelta(seconds=when[1]))  # fmt: skip


def facts_of(where: Places, hours: Hours) -> Facts:
    return Facts(
        simulated=False,
        stopped=False,
        use_case_deleted=False,
        has_sender=True,
        suppressed=False,
        expires_at=None,
        hours=hours,
        zones=where.zones,
        states=where.states,
    )


@settings(max_examples=400)
@given(places, hours_of, moments)
def test_what_is_sent_is_exactly_what_every_rule_allows(where: Places, hours: Hours, now: datetime) -> None:
    sent = isinstance(decide(facts_of(where, hours), now), Send)
    assert sent == may_be_sent(now, *where, hours)


@settings(max_examples=60)
@given(places, hours_of, moments)
def test_who_waits_waits_for_the_first_minute_that_every_rule_allows(
    where: Places, hours: Hours, now: datetime
) -> None:
    opens = next_open(now, where.zones, hours, where.states)
    minute = now.replace(second=0) + MINUTE
    if opens == now:
        return
    until = min(opens or now + timedelta(days=3), now + timedelta(days=3), datetime(2026, 12, 31, tzinfo=UTC))
    while minute < until:
        assert not may_be_sent(minute, *where, hours)
        minute += 5 * MINUTE
    if opens is not None and opens < datetime(2026, 12, 31, tzinfo=UTC):
        assert may_be_sent(opens, *where, hours)
        assert not may_be_sent(opens - timedelta(microseconds=1), *where, hours)


@settings(max_examples=100)
@given(places, hours_of, moments)
def test_what_is_open_closes_when_it_says(where: Places, hours: Hours, now: datetime) -> None:
    opens = next_open(now, where.zones, hours, where.states)
    if opens is None or opens > datetime(2026, 12, 29, tzinfo=UTC):
        return
    closes = closing(opens, where.zones, hours, where.states)
    assert closes is None or closes > opens
    if closes is not None and closes < datetime(2026, 12, 31, tzinfo=UTC):
        assert may_be_sent(opens + (closes - opens) / 2, *where, hours)
        assert may_be_sent(closes - timedelta(microseconds=1), *where, hours)
        assert not may_be_sent(closes, *where, hours)


@settings(max_examples=150)
@given(places, hours_of, moments)
def test_the_guards_say_together_what_is_decided(where: Places, hours: Hours, now: datetime) -> None:
    found = explain(facts_of(where, hours), now)
    objecting = [verdict for verdict in found.verdicts if not isinstance(verdict.decision, Send)]
    match found.decision:
        case Send():
            assert not objecting
            assert found.reachable_at == now
        case Defer(reason=reason, until=until):
            assert until > now
            assert reason in OF_HOURS
            if objecting and isinstance(objecting[0].decision, Defer):
                assert objecting[0].decision.reason is reason
            # No guard lets it pass later than all together do.
            assert all(
                v.until is None or found.reachable_at is None or v.until <= found.reachable_at for v in found.verdicts
            )
        case Expire():
            assert found.reachable_at is None


@pytest.mark.year
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("hours", [USUAL, WIDE, ALL_DAY, FROZEN], ids=["usual", "wide", "all day", "frozen"])
def test_in_a_whole_year_nothing_is_sent_outside_any_rule(hours: Hours) -> None:
    """The place of every area code, every 37 minutes of the year, which come to every minute of the hour."""
    wrong = []
    start, steps = datetime(2026, 1, 1, 12, tzinfo=UTC), 363 * 24 * 60 // 37
    for where, step in product(ALL_PLACES, range(steps)):
        moment = start + step * 37 * MINUTE
        sent = isinstance(decide(facts_of(where, hours), moment), Send)
        if sent != may_be_sent(moment, *where, hours):
            wrong.append((where, moment))
    assert wrong == []


def test_every_state_with_a_rule_is_reached_at_some_hour_of_a_plain_week_by_the_usual_policy() -> None:
    monday = datetime(2026, 3, 2, tzinfo=UTC)
    for where in ALL_PLACES:
        if len(where.zones) <= 3 and where.states:
            opens = next_open(monday, where.zones, USUAL, where.states)
            assert opens is not None, where
            assert opens < monday + timedelta(days=2), where
            assert may_be_heard(opens, *where, USUAL)
