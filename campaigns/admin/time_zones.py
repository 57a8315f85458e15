"""Times of campaigns: as everywhere at the desk, and where it differs by the clock in which start and end were written."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone

from rvm.platform.times import moments
from rvm.platform.times.tz_database import zone as zone_named


def local(at: datetime, zone: str) -> str:
    """The time by the reader's clock: Sat, Nov 28, 2026, 9:04 AM CST (10:04 AM EST by the campaign's clock).

    The second part is there only where the campaign's zone, whose name is `zone`, has another time.
    """
    here, there = timezone.localtime(at), timezone.localtime(at, zone_named(zone))
    if here.utcoffset() == there.utcoffset():
        return moments.moment(at)
    shown = moments.moment(at, there.tzinfo)
    same_day = shown.removeprefix(f"{moments.day(there.date())}, ") if here.date() == there.date() else shown
    return f"{moments.moment(at)} ({same_day} by the campaign's clock)"
