"""Preview of a launch: the eligibility decision that every claim uses, and a forecast through the windows at the set pace."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from campaigns.planning.audience import audience_groups
from campaigns.planning.forecast import Group, forecast
from campaigns.planning.plan import CampaignPlan
from usecases.eligibility import OF_HOURS, Defer, Send, Skip, decide
from usecases.selectors import sender_numbers


class Opening(NamedTuple):
    """The number of recipients that leave from a window opening after the start."""

    at: datetime
    people: int


@dataclass(frozen=True, slots=True)
class Preview:
    """Counts of queued recipients: `now` at the start, `later` by window opening, `skipped` by reason, `expiring` unsent.
    `now + sum(later) + sum(skipped) + expiring == total`.

    `finishes_at`: when the last recipient leaves or expires; None if there are none. `stopped`: the message about a kill switch that
    stops sending or a statement that is missing, else empty; the counts assume that sending is on and everything stated. `simulated`:
    nobody is reached, so neither hours nor days, holidays or state rules bind.
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
    simulated: bool = False


def preview(plan: CampaignPlan, now: datetime) -> Preview:
    """The preview of the queued voicemails of the plan's lane at `now`."""
    start, end = max(plan.starts_at, now), plan.ends_at
    people, policy = audience_groups(plan.lane), plan.policy
    has_sender = bool(sender_numbers(plan.lane.use_case, live=False))
    skipped: Counter[str] = Counter()
    flowing: list[Group] = []
    for group, count in people.items():
        expires_at = group.expires_at or end
        facts = policy.facts(
            group.places,
            suppressed=group.suppressed,
            has_sender=has_sender,
            expires_at=expires_at,
            readable=group.readable,
        )
        match decide(facts, start):
            case Skip(reason=reason):
                skipped[reason.value] += count
            case Send():
                flowing.append(Group(group.places.zones, count, expires_at, group.places.states))
            case Defer(reason=reason) if reason in OF_HOURS:
                flowing.append(Group(group.places.zones, count, expires_at, group.places.states))
    ran = forecast(flowing, plan.binding_hours, start=start, end=end, pace=plan.pace)
    total, leaving = sum(people.values()), sum(ran.sent.values())
    return Preview(
        starts_at=start,
        ends_at=end,
        total=total,
        now=ran.sent.get(start, 0),
        later=[Opening(opening, count) for opening, count in ran.sent.items() if opening > start],
        skipped=dict(skipped),
        # Includes recipients whose window never opens and numbers whose key is lost: both wait until they expire.
        expiring=total - leaving - sum(skipped.values()),
        finishes_at=ran.finishes_at,
        pace_per_second=plan.pace,
        stopped=plan.stopped,
        simulated=plan.simulated,
    )
