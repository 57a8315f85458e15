"""Serializers of audit events in the API, and of what is asked about them."""

from __future__ import annotations

from datetime import date
from typing import Any

from rest_framework import serializers

from rvm.platform.api.fields import DayField, IdField, TextField
from rvm.platform.api.lists import PageQuery
from rvm.platform.api.rows.serializers import FormerIdField, OptionalTextField, RowSerializer
from rvm.platform.audit.reading import Told
from rvm.platform.audit.vocabulary import MESSAGES, SUBJECTS

_FIRST, _LAST = date(2000, 1, 1), date(2999, 12, 31)


class DaysQuery(PageQuery):
    """The query parameters of events of some days."""

    date_from = DayField(required=False, help_text="The first day, of UTC.")
    date_to = DayField(required=False, help_text="The last day, of UTC.")

    def validate_date_from(self, value: date) -> date:
        return _bounded(value)

    def validate_date_to(self, value: date) -> date:
        return _bounded(value)


class AuditQuery(DaysQuery):
    action = TextField(required=False, help_text="Such as `campaign.launched`.")
    actor = IdField(required=False, help_text="The `actor_id` of an event.")
    resource_type = TextField(required=False, help_text="Such as `campaigns.campaign`.")
    resource_id = IdField(required=False)

    def validate_action(self, value: str) -> str:
        if value not in MESSAGES:
            raise serializers.ValidationError(
                "There is no such action; an event's `action` says its.", "action_unknown"
            )
        return value

    def validate_resource_type(self, value: str) -> str:
        if value not in SUBJECTS:
            raise serializers.ValidationError(
                "There is no such type; an event's `resource_type` says its: " + ", ".join(sorted(SUBJECTS)) + ".",
                "resource_type_unknown",
            )
        return value


def _bounded(value: date) -> date:
    if not _FIRST <= value <= _LAST:
        raise serializers.ValidationError(f"A day is between {_FIRST} and {_LAST}.", "out_of_range")
    return value


class AuditEventSerializer(RowSerializer[Told]):
    """One event, of which names are told as the admin tells them."""

    id = serializers.UUIDField(source="event.pk")
    event_id = FormerIdField(source="event.pk")
    at = serializers.DateTimeField(source="event.at")
    action = serializers.CharField(source="event.action", help_text="What was done: a noun and a verb.")
    description = serializers.CharField(source="message", help_text="The event as a sentence with names.")
    actor_id = serializers.UUIDField(
        source="event.actor_id", allow_null=True, help_text="The person or service user; null for the platform."
    )
    actor_name = serializers.CharField(source="who")
    api_key_id = serializers.UUIDField(source="event.key_id", allow_null=True)
    address = serializers.IPAddressField(
        source="event.address", allow_null=True, help_text="The caller's, null outside of requests."
    )
    resource_type = serializers.CharField(source="event.subject_type")
    resource_id = serializers.UUIDField(source="event.subject_id")
    resource_name = serializers.CharField(
        source="it", help_text="Of what is named after a patient or a number, the end of its id."
    )
    phi_access = serializers.BooleanField(
        source="is_disclosure", help_text="Whether somebody saw, heard or took out what is known of people."
    )
    details: Any = serializers.DictField(source="event.details", help_text="Numbers in it are masked.")
    request_id = OptionalTextField(source="event.request_id", help_text="Null outside of requests.")
