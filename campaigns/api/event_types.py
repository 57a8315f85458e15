"""Types of the events of this layer: what becomes of campaigns and of their lists."""

from __future__ import annotations

from rest_framework import serializers

from campaigns.states import CampaignState, ImportState
from rvm.platform.events.types import EventType


class CampaignEventSerializer(serializers.Serializer[None]):
    campaign_id = serializers.UUIDField()
    state = serializers.ChoiceField([state.value for state in CampaignState])
    use_case_id = serializers.UUIDField()


class CanaryEventSerializer(CampaignEventSerializer):
    people = serializers.IntegerField(help_text="How many people were tried first.")
    reported = serializers.IntegerField(help_text="Of how many a final report was in.")
    delivered = serializers.IntegerField()
    failed = serializers.IntegerField()
    failed_of_sending = serializers.IntegerField(
        help_text="How many of these tell of the carrier, the account or the recording, by which the campaign is judged."
    )


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
    "reopened": "The campaign is open again, because of a retry or a late report: it runs, or is paused if it was when it completed.",
    "canceled": "Somebody ended the campaign; what was not sent is not sent.",
    "expired": "The draft was ended, because nobody had changed it for long.",
}
_CANARIES = {
    "canary_passed": "Few enough of the campaign's first people failed; it goes on with everybody.",
    "canary_stalled": "For too long nobody more of the campaign's first people could be sent to; it is paused.",
    "canary_stopped": "Too many of the campaign's first people failed, or too few reports came; it is paused.",
}
_IMPORTS = {
    "checked": "The list was checked and waits to be confirmed.",
    "completed": "The list's people are in the campaign.",
    "failed": "The list could not be checked or imported.",
}
TYPES = [
    *(EventType(f"campaign.{what}", description, CampaignEventSerializer) for what, description in _CAMPAIGNS.items()),
    *(EventType(f"campaign.{what}", description, CanaryEventSerializer) for what, description in _CANARIES.items()),
    *(EventType(f"import.{what}", description, ImportEventSerializer) for what, description in _IMPORTS.items()),
]
