"""The plan of a campaign: the effective settings of the campaign, its lane, its use case and its setup, read once."""

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
    """Effective settings of a campaign. `pace`: drops a second. `starts_at`: the actual start, or that of a launch now.

    `ends_at`: when unsent voicemails expire. `stopped`: the message about a kill switch that stops sending, else empty.
    """

    lane: Lane
    hours: Hours
    pace: float
    starts_at: datetime
    ends_at: datetime
    stopped: str

    @property
    def simulated(self) -> bool:
        """Whether the carrier is simulated and reaches no telephone, so that no window applies."""
        return self.hours.any_time

    @property
    def policy(self) -> LanePolicy:
        """The eligibility facts that all recipients of the campaign share."""
        deleted = self.lane.use_case.deleted_at is not None
        return LanePolicy(self.simulated, deleted, self.hours.start, self.hours.end, self.hours.days)


def plan_of(campaign: Campaign, now: datetime) -> CampaignPlan:
    """The plan of the campaign at `now`. Raises ServiceError if a test campaign's workspace has no sandbox setup."""
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
    """The effective calling window. Empty (`start` >= `end`) if the lane and its use case have no hour in common."""
    start, end = (effective(name, lane, lane.use_case) for name in ("window_start", "window_end"))
    return Hours(start, end, frozenset(effective_days(lane.days)), any_time=simulated)


def end_of(campaign: Campaign, start: datetime) -> datetime:
    """The time at which unsent voicemails of a campaign that starts at `start` expire."""
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
