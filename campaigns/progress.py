"""How far a campaign is, from counters."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from campaigns.models import Campaign


@dataclass(frozen=True, slots=True)
class ImportProgress:
    id: str
    file_name: str
    state: str
    rows_read: int
    rows_imported: int


@dataclass(frozen=True, slots=True)
class Progress:
    """`by_status` and `by_reason` leave out what is 0; `waiting_by_zone` counts the queued by the zones they may be in, joined by
    commas where more than one. `finishes_at`: None where nothing waits or nothing can be sent."""

    total: int
    by_status: dict[str, int]
    by_reason: dict[str, int]
    rate_per_second: float
    finishes_at: datetime | None
    waiting_by_zone: dict[str, int]
    open_imports: list[ImportProgress]


def progress(campaign: Campaign, now: datetime) -> Progress:
    raise NotImplementedError
