"""When a person may be reached: calling windows in every time zone the number may be in.

Pure. Where the zone is not certain, the moment must lie inside the window in all candidate zones.
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
    """The first moment from `now` on at which every zone's local time is in [start, end) on one of `days`, in UTC.

    None where none comes in a week and a day (two days where every day will do), where no zone is known, and where the window is
    empty. Start and end are naive local times; days are ISO weekdays, 1 is Monday. Raises ValueError for a day that is none, and
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
    """The first moment from `moment` on inside the window on one of the days in one zone.

    Computed within a span of one UTC offset, where local time runs evenly, so that clocks that are put forward over the
    window's start, or back into the window, need no case of their own.
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
