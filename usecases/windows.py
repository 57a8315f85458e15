"""When a person may be reached: calling windows in every time zone the number may be in.

Pure. Where the zone is not certain, the moment must lie inside the window in all candidate zones.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

# An unknown +1 number may be anywhere from St. John's to Honolulu: the strictest window common to these two.
WIDEST_PLUS_ONE = ("America/St_Johns", "Pacific/Honolulu")


def next_open(now: datetime, zones: Collection[str], start: time, end: time) -> datetime | None:
    """The first moment from `now` on at which every zone's local time is in [start, end); None where none comes in two days.

    `start` must lie before `end`; both are naive local times.
    """
    moment = now.astimezone(UTC)
    limit = moment + timedelta(days=2)
    while moment <= limit:
        latest = max((_opens(moment, zone, start, end) for zone in zones), default=moment)
        if latest == moment:
            return moment
        moment = latest
    return None


def _opens(moment: datetime, zone: str, start: time, end: time) -> datetime:
    local = moment.astimezone(_zone(zone))
    clock = local.time()
    if start <= clock < end:
        return moment
    day = local.date() if clock < start else local.date() + timedelta(days=1)
    return datetime.combine(day, start, _zone(zone)).astimezone(UTC)


@lru_cache(maxsize=512)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
