"""The plan of a campaign: the effective settings of the campaign, its lane, its use case and its setup, read once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from campaigns.models import Campaign
from delivery.carriers import carrier_gone
from delivery.models import Lane
from delivery.recordings.attestations import require_attested
from delivery.services.policies import is_joining, policy_of
from delivery.services.voicemails import is_simulated
from rvm.platform.errors import ServiceError
from usecases.attestations.requirements import missing_statement
from usecases.effective_settings import effective
from usecases.eligibility import LanePolicy
from usecases.models import TelephonySetup
from usecases.rules_in_force import law_in_force
from usecases.selectors import first_setup
from usecases.windows import Hours


@dataclass(frozen=True, slots=True)
class CampaignPlan:
    """Effective settings of a campaign. `pace`: drops a second. `starts_at`: the actual start, or that of a launch now.

    `ends_at`: when unsent voicemails expire. `stopped`: the message about a kill switch that stops sending, or about a statement that
    it needs, else empty. `time_zone`: the clock by which its times are said. `rehearsal`: a simulated carrier is treated as one that
    reaches people. `scripted`: each person hears a recording joined from clips.
    """

    lane: Lane
    policy: LanePolicy
    pace: float
    starts_at: datetime
    ends_at: datetime
    stopped: str
    time_zone: str
    rehearsal: bool = False
    scripted: bool = False

    @property
    def simulated(self) -> bool:
        """Whether the carrier is simulated and reaches no telephone, so that no hours apply unless in a rehearsal."""
        return self.policy.simulated or self.rehearsal

    @property
    def binding_hours(self) -> Hours | None:
        """The hours in which it sends; None if no hours bind."""
        return None if self.policy.simulated else self.policy.hours


def plan_of(campaign: Campaign, now: datetime, *, rehearsal: bool = False) -> CampaignPlan:
    """The plan of the campaign at `now`. A `rehearsal` treats a simulated carrier as one that reaches people; for others it is the
    plan itself. Raises ServiceError if a test campaign's workspace has no sandbox setup."""
    lane = campaign.lane
    setup = first_setup(lane.use_case, lane.live)
    begun = campaign.launched_at or max(campaign.starts_at or now, now)
    return CampaignPlan(
        lane=lane,
        policy=policy_of(lane.use_case, setup, lane=lane, rehearsal=rehearsal, law=law_in_force(now)),
        pace=effective("pace_per_second", lane, setup),
        starts_at=begun,
        ends_at=end_of(campaign, begun),
        stopped=_stopped(lane, setup) or _unattested(campaign),
        time_zone=campaign.time_zone,
        rehearsal=rehearsal and is_simulated(setup),
        scripted=campaign.script is not None,
    )


def end_of(campaign: Campaign, start: datetime) -> datetime:
    """The time at which unsent voicemails of a campaign that starts at `start` expire."""
    return campaign.ends_at or start + timedelta(hours=campaign.lane.use_case.expires_after_hours)


def _unattested(campaign: Campaign) -> str:
    if campaign.recording is None:
        return ""
    try:
        require_attested(campaign.recording, campaign.lane.use_case, campaign.lane.live)
    except ServiceError as refusal:
        return refusal.message
    return ""


def _stopped(lane: Lane, setup: TelephonySetup) -> str:
    if not lane.use_case.workspace.sending_enabled:
        return "Sending is switched off for the whole workspace; nothing is sent until it is switched on."
    if is_joining(lane.use_case.workspace):
        return "A workspace has joined the organisation, and is being read in; nothing is sent until that is done."
    if not lane.use_case.sending_enabled:
        return (
            f"Sending is switched off for the use case “{lane.use_case.name}”; nothing is sent until it is switched on."
        )
    if not lane.use_case.marketing_allowed:
        return "Marketing is switched off for the whole workspace; nothing is sent until it is switched on."
    if not setup.enabled or setup.deleted_at is not None:
        return f"The telephony setup “{setup.name}” is disabled; nothing is sent until it is enabled."
    if gone := carrier_gone(setup):
        return f"{gone} Nothing is sent until it is installed again, or the use case has another setup."
    if lane.live and lane.use_case.refuses_ringing_of(setup):
        return f"The carrier of the telephony setup “{setup.name}” rings; nothing is sent until the use case allows ringing."
    if setup.draining:
        return f"The telephony setup “{setup.name}” drains; nothing new is sent until that ends, or the use case has another setup."
    missing = missing_statement(lane.use_case, setup)
    return missing.message if missing else ""
