"""Caps: how often one number may be reached, and when it may be reached again.

Pure. A moment is allowed if each cap allows it, that of a day in every zone in which the person may be. What has been sent only
moves into the past, so once a moment is allowed, all later ones are.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from rvm.platform.times.tz_database import zone as zone_named

DAY = timedelta(hours=24)
WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Caps:
    """The most drops to one number: on a day of its owner's calendar, in 24 hours and in seven days. None does not limit."""

    per_day: int | None = None
    per_24h: int | None = None
    per_week: int | None = None


@dataclass(frozen=True, slots=True)
class Counts:
    """The drops to one number on the local day of a moment, in the 24 hours and in the seven days before it."""

    on_day: int
    in_24h: int
    in_week: int


UNCAPPED = Caps()


def open_from(caps: Caps, reached: Sequence[datetime], zones: Collection[str]) -> datetime | None:
    """The first moment at which all caps allow another drop, in UTC; None if they allow any.

    `reached`: the times of the drops that count, in order. Raises ZoneInfoNotFoundError.
    """
    opens = []
    if caps.per_24h is not None and caps.per_24h <= len(reached):
        opens.append(reached[-caps.per_24h] + DAY)
    if caps.per_week is not None and caps.per_week <= len(reached):
        opens.append(reached[-caps.per_week] + WEEK)
    if caps.per_day is not None and caps.per_day <= len(reached):
        opens += [_next_day(reached[-caps.per_day], zone_named(zone)) for zone in zones]
    return max(opens, default=None)


def counts_at(moment: datetime, reached: Sequence[datetime], zones: Collection[str]) -> Counts:
    """What the caps compare at the moment: on its day, the most of all zones."""
    days = [
        sum(at.astimezone(zone).date() >= moment.astimezone(zone).date() for at in reached)
        for zone in map(zone_named, zones)
    ]
    in_24h, in_week = (sum(at > moment - span for at in reached) for span in (DAY, WEEK))
    return Counts(max(days, default=0), in_24h, in_week)


def smaller(one: int | None, other: int | None) -> int | None:
    """The cap that binds of two."""
    return other if one is None else one if other is None else min(one, other)


def _next_day(moment: datetime, zone: ZoneInfo) -> datetime:
    """The beginning of the next local day. Where clocks skip midnight, that is the moment at which they do."""
    day = moment.astimezone(zone).date() + timedelta(days=1)
    return datetime.combine(day, time.min, zone).astimezone(UTC)
