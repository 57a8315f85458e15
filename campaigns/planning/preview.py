"""Preview of a launch: the eligibility decision that every claim uses, and a forecast through the windows at the set pace."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NamedTuple

from campaigns.planning.audience import audience_groups, with_recent_drops
from campaigns.planning.closed_hours import Closed, OwnHours, closed_hours
from campaigns.planning.forecast import Group, forecast
from campaigns.planning.plan import CampaignPlan
from campaigns.scripts.attestations import unattested_script
from rvm.platform.times.tz_database import zone as zone_named
from usecases.eligibility import (
    OF_HOURS,
    ConsentHeld,
    Defer,
    DeferReason,
    Expire,
    Facts,
    Send,
    Skip,
    decide,
    uncapped_from,
)
from usecases.facts_json import as_json
from usecases.selectors import has_sender

# Groups of skipped people that are shown with their facts.
MAX_HELD_BACK = 10


class Opening(NamedTuple):
    """The number of recipients that leave from a window opening after the start."""

    at: datetime
    people: int


class HeldBack(NamedTuple):
    """People who are skipped for one reason by equal facts; the facts hold no number, name or address."""

    reason: str
    people: int
    facts: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Preview:
    """Counts of queued recipients: `now` at the start, `later` by window opening, `skipped` by reason, `expiring` unsent.
    `now + sum(later) + sum(skipped) + expiring == total`.

    `finishes_at`: when the last recipient leaves or expires; None if there are none. `stopped`: the message about a kill switch that
    stops sending or a statement that is missing, else empty; the counts assume that sending is on and everything stated. `simulated`:
    nobody is reached, so neither hours nor days, holidays or state rules bind, unless in a `rehearsal`. `held_back`: the largest
    groups of those who are skipped, with the facts. `closed`: those among the expiring for whom no allowed time comes. `capped`:
    those who have had as many messages at the start as the caps allow, and wait; of a long list estimated from a sample.
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
    rehearsal: bool = False
    capped: int = 0
    capped_is_estimated: bool = False
    held_back: list[HeldBack] = field(default_factory=list)
    closed: Closed = field(default_factory=Closed)


def preview(plan: CampaignPlan, now: datetime) -> Preview:
    """The preview of the queued voicemails of the plan's lane at `now`."""
    start, end = max(plan.starts_at, now), plan.ends_at
    policy = plan.policy
    people = audience_groups(plan.lane, at=start, simulated=policy.simulated)
    capped, estimated = 0, False
    if plan.lane.live and not policy.simulated:
        people, estimated = with_recent_drops(plan.lane, people, now, at=start)
    assigned = has_sender(plan.lane.use_case)
    skipped: Counter[str] = Counter()
    held_back: Counter[tuple[str, Facts]] = Counter()
    flowing, never = [], []
    for group, count in people.items():
        expires_at = group.expires_at or end
        facts = policy.facts(
            group.places,
            suppressed=group.suppressed,
            has_sender=assigned,
            expires_at=expires_at,
            readable=group.readable,
            consent=ConsentHeld((), None) if group.consented else None,
            reached=group.reached,
        )
        place = group.places.zones, count, group.expires_at, group.places.states
        match decide(facts, start):
            case Skip(reason=reason):
                skipped[reason.value] += count
                held_back[reason.value, replace(facts, reached=())] += count
            case Send():
                flowing.append(Group(*place))
            case Defer(reason=DeferReason.CAP_REACHED):
                flowing.append(Group(*place, uncapped_from(facts, start)))
                capped += count
            case Defer(reason=reason) if reason in OF_HOURS:
                flowing.append(Group(*place))
            case Expire() if expires_at > start:
                never.append(Group(*place))
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
        stopped=plan.stopped or (unattested_script(plan.lane) if plan.scripted else ""),
        simulated=plan.simulated,
        rehearsal=plan.rehearsal,
        capped=capped,
        capped_is_estimated=estimated,
        held_back=[
            HeldBack(reason, count, as_json(facts)) for (reason, facts), count in held_back.most_common(MAX_HELD_BACK)
        ],
        closed=_closed(plan, [*flowing, *never], start),
    )


def _closed(plan: CampaignPlan, groups: list[Group], start: datetime) -> Closed:
    if plan.binding_hours is None:
        return Closed()
    lane, use_case = plan.lane, plan.lane.use_case
    own = OwnHours(
        lane.window_start,
        lane.window_end,
        None if lane.days is None else frozenset(lane.days),
        use_case.window_start,
        use_case.window_end,
        frozenset(use_case.days),
    )
    begins = start.astimezone(zone_named(plan.time_zone))
    return closed_hours(groups, plan.binding_hours, own, start=begins, end=plan.ends_at, pace=plan.pace)
