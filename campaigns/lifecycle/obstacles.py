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
from delivery.recordings import carrier_media
from delivery.selectors.setup_stats import has_answered
from delivery.services.eligibility import waiting_for
from rvm.platform.errors import ServiceError
from rvm.platform.models import FailedWork
from rvm.platform.sending_hold.service import is_held
from rvm.platform.times.clocks import spelled
from rvm.platform.times.tz_database import zone as zone_named
from usecases.eligibility import OF_HOURS, DeferReason
from usecases.models import TelephonySetup
from usecases.selectors import failover_setup, first_setup

# A setup whose carrier has answered an attempt since then is at work.
LATELY = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Obstacle:
    """What the next person waits for. `planned`: hours, caps, another attempt, pace and priority, which end by themselves; others are
    a fault."""

    message: str
    planned: bool = False


def obstacle_of(row: Campaign, now: datetime, *, failover: bool) -> Obstacle | None:
    """What the first of those waits for who are next, on the lane's side of the `failover` setup or the other one; None if
    nobody waits there."""
    waiting = Voicemail.objects.filter(lane_id=row.pk, failover=failover, status=VoicemailStatus.QUEUED)
    first = waiting.order_by("not_before", "id").first()
    if first is None:
        return None
    if not row.recordings_set:
        return _of_recordings(row, now)
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
    return _of_next(row, first, setup, now) or _of_carrier(setup, now)


def _of_recordings(row: Campaign, now: datetime) -> Obstacle:
    """The tick makes them ready, and notes where it fails."""
    failing = FailedWork.objects.filter(kind="campaign_step", subject=str(row.pk), last_at__gt=now - LATELY)
    if failing.exists():
        return Obstacle(
            "The recordings cannot be made ready; that is tried again each second. The tick's log names the fault under "
            "campaign_step_failed."
        )
    return Obstacle("The recordings are being made ready.", planned=True)


def _of_next(row: Campaign, first: Voicemail, setup: TelephonySetup, now: datetime) -> Obstacle | None:
    """What the next person was put off for; None if only the setup is waited for."""
    reason, later = waiting_for([first]).get(first.pk, ""), first.not_before > now
    at = spelled(first.not_before.astimezone(zone_named(row.time_zone)))
    if reason in OF_HOURS:
        return Obstacle(f"The hours of those who are next begin on {at}.", planned=True) if later else None
    if reason == DeferReason.CAP_REACHED:
        had = "Those who are next have had as many messages as they may"
        return Obstacle(f"{had}; they may have another on {at}.", planned=True) if later else None
    tried = Drop.objects.filter(voicemail=first).order_by("-id").first()
    unsent = tried is not None and tried.status == DropStatus.NOT_SENT
    text = "" if unsent else first.carrier_text  # that of a request is told by the setup's last
    if reason or text:
        waits = f"Waits: {reason.replace('_', ' ')}."
        return Obstacle(f"Those who are next cannot be sent to. {text or waits}")
    recording_id = row.recording_id or first.recording_id
    media = carrier_media.media_states(setup.pk, [recording_id]).get(recording_id) if recording_id else None
    if media is not None and media.state == carrier_media.State.WANTED:
        return Obstacle(
            f"The carrier of the telephony setup “{setup.name}” does not have the recording yet. {media.error}".rstrip()
        )
    return Obstacle(f"Those who are next are due on {at}.", planned=True) if later and not unsent else None


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
