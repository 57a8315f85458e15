"""What a launch would do, asked of the same decision that every claim asks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from campaigns.models import Campaign


@dataclass(frozen=True, slots=True)
class Preview:
    """How many of `total` go at the start, later (when the window of their zones opens), never (skipped by reason), or would expire
    unsent. `now + sum(later) + sum(skipped) + expiring == total`. `finishes_at`: when the last one leaves; None where none does.
    """

    starts_at: datetime
    ends_at: datetime
    total: int
    now: int
    later: list[tuple[datetime, int]]
    skipped: dict[str, int]
    expiring: int
    finishes_at: datetime | None
    pace_per_second: float


def preview(campaign: Campaign, now: datetime) -> Preview:
    raise NotImplementedError
