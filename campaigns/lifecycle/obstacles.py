"""Obstacles: why nobody more of a campaign is sent to at the moment, as a sentence for who manages it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from campaigns.models import Campaign
from campaigns.planning.plan import plan_of
from delivery.engine.circuit_breaker import MAX_SAID
from delivery.lifecycle.status import DropStatus, VoicemailStatus
from delivery.lifecycle.vendor_texts import safe_text
from delivery.models import Drop, Voicemail
from delivery.selectors.setup_stats import has_answered
from delivery.services.eligibility import waiting_for
from rvm.platform.errors import ServiceError
from rvm.platform.sending_hold.service import is_held
from rvm.platform.times.clocks import spelled
from rvm.platform.tz_database import zone as zone_named
from usecases.models import TelephonySetup
from usecases.selectors import failover_setup, first_setup

# A setup whose carrier has answered an attempt since then is at work.
LATELY = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Obstacle:
    """What the next person waits for. `planned`: hours, pace and priority, which end by themselves; others are a fault."""

    message: str
    planned: bool = False


def obstacle_of(row: Campaign, now: datetime, *, failover: bool) -> Obstacle | None:
    """What the first of those waits for who are next, in the lane's line through the `failover` setup or the other one; None if
    nobody waits there."""
    waiting = Voicemail.objects.filter(lane_id=row.pk, failover=failover, status=VoicemailStatus.QUEUED)
    first = waiting.order_by("not_before", "id").first()
    if first is None:
        return None
    if not row.recordings_set:
        return Obstacle("The recordings are being made ready.", planned=True)
    if row.lane.held:
        return Obstacle("The campaign's queue is held by hand.")
    if is_held():
        return Obstacle("All sending is held.")
    try:
        stopped, setup = plan_of(row, now).stopped, first_setup(row.lane.use_case, row.lane.live)
    except ServiceError as refusal:
        return Obstacle(refusal.message)
    if failover and (other := failover_setup(row.lane.use_case)) != row.lane.use_case.setup:
        stopped, setup = "", other
    if stopped:
        return Obstacle(stopped)
    if setup.breaker_until is not None:
        return Obstacle(f"The telephony setup “{setup.name}” is held back: {setup.breaker_reason}")
    if first.not_before > now and (first.drop_id is None or waiting_for([first])):
        at = spelled(first.not_before.astimezone(zone_named(row.time_zone)))
        return Obstacle(f"The hours of those who are next begin on {at}.", planned=True)
    return _of_carrier(setup, now)


def _of_carrier(setup: TelephonySetup, now: datetime) -> Obstacle:
    if has_answered(setup.pk, now - LATELY):
        return Obstacle(
            f"The telephony setup “{setup.name}” sends at its pace, and what has a higher priority goes first.",
            planned=True,
        )
    last = Drop.objects.filter(setup=setup, ended_at__isnull=False).order_by("-id").first()
    if last is not None and last.status == DropStatus.NOT_SENT:
        said = safe_text(f"{last.carrier_code} {last.carrier_text}".strip())[:MAX_SAID].rstrip(" .")
        more = f"; of the last one it said: {said}" if said else ""
        return Obstacle(
            f"Requests through the telephony setup “{setup.name}” do not get through, or its carrier puts them off{more}."
        )
    return Obstacle(f"Nothing at all is sent through the telephony setup “{setup.name}”; see whether the workers run.")
