"""How often a number may be reached: tables by name, and every moment compared with an oracle that counts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from tests.factories import make_setup, make_use_case
from usecases.caps import Caps, counts_at, open_from, smaller
from usecases.eligibility import (
    FROZEN_RECHECK,
    SEND,
    Decision,
    Defer,
    DeferReason,
    Expire,
    Facts,
    Guard,
    Send,
    Skip,
    SkipReason,
    decide,
    explain,
)
from usecases.state_rules import current_version
from usecases.windows import Freeze, Hours

NEW_YORK, PHOENIX, HONOLULU = "America/New_York", "America/Phoenix", "Pacific/Honolulu"
NOON = datetime(2026, 3, 2, 17, tzinfo=UTC)  # a Monday, in New York
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MIDNIGHT = datetime(2026, 3, 3, 5, tzinfo=UTC)  # in New York
MORNING = datetime(2026, 3, 3, 13, tzinfo=UTC)  # 08:00 in New York
RULES = current_version()


def ago(*hours: float) -> tuple[datetime, ...]:
    return tuple(sorted(NOON - timedelta(hours=each) for each in hours))


@pytest.mark.parametrize(
    ("caps", "reached", "zones", "opens"),
    [
        (Caps(), ago(1, 2, 3), (NEW_YORK,), None),
        (Caps(1, None, 3), (), (NEW_YORK,), None),
        (Caps(per_day=1), ago(1), (NEW_YORK,), MIDNIGHT),
        (Caps(per_day=2), ago(1), (NEW_YORK,), None),
        # Of two zones the one whose day ends last.
        (Caps(per_day=1), ago(1), (NEW_YORK, HONOLULU), datetime(2026, 3, 3, 10, tzinfo=UTC)),
        # 23:30 yesterday in New York, and 18:30 the same day in Honolulu: there it is today until ten.
        (Caps(per_day=1), ago(12.5), (NEW_YORK,), datetime(2026, 3, 2, 5, tzinfo=UTC)),
        (Caps(per_day=1), ago(12.5), (NEW_YORK, HONOLULU), datetime(2026, 3, 2, 10, tzinfo=UTC)),
        (Caps(per_24h=1), ago(1), (NEW_YORK,), NOON + 23 * HOUR),
        (Caps(per_24h=3), ago(1, 5, 20), (NEW_YORK,), NOON + 4 * HOUR),
        (Caps(per_week=3), ago(24, 48, 100), (NEW_YORK,), NOON + 68 * HOUR),
        (Caps(per_week=3), ago(24, 48), (NEW_YORK,), None),
        # A cap that was lowered binds what was sent before.
        (Caps(per_week=1), ago(24, 48, 100), (NEW_YORK,), NOON + 6 * DAY),
        (Caps(per_day=1, per_24h=2, per_week=3), ago(1, 2, 3), (NEW_YORK,), NOON - 3 * HOUR + 7 * DAY),
    ],
)  # fmt: skip
def test_the_moment_from_which_another_is_allowed(
    caps: Caps, reached: tuple[datetime, ...], zones: tuple[str, ...], opens: datetime | None
) -> None:
    assert open_from(caps, reached, zones) == opens


@pytest.mark.parametrize(
    ("at", "zone", "opens"),
    [
        # Clocks go forward on March 8 and back on November 1: the day has 23 or 25 hours.
        (datetime(2026, 3, 8, 6, tzinfo=UTC), NEW_YORK, datetime(2026, 3, 9, 4, tzinfo=UTC)),
        (datetime(2026, 11, 1, 5, tzinfo=UTC), NEW_YORK, datetime(2026, 11, 2, 5, tzinfo=UTC)),
        (datetime(2026, 3, 8, 6, tzinfo=UTC), PHOENIX, datetime(2026, 3, 8, 7, tzinfo=UTC)),
        # In Santiago clocks skip the hour after midnight of September 6.
        (datetime(2026, 9, 5, 20, tzinfo=UTC), "America/Santiago", datetime(2026, 9, 6, 4, tzinfo=UTC)),
    ],
)
def test_a_day_ends_by_the_clock_of_the_zone(at: datetime, zone: str, opens: datetime) -> None:
    assert open_from(Caps(per_day=1), (at,), (zone,)) == opens
    local = opens.astimezone(ZoneInfo(zone)).date()
    assert (opens - timedelta(microseconds=1)).astimezone(ZoneInfo(zone)).date() == local - DAY


def allowed(moment: datetime, caps: Caps, reached: tuple[datetime, ...], zones: tuple[str, ...]) -> bool:
    """The oracle: counts, zone by zone."""
    day = all(
        sum(at.astimezone(ZoneInfo(zone)).date() == moment.astimezone(ZoneInfo(zone)).date() for at in reached)
        < (caps.per_day or 1000)
        for zone in zones
    )
    in_24h = sum(moment - at < 24 * HOUR for at in reached) < (caps.per_24h or 1000)
    in_week = sum(moment - at < 7 * DAY for at in reached) < (caps.per_week or 1000)
    return day and in_24h and in_week


some_caps = st.builds(Caps, *[st.none() | st.integers(1, 4)] * 3)
past = st.lists(st.integers(1, 8 * 24 * 4), max_size=8).map(
    lambda quarters: tuple(sorted(NOON - timedelta(minutes=15 * each) for each in quarters))
)
places = st.lists(st.sampled_from([NEW_YORK, PHOENIX, HONOLULU, "America/St_Johns"]), min_size=1, max_size=3).map(tuple)


@given(some_caps, past, places)
def test_it_is_the_first_moment_at_which_every_cap_has_room(
    caps: Caps, reached: tuple[datetime, ...], zones: tuple[str, ...]
) -> None:
    opens = open_from(caps, reached, zones)
    for quarter in range(9 * 24 * 4):
        moment = NOON + timedelta(minutes=15 * quarter)
        assert allowed(moment, caps, reached, zones) is (opens is None or moment >= opens)


@given(some_caps, past, places)
def test_what_is_told_agrees_with_what_is_decided(
    caps: Caps, reached: tuple[datetime, ...], zones: tuple[str, ...]
) -> None:
    counts = counts_at(NOON, reached, zones)
    room = (
        counts.on_day < (caps.per_day or 1000)
        and counts.in_24h < (caps.per_24h or 1000)
        and counts.in_week < (caps.per_week or 1000)
    )
    opens = open_from(caps, reached, zones)
    assert room is (opens is None or opens <= NOON)


def test_of_two_caps_the_smaller_binds() -> None:
    assert [smaller(None, None), smaller(None, 3), smaller(2, None), smaller(2, 3)] == [None, 3, 2, 2]


# the decision

CLEAR = Facts(
    simulated=False,
    stopped=False,
    use_case_deleted=False,
    has_sender=True,
    suppressed=False,
    expires_at=NOON + 30 * DAY,
    hours=Hours(time(8), time(21)),
    zones=(NEW_YORK,),
    states=("NY",),
    caps=Caps(1, None, 3),
)
REACHED = DeferReason.CAP_REACHED


@pytest.mark.parametrize(
    ("changes", "now", "decision"),
    [
        ({}, NOON, SEND),
        ({"reached": ago(18)}, NOON, SEND),
        # Midnight is the end of the day, and the window opens in the morning.
        ({"reached": ago(1)}, NOON, Defer(MORNING, REACHED)),
        ({"reached": ago(18, 42, 70)}, NOON, Defer(NOON + 98 * HOUR, REACHED)),
        ({"reached": ago(1)}, NOON + 12 * HOUR, Defer(MORNING, DeferReason.OUTSIDE_WINDOW)),
        ({"reached": ago(1), "expires_at": NOON + HOUR}, NOON, Defer(NOON + HOUR, REACHED)),
        ({"reached": ago(1), "expires_at": NOON}, NOON, Expire()),
        ({"reached": ago(1), "suppressed": True}, NOON, Skip(SkipReason.SUPPRESSED)),
        ({"reached": ago(1), "simulated": True}, NOON, SEND),
        ({"reached": ago(1), "caps": Caps()}, NOON, SEND),
        # Florida allows three calls in 24 hours; the smaller of both caps binds.
        ({"reached": ago(1, 2, 3), "caps": Caps(), "states": ("FL",), "hours": Hours(time(8), time(21), rules=RULES)},
         NOON, Defer(NOON + 21 * HOUR, REACHED)),
        ({"reached": ago(1, 2, 3), "caps": Caps(per_24h=2), "states": ("FL",), "hours": Hours(time(8), time(21), rules=RULES)},
         NOON, Defer(NOON + 22 * HOUR, REACHED)),
        ({"reached": ago(1, 2, 3), "caps": Caps(), "states": ("NY",), "hours": Hours(time(8), time(21), rules=RULES)},
         NOON, SEND),
        # Where nothing is known of the state, the caps of all bind.
        ({"reached": ago(1, 2, 3), "caps": Caps(), "states": (), "hours": Hours(time(8), time(21))}, NOON, SEND),
        # A freeze is looked at again within the hour, but not before the caps allow anything.
        ({"reached": ago(1), "hours": Hours(time(8), time(21), freezes=(Freeze("NY", NOON.date()),))}, NOON,
         Defer(MIDNIGHT, REACHED)),
        ({"hours": Hours(time(8), time(21), freezes=(Freeze("NY", NOON.date()),))}, NOON,
         Defer(NOON + FROZEN_RECHECK, DeferReason.STATE_FROZEN)),
    ],
)  # fmt: skip
def test_a_person_who_has_got_enough_waits(changes: dict[str, Any], now: datetime, decision: Decision) -> None:
    assert decide(replace(CLEAR, **changes), now) == decision


@given(some_caps, past, places)
def test_who_waits_for_the_caps_is_reached_at_the_end_of_the_wait(
    caps: Caps, reached: tuple[datetime, ...], zones: tuple[str, ...]
) -> None:
    facts = replace(CLEAR, caps=caps, reached=reached, zones=zones)
    match decide(facts, NOON):
        case Send():
            assert allowed(NOON, caps, reached, zones)
        case Defer(until=until):
            assert isinstance(decide(facts, until), Send)
            assert until > NOON


def test_the_guard_says_what_it_counted_and_when_it_lets_pass() -> None:
    facts = replace(CLEAR, reached=ago(1, 30), states=("FL",), hours=Hours(time(8), time(21), rules=RULES))
    found = explain(facts, NOON)
    verdict = {each.guard: each for each in found.verdicts}[Guard.CAPS]
    assert (verdict.decision, verdict.until) == (Defer(MIDNIGHT, REACHED), MIDNIGHT)
    assert verdict.saw == {
        "max_per_day": 1, "max_per_24h": 3, "max_per_week": 3, "on_day": 1, "in_24h": 1, "in_week": 2, "zones": (NEW_YORK,),
    }  # fmt: skip
    assert found.reachable_at == MORNING
    assert found.decision == Defer(MORNING, REACHED)


# the columns


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"max_per_day": 0}, "max_per_day"),
        ({"max_per_24h": 0}, "max_per_24h"),
        ({"max_per_week": 0}, "max_per_week"),
        ({"max_per_day": 101, "max_per_week": 101}, "max_per_day"),
        ({"max_per_day": 4, "max_per_week": 3}, "max_per_week"),
        ({"max_per_day": 1, "max_per_24h": 4, "max_per_week": 3}, "max_per_week"),
        ({"max_per_day": None}, "max_per_day"),
        (
            {"basis": "healthcare_exemption", "purpose": "appointment", "max_per_day": 2, "max_per_week": 3},
            "max_per_day",
        ),
        (
            {"basis": "healthcare_exemption", "purpose": "appointment", "max_per_day": 1, "max_per_week": 4},
            "max_per_week",
        ),
    ],
)
def test_a_cap_that_makes_no_sense_is_refused_with_its_field(fields: dict[str, Any], named: str) -> None:
    use_case = make_use_case(setup=make_setup(free_to_recipient=True))
    for name, value in fields.items():
        setattr(use_case, name, value)
    with pytest.raises(ValidationError) as refusal:
        use_case.full_clean()
    assert named in refusal.value.message_dict
