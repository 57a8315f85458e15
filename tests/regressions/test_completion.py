"""A campaign is over when everybody's voicemail has come to an end, and not a moment earlier or never."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from campaigns.lifecycle import scheduler
from campaigns.lifecycle import service as services
from campaigns.models import Campaign
from delivery.lifecycle import transitions
from delivery.lifecycle.status import TERMINAL, VoicemailStatus
from delivery.lifecycle.transitions import Transition
from delivery.models import LaneCount, LaneDelta, Voicemail
from delivery.transport.interface import CarrierRequest
from delivery.worker.maintenance import expire, expire_leases, rebuild_counts, roll_up_counts
from rvm.platform.health import checks
from rvm.platform.models import Heartbeat
from tests.delivery.fake_carrier import Answer, FakeTransport, accepted, timed_out
from tests.delivery.states import counter_totals, row_counts
from tests.factories import make_campaign, make_user
from tests.regressions.conftest import DAY, NOW, fresh, pass_time, send

pytestmark = pytest.mark.django_db


class Killed(Exception): ...


def end_all(campaign: Campaign) -> None:
    """As the carrier's reports would."""
    rows = Voicemail.objects.filter(lane_id=campaign.pk).exclude(status__in=TERMINAL)
    transitions.apply(
        [
            Transition(row.pk, VoicemailStatus(row.status), VoicemailStatus.DELIVERED, from_reason=row.reason)
            for row in rows
        ],
        timezone.now(),
    )


def test_a_campaign_whose_worker_died_in_the_middle_is_not_finished_until_everybody_has_ended() -> None:
    """listmonk #3022, #2278, #1762 and PR #3222: campaigns finished with unsent recipients."""
    campaign = make_campaign(count=9, state="running")
    sent: list[int] = []

    def dies_at_the_fifth(request: CarrierRequest) -> Answer:
        sent.append(1)
        if len(sent) == 5:
            raise Killed
        return accepted(request)

    with pytest.raises(Killed):
        send(FakeTransport(dies_at_the_fifth))
    later = timezone.now() + timedelta(hours=1)
    scheduler.complete(later)
    assert fresh(campaign).state == "running"

    expire_leases(later)  # what the dead worker had in hand is uncertain, and nobody sends it again
    send(FakeTransport())
    scheduler.complete(later)
    assert fresh(campaign).state == "running"
    end_all(campaign)
    scheduler.complete(later)
    assert fresh(campaign).state == "completed"


def test_counters_that_say_all_is_done_do_not_finish_a_campaign_that_has_an_open_row() -> None:
    """listmonk PR #3222: the last batch that came back empty ended the campaign."""
    campaign = make_campaign(count=2, state="running")
    LaneDelta.objects.filter(lane_id=campaign.pk).delete()
    LaneCount.objects.create(lane_id=campaign.pk, status="delivered", reason="", count=2)
    scheduler.complete(timezone.now())
    assert fresh(campaign).state == "running"


def test_a_campaign_that_is_due_starts_with_the_next_tick() -> None:
    """chatwoot #14816, newfies-dialer #53: campaigns stuck in “scheduled”."""
    campaign = make_campaign(count=1, state="scheduled", starts_at=NOW)
    pass_time(NOW)
    assert fresh(campaign).state == "running"
    assert not fresh(campaign).lane.held


def test_where_the_clock_stands_still_readiness_says_so() -> None:
    """ictdialer #20, #22: “nothing happens, no logs”."""
    Heartbeat.objects.create(name="tick", at=timezone.now() - timedelta(minutes=5))
    with pytest.raises(checks.Unready, match=r"manage\.py tick"):
        checks.tick()


def test_what_is_unsent_at_a_campaigns_end_expires_and_is_not_sent_the_next_day() -> None:
    """Spoke Rewired #1293: stale messages went out on the next day."""
    campaign = make_campaign(count=3, state="paused", expires_at=NOW, ends_at=NOW)
    expire(NOW)
    services.resume(campaign, actor=make_user(), now=NOW + DAY)
    transport = FakeTransport()
    send(transport, now=lambda: NOW + DAY)
    assert transport.sent == []
    assert counter_totals(campaign.pk) == {("expired", "expired"): 3}
    scheduler.complete(NOW + DAY)
    assert fresh(campaign).state == "completed"


def test_counters_equal_the_rows_whatever_was_done_twice() -> None:
    """GSA notifications-admin #87: negative and drifting counters."""
    campaign = make_campaign(count=30, state="running")
    send(FakeTransport(timed_out))
    for _ in range(2):
        expire_leases(timezone.now() + timedelta(hours=1))
        roll_up_counts()
    assert counter_totals(campaign.pk) == row_counts(campaign.pk)
    LaneCount.objects.filter(lane_id=campaign.pk).update(count=-5)
    rebuild_counts(campaign.pk)
    assert counter_totals(campaign.pk) == row_counts(campaign.pk)
