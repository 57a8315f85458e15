"""A lane may narrow its use case's policy: hours, days, attempts, an end of its own; and a person's zones may be known better."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from delivery.carriers.sandbox import Sandbox
from delivery.engine.claim import ClaimedBatch, claim
from delivery.engine.lane_routes import active_routes
from delivery.lifecycle.reasons import Reason
from delivery.lifecycle.retries import retry_failed
from delivery.lifecycle.status import VoicemailStatus
from delivery.models import Lane, Voicemail
from delivery.worker.maintenance import expire
from tests import factories
from tests.delivery.states import counter_totals, make_drop, row_counts

pytestmark = pytest.mark.django_db

NEW_YORK, LOS_ANGELES = "+12125550142", "+12135550142"
WEDNESDAY_NOON_UTC = datetime(2026, 7, 15, 16, tzinfo=UTC)  # 12:00 in New York, 9:00 in Los Angeles


@pytest.fixture(autouse=True)
def _carrier_that_reaches_people(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Sandbox, "simulated", False)


def make_lane(**fields: Any) -> Lane:
    use_case = factories.make_use_case(window_start=time(8), window_end=time(21))
    return factories.make_lane(use_case, **fields)


def queue(lane: Lane, recipient: str = NEW_YORK, **fields: Any) -> Voicemail:
    times = {"not_before": WEDNESDAY_NOON_UTC - timedelta(days=1), "expires_at": None}
    return factories.make_voicemail(lane=lane, recipient=recipient, **{**times, **fields})


def look(now: datetime) -> list[ClaimedBatch]:
    return [claim(route, 500, now, timedelta(seconds=60)) for route in active_routes(now, 500)]


def fate(voicemail: Voicemail) -> tuple[str, datetime]:
    voicemail.refresh_from_db()
    return voicemail.status, voicemail.not_before


@pytest.mark.parametrize(
    ("fields", "opens"),
    [
        ({}, None),
        ({"window_start": time(11), "window_end": time(13)}, None),
        ({"window_start": time(13)}, WEDNESDAY_NOON_UTC + timedelta(hours=1)),
        ({"window_end": time(12)}, WEDNESDAY_NOON_UTC + timedelta(hours=20)),
        ({"days": [1, 2, 3]}, None),
        ({"days": [4, 5]}, datetime(2026, 7, 16, 12, tzinfo=UTC)),
        ({"days": [1], "window_start": time(10)}, datetime(2026, 7, 20, 14, tzinfo=UTC)),
        # What only one of the two allows is not allowed.
        ({"window_start": time(6), "window_end": time(22)}, None),
    ],
)
def test_a_lane_sends_in_the_hours_and_on_the_days_that_it_and_its_use_case_allow(
    fields: dict[str, Any], opens: datetime | None
) -> None:
    voicemail = queue(make_lane(**fields))
    look(WEDNESDAY_NOON_UTC)
    status, not_before = fate(voicemail)
    assert (status, None if status == "sending" else not_before) == ("queued" if opens else "sending", opens)


def test_starts_that_were_granted_go_to_those_who_are_awake() -> None:
    """A list over all zones at eight in the morning in New York: those who sleep must not use up the pace."""
    lane = make_lane(window_start=time(10))
    asleep = [queue(lane, LOS_ANGELES, not_before=WEDNESDAY_NOON_UTC - timedelta(days=2)) for _ in range(7)]
    awake = [queue(lane, NEW_YORK) for _ in range(5)]
    [route] = active_routes(WEDNESDAY_NOON_UTC, 500)
    batch = claim(route, 2, WEDNESDAY_NOON_UTC, timedelta(seconds=60))
    assert len(batch.claims) == 2
    assert {fate(voicemail) for voicemail in asleep} == {("queued", WEDNESDAY_NOON_UTC + timedelta(hours=1))}
    assert sorted(fate(voicemail)[0] for voicemail in awake) == ["queued"] * 3 + ["sending"] * 2
    assert {fate(voicemail)[1] for voicemail in awake} == {WEDNESDAY_NOON_UTC - timedelta(days=1)}
    assert counter_totals(lane.id) == row_counts(lane.id)


@pytest.mark.parametrize("held", [True, False])
def test_a_hold_binds_every_claim_that_begins_after_it(held: bool) -> None:
    """Also of a worker that looked for open lanes before, and is still busy with others."""
    lane = make_lane()
    voicemail = queue(lane)
    [route] = active_routes(WEDNESDAY_NOON_UTC, 500)
    Lane.objects.filter(pk=lane.pk).update(held=held)
    batch = claim(route, 500, WEDNESDAY_NOON_UTC, timedelta(seconds=60))
    assert (len(batch.claims), fate(voicemail)[0]) == ((0, "queued") if held else (1, "sending"))


def test_one_transaction_looks_at_a_bounded_number_of_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("delivery.engine.claim.LOOK", 4)
    monkeypatch.setattr("delivery.engine.claim.MAX_LOOK", 10)
    lane = make_lane(window_start=time(10))
    for _ in range(15):
        queue(lane, LOS_ANGELES)
    [route] = active_routes(WEDNESDAY_NOON_UTC, 500)
    batch = claim(route, 3, WEDNESDAY_NOON_UTC, timedelta(seconds=60))
    assert (batch.claims, batch.looked_at) == ([], 10)
    batch = claim(route, 3, WEDNESDAY_NOON_UTC, timedelta(seconds=60))
    assert (batch.claims, batch.looked_at) == ([], 5)


def test_known_zones_of_a_person_bind_in_place_of_the_numbers_own() -> None:
    lane = make_lane(window_start=time(10))
    here, moved = queue(lane, NEW_YORK), queue(lane, NEW_YORK, zones=["America/New_York", "America/Los_Angeles"])
    look(WEDNESDAY_NOON_UTC)
    assert fate(here)[0] == "sending"
    assert fate(moved) == ("queued", WEDNESDAY_NOON_UTC + timedelta(hours=1))


def test_what_has_no_time_of_its_own_expires_with_its_lane_also_where_that_is_held() -> None:
    ends = WEDNESDAY_NOON_UTC
    lane = make_lane(expires_at=ends, held=True)
    with_lane, later = queue(lane), queue(lane, LOS_ANGELES, expires_at=ends + timedelta(days=1))
    assert expire(ends - timedelta(seconds=1)) == 0
    assert expire(ends) == 1
    assert (fate(with_lane)[0], fate(later)[0]) == ("expired", "queued")
    assert counter_totals(lane.id) == row_counts(lane.id)


def test_a_claim_after_the_lanes_end_expires_and_sends_nothing() -> None:
    lane = make_lane(expires_at=WEDNESDAY_NOON_UTC)
    voicemail = queue(lane)
    assert [batch.claims for batch in look(WEDNESDAY_NOON_UTC)] == [[]]
    assert fate(voicemail)[0] == "expired"


def test_without_any_end_it_waits_for_ever() -> None:
    voicemail = queue(make_lane(held=True))
    assert expire(WEDNESDAY_NOON_UTC + timedelta(days=3650)) == 0
    assert fate(voicemail)[0] == "queued"


@pytest.mark.parametrize(("of_lane", "again"), [(None, False), (1, False), (3, True)])
def test_a_lanes_own_attempts_replace_those_of_the_use_case(of_lane: int | None, again: bool) -> None:
    lane = make_lane(max_attempts=of_lane, retry_minutes=30, expires_at=WEDNESDAY_NOON_UTC + timedelta(days=1))
    voicemail = queue(lane, status=VoicemailStatus.FAILED, reason=Reason.BUSY)
    make_drop(voicemail, "failed", Reason.BUSY)
    retry_failed([voicemail.id], WEDNESDAY_NOON_UTC)
    status, not_before = fate(voicemail)
    assert status == ("queued" if again else "failed")
    if again:
        assert timedelta(minutes=30) <= not_before - WEDNESDAY_NOON_UTC < timedelta(hours=1)


def test_nothing_is_tried_again_that_has_no_end_of_its_own_in_a_lane_without_one() -> None:
    lane = make_lane(max_attempts=3, retry_minutes=30)
    voicemail = queue(lane, status=VoicemailStatus.FAILED, reason=Reason.BUSY)
    make_drop(voicemail, "failed", Reason.BUSY)
    retry_failed([voicemail.id], WEDNESDAY_NOON_UTC)
    assert fate(voicemail)[0] == "failed"


def test_nothing_is_tried_again_after_the_lanes_end() -> None:
    lane = make_lane(max_attempts=3, retry_minutes=30, expires_at=WEDNESDAY_NOON_UTC + timedelta(minutes=20))
    voicemail = queue(lane, status=VoicemailStatus.FAILED, reason=Reason.BUSY)
    make_drop(voicemail, "failed", Reason.BUSY)
    retry_failed([voicemail.id], WEDNESDAY_NOON_UTC)
    assert fate(voicemail)[0] == "failed"
