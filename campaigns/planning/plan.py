"""The plan of a campaign: what it, its lane, its use case and its setup say together, read once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from campaigns.models import Campaign
from campaigns.planning.forecast import Hours
from delivery.models import Lane
from delivery.services.voicemails import is_simulated
from usecases.effective_settings import effective, effective_days
from usecases.eligibility import LanePolicy
from usecases.models import TelephonySetup
from usecases.selectors import first_setup


@dataclass(frozen=True, slots=True)
class CampaignPlan:
    """How a campaign will run. `pace` in drops a second; `starts_at` is when it began, or will if it is launched now; `ends_at` when
    what is unsent expires. `stopped`: which kill switch keeps everybody waiting while it is on, as a sentence."""

    lane: Lane
    hours: Hours
    pace: float
    starts_at: datetime
    ends_at: datetime
    stopped: str

    @property
    def simulated(self) -> bool:
        """Whether nobody is reached, so that no window binds."""
        return self.hours.any_time

    @property
    def policy(self) -> LanePolicy:
        """What the guards know of everybody in it."""
        deleted = self.lane.use_case.deleted_at is not None
        return LanePolicy(self.simulated, deleted, self.hours.start, self.hours.end, self.hours.days)


def plan_of(campaign: Campaign, now: datetime) -> CampaignPlan:
    """Raises ServiceError where the use case has no carrier to ask about."""
    lane = campaign.lane
    setup = first_setup(lane.use_case, lane.live)
    begun = campaign.launched_at or max(campaign.starts_at or now, now)
    return CampaignPlan(
        lane=lane,
        hours=hours_of(lane, simulated=is_simulated(setup)),
        pace=effective("pace_per_second", lane, setup),
        starts_at=begun,
        ends_at=end_of(campaign, begun),
        stopped=_stopped(lane, setup),
    )


def hours_of(lane: Lane, *, simulated: bool = False) -> Hours:
    """When people may be reached. Empty where the lane and its use case share no hour."""
    start, end = (effective(name, lane, lane.use_case) for name in ("window_start", "window_end"))
    return Hours(start, end, frozenset(effective_days(lane.days)), any_time=simulated)


def end_of(campaign: Campaign, start: datetime) -> datetime:
    """When what is unsent expires, of a campaign that starts at `start`."""
    return campaign.ends_at or start + timedelta(hours=campaign.lane.use_case.expires_after_hours)


def _stopped(lane: Lane, setup: TelephonySetup) -> str:
    if not lane.use_case.workspace.sending_enabled:
        return "Sending is switched off for the whole workspace; nothing is sent until it is switched on."
    if not lane.use_case.sending_enabled:
        return (
            f"Sending is switched off for the use case “{lane.use_case.name}”; nothing is sent until it is switched on."
        )
    if not setup.enabled or setup.deleted_at is not None:
        return f"The telephony setup “{setup.name}” is disabled; nothing is sent until it is enabled."
    return ""
