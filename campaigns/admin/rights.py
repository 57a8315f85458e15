"""Which right a change of a campaign needs."""

from __future__ import annotations

from campaigns.models import Campaign
from campaigns.states import CampaignState
from rvm.platform.roles import Right


def right_to_change(campaign: Campaign) -> Right:
    """A draft is prepared; a change of what is launched already decides what is sent."""
    return Right.PREPARE if campaign.state == CampaignState.DRAFT else Right.LAUNCH
