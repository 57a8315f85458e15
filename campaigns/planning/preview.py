"""What a launch would do, asked of the same decision that every claim asks, and run through the windows at the set pace."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from campaigns.models import Campaign
from campaigns.planning import effective_settings
from campaigns.planning.audience import AudienceGroup, audience_groups
from campaigns.planning.forecast import Group, Hours, forecast
from usecases.eligibility import Defer, DeferReason, Facts, Send, Skip, decide


@dataclass(frozen=True, slots=True)
class Preview:
    """How many of `total` go when the campaign starts, later (at which opening of their windows), never (skipped, by reason), or run
    out of time. `now + sum(later) + sum(skipped) + expiring == total`.

    `finishes_at`: when nobody waits any longer; None where nobody does. `stopped`: which kill switch keeps everybody waiting while it
    is on, as a sentence; the figures are those with it off.
    """

    starts_at: datetime
    ends_at: datetime
    total: int
    now: int
    later: list[tuple[datetime, int]]
    skipped: dict[str, int]
    expiring: int
    finishes_at: datetime | None
    pace_per_second: float
    stopped: str = ""


def preview(campaign: Campaign, now: datetime) -> Preview:
    """For whoever is queued. Raises ServiceError where the use case has no carrier to ask about."""
    lane = campaign.lane
    setup = effective_settings.setup_of(lane)
    hours, pace = (
        effective_settings.hours_of(lane, simulated=effective_settings.is_simulated(setup)),
        effective_settings.pace_of(lane, setup),
    )
    begun = effective_settings.start_of(campaign, now)
    start, end = max(begun, now), effective_settings.end_of(campaign, begun)
    people = audience_groups(lane)
    sure = effective_settings.lane_policy(lane)
    skipped: Counter[str] = Counter()
    flowing: list[Group] = []
    for group, count in people.items():
        expires_at = group.expires_at or end
        match decide(_facts(group, hours, sure, expires_at), start):
            case Skip(reason=reason):
                skipped[reason.value] += count
            case Send() | Defer(reason=DeferReason.OUTSIDE_WINDOW):
                flowing.append(Group(group.zones, count, expires_at))
    ran = forecast(flowing, hours, start=start, end=end, pace=pace)
    total, leaving = sum(people.values()), sum(ran.sent.values())
    return Preview(
        starts_at=start,
        ends_at=end,
        total=total,
        now=ran.sent.get(start, 0),
        later=[(opening, count) for opening, count in ran.sent.items() if opening > start],
        skipped=dict(skipped),
        # Also who never comes into a window, and numbers whose key is lost: they wait until they expire.
        expiring=total - leaving - sum(skipped.values()),
        finishes_at=ran.finishes_at,
        pace_per_second=pace,
        stopped=effective_settings.stopped(lane, setup),
    )


def _facts(group: AudienceGroup, hours: Hours, sure: effective_settings.LanePolicy, expires_at: datetime) -> Facts:
    return Facts(
        simulated=hours.any_time,
        stopped=not group.readable,
        use_case_deleted=sure.use_case_deleted,
        has_sender=sure.has_sender,
        suppressed=group.suppressed,
        expires_at=expires_at,
        window_start=hours.start,
        window_end=hours.end,
        zones=group.zones,
        days=hours.days,
    )
