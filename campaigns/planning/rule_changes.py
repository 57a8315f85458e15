"""What a new set of state rules would change: which waiting campaigns and use cases, by how many people and how many hours.

The hours that each person has under the rules in force and under the new ones are compared over the coming week.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache

from django.db.models import Q

from campaigns.models import Campaign
from campaigns.planning.audience import audience_groups
from campaigns.planning.forecast import Group, forecast
from campaigns.planning.plan import plan_of
from campaigns.states import CampaignState
from delivery.models import Lane
from delivery.services.policies import policy_of
from rvm.phone_numbers.number_plan import ELSEWHERE
from rvm.phone_numbers.places import Places
from rvm.platform.errors import ServiceError
from rvm.spreadsheets.cells.state_zones import STATES
from usecases.models import UseCase
from usecases.rules_in_force import Law, law_in_force
from usecases.state_rules import FEDERATION, RuleSet, StateRule
from usecases.windows import Hours, closing, next_open

WEEK = timedelta(days=7)
_WAITING = (CampaignState.DRAFT, CampaignState.SCHEDULED, CampaignState.RUNNING, CampaignState.PAUSED)


@dataclass(frozen=True, slots=True)
class Effect:
    """What a new set changes for the queued voicemails of a campaign, or of the API under a use case.

    `affected` of `people` have other hours in the coming week, by `hours` a person on average, less than 0 for fewer. `expiring`: how
    many more would expire unsent, less than 0 for fewer; `never`: how many of them would have no hour at all any more.
    """

    name: str
    workspace: str
    state: str
    people: int
    affected: int
    hours: float
    expiring: int
    never: int


@dataclass(frozen=True, slots=True)
class PolicyEffect:
    """What a new set changes for the messages of a use case to come: hours in the coming week by state, before and after."""

    name: str
    workspace: str
    hours: dict[str, tuple[float, float]]


def changed_states(old: RuleSet, new: RuleSet) -> dict[str, tuple[StateRule | None, StateRule | None]]:
    """States whose rule binds differently: other hours, zone, holidays or calls in 24 hours."""
    both = {**old.rules, **new.rules}
    pairs = {state: (old.rules.get(state), new.rules.get(state)) for state in both}
    return {state: pair for state, pair in pairs.items() if _binding(pair[0]) != _binding(pair[1])}


def _binding(rule: StateRule | None) -> object:
    return rule and (rule.windows, rule.zone, rule.holidays, rule.on_holidays, rule.max_per_24h)


def effects(version: str, now: datetime) -> Iterator[Effect]:
    """For each lane with queued voicemails whose people's hours change. `version` is known to this process."""
    related = ("lane__use_case__setup", "lane__use_case__workspace", "lane__workspace")
    campaigns = {
        campaign.pk: campaign for campaign in Campaign.objects.filter(state__in=_WAITING).select_related(*related)
    }
    waiting = Q(pk__in=list(campaigns)) | Q(for_api=True, idle=False)
    rows = Lane.objects.filter(waiting, use_case__state_overlay=True, use_case__deleted_at=None, live=True)
    law = law_in_force(now)
    for lane in rows.select_related("use_case__setup", "use_case__workspace", "workspace").order_by("id").iterator(200):
        effect = _effect(lane, campaigns.get(lane.pk), law, version, now)
        if effect is not None and (effect.affected or effect.expiring):
            yield effect


def _effect(lane: Lane, campaign: Campaign | None, law: Law, version: str, now: datetime) -> Effect | None:
    try:
        plan = plan_of(campaign, now) if campaign else None
        policy = plan.policy if plan else policy_of(lane.use_case, lane.use_case.setup, lane=lane, law=law)
    except ServiceError:
        return None
    if policy.simulated:
        return None
    old, new = policy.hours, replace(policy.hours, rules=version)
    people: Counter[tuple[Places, datetime | None]] = Counter()
    for group, count in audience_groups(lane, at=now, simulated=False).items():
        if group.readable and not group.suppressed:
            people[group.places, group.expires_at] += count
    changed = {places for places, _ in people if _spans(places, old, now) != _spans(places, new, now)}
    affected = sum(count for (places, _), count in people.items() if places in changed)
    difference = sum(
        (_hours(places, new, now) - _hours(places, old, now)) * count
        for (places, _), count in people.items()
        if places in changed
    )
    start = max(plan.starts_at, now) if plan else now
    end = plan.ends_at if plan else now + timedelta(hours=lane.use_case.expires_after_hours)
    pace = plan.pace if plan else lane.use_case.setup.pace_per_second
    groups = [Group(places.zones, count, ends, places.states) for (places, ends), count in people.items()]
    unsent = [forecast(groups, hours, start=start, end=max(end, start), pace=pace).unsent for hours in (old, new)]
    never = sum(count for (places, _), count in people.items() if places in changed and not _spans(places, new, now))
    return Effect(
        name=campaign.name if campaign else f"{lane.use_case.name} (API)",
        workspace=lane.workspace.name,
        state=campaign.state if campaign else "",
        people=people.total(),
        affected=affected,
        hours=difference / affected if affected else 0.0,
        expiring=unsent[1] - unsent[0],
        never=never,
    )


def policy_effects(version: str, changed: Iterable[str], now: datetime) -> Iterator[PolicyEffect]:
    """For each live use case under which people of a changed state have other hours."""
    rows = UseCase.objects.filter(deleted_at=None, state_overlay=True).select_related(
        "setup", "failover_setup", "workspace"
    )
    law = law_in_force(now)
    for use_case in rows.order_by("id").iterator(200):
        policy = policy_of(use_case, use_case.setup, law=law)
        if policy.simulated:
            continue
        new, found = replace(policy.hours, rules=version), {}
        for state in changed:
            zones, where = (
                ((STATES[state][1][0],), (state,)) if state != FEDERATION else (("America/New_York",), (ELSEWHERE,))
            )
            places = Places(zones, where)
            before, after = _hours(places, policy.hours, now), _hours(places, new, now)
            if before != after:
                found[state] = before, after
        if found:
            yield PolicyEffect(use_case.name, use_case.workspace.name, found)


@lru_cache(maxsize=4096)
def _spans(places: Places, hours: Hours, now: datetime) -> tuple[tuple[datetime, datetime], ...]:
    """The allowed time of the coming week."""
    found, at, end = [], now, now + WEEK
    while at < end:
        opens = next_open(at, places.zones, hours, places.states)
        if opens is None or opens >= end:
            break
        closes = closing(opens, places.zones, hours, places.states)
        at = end if closes is None else min(closes, end)
        found.append((opens, at))
    return tuple(found)


def _hours(places: Places, hours: Hours, now: datetime) -> float:
    spans = _spans(places, hours, now)
    return sum((closes - opens).total_seconds() for opens, closes in spans) / 3600
