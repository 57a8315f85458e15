"""Serializers of audit events in the API, and of what is asked about them."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from rvm.platform.api.fields import IdField, StrictSerializer, TextField
from rvm.platform.api.lists import PageQuery
from rvm.platform.api.rows.serializers import FormerIdField, OptionalTextField, RowSerializer
from rvm.platform.audit.reading import Told
from rvm.platform.audit.vocabulary import MESSAGES, SUBJECTS

_DAY_OR_MOMENT = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?)?", re.ASCII | re.IGNORECASE)
_FIRST, _LAST = date(2000, 1, 1), date(2999, 12, 31)


@extend_schema_field({"anyOf": [{"type": "string", "format": kind, "pattern": "^2"} for kind in ("date", "date-time")]})
class DayOrMomentField(serializers.Field[datetime, Any, Any, Any]):
    """A day of UTC or a time with its zone, as a time. `ends`: a day is meant as a whole, so the time is that of its end."""

    default_error_messages = {
        "invalid": "Write a day as YYYY-MM-DD, or a time with its zone as in RFC 3339, such as 2026-12-01T10:00:00Z.",
        "zone_missing": "Add the zone of this time: Z for UTC, or +hh:mm, as in 2026-12-01T10:00:00-05:00.",
        "out_of_range": f"A day is between {_FIRST} and {_LAST}.",
    }

    def __init__(self, *, ends: bool, **options: Any) -> None:
        super().__init__(**options)
        self.ends = ends

    def to_internal_value(self, data: Any) -> datetime:
        if not isinstance(data, str) or not _DAY_OR_MOMENT.fullmatch(data):
            self.fail("invalid")
        try:
            moment = datetime.fromisoformat(data.upper())
        except ValueError:  # no such day in this month
            self.fail("invalid")
        if not _FIRST <= moment.date() <= _LAST:
            self.fail("out_of_range")
        if len(data) == 10:
            return datetime.combine(moment, time(), UTC) + timedelta(days=self.ends)
        if moment.tzinfo is None:
            self.fail("zone_missing")
        return moment

    def to_representation(self, value: datetime) -> str:
        return value.isoformat()


def _from(**options: Any) -> DayOrMomentField:
    return DayOrMomentField(ends=False, help_text="The first day, of UTC; or a time, from which on.", **options)


def _to(**options: Any) -> DayOrMomentField:
    return DayOrMomentField(ends=True, help_text="The last day, of UTC; or a time, before which.", **options)


class SpanFields(StrictSerializer):
    """The first and the last moment of what is asked for."""

    date_from = _from(required=False)
    date_to = _to(required=False)


class DaysQuery(SpanFields, PageQuery):
    """The query parameters of a page of such events."""


class AuditQuery(DaysQuery):
    action = TextField(required=False, help_text="Such as `campaign.launched`.")
    actor = IdField(required=False, help_text="The `actor_id` of an event.")
    resource_type = TextField(required=False, help_text="Such as `campaigns.campaign`.")
    resource_id = IdField(required=False)

    def validate_action(self, value: str) -> str:
        return known_action(value)

    def validate_resource_type(self, value: str) -> str:
        if value not in SUBJECTS:
            raise serializers.ValidationError(
                "There is no such type; an event's `resource_type` says its: " + ", ".join(sorted(SUBJECTS)) + ".",
                "resource_type_unknown",
            )
        return value


def known_action(value: str) -> str:
    if value not in MESSAGES:
        raise serializers.ValidationError("There is no such action; an event's `action` says its.", "action_unknown")
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
