"""Which recordings and clips campaigns need, so that their sound is kept."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from campaigns.models import Campaign
from campaigns.scripts.parts import read_script
from campaigns.states import CampaignState
from delivery.models import Clip, Recording
from delivery.recordings.removal import note_use

_ENDED = (CampaignState.COMPLETED, CampaignState.CANCELED)


def note_launch(campaign: Campaign, now: datetime) -> None:
    """Note that the campaign's recording or clips are used now. Call it in a transaction. Raises ServiceError if one was removed."""
    if campaign.recording_id is not None:
        note_use(Recording, [campaign.recording_id], now)
    note_use(Clip, clips_of(campaign), now)


def clips_of(campaign: Campaign) -> set[UUID]:
    """All clips that the campaign's script may choose."""
    script = [] if campaign.script is None else read_script(campaign.script)
    return {clip for part in script for clip in part.choices()}


def in_use(workspace_id: UUID, ids: Collection[UUID]) -> set[UUID]:
    """Those of the recordings and clips that campaigns of the workspace have which have not ended."""
    campaigns = Campaign.objects.filter(workspace_id=workspace_id).exclude(state__in=_ENDED)
    used = set(campaigns.filter(recording_id__in=ids).values_list("recording_id", flat=True))
    for campaign in campaigns.filter(script__isnull=False):
        used |= clips_of(campaign)
    return {each for each in used if each is not None} & set(ids)
