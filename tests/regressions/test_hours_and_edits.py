"""Whose clock counts, and until when a campaign can still be changed."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest

from campaigns.lifecycle import service as services
from delivery.carriers.sandbox import Sandbox
from delivery.models import Voicemail
from tests.delivery.fake_carrier import FakeTransport
from tests.factories import add_recipients, make_api, make_campaign, make_use_case, make_user
from tests.regressions.conftest import fresh, send

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
EVERYWHERE = ["America/New_York", "America/Chicago", "America/Denver", "America/Phoenix", "America/Los_Angeles"]
UNKNOWN = ("America/New_York", "America/Los_Angeles", "America/Anchorage", "Pacific/Honolulu")


@pytest.mark.parametrize(
    ("now", "reached"),
    [
        # winter: Phoenix is with Denver
        (datetime(2026, 1, 14, 14, tzinfo=UTC), {"America/New_York"}),
        (datetime(2026, 1, 14, 16, tzinfo=UTC), set(EVERYWHERE) - {"America/Los_Angeles"}),
        # summer: Phoenix keeps its time and is with Los Angeles
        (datetime(2026, 7, 15, 15, tzinfo=UTC), set(EVERYWHERE) - {"America/Phoenix", "America/Los_Angeles"}),
        # on the day on which clocks go forward, the morning in New York comes an hour earlier
        (datetime(2026, 3, 8, 13, tzinfo=UTC), {"America/New_York"}),
        (datetime(2026, 3, 7, 13, tzinfo=UTC), set()),
        # on the day on which they go back, an hour later
        (datetime(2026, 11, 1, 13, tzinfo=UTC), set()),
        # somebody who may be anywhere is reached where it is nine everywhere
        (datetime(2026, 1, 14, 19, tzinfo=UTC), {*EVERYWHERE, "unknown"}),
    ],
)
def test_everybody_is_reached_by_their_own_clock(
    now: datetime, reached: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Spoke #441, newfies-dialer: calling hours in the server's time only."""
    monkeypatch.setattr(Sandbox, "simulated", False)
    use_case = make_use_case(window_start=time(9), window_end=time(20))
    campaign = make_campaign(use_case, state="running")
    for place, zones in enumerate([*((zone,) for zone in EVERYWHERE), UNKNOWN]):
        add_recipients(campaign, 1, first=place, zones=[zones], not_before=now - HOUR)
    send(FakeTransport(), now=lambda: now)
    sent = Voicemail.objects.filter(lane_id=campaign.pk, status="accepted").values_list("zones", flat=True)
    assert {"unknown" if len(zones) > 1 else zones[0] for zones in sent} == reached


def test_a_scheduled_campaign_can_be_changed_until_it_has_begun_and_then_says_why_not() -> None:
    """chatwoot #4097: a scheduled campaign could not be edited."""
    starts = datetime.now(UTC) + HOUR
    campaign = make_campaign(count=1, playable=True, starts_at=starts)
    person, api = make_user(), make_api(campaign.workspace)
    services.launch(campaign, actor=person, now=datetime.now(UTC))
    changed = api.patch(f"campaigns/{campaign.pk}", {"starts_at": (starts + HOUR).isoformat()})
    assert (changed.status_code, fresh(campaign).starts_at) == (200, starts + HOUR)

    services.unschedule(campaign, actor=person, now=datetime.now(UTC))
    services.edit(campaign, {"starts_at": None}, actor=person, now=datetime.now(UTC))
    services.launch(campaign, actor=person, now=datetime.now(UTC))
    refused = api.patch(f"campaigns/{campaign.pk}", {"starts_at": (starts + 3 * HOUR).isoformat()})
    assert (refused.status_code, refused.json()["code"]) == (409, "campaign_begun")
    assert "pace" in refused.json()["detail"]
