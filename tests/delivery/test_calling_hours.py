"""The claim keeps every rule: drawn people and moments of a year, judged by an oracle that knows no span and no cache."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, time, timedelta

import pytest
from django.db import transaction

from delivery.carriers.sandbox import Sandbox
from delivery.engine.claim import claim
from delivery.engine.lane_routes import active_routes
from delivery.kept_decisions import kept_decision
from delivery.models import Voicemail
from rvm.phone_numbers.number_plan import AREA_CODES, Kind
from rvm.phone_numbers.places import places_known
from tests import factories
from tests.usecases.calling_hours.oracle import may_be_sent
from usecases.eligibility import Defer, DeferReason, decide
from usecases.models import StateFreeze, UseCase
from usecases.state_rules import current_version
from usecases.windows import Freeze, Hours

pytestmark = pytest.mark.django_db

DELAY = timedelta(minutes=15)
USUAL = {"window_start": time(9), "window_end": time(20), "days": [1, 2, 3, 4, 5, 6], "sends_on_holidays": False}
FREEZE = Freeze("FL", date(2026, 9, 9), date(2026, 9, 11))
HOURS = Hours(time(9), time(20), frozenset(range(1, 7)), False, current_version(), (FREEZE,), DELAY)
CODES = sorted(code for code, area in AREA_CODES.items() if area.kind is Kind.GEOGRAPHIC and area.country == "US")
LISTED = [
    ["America/Chicago", "state:TX"],
    ["America/New_York", "state:RI"],
    ["America/Denver", "America/Phoenix", "state:AZ"],
    ["America/New_York", "America/Chicago", "state:IN", "state:KY"],
    ["America/Puerto_Rico", "state:PR"],
    ["Pacific/Honolulu", "state:HI"],
]
# Midnight in the east before clocks are put forward, and back.
CHANGES = [datetime(2026, 3, 8, 4, tzinfo=UTC), datetime(2026, 11, 1, 4, tzinfo=UTC)]
MOMENTS = [
    datetime(2026, 3, 7, 22, 44, tzinfo=UTC),
    datetime(2026, 3, 9, 14, 5, tzinfo=UTC),
    datetime(2026, 5, 25, 17, tzinfo=UTC),
    datetime(2026, 7, 3, 18, tzinfo=UTC),
    datetime(2026, 9, 10, 15, 30, tzinfo=UTC),
    datetime(2026, 10, 31, 0, 45, tzinfo=UTC),
    datetime(2026, 12, 23, 21, 50, tzinfo=UTC),
]


@pytest.fixture(autouse=True)
def _carrier_that_reaches_people(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Sandbox, "simulated", False)
    monkeypatch.setattr(Sandbox, "max_delivery_delay", DELAY)


def judge(now: datetime, count: int) -> None:
    """Let the engine claim drawn people at the moment, and compare what became of each with the oracle."""
    StateFreeze.objects.create(state=FREEZE.state, starts_on=FREEZE.starts_on, ends_on=FREEZE.ends_on, reason="Storm.")
    use_case: UseCase = factories.make_use_case(**USUAL)
    draw = random.Random(str(now))
    people, recording = {}, factories.make_recording(use_case.workspace)
    for serial, code in enumerate(draw.sample(CODES, count)):
        number = f"+1{code}5550{100 + serial % 100}"
        listed = draw.choice(LISTED) if serial % 9 == 0 else None
        row = factories.make_voicemail(
            use_case,
            recipient=number,
            zones=listed,
            recording=recording,
            not_before=now,
            expires_at=now + timedelta(days=30),
        )
        people[row.pk] = places_known(listed, number)
    for route in active_routes(now, 100):
        claim(route, 100, now, timedelta(seconds=60))
    sent = set(Voicemail.objects.filter(pk__in=people, status="sending").values_list("pk", flat=True))
    assert sent == {pk for pk, where in people.items() if may_be_sent(now, *where, HOURS)}
    # Who waits is looked at again at a moment at which every rule allows it, or within the hour where a freeze may be lifted.
    for row in Voicemail.objects.filter(pk__in=people, status="queued"):
        where = people[row.pk]
        frozen = FREEZE.binds(where.states) and FREEZE.starts_on <= now.date() <= FREEZE.ends_on
        assert may_be_sent(row.not_before, *where, HOURS) or (frozen and row.not_before == now + timedelta(hours=1))
        kept = kept_decision(row)
        assert kept is not None and kept.until == row.not_before
        assert decide(kept.all_facts, now) == Defer(row.not_before, DeferReason(kept.reason))


@pytest.mark.parametrize("now", MOMENTS, ids=str)
def test_the_claim_sends_exactly_what_every_rule_allows(now: datetime) -> None:
    judge(now, 60)


@pytest.mark.year
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("month", range(1, 13))
def test_in_a_whole_year_the_claim_sends_exactly_what_every_rule_allows(month: int) -> None:
    """A moment of every day and those around the changes of clocks, with people of thirty area codes at each."""
    draw = random.Random(month)
    first = datetime(2026, month, 1, tzinfo=UTC)
    days = [first + timedelta(days=day) for day in range(31) if (first + timedelta(days=day)).month == month]
    moments = [day + timedelta(minutes=draw.randrange(24 * 60)) for day in days]
    moments += [
        change + timedelta(minutes=30 * step) for change in CHANGES if change.month == month for step in range(24)
    ]
    for moment in moments:
        with transaction.atomic():
            judge(moment, 30)
            transaction.set_rollback(True)


def test_a_changed_policy_and_a_new_freeze_bind_the_next_claim() -> None:
    noon = datetime(2026, 3, 2, 17, tzinfo=UTC)
    use_case = factories.make_use_case(**USUAL)
    [first, second, third] = [
        factories.make_voicemail(
            use_case, recipient="+13055550142", not_before=noon, expires_at=noon + timedelta(days=9)
        )
        for _ in range(3)
    ]
    [route] = active_routes(noon, 10)
    assert len(claim(route, 1, noon, timedelta(seconds=60)).claims) == 1
    UseCase.objects.filter(pk=use_case.pk).update(days=[2])
    [route] = active_routes(noon, 10)
    assert claim(route, 1, noon, timedelta(seconds=60)).claims == []
    tuesday = datetime(2026, 3, 3, 14, tzinfo=UTC)
    assert set(Voicemail.objects.filter(status="queued").values_list("not_before", flat=True)) == {tuesday}
    StateFreeze.objects.create(state="US", starts_on=date(2026, 3, 3), reason="Everything stops.")
    for route in active_routes(tuesday, 10):
        assert claim(route, 10, tuesday, timedelta(seconds=60)).claims == []
    rows = Voicemail.objects.filter(pk__in=[first.pk, second.pk, third.pk], status="queued")
    assert set(rows.values_list("not_before", flat=True)) == {tuesday + timedelta(hours=1)}
