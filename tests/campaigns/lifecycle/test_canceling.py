"""Canceling while claims are under way: once it is confirmed, nobody else is sent to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction

from campaigns.lifecycle import service as services
from campaigns.models import Campaign
from delivery.engine.claim import claim
from delivery.engine.lane_routes import active_routes
from delivery.models import Drop, Lane
from tests.delivery.states import row_counts
from tests.factories import make_campaign
from tests.sessions import Session

pytestmark = pytest.mark.django_db(transaction=True)

NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)
LEASE = timedelta(seconds=60)


def launched(first: int) -> Campaign:
    campaign = make_campaign(count=20, canary_size=first, playable=True)
    return services.launch(campaign, actor=None, now=NOW)


def cancel(campaign: Campaign) -> Campaign:
    return services.cancel(campaign, actor=None, now=NOW)


@pytest.mark.parametrize("first", [0, 7])
def test_a_cancelation_waits_for_a_claim_and_none_comes_after(first: int) -> None:
    campaign = launched(first)
    [route] = active_routes(NOW, 500)
    with transaction.atomic():
        claim(route, 5, NOW, LEASE)
        other = Session(lambda: cancel(campaign))
        other.wait_until_blocked()
    assert other.result().state == "canceled"
    assert claim(route, 5, NOW, LEASE).claims == []
    assert row_counts(campaign.pk) == {("sending", ""): 5, ("queued", ""): 15}
    lane = Lane.objects.get(pk=campaign.pk)
    assert (lane.held, lane.expires_at, lane.canary_left) == (True, None, None)


def test_a_claim_that_waits_for_its_turn_while_the_campaign_is_canceled_begins_nothing() -> None:
    """The cancelation ends the canary, and without one everybody would be let out."""
    campaign = launched(7)
    [route] = active_routes(NOW, 500)
    with transaction.atomic():
        claim(route, 5, NOW, LEASE)
        canceling = Session(lambda: cancel(campaign))
        canceling.wait_until_blocked()
        waiting = Session(lambda: claim(route, 15, NOW, LEASE))
        waiting.wait_until_blocked()
    assert canceling.result().state == "canceled"
    assert waiting.result().claims == []
    assert Drop.objects.filter(voicemail__lane_id=campaign.pk).count() == 5
