"""How far a campaign is: counters, one look at who waits, and a finish by the forecast."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from redis.exceptions import ConnectionError as RedisConnectionError

from campaigns.models import Campaign
from campaigns.planning import progress as module
from campaigns.planning.progress import progress
from delivery.carriers.sandbox import Sandbox
from delivery.models import LaneCount
from delivery.services.lanes import cancel_queued
from rvm.platform.redis_connection import redis_client
from tests.factories import add_recipients, make_campaign, make_import

pytestmark = pytest.mark.django_db

NEW_YORK, DENVER = "America/New_York", "America/Denver"
# 10 in the morning in New York, 8 in Denver.
NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _carrier_that_reaches_people(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Sandbox, "simulated", False)


def running(count: int = 0, **fields: Any) -> Campaign:
    began = {"state": "running", "launched_at": NOW, "ends_at": NOW + timedelta(hours=72), "pace_per_second": 1.0}
    return make_campaign(count=count, **{**began, **fields})


def test_counts_are_by_status_and_of_what_ended_by_reason() -> None:
    campaign = running(3, rate_per_second=2.5)
    for first, status, reason in [
        (10, "failed", "busy"),
        (20, "failed", "no_answer"),
        (30, "skipped", "suppressed"),
        (40, "accepted", ""),
        (50, "queued", "not_sent"),
    ]:
        add_recipients(campaign, 2, first=first, status=status, reason=reason)
    LaneCount.objects.create(lane_id=campaign.pk, status="failed", reason="busy", count=5)
    found = progress(campaign, NOW)
    assert found.by_status == {"queued": 5, "failed": 9, "skipped": 2, "accepted": 2}
    assert found.by_reason == {"busy": 7, "no_answer": 2, "suppressed": 2}
    assert (found.total, found.rate_per_second) == (18, 2.5)


def test_who_waits_is_counted_by_zone() -> None:
    campaign = running(5, zones=[[NEW_YORK], [NEW_YORK, DENVER], [NEW_YORK], None])
    assert progress(campaign, NOW).waiting_by_zone == {NEW_YORK: 3, "America/New_York,America/Denver": 1, "": 1}


def test_the_finish_is_when_those_who_wait_are_through_at_the_pace_and_in_their_windows() -> None:
    assert progress(running(30, zones=[[NEW_YORK]]), NOW).finishes_at == NOW + timedelta(seconds=30)
    # Half an hour before Denver opens.
    early = NOW - timedelta(minutes=30)
    campaign = running(30, zones=[[NEW_YORK], [DENVER]], launched_at=early)
    assert progress(campaign, early).finishes_at == NOW + timedelta(seconds=15)
    assert progress(
        running(30, zones=[[DENVER]], starts_at=NOW, state="scheduled", launched_at=None), early
    ).finishes_at == (NOW + timedelta(seconds=30))


def test_what_has_no_time_left_is_done_at_the_end() -> None:
    end = NOW + timedelta(seconds=10)
    assert progress(running(30, zones=[[NEW_YORK]], ends_at=end), NOW).finishes_at == end
    # Past it, the tick is about to expire them.
    assert progress(running(30, zones=[[NEW_YORK]], ends_at=NOW), NOW + timedelta(minutes=1)).finishes_at is not None


@pytest.mark.parametrize("state", ["paused", "canceled"])
def test_no_finish_and_no_rate_are_said_of_a_campaign_that_stands_still(state: str) -> None:
    found = progress(running(3, state=state, rate_per_second=2.0), NOW)
    assert (found.finishes_at, found.rate_per_second) == (None, 0.0)


def test_where_nobody_waits_nobody_is_looked_for() -> None:
    campaign = running()
    add_recipients(campaign, 2, status="delivered")
    with CaptureQueriesContext(connection) as captured:
        found = progress(campaign, NOW)
    assert (found.finishes_at, found.waiting_by_zone, found.total) == (None, {}, 2)
    assert not any("delivery_voicemail" in query["sql"] for query in captured)


def test_who_waits_by_zone_is_as_many_as_wait_by_status_at_every_moment() -> None:
    campaign = running(4, zones=[[NEW_YORK]])
    assert progress(campaign, NOW).waiting_by_zone == {NEW_YORK: 4}
    cancel_queued(campaign.pk, 3, NOW)
    found = progress(campaign, NOW)
    assert (found.by_status, found.waiting_by_zone) == ({"queued": 1, "canceled": 3}, {NEW_YORK: 1})


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> Campaign:
    """With as many people as are not counted at each look."""
    monkeypatch.setattr(module, "MAX_COUNTED_ANEW", 3)
    return running(8, zones=[[NEW_YORK]])


def test_many_are_counted_once_in_five_seconds_all_figures_together_and_without_redis_each_time(
    large: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    progress(large, NOW)
    cancel_queued(large.pk, 2, NOW)
    found = progress(large, NOW)
    assert (found.by_status, found.by_reason, found.waiting_by_zone) == ({"queued": 8}, {}, {NEW_YORK: 8})
    assert 0 < redis_client().pttl(f"rvm:waiting:{large.pk}:running") <= 5000

    def gone() -> None:
        raise RedisConnectionError("gone")

    monkeypatch.setattr(module, "redis_client", gone)
    found = progress(large, NOW)
    assert (found.by_status["queued"], found.waiting_by_zone) == (6, {NEW_YORK: 6})


def test_many_are_counted_anew_once_the_campaign_is_paused(large: Campaign) -> None:
    progress(large, NOW)
    cancel_queued(large.pk, 2, NOW)
    large.state = "paused"
    found = progress(large, NOW)
    assert (found.by_status, found.waiting_by_zone) == ({"queued": 6, "canceled": 2}, {NEW_YORK: 6})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "[]",
        "1",
        "null",
        b"\x80\x04\x95",
        b"\xff",
        '{"a": 1}',
        '{"counts": {}, "waiting": {}}',
        '{"counts": [["queued", "", -1]], "waiting": {}}',
        '{"counts": [["queued", "", true]], "waiting": {}}',
        '{"counts": [["gone", "", 1]], "waiting": {}}',
        '{"counts": [["queued", 1]], "waiting": {}}',
        '{"counts": [], "waiting": {"a": "b"}}',
        '{"counts": [], "waiting": []}',
    ],
)
def test_what_is_no_figure_in_redis_is_counted_again(text: str | bytes, large: Campaign) -> None:
    redis_client().set(f"rvm:waiting:{large.pk}:running", text)
    assert progress(large, NOW).waiting_by_zone == {NEW_YORK: 8}
    assert 0 < redis_client().pttl(f"rvm:waiting:{large.pk}:running") <= 5000


def test_a_list_that_is_being_imported_shows_how_far_it_is() -> None:
    campaign = running()
    made = [
        make_import(campaign, file_name=f"{state}.csv", state=state, rows_read=100, rows_imported=40)
        for state in ("completed", "importing", "checked")
    ]
    [shown] = progress(campaign, NOW).open_imports
    assert (shown.id, shown.file_name, shown.state) == (str(made[1].pk), "importing.csv", "importing")
    assert (shown.rows_read, shown.rows_imported) == (100, 40)


def test_who_is_tried_again_after_the_campaigns_end_has_a_finish_of_their_own() -> None:
    campaign = running(ends_at=NOW - timedelta(hours=1), expires_at=None)
    add_recipients(campaign, 10, expires_at=NOW + timedelta(hours=72), zones=[[NEW_YORK]])
    assert progress(campaign, NOW).finishes_at == NOW + timedelta(seconds=10)
