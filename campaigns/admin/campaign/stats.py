"""Figures of a campaign as text: voicemails by status and reason, rate, finish, and the preview of a launch."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from campaigns.admin import labels, time_zones
from campaigns.models import Campaign
from campaigns.planning.closed_hours import Closed, ClosedGroup, Part
from campaigns.planning.plan import plan_of
from campaigns.planning.preview import preview
from campaigns.planning.progress import Progress, progress
from delivery.lane_totals import reasons_of
from delivery.lifecycle.status import UNDER_WAY, VoicemailStatus
from rvm.platform.errors import ServiceError
from rvm.platform.times.zones import zone_name
from usecases.state_rules import STATE_NAMES
from usecases.windows import MAX_DAYS

# Lines of time zones; the other zones are one line.
MAX_ZONES = 12
# A retry treats uncertain voicemails as having this reason.
UNSETTLED = "unconfirmed"


def campaign_stats(campaign: Campaign, now: datetime) -> dict[str, Any]:
    try:
        found, refusal = progress(campaign, now), ""
    except ServiceError as refused:
        found, refusal = Progress(0, {}, {}, 0.0, None, {}, []), refused.message
    failed = failed_by_reason(campaign)
    by_status = found.by_status
    waiting = sorted(found.waiting_by_zone.items(), key=lambda item: -item[1])
    others = sum(count for _, count in waiting[MAX_ZONES:])
    return {
        "refusal": refusal,
        "total": found.total,
        "by_status": by_status,
        "parts": labels.parts(by_status),
        "bar_text": labels.bar_text(by_status),
        "waiting_count": by_status.get(VoicemailStatus.QUEUED, 0),
        "on_their_way": sum(by_status.get(status, 0) for status in UNDER_WAY),
        "reasons": [
            {"code": code, "message": labels.reason(code), "count": count}
            for code, count in sorted(found.by_reason.items(), key=lambda item: -item[1])
        ],
        "rate": labels.rate(found.rate_per_second),
        "finish": time_zones.local(found.finishes_at, campaign.time_zone) if found.finishes_at else "",
        "finish_in": labels.in_about(found.finishes_at - now) if found.finishes_at and found.finishes_at > now else "",
        "waiting": [{"zones": _zones(names), "count": count} for names, count in waiting[:MAX_ZONES]]
        + ([{"zones": f"{len(waiting) - MAX_ZONES} other zones", "count": others}] if others else []),
        "failed": failed,
        "retryable": sum(count for code, count in failed.items() if labels.may_retry(code)),
        "at_risk": sum(count for code, count in failed.items() if labels.may_have_reached(code)),
    }


def failed_by_reason(campaign: Campaign) -> dict[str, int]:
    """Failed voicemails by reason; uncertain ones count as `unconfirmed`, as in a retry."""
    failed: dict[str, int] = {}
    for (status, code), count in reasons_of([campaign.pk])[campaign.pk].items():
        if status in (VoicemailStatus.FAILED, VoicemailStatus.UNCERTAIN):
            code = code if status == VoicemailStatus.FAILED else UNSETTLED
            failed[code] = failed.get(code, 0) + count
    return failed


def _zones(names: str) -> str:
    """The possible time zones by their common names, at most three."""
    known = [zone_name(name) for name in names.split(",") if name]
    if len(known) > 3:
        return f"{', '.join(known[:3])} or {len(known) - 3} more"
    return " or ".join(known) or "unknown"


def preview_stats(
    campaign: Campaign, now: datetime, *, rehearsal: bool = False, targets: Collection[str] = ()
) -> dict[str, Any]:
    """The context of the preview; only `refusal` if no preview can be made. `targets`: what the user may change to heal hours."""
    try:
        plan = plan_of(campaign, now, rehearsal=rehearsal)
    except ServiceError as refusal:
        return {"refusal": refusal.message}
    found, zone = preview(plan, now), campaign.time_zone
    return {
        "preview": found,
        "simulated": plan.simulated,
        "rehearsal": plan.rehearsal,
        "closed": _closed(found.closed, zone, targets),
        "starts": "at once" if found.starts_at <= now else time_zones.local(found.starts_at, zone),
        "ends": time_zones.local(found.ends_at, zone),
        "later": [{"at": time_zones.local(at, zone), "count": count} for at, count in found.later],
        "sent": found.now + sum(count for _, count in found.later),
        "begins_later": found.starts_at > now,
        "skipped": [
            {"code": code, "message": labels.reason(code), "count": count} for code, count in found.skipped.items()
        ],
        "finishes": time_zones.local(found.finishes_at, zone) if found.finishes_at else "",
        "takes": labels.duration(found.finishes_at - found.starts_at) if found.finishes_at else "",
        "rate": labels.rate(found.pace_per_second),
    }


def _closed(closed: Closed, zone: str, targets: Collection[str]) -> dict[str, Any]:
    """People whose hours never meet, and what heals it; `may` says whether the user may do it here."""
    groups = [
        {
            "count": group.people,
            "where": _where(group),
            "explanation": group.explanation,
            "opens": time_zones.local(group.opens_at, zone) if group.opens_at else "",
        }
        for group in closed.groups
    ]
    proposals = [{"proposal": each, "may": each.target in targets} for each in closed.proposals]
    others = closed.people - sum(group.people for group in closed.groups)
    return {
        "people": closed.people,
        "groups": groups,
        "others": others,
        "proposals": proposals,
        "horizon_days": MAX_DAYS,
        "anywhere": any(Part.ZONES in group.parts or not group.states for group in closed.groups),
    }


def _where(group: ClosedGroup) -> str:
    states = [STATE_NAMES.get(state, state) for state in group.states]
    named = (
        f"{', '.join(states[:3])}{f' or {len(states) - 3} more' if len(states) > 3 else ''}" if states else "any state"
    )
    return f"{named} ({_zones(','.join(group.zones))})"
