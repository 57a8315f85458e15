"""Serializers of searches for people, and of all that is known about a person."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail

from campaigns.models import Campaign
from campaigns.people.names import MIN_LETTERS, is_searchable
from campaigns.people.record import MAX_CONSENTS, MAX_OTHERS, MAX_SUPPRESSIONS, MAX_USE_CASES, MAX_WAITING, Answer
from delivery.api.serializers.eligibility import DECISIONS, GUARDS, answered
from delivery.api.serializers.voicemails import VOICEMAIL_STATUSES
from delivery.identifiers import MAX_RECORD_NUMBER
from delivery.models import Voicemail
from delivery.services.screening import MAX_REFERENCE_LENGTH
from rvm.platform.api.fields import IdField, StrictSerializer, TextField, WholeNumberField
from rvm.platform.api.lists import WorldQuery
from rvm.platform.api.rows.serializers import FormerIdField, OptionalTextField, RowSerializer
from rvm.platform.models import MAX_HOLD_REASON, Erasure
from usecases.api.consent_serializers import ConsentSerializer
from usecases.api.number_field import PhoneNumberField
from usecases.api.suppression_serializers import SuppressionSerializer

# Each is asked about under each use case.
MAX_PEOPLE = 5
MAX_RECEIVED = 20
_SEARCHES = ("recipient_phone_number", "record_number", "reference", "name")


class PeopleSearch(WorldQuery):
    """One search: by a number, a record number, a reference, or a name inside the list of a campaign."""

    recipient_phone_number = PhoneNumberField(required=False, help_text="E.164, such as +12025550142.")
    record_number = TextField(
        required=False, max_length=MAX_RECORD_NUMBER, help_text="Exact match, ignoring case and spaces."
    )
    reference = TextField(required=False, trim_whitespace=False, max_length=MAX_REFERENCE_LENGTH, help_text="Exactly.")
    name = TextField(
        required=False,
        max_length=100,
        help_text="Each word begins a word of the name, in any order, ignoring case and accents. Needs `campaign_id`.",
    )
    campaign_id = IdField(
        required=False, help_text="The campaign in whose list the name is looked for, in its own world."
    )
    limit = WholeNumberField(
        required=False, min_value=1, max_value=MAX_PEOPLE, default=MAX_PEOPLE, help_text="People of a page."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        given = [name for name in _SEARCHES if name in attrs]
        if len(given) != 1:
            message = f"Give exactly one of {', '.join(_SEARCHES)}."
            raise serializers.ValidationError(
                {each: ErrorDetail(message, "one_search") for each in given or _SEARCHES[:1]}
            )
        if ("name" in attrs) != ("campaign_id" in attrs):
            message = "A name is looked for in the list of one campaign: give `name` and `campaign_id` together."
            raise serializers.ValidationError({"campaign_id": ErrorDetail(message, "campaign_needed")})
        if "name" in attrs and not is_searchable(attrs["name"]):
            message = f"Write at least {MIN_LETTERS} letters of the name."
            raise serializers.ValidationError({"name": ErrorDetail(message, "too_short")})
        return attrs


class PersonVoicemailSerializer(RowSerializer[Any]):
    voicemail_id = serializers.UUIDField(source="pk", help_text="The same as `id`.")
    campaign_id = serializers.SerializerMethodField()
    campaign_name = serializers.SerializerMethodField()
    use_case_id = serializers.UUIDField()
    use_case_name = serializers.CharField(source="use_case.name")
    live = serializers.BooleanField()
    reference = OptionalTextField()
    status = serializers.ChoiceField(VOICEMAIL_STATUSES)
    reason = OptionalTextField()
    reason_detail = OptionalTextField()
    not_before = serializers.DateTimeField()
    starts_at = serializers.SerializerMethodField(help_text="When its campaign starts; null without one that is set.")
    expires_at = serializers.DateTimeField(source="expiry", allow_null=True)
    created_at = serializers.DateTimeField()
    sending_at = serializers.DateTimeField(allow_null=True)
    accepted_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)

    def _campaign(self, voicemail: Voicemail) -> Campaign | None:
        campaigns: Mapping[UUID, Campaign] = self.context["campaigns"]
        return campaigns.get(voicemail.lane_id)

    def get_campaign_id(self, voicemail: Voicemail) -> UUID | None:
        campaign = self._campaign(voicemail)
        return campaign.pk if campaign else None

    def get_campaign_name(self, voicemail: Voicemail) -> str | None:
        campaign = self._campaign(voicemail)
        return campaign.name if campaign else None

    def get_starts_at(self, voicemail: Voicemail) -> datetime | None:
        campaign = self._campaign(voicemail)
        return campaign.starts_at if campaign else None


class PersonEligibilitySerializer(serializers.Serializer[Any]):
    use_case_id = serializers.UUIDField()
    use_case_name = serializers.CharField()
    decision = serializers.ChoiceField(DECISIONS)
    reason = serializers.CharField(
        allow_null=True, help_text="Of the first guard that objects, or why this number cannot be sent to at all."
    )
    until = serializers.DateTimeField(allow_null=True, help_text="When all guards would let it pass.")
    objections = serializers.ListField(
        child=serializers.ChoiceField(GUARDS),
        help_text="All guards that object. `POST /eligibility` says what each of them saw.",
    )
    detail = OptionalTextField(help_text="Why this number cannot be sent to at all, in a sentence; null if it can.")

    def to_representation(self, answer: Answer) -> dict[str, Any]:
        told = {"use_case_id": answer.use_case.pk, "use_case_name": answer.use_case.name}
        if answer.found is None:
            code, detail = (answer.refusal.code, answer.refusal.message) if answer.refusal else (None, None)
            return {**told, "decision": "skip", "reason": code, "until": None, "objections": [], "detail": detail}
        found = answered(answer.found)
        objections = [guard["guard"] for guard in found.pop("guards") if guard["decision"] != "send"]
        return {**told, **found, "objections": objections, "detail": None}


class PersonToErase(StrictSerializer):
    recipient_phone_number = PhoneNumberField(help_text="E.164, such as +12025550142.")
    reason = TextField(max_length=MAX_HOLD_REASON, help_text="Why, without names or numbers; kept with the record.")


class ErasureSerializer(RowSerializer[Erasure]):
    """The record of an erasure, which holds no number."""

    erasure_id = FormerIdField()
    counts = serializers.DictField(
        child=serializers.IntegerField(),
        help_text="What was removed so far: `canceled` voicemails, `voicemails`, carriers' `reports`, inbound `messages`, joined "
        "`recordings`. Kinds without any are left out.",
    )
    asked_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(
        allow_null=True,
        help_text="Null while a voicemail is at the carrier, or a list is kept that may have the person; it goes on by itself.",
    )


class PersonSerializer(serializers.Serializer[Any]):
    voicemail_id = serializers.UUIDField(
        allow_null=True, help_text="By which the person was found; null for a search by number."
    )
    recipient_phone_number = serializers.CharField(
        allow_null=True, help_text="Null if it was removed or cannot be decrypted; then nothing else is known."
    )
    names = serializers.ListField(child=serializers.CharField(), help_text="As lists have them, the newest first.")
    record_numbers = serializers.ListField(child=serializers.CharField())
    other_phone_numbers = serializers.ListField(
        child=serializers.CharField(),
        help_text=f"Other numbers that have the same record number, at most {MAX_OTHERS}. A search by each says more.",
    )
    eligibility = PersonEligibilitySerializer(
        many=True,
        help_text=f"May the person be reached now, under each of the first {MAX_USE_CASES} use cases by name.",
    )
    waiting = PersonVoicemailSerializer(
        many=True, help_text=f"Queued voicemails, the newest {MAX_WAITING}, those of drafts and paused campaigns too."
    )
    waiting_has_more = serializers.BooleanField()
    received = PersonVoicemailSerializer(
        many=True,
        help_text=f"Voicemails that were sent or ended unsent, the newest {MAX_RECEIVED}. All of them: "
        "`POST /voicemail/search` with the number.",
    )
    received_has_more = serializers.BooleanField()
    suppressions = SuppressionSerializer(
        many=True, help_text=f"The newest {MAX_SUPPRESSIONS}, lifted ones too. All of them: `GET /suppressions`."
    )
    suppressions_has_more = serializers.BooleanField()
    consents = ConsentSerializer(
        many=True, help_text=f"The newest {MAX_CONSENTS}, revoked and expired ones too. All of them: `GET /consents`."
    )
    consents_has_more = serializers.BooleanField()


class PersonPageSerializer(serializers.Serializer[Any]):
    items = PersonSerializer(many=True)
    continuation_token = serializers.CharField(allow_null=True)
    has_more = serializers.BooleanField(
        help_text="Whether there are more people, or for a name more of the list to look through."
    )
    scanned = serializers.IntegerField(
        help_text="Of a search by name: how many people of the list were looked through for this page."
    )
