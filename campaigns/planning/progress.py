"""Progress of a campaign: counters, and the queued voicemails by time zone, both of one moment."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
import structlog
from redis.exceptions import RedisError

from campaigns.models import Campaign, RecipientImport
from campaigns.planning.audience import counted_with_places
from campaigns.planning.forecast import Group, forecast
from campaigns.planning.plan import plan_of
from campaigns.states import CampaignState
from delivery.lane_totals import reasons_of
from delivery.lifecycle.status import TERMINAL, VoicemailStatus
from rvm.phone_numbers.number_plan import ELSEWHERE
from rvm.phone_numbers.places import places_in, zones_only
from rvm.platform.redis_connection import redis_client

log = structlog.get_logger(__name__)

# An open page polls every few seconds, and grouping a million rows takes a second. Of more people than this the figures are kept,
# the counts together with the zones, so that they agree on every page.
MAX_COUNTED_ANEW = 50_000
KEPT = timedelta(seconds=5)


# Voicemails by (status, reason), and the queued ones by places, joined by commas.
Counts = dict[tuple[str, str], int]
Figures = tuple[Counts, dict[str, int]]
_STATUSES = frozenset(status.value for status in VoicemailStatus)


@dataclass(frozen=True, slots=True)
class ImportProgress:
    id: str
    file_name: str
    state: str
    rows_read: int
    rows_imported: int


@dataclass(frozen=True, slots=True)
class Progress:
    """Counts of voicemails; `by_status` and `by_reason` (ended voicemails only) omit zeros. `waiting_by_zone`: queued voicemails by
    possible time zones, joined by commas; the key "" means that only the number is known.

    `finishes_at`: when the last queued voicemail leaves or expires; None if none is queued or the campaign is paused or canceled.
    """

    total: int
    by_status: dict[str, int]
    by_reason: dict[str, int]
    rate_per_second: float
    finishes_at: datetime | None
    waiting_by_zone: dict[str, int]
    open_imports: list[ImportProgress]


def progress(campaign: Campaign, now: datetime) -> Progress:
    """The progress of the campaign at `now`. Raises ServiceError if a test campaign's workspace has no sandbox setup."""
    counts: Counts = reasons_of([campaign.pk])[campaign.pk]
    waiting: dict[str, int] = {}
    if queued := _queued(counts):
        counts, waiting = _kept(campaign) if queued > MAX_COUNTED_ANEW else _counted(campaign)
    by_status: Counter[str] = Counter()
    by_reason: Counter[str] = Counter()
    for (status, reason), count in counts.items():
        by_status[status] += count
        if reason and VoicemailStatus(status) in TERMINAL:
            by_reason[reason] += count
    return Progress(
        total=by_status.total(),
        by_status=dict(by_status),
        by_reason=dict(by_reason),
        rate_per_second=(campaign.rate_per_second or 0.0) if campaign.state == CampaignState.RUNNING else 0.0,
        finishes_at=_finish(campaign, waiting, now),
        waiting_by_zone=_by_zone(waiting),
        open_imports=_open_imports(campaign),
    )


def _finish(campaign: Campaign, waiting: dict[str, int], now: datetime) -> datetime | None:
    if not waiting or campaign.state in (CampaignState.PAUSED, CampaignState.CANCELED):
        return None
    plan = plan_of(campaign, now)
    groups = []
    for listed, count in waiting.items():
        # If only the number is known, the campaign's own zone is the best guess, and no state's.
        places = places_in(tuple(listed.split(",")) if listed else (campaign.time_zone,))
        groups.append(Group(places.zones, count, states=places.states or (ELSEWHERE,)))
    end = plan.ends_at
    if end <= now:  # queued voicemails are then retries, each with an expiry of its own
        end = now + timedelta(hours=campaign.use_case.expires_after_hours)
    return forecast(groups, plan.binding_hours, start=max(plan.starts_at, now), end=end, pace=plan.pace).finishes_at


def _by_zone(waiting: dict[str, int]) -> dict[str, int]:
    """The counts by time zones alone, the largest first."""
    found: Counter[str] = Counter()
    for listed, count in waiting.items():
        found[",".join(zones_only(listed.split(","))) if listed else ""] += count
    return dict(found.most_common())


def _queued(counts: Counts) -> int:
    return sum(count for (status, _), count in counts.items() if status == VoicemailStatus.QUEUED)


def _counted(campaign: Campaign) -> Figures:
    """The counts, and the queued voicemails by places, the largest first, as they are now."""
    counts, places = counted_with_places(campaign.lane)
    waiting = {",".join(listed): count for listed, count in places.items()}
    return counts, dict(sorted(waiting.items(), key=lambda entry: -entry[1]))


def _kept(campaign: Campaign) -> Figures:
    """The same, kept in Redis for KEPT, or until the campaign's state changes; without Redis each call counts."""
    key = f"rvm:waiting:{campaign.pk}:{campaign.state}"
    try:
        if (kept := _figures(redis_client().get(key))) is not None:
            return kept
    except RedisError as error:
        log.warning("waiting_not_kept", error=type(error).__name__)
    counts, waiting = _counted(campaign)
    value = {"counts": [[*of, count] for of, count in counts.items()], "waiting": waiting}
    try:
        redis_client().set(key, orjson.dumps(value), px=KEPT)
    except RedisError as error:
        log.warning("waiting_not_kept", error=type(error).__name__)
    return counts, waiting


def _figures(kept: bytes | str | None) -> Figures | None:
    """The figures in a value of Redis; None if it is anything else."""
    match _json(kept):
        case {"counts": list(counts), "waiting": dict(waiting)}:
            pass
        case _:
            return None
    found: Counts = {}
    for entry in counts:
        match entry:
            case [str(status), str(reason), int(count)] if status in _STATUSES and type(count) is int and count >= 0:
                found[status, reason] = count
            case _:
                return None
    return (found, waiting) if all(type(count) is int and count >= 0 for count in waiting.values()) else None


def _json(text: bytes | str | None) -> Any:
    try:
        return orjson.loads(text or b"")
    except orjson.JSONDecodeError:
        return None


def _open_imports(campaign: Campaign) -> list[ImportProgress]:
    return [
        ImportProgress(str(row.pk), row.file_name, row.state, row.rows_read, row.rows_imported)
        for row in RecipientImport.objects.under_way().filter(campaign=campaign).order_by("-pk")
    ]
