"""What a campaign and its use case say together: hours, days, pace, carrier, start and end. The narrower of the two binds."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from campaigns.models import Campaign
from campaigns.planning.forecast import Hours
from delivery.carriers import UnknownCarrierError, carrier_class
from delivery.engine.lane_routes import hours
from delivery.models import Lane
from rvm.platform.errors import ServiceError
from usecases.models import TelephonySetup
from usecases.selectors import sandbox_setup, sender_numbers
from usecases.windows import EVERY_DAY


class LanePolicy(NamedTuple):
    """What is the same for everybody in a lane."""

    use_case_deleted: bool
    has_sender: bool


def lane_policy(lane: Lane) -> LanePolicy:
    return LanePolicy(lane.use_case.deleted_at is not None, bool(sender_numbers(lane.use_case)))


def setup_of(lane: Lane) -> TelephonySetup:
    """Through which its voicemails go first. ServiceError where a test lane has none."""
    if lane.live:
        return lane.use_case.setup
    setup = sandbox_setup(lane.use_case.workspace)
    if setup is None:
        raise ServiceError(
            "no_sandbox_setup",
            "A test campaign sends through the sandbox carrier only, and this workspace has no setup of it; create one.",
        )
    return setup


def is_simulated(setup: TelephonySetup) -> bool:
    """Whether it reaches no person. ServiceError where this installation has lost its carrier."""
    try:
        return carrier_class(setup.carrier).simulated
    except UnknownCarrierError as error:
        raise ServiceError(
            "carrier_unknown", f"{error} Give the use case another setup.", field="use_case_id"
        ) from None


def hours_of(lane: Lane, *, simulated: bool) -> Hours:
    """Where the carrier is simulated, no window binds."""
    days = EVERY_DAY if lane.days is None else frozenset(lane.days)
    return Hours(*hours(lane.use_case, lane), days, any_time=simulated)


def pace_of(lane: Lane, setup: TelephonySetup) -> float:
    """Drops a second."""
    return min(lane.pace_per_second or setup.pace_per_second, setup.pace_per_second)


def start_of(campaign: Campaign, now: datetime) -> datetime:
    """When it began, or will if it is launched now."""
    return campaign.launched_at or max(campaign.starts_at or now, now)


def end_of(campaign: Campaign, start: datetime) -> datetime:
    """When what is unsent expires."""
    return campaign.ends_at or start + timedelta(hours=campaign.lane.use_case.expires_after_hours)


def stopped(lane: Lane, setup: TelephonySetup) -> str:
    """Which kill switch keeps everybody waiting while it is on, as a sentence; empty where none does."""
    if not lane.use_case.workspace.sending_enabled:
        return "Sending is switched off for the whole workspace; nothing is sent until it is switched on."
    if not lane.use_case.sending_enabled:
        return (
            f"Sending is switched off for the use case “{lane.use_case.name}”; nothing is sent until it is switched on."
        )
    if not setup.enabled or setup.deleted_at is not None:
        return f"The telephony setup “{setup.name}” is disabled; nothing is sent until it is enabled."
    return ""
