"""Calling windows: when a person may be reached, in all time zones that the person may be in.

Pure. If the zone is uncertain, a moment must be inside the window in all candidate zones.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from rvm.platform.tz_database import zone as zone_named

DAY = timedelta(days=1)
EVERY_DAY = frozenset(range(1, 8))
MINUTE = timedelta(minutes=1)


def next_open(
    now: datetime, zones: Collection[str], start: time, end: time, days: Collection[int] = EVERY_DAY
) -> datetime | None:
    """The first moment from `now` on, in UTC, at which the local time of every zone is in [start, end) on one of `days`.

    None if there is none within eight days (two days if all days are allowed), if no zone is given, or if the window is empty.
    `start` and `end` are naive local times; `days` are ISO weekdays, 1 is Monday. Raises ValueError for an invalid weekday, and
    ZoneInfoNotFoundError.
    """
    if not zones or not days or start >= end:
        return None
    if not EVERY_DAY.issuperset(days):
        raise ValueError("a weekday is not one of 1 to 7")
    moment = now.astimezone(UTC)
    limit = moment + (2 * DAY if EVERY_DAY.issubset(days) else 8 * DAY)
    while moment <= limit:
        latest = max(_opens(moment, zone_named(zone), start, end, days) for zone in zones)
        if latest == moment:
            return moment
        moment = latest
    return None


def _opens(moment: datetime, zone: ZoneInfo, start: time, end: time, days: Collection[int]) -> datetime:
    """The first moment from `moment` on that is inside the window on one of the days in one zone.

    Computed within spans of one UTC offset, in which local time is continuous. So clocks that are set forward past the window's
    start, or back into the window, need no special case.
    """
    while True:
        offset = _offset(moment, zone)
        local = (moment + offset).replace(tzinfo=None)
        if start <= local.time() < end and local.isoweekday() in days:
            return moment
        opening = datetime.combine(local.date(), start)
        if opening <= local:
            opening += DAY
        while opening.isoweekday() not in days:
            opening += DAY
        wait = opening - local
        if _offset(moment + wait, zone) == offset:
            return moment + wait
        moment = _change(moment, moment + wait, zone)


def _change(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """The moment between the two at which the zone's offset changes; it changes on whole minutes."""
    old = _offset(before, zone)
    low, high = before.replace(second=0, microsecond=0), after.replace(second=0, microsecond=0) + MINUTE
    while high - low > MINUTE:
        middle = low + (high - low) // (2 * MINUTE) * MINUTE
        low, high = (middle, high) if _offset(middle, zone) == old else (low, middle)
    return high


def _offset(moment: datetime, zone: ZoneInfo) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta()
