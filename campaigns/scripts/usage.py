"""Which recordings and clips campaigns need, so that their sound is kept."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.db.models import Q

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


def needs(workspace_id: UUID, ids: Collection[UUID]) -> dict[UUID, list[str]]:
    """The recordings and clips that campaigns of the workspace have which have not ended, with these campaigns."""
    campaigns = Campaign.objects.filter(workspace_id=workspace_id).exclude(state__in=_ENDED).order_by("id")
    wanted, found = set(ids), defaultdict[UUID, list[str]](list)
    for campaign in campaigns.filter(Q(recording_id__in=wanted) | Q(script__isnull=False)):
        recording = {campaign.recording_id} if campaign.recording_id else set()
        for sound_id in wanted & (clips_of(campaign) | recording):
            found[sound_id].append(f"the campaign “{campaign.name}”")
    return dict(found)
