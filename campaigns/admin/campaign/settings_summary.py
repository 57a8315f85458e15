"""The settings of a campaign as text: each value of the campaign, or the use case's in its place."""

from __future__ import annotations

from campaigns.admin import labels, time_zones
from campaigns.admin.campaign.bases import BASIS, bases
from campaigns.models import Campaign
from delivery.carriers import CARRIERS
from delivery.services.voicemails import setups_of
from usecases.effective_settings import effective, effective_hours
from usecases.models import TelephonySetup
from usecases.policy_text import clock
from usecases.selectors import sender_numbers


def settings_summary(campaign: Campaign) -> list[tuple[str, str]]:
    """The settings as (name, value), in the order of the form."""
    lane, policy, zone = campaign.lane, campaign.use_case, campaign.time_zone
    allowed = effective_hours(lane, policy)
    hours = f"{clock(allowed.start)} to {clock(allowed.end)}"
    end = campaign.ends_at or (lane.expires_at if not lane.held else None)
    pace, fastest = lane.pace_per_second, policy.setup.pace_per_second
    return [
        ("Use case", f"{policy.name}, from “{policy.entity_name}”"),
        ("Sends", to_whom(campaign)),
        ("From", ", ".join(sender_numbers(policy, live=campaign.live)) or "no sender number"),
        ("Start", time_zones.local(campaign.starts_at, zone) if campaign.starts_at else "when it is launched"),
        ("End", time_zones.local(end, zone) if end else f"{policy.expires_after_hours} hours after the start"),
        ("Hours", f"{hours} at the recipient, {labels.days(allowed.days)}"),
        ("Pace", f"{pace:g} a second" if pace else f"as fast as the setup allows ({fastest:g} a second)"),
        ("Attempts", attempts(campaign)),
        ("Priority", str(lane.priority)),
        ("Tried first", labels.tried_first(campaign)),
        *((BASIS, basis) for basis in bases(campaign)),
    ]


def to_whom(campaign: Campaign) -> str:
    """Whether it reaches people, and through which carrier."""
    if not campaign.live:
        return "test only, through the sandbox carrier"
    setups = setups_of(campaign.use_case)
    through = " or, if that fails, ".join(f"{setup.name} ({_carrier(setup)})" for setup in setups)
    if reaches_people(campaign):
        return f"to real people, through {through}"
    return f"through {through}, a simulated carrier: nobody is reached"


def reaches_people(campaign: Campaign) -> bool:
    """Whether a real person can hear it."""
    return campaign.live and any(setup.live for setup in setups_of(campaign.use_case))


def _carrier(setup: TelephonySetup) -> str:
    carrier = CARRIERS.get(setup.carrier)
    return carrier.label if carrier else f"{setup.carrier}, which is not installed any more"


def attempts(campaign: Campaign) -> str:
    lane, policy = campaign.lane, campaign.use_case
    most, minutes = (effective(name, lane, policy) for name in ("max_attempts", "retry_minutes"))
    return "1" if most == 1 else f"up to {most}, the second after {minutes} minutes"
