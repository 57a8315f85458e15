"""Types of the events of this layer: what becomes of campaigns and of their lists."""

from __future__ import annotations

from rest_framework import serializers

from campaigns.states import CampaignState, ImportState
from rvm.platform.events.types import EventType


class CampaignEventSerializer(serializers.Serializer[None]):
    campaign_id = serializers.UUIDField()
    state = serializers.ChoiceField([state.value for state in CampaignState])
    use_case_id = serializers.UUIDField()


class ImportEventSerializer(serializers.Serializer[None]):
    import_id = serializers.UUIDField()
    campaign_id = serializers.UUIDField()
    state = serializers.ChoiceField(
        [state.value for state in (ImportState.CHECKED, ImportState.COMPLETED, ImportState.FAILED)]
    )


_CAMPAIGNS = {
    "scheduled": "The campaign is launched for a later time.",
    "unscheduled": "The launch was taken back; the campaign is a draft again.",
    "launched": "The campaign runs: its voicemails are sent as hours and pace allow.",
    "paused": "Nothing new of the campaign is sent.",
    "resumed": "The campaign is sent again.",
    "completed": "Every voicemail of the campaign has ended.",
    "reopened": "The campaign runs again, because of a retry or a late report.",
    "canceled": "Somebody ended the campaign; what was not sent is not sent.",
    "expired": "The draft was ended, because nobody had changed it for long.",
}
_IMPORTS = {
    "checked": "The list was checked and waits to be confirmed.",
    "completed": "The list's people are in the campaign.",
    "failed": "The list could not be checked or imported.",
}
TYPES = [
    *(EventType(f"campaign.{what}", description, CampaignEventSerializer) for what, description in _CAMPAIGNS.items()),
    *(EventType(f"import.{what}", description, ImportEventSerializer) for what, description in _IMPORTS.items()),
]
