"""Hours that never meet: which parts of a campaign's hours leave no time for some people, and which changes would heal it.

Pure. Each part is lifted by itself, and each change is tried before it is proposed, with the function that the claim uses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from functools import partial
from itertools import chain, combinations
from typing import Any, NamedTuple

from campaigns.planning.forecast import Group, forecast
from rvm.platform.times.clocks import spelled
from usecases.eligibility import never_opens
from usecases.policy_text import clock, weekdays
from usecases.state_rules import FEDERATION, STATE_NAMES, rule_set
from usecases.windows import MAX_DAYS, Hours, next_open

# Groups that are examined and shown; they are sorted by their number of people.
MAX_GROUPS = 20
# The latest end that is proposed for hours.
_DAY_END = time(23, 45)
TARGETS = ("campaign", "use_case")


class Part(StrEnum):
    """A part of the hours that can leave nothing by itself or with others."""

    CAMPAIGN_HOURS = "campaign_hours"
    CAMPAIGN_DAYS = "campaign_days"
    CAMPAIGN_END = "campaign_end"
    USE_CASE_HOURS = "use_case_hours"
    USE_CASE_DAYS = "use_case_days"
    HOLIDAYS = "holidays"
    STATE_RULES = "state_rules"
    FREEZES = "freezes"
    ZONES = "zones"


# Proposals of changes of the campaign by what they change, apart from wider hours.
_NAMES: dict[tuple[Part, ...], str] = {
    (Part.CAMPAIGN_DAYS,): "campaign_days",
    (Part.CAMPAIGN_END,): "campaign_end",
    (Part.CAMPAIGN_HOURS, Part.CAMPAIGN_DAYS): "campaign_hours_and_days",
    (Part.CAMPAIGN_HOURS, Part.CAMPAIGN_END): "campaign_hours_and_end",
    (Part.CAMPAIGN_DAYS, Part.CAMPAIGN_END): "campaign_days_and_end",
    (Part.CAMPAIGN_HOURS, Part.CAMPAIGN_DAYS, Part.CAMPAIGN_END): "campaign_hours_days_and_end",
}


class OwnHours(NamedTuple):
    """The hours and days that a campaign has of its own, None where its use case's apply, and those of the use case."""

    start: time | None
    end: time | None
    days: frozenset[int] | None
    use_case_start: time
    use_case_end: time
    use_case_days: frozenset[int]

    def start_of(self, own: time | None) -> time:
        return self.use_case_start if own is None else max(own, self.use_case_start)

    def end_of(self, own: time | None) -> time:
        return self.use_case_end if own is None else min(own, self.use_case_end)


@dataclass(frozen=True, slots=True)
class ClosedGroup:
    """People for whom no allowed moment comes before the end. `opens_at`: the first one after it, None if none comes at all.

    `parts`: those without which alone there would be one; several together if no single one helps."""

    people: int
    zones: tuple[str, ...]
    states: tuple[str, ...]
    opens_at: datetime | None
    parts: tuple[Part, ...]
    explanation: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """A change that lets `people` be reached. `changes`: fields of the campaign, or of its use case if that is the `target`, with
    their new values; None is the use case's own."""

    name: str
    target: str
    text: str
    people: int
    changes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Closed:
    """`people`: all for whom no moment comes; `groups`: the largest of their groups."""

    people: int = 0
    groups: list[ClosedGroup] = field(default_factory=list)
    proposals: list[Proposal] = field(default_factory=list)


def closed_hours(
    groups: Sequence[Group], hours: Hours, own: OwnHours, *, start: datetime, end: datetime, pace: float
) -> Closed:
    """What keeps groups from being reached between `start` and `end` at any moment, and what heals it. Times are said by the clock of
    `start`."""
    closed = [group for group in groups if group.count and _opening(group, hours, start, end) is None]
    if not closed:
        return Closed()
    examined = sorted(closed, key=lambda group: -group.count)[:MAX_GROUPS]
    campaign = _Campaign(hours, own, start, end, pace)
    return Closed(
        sum(group.count for group in closed),
        [campaign.explained(group) for group in examined],
        list(campaign.proposals(examined, all_groups=groups)),
    )


def _opening(group: Group, hours: Hours, start: datetime, end: datetime) -> datetime | None:
    opens = next_open(start, group.zones, hours, group.states)
    return opens if opens is not None and opens < (group.expires_at or end) else None


class _Campaign:
    def __init__(self, hours: Hours, own: OwnHours, start: datetime, end: datetime, pace: float) -> None:
        self._hours, self._own, self._start, self._end, self._pace = hours, own, start, end, pace

    def explained(self, group: Group) -> ClosedGroup:
        opens = next_open(self._start, group.zones, self._hours, group.states)
        lifted = dict(self._without(group))
        parts = tuple(part for part, helps in lifted.items() if helps)
        if opens is not None:
            parts = (Part.CAMPAIGN_END, *parts)
        if not parts:
            parts = tuple(lifted)
        return ClosedGroup(group.count, group.zones, group.states, opens, parts, self._explanation(group, parts, opens))

    def _without(self, group: Group) -> Iterator[tuple[Part, bool]]:
        """Each part that binds the group, and whether the group would be reached without it."""
        hours, own = self._hours, self._own
        if own.start is not None or own.end is not None:
            free = replace(hours, start=own.use_case_start, end=own.use_case_end)
            if free != hours:
                yield Part.CAMPAIGN_HOURS, self._reached(group, free)
        if own.days is not None and own.days != own.use_case_days:
            yield Part.CAMPAIGN_DAYS, self._reached(group, replace(hours, days=own.use_case_days))
        free = replace(hours, start=own.start or time.min, end=own.end or time.max)
        if free != hours:
            yield Part.USE_CASE_HOURS, self._reached(group, free)
        if len(own.use_case_days) < 7:
            days = own.days if own.days is not None else frozenset(range(1, 8))
            yield Part.USE_CASE_DAYS, self._reached(group, replace(hours, days=days))
        if not hours.holidays:
            yield Part.HOLIDAYS, self._reached(group, replace(hours, holidays=True))
        if hours.rules:
            yield Part.STATE_RULES, self._reached(group, replace(hours, rules=""))
        if any(freeze.binds(group.states) for freeze in hours.freezes):
            yield Part.FREEZES, self._reached(group, replace(hours, freezes=()))
        if len(group.zones) > 1:
            alone = (replace(group, zones=(zone,)) for zone in group.zones)
            yield Part.ZONES, any(self._reached(each, hours) for each in alone)

    def _reached(self, group: Group, hours: Hours, end: datetime | None = None) -> bool:
        return _opening(group, hours, self._start, end or self._end) is not None

    def _explanation(self, group: Group, parts: Sequence[Part], opens: datetime | None) -> str:
        named = [self._named(part, group) for part in parts if part is not Part.CAMPAIGN_END]
        if not named:
            return "Their next allowed time comes after the campaign's end."
        joined = " and ".join(filter(None, [", ".join(named[:-1]), *named[-1:]]))
        verb = "together leave" if len(named) > 1 else "leaves" if Part.FREEZES in parts else "leave"
        after = " before the campaign's end" if opens is not None else ""
        return f"{joined[:1].upper()}{joined[1:]} {verb} them no allowed time{after}."

    def _named(self, part: Part, group: Group) -> str:
        hours, own = self._hours, self._own
        match part:
            case Part.CAMPAIGN_HOURS:
                return f"the campaign's hours {clock(own.start_of(own.start))} to {clock(own.end_of(own.end))}"
            case Part.CAMPAIGN_DAYS:
                return f"the campaign's days ({weekdays(own.days or ())})"
            case Part.CAMPAIGN_END:
                return "the campaign's end"
            case Part.USE_CASE_HOURS:
                return f"the use case's hours {clock(own.use_case_start)} to {clock(own.use_case_end)}"
            case Part.USE_CASE_DAYS:
                return f"the use case's days ({weekdays(own.use_case_days)})"
            case Part.HOLIDAYS:
                return "federal holidays, on which the use case does not send"
            case Part.STATE_RULES:
                return f"the hours of the law ({_law(hours, group)})"
            case Part.FREEZES:
                frozen = _states(freeze.state for freeze in hours.freezes if freeze.binds(group.states))
                return f"the stop of messages to {', '.join(frozen)}"
        return f"the {len(group.zones)} time zones in which they may be"

    # what heals

    def proposals(self, closed: Sequence[Group], all_groups: Sequence[Group]) -> Iterator[Proposal]:
        """Changes that let at least some of the closed groups be reached; each is tried on all of them."""
        yield from self._of_campaign(closed, all_groups)
        yield from self._wider_use_case(closed)

    def _of_campaign(self, closed: Sequence[Group], all_groups: Sequence[Group]) -> Iterator[Proposal]:
        """Changes of the campaign's hours, days and end, and several of these where they let more be reached than fewer do.

        So if there is none, no hours, days and end that the campaign may have let anybody be reached before the horizon."""
        own = self._own
        may = [
            *([Part.CAMPAIGN_HOURS] if own.start is not None or own.end is not None else []),
            *([Part.CAMPAIGN_DAYS] if own.days is not None else []),
            Part.CAMPAIGN_END,
        ]
        healed = {frozenset[Part](): 0}
        for parts in chain.from_iterable(combinations(may, count) for count in range(1, len(may) + 1)):
            changed, end = self._changed(parts), self._horizon if Part.CAMPAIGN_END in parts else None
            healed[frozenset(parts)] = count = self._healed(closed, changed, end)
            if count > max(less for fewer, less in healed.items() if fewer < frozenset(parts)):
                yield from self._of_parts(parts, count, closed, all_groups)

    def _changed(self, parts: Sequence[Part]) -> Hours:
        """The hours where those of the campaign's own that are among the parts are the use case's."""
        own, hours = self._own, self._hours
        if Part.CAMPAIGN_HOURS in parts:
            hours = replace(hours, start=own.use_case_start, end=own.use_case_end)
        return replace(hours, days=own.use_case_days) if Part.CAMPAIGN_DAYS in parts else hours

    def _of_parts(
        self, parts: tuple[Part, ...], count: int, closed: Sequence[Group], all_groups: Sequence[Group]
    ) -> Iterator[Proposal]:
        own, changes = self._own, dict[str, Any]()
        if parts == (Part.CAMPAIGN_HOURS,):
            if wider := self._widest(closed, self._hours, own.use_case_start, own.use_case_end):
                yield self._of_hours("campaign_hours", "campaign", "the campaign's hours", closed, *wider)
            return
        said = []
        if Part.CAMPAIGN_HOURS in parts:
            changes |= {"window_start": None, "window_end": None}
            what = "hours and the days" if Part.CAMPAIGN_DAYS in parts else "hours"
            said.append(f"use the {what} of the use case instead of the campaign's own")
        if Part.CAMPAIGN_DAYS in parts:
            changes |= {"days": None}
            if Part.CAMPAIGN_HOURS not in parts:
                said.append(f"send on all days of the use case ({weekdays(own.use_case_days)})")
        if Part.CAMPAIGN_END in parts:
            end = self._later_end(self._changed(parts), all_groups)
            changes |= {"ends_at": end.astimezone(UTC)}
            said.append(f"end the campaign on {spelled(end)}, when all of these can have been sent")
        text = ", and ".join(said)
        yield Proposal(_NAMES[parts], "campaign", f"{text[:1].upper()}{text[1:]}.", count, changes)

    def _later_end(self, hours: Hours, all_groups: Sequence[Group]) -> datetime:
        """An end by which all can be sent in these hours, of those whose time comes before the horizon."""
        flowing = [group for group in all_groups if self._reached(group, hours, self._horizon)]
        ran = forecast(flowing, hours, start=self._start, end=self._horizon, pace=self._pace)
        # In time of day on whole quarters of an hour, and after the last one has left.
        last = (ran.finishes_at or self._horizon).astimezone(self._start.tzinfo)
        return last.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)

    def _wider_use_case(self, closed: Sequence[Group]) -> Iterator[Proposal]:
        """Wider hours of the use case, where the campaign follows them."""
        own, hours = self._own, self._hours
        if own.start is None and own.end is None and (wider := self._widest(closed, hours, time.min, _DAY_END)):
            yield self._of_hours("use_case_hours", "use_case", "the use case's hours", closed, *wider)
        every = frozenset(range(1, 8))
        if (
            own.days is None
            and own.use_case_days != every
            and (count := self._healed(closed, replace(hours, days=every)))
        ):
            yield Proposal(
                "use_case_days", "use_case", "Send on every day of the week.", count, {"days": sorted(every)}
            )

    def _of_hours(
        self, name: str, target: str, whose: str, closed: Sequence[Group], start: time, end: time
    ) -> Proposal:
        own = self._own
        count = self._healed(closed, replace(self._hours, start=start, end=end))
        changes: dict[str, Any] = {"window_start": start, "window_end": end}
        if target == "campaign" and (start, end) == (own.use_case_start, own.use_case_end):
            changes = {"window_start": None, "window_end": None}
        return Proposal(name, target, f"Widen {whose} to {clock(start)} to {clock(end)}.", count, changes)

    def _widest(self, closed: Sequence[Group], hours: Hours, earliest: time, latest: time) -> tuple[time, time] | None:
        """The narrowest hours around the present ones, within the bounds, that heal as many as the bounds do; None if these heal
        nobody."""
        most = self._healed(closed, replace(hours, start=min(earliest, hours.start), end=max(latest, hours.end)))
        if not most:
            return None
        starts, ends = _steps_back(hours.start, earliest), _steps_on(hours.end, latest)

        def heals(start: time, end: time) -> bool:
            wider = replace(hours, start=start, end=end)
            return not never_opens(wider) and self._healed(closed, wider) == most

        alone = [(start, hours.end) for start in _first(starts, lambda start: heals(start, hours.end))]
        alone += [(hours.start, end) for end in _first(ends, lambda end: heals(hours.start, end))]
        if alone or not starts or not ends:
            return min(alone, key=_length, default=None)
        for last in _first(ends, lambda end: heals(starts[-1], end)):
            [first] = _first(starts, partial(heals, end=last))
            return first, last
        return None

    @property
    def _horizon(self) -> datetime:
        return self._start + timedelta(days=MAX_DAYS)

    def _healed(self, closed: Sequence[Group], hours: Hours, end: datetime | None = None) -> int:
        """How many of the closed people could be reached in these hours, by the end of the campaign or another one."""
        return sum(group.count for group in closed if self._reached(group, hours, end))


def _first(values: Sequence[time], helps: Callable[[time], bool]) -> list[time]:
    """The first value that helps, found by halving: what helps goes on to help further on. None at all gives an empty list."""
    low, high = 0, len(values) - 1
    if high < 0 or not helps(values[high]):
        return []
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if helps(values[middle]) else (middle + 1, high)
    return [values[low]]


def _steps_back(at: time, earliest: time) -> list[time]:
    steps = [
        time(*divmod(minute, 60)) for minute in range(_minutes(at) - 1, _minutes(earliest) - 1, -1) if minute % 15 == 0
    ]
    return [*steps, *([earliest] if earliest < at and earliest not in steps else [])]


def _steps_on(at: time, latest: time) -> list[time]:
    steps = [time(*divmod(minute, 60)) for minute in range(_minutes(at) + 1, _minutes(latest) + 1) if minute % 15 == 0]
    return [*steps, *([latest] if latest > at and latest not in steps else [])]


def _minutes(at: time) -> int:
    return at.hour * 60 + at.minute


def _length(span: tuple[time, time]) -> int:
    return _minutes(span[1]) - _minutes(span[0])


def _law(hours: Hours, group: Group) -> str:
    binding = [rule.state for rule in rule_set(hours.rules).binding(group.states)]
    if not group.states:
        return "of all states, because they may be in any"
    return f"of {', '.join(_states(state for state in binding))}"


def _states(codes: Any) -> list[str]:
    return ["the federation" if code == FEDERATION else STATE_NAMES.get(code, code) for code in codes]
