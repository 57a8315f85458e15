"""What a launch would do, asked of the same decision that every claim asks, and run through the windows at the set pace."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from campaigns.planning.audience import audience_groups
from campaigns.planning.forecast import Group, forecast
from campaigns.planning.plan import CampaignPlan
from usecases.eligibility import Defer, DeferReason, Send, Skip, decide
from usecases.selectors import sender_numbers


class Opening(NamedTuple):
    """How many leave from a later time on."""

    at: datetime
    people: int


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
    later: list[Opening]
    skipped: dict[str, int]
    expiring: int
    finishes_at: datetime | None
    pace_per_second: float
    stopped: str = ""


def preview(plan: CampaignPlan, now: datetime) -> Preview:
    """For whoever is queued."""
    start, end = max(plan.starts_at, now), plan.ends_at
    people, policy = audience_groups(plan.lane), plan.policy
    has_sender = bool(sender_numbers(plan.lane.use_case))
    skipped: Counter[str] = Counter()
    flowing: list[Group] = []
    for group, count in people.items():
        expires_at = group.expires_at or end
        facts = policy.facts(
            group.zones,
            suppressed=group.suppressed,
            has_sender=has_sender,
            expires_at=expires_at,
            readable=group.readable,
        )
        match decide(facts, start):
            case Skip(reason=reason):
                skipped[reason.value] += count
            case Send() | Defer(reason=DeferReason.OUTSIDE_WINDOW):
                flowing.append(Group(group.zones, count, expires_at))
    ran = forecast(flowing, plan.hours, start=start, end=end, pace=plan.pace)
    total, leaving = sum(people.values()), sum(ran.sent.values())
    return Preview(
        starts_at=start,
        ends_at=end,
        total=total,
        now=ran.sent.get(start, 0),
        later=[Opening(opening, count) for opening, count in ran.sent.items() if opening > start],
        skipped=dict(skipped),
        # Also who never comes into a window, and numbers whose key is lost: they wait until they expire.
        expiring=total - leaving - sum(skipped.values()),
        finishes_at=ran.finishes_at,
        pace_per_second=plan.pace,
        stopped=plan.stopped,
    )
