"""When a person may be reached: calling windows in every time zone the number may be in.

Pure. Where the zone is not certain, the moment must lie inside the window in all candidate zones.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)


def next_open(now: datetime, zones: Collection[str], start: time, end: time) -> datetime | None:
    """The first moment from `now` on at which every zone's local time is in [start, end), in UTC.

    None where none comes in two days, and where no zone is known. `start` must lie before `end`; both are naive local times.
    """
    if not zones:
        return None
    moment = now.astimezone(UTC)
    limit = moment + 2 * DAY
    while moment <= limit:
        latest = max(_opens(moment, _zone(zone), start, end) for zone in zones)
        if latest == moment:
            return moment
        moment = latest
    return None


def _opens(moment: datetime, zone: ZoneInfo, start: time, end: time) -> datetime:
    """The first moment from `moment` on inside the window in one zone.

    Computed within a span of one UTC offset, where local time runs evenly, so that clocks that are put forward over the
    window's start, or back into the window, need no case of their own.
    """
    while True:
        offset = _offset(moment, zone)
        local = (moment + offset).replace(tzinfo=None)
        if start <= local.time() < end:
            return moment
        opening = datetime.combine(local.date(), start)
        wait = opening - local if opening > local else opening - local + DAY
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


@lru_cache(maxsize=512)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
