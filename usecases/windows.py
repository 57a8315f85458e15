"""Calling windows: when a person may be reached, in all time zones that the person may be in and by all rules of the states.

Pure. If the zone is uncertain, a moment must be allowed in all candidate zones; if the state is, by the rules of all candidate
states. Local days decide: weekday, holidays and freezes are those of the person's day, in each of the zones.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from rvm.platform.times.tz_database import zone as zone_named
from usecases.state_rules import FEDERATION, StateRule, rule_set
from usecases.state_rules.holidays import FEDERAL, is_holiday

DAY = timedelta(days=1)
EVERY_DAY = frozenset(range(1, 8))
MINUTE = timedelta(minutes=1)
# The time that a carrier may take to leave a voicemail, where its adapter does not say another.
USUAL_DELAY = timedelta(minutes=15)
# Days ahead in which an opening is sought. No calendar closes all allowed days for so long.
MAX_DAYS = 62

# From a moment on, and until just before another one, in UTC; or of a local day, as times since its midnight.
Span = tuple[datetime, datetime]
_OfDay = tuple[timedelta, timedelta]


@dataclass(frozen=True, slots=True)
class Freeze:
    """A stop of all calls to a state from one local day to another, both included; without an end until further notice.

    The state FEDERATION stands for all.
    """

    state: str
    starts_on: date
    ends_on: date | None = None

    def binds(self, states: Collection[str]) -> bool:
        return not states or self.state == FEDERATION or self.state in states

    def covers(self, day: date) -> bool:
        return self.starts_on <= day and (self.ends_on is None or day <= self.ends_on)


@dataclass(frozen=True, slots=True)
class Hours:
    """What a use case and its lane allow, and which rules narrow it.

    `start` and `end` are naive local times; `days` are ISO weekdays, 1 is Monday; `holidays`: whether calls go out on federal
    holidays; `rules`: the version of the state rules, empty if none bind. The hours close earlier by `closes_early`, the time that
    the carrier may take to leave a voicemail; at most a day. Raises ValueError for an invalid weekday.
    """

    start: time
    end: time
    days: frozenset[int] = EVERY_DAY
    holidays: bool = True
    rules: str = ""
    freezes: tuple[Freeze, ...] = ()
    closes_early: timedelta = timedelta()

    def __post_init__(self) -> None:
        if not EVERY_DAY.issuperset(self.days):
            raise ValueError("a weekday is not one of 1 to 7")

    @property
    def empty(self) -> bool:
        """Whether they allow no moment of any day, whatever the rules say."""
        return not self.days or _since_midnight(self.start) >= _since_midnight(self.end) - self.closes_early


class _Calendar:
    """The hours of each local day for people who may be in certain states. Compared by identity: `_calendar` keeps one of each."""

    __slots__ = ("_freezes", "_hours", "_rules", "closes_early", "zones")

    def __init__(self, hours: Hours, states: tuple[str, ...]) -> None:
        self._hours = hours
        self._rules: tuple[StateRule, ...] = rule_set(hours.rules).binding(states) if hours.rules else ()
        self._freezes = tuple(freeze for freeze in hours.freezes if freeze.binds(states))
        self.closes_early = hours.closes_early
        self.zones = frozenset(rule.zone for rule in self._rules if rule.zone)

    def on(self, day: date) -> _OfDay | None:
        """The allowed hours of the local day; None if nothing is allowed on it."""
        hours = self._hours
        if day.isoweekday() not in hours.days or not (hours.holidays or not is_holiday(FEDERAL, day)):
            return None
        if any(freeze.covers(day) for freeze in self._freezes):
            return None
        start, end = hours.start, hours.end
        for rule in self._rules:
            if (window := rule.window_on(day)) is None:
                return None
            start, end = max(start, window[0]), min(end, window[1])
        opens, closes = _since_midnight(start), _since_midnight(end)
        return (opens, closes) if opens < closes else None


def next_open(now: datetime, zones: Collection[str], hours: Hours, states: tuple[str, ...] = ()) -> datetime | None:
    """The first moment from `now` on, in UTC, that the hours allow in every zone and by the rules of all states.

    None if there is none within MAX_DAYS, or if no zone is given. Without states the rules of all states bind.
    Raises ZoneInfoNotFoundError.
    """
    if not zones:
        return None
    moment = now.astimezone(UTC)
    span = _span_from(moment, _calendar(hours, states), _known(zones))
    return max(moment, span[0]) if span else None


def closing(moment: datetime, zones: Collection[str], hours: Hours, states: tuple[str, ...] = ()) -> datetime | None:
    """The end of the allowed time in which `moment` lies; None if it does not end within MAX_DAYS."""
    calendar, known = _calendar(hours, states), _known(zones)
    closes, last = moment.astimezone(UTC), moment.toordinal() + MAX_DAYS
    while (span := _span_from(closes, calendar, known)) is not None and span[0] <= closes:
        closes = span[1]
        if closes.toordinal() > last:
            return None
    return closes


def _span_from(moment: datetime, calendar: _Calendar, zones: tuple[str, ...]) -> Span | None:
    """The first allowed span of a UTC day that ends after the moment."""
    first = moment.toordinal()
    for day in range(first, first + MAX_DAYS):
        for span in _spans(day, calendar, zones):
            if moment < span[1]:
                return span
    return None


@lru_cache(maxsize=4096)
def _calendar(hours: Hours, states: tuple[str, ...]) -> _Calendar:
    return _Calendar(hours, states)


def _known(zones: Collection[str]) -> tuple[str, ...]:
    return zones if isinstance(zones, tuple) else tuple(zones)


# A lane's voicemails share few calendars and zones, so of a million decisions a day nearly all find their day here.
@lru_cache(maxsize=16_384)
def _spans(day: int, calendar: _Calendar, zones: tuple[str, ...]) -> tuple[Span, ...]:
    """The moments of a UTC day from which a voicemail is left in allowed time in every zone, in order and apart."""
    allowed, early = _allowed(day, calendar, zones), calendar.closes_early
    if not early or not allowed:
        return allowed
    midnight = datetime.fromordinal(day + 1).replace(tzinfo=UTC)
    found = []
    for opens, closes in allowed:
        tomorrow = _allowed(day + 1, calendar, zones) if closes == midnight else ()
        # What goes on over midnight closes tomorrow.
        ends = min(tomorrow[0][1] - early, midnight) if tomorrow and tomorrow[0][0] == midnight else closes - early
        if opens < ends:
            found.append((opens, ends))
    return tuple(found)


@lru_cache(maxsize=16_384)
def _allowed(day: int, calendar: _Calendar, zones: tuple[str, ...]) -> tuple[Span, ...]:
    """The moments of a UTC day that are allowed in every zone, in order and apart."""
    common: list[Span] | None = None
    for name in {*zones, *calendar.zones}:
        allowed = _spans_of_zone(day, calendar, name)
        common = allowed if common is None else _in_both(common, allowed)
        if not common:
            break
    return tuple(common or ())


def _spans_of_zone(day: int, calendar: _Calendar, name: str) -> list[Span]:
    """Computed within spans of one UTC offset, in which local time is continuous. So clocks that are set forward past the opening,
    or back into the window, need no special case."""
    found: list[Span] = []
    for start, end, offset in _segments(day, name):
        local, until = start + offset, end + offset
        midnight = datetime(local.year, local.month, local.day, tzinfo=UTC)
        while midnight < until:
            if (allowed := calendar.on(midnight.date())) is not None:
                opens = max(midnight + allowed[0] - offset, start)
                closes = min(midnight + allowed[1] - offset, end)
                if opens < closes:
                    found.append((opens, closes))
            midnight += DAY
    return _joined(found)


@lru_cache(maxsize=8192)
def _segments(day: int, name: str) -> tuple[tuple[datetime, datetime, timedelta], ...]:
    """The parts of a UTC day with one UTC offset of a zone; clocks change at most once a day."""
    zone = zone_named(name)
    start = datetime.fromordinal(day).replace(tzinfo=UTC)
    end = start + DAY
    before, after = _offset(start, zone), _offset(end, zone)
    if before == after:
        return ((start, end, before),)
    change = _change(start, end, zone)
    return ((start, change, before), (change, end, after)) if change < end else ((start, end, before),)


def _change(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """The moment between the two at which the zone's offset changes; it changes on whole minutes."""
    old, low, high = _offset(before, zone), before, after
    while high - low > MINUTE:
        middle = low + (high - low) // (2 * MINUTE) * MINUTE
        low, high = (middle, high) if _offset(middle, zone) == old else (low, middle)
    return high


def _offset(moment: datetime, zone: ZoneInfo) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta()


def _in_both(some: Iterable[Span], others: Iterable[Span]) -> list[Span]:
    found = ((max(one[0], other[0]), min(one[1], other[1])) for one in some for other in others)
    return sorted(span for span in found if span[0] < span[1])


def _joined(spans: list[Span]) -> list[Span]:
    """The spans in order, with those that touch made one."""
    joined: list[Span] = []
    for span in sorted(spans):
        if joined and joined[-1][1] >= span[0]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], span[1]))
        else:
            joined.append(span)
    return joined


def _since_midnight(at: time) -> timedelta:
    """The last moment of a day stands for its end: a `time` cannot say 24:00."""
    return (
        DAY
        if at == time.max
        else timedelta(hours=at.hour, minutes=at.minute, seconds=at.second, microseconds=at.microsecond)
    )
