"""Audit events and their pages as clients of the reference platform read them, beside our own members."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from rest_framework import serializers

from rvm.platform.api.fields import IdField, TextField, WholeNumberField, YesFilter
from rvm.platform.api.lists import page_of
from rvm.platform.audit.reading import Told
from rvm.platform.audit.selectors import between
from rvm.platform.audit.vocabulary import DISCLOSURES, SUBJECTS
from rvm.platform.audit_api.serializers import AuditEventSerializer, AuditQuery, DaysQuery
from rvm.platform.models import AuditEvent

# How many events are counted for `total`, and how far an offset reaches: both read the events that they pass.
MAX_COUNTED = MAX_OFFSET = 10_000


class _Offset(DaysQuery):
    offset = WholeNumberField(
        required=False,
        min_value=0,
        max_value=MAX_OFFSET,
        help_text="How many events to pass, instead of a `continuation_token`, which new events do not shift.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs.get("offset") and attrs.get("continuation_token"):
            message = "Give either an offset or a continuation token: both say where the page begins."
            raise serializers.ValidationError({"offset": [message]}, "ambiguous")
        return attrs

    @property
    def compatible_limit(self) -> int | None:
        """The limit, by default too: the reference's events come in pages, unlike its other lists."""
        limit: int = self.validated_data["limit"]
        return limit

    @property
    def filters(self) -> dict[str, Any]:
        given = super().filters
        return {name: value for name, value in given.items() if name != "offset"}


class EventsQuery(_Offset, AuditQuery):
    actor_entity_id = IdField(required=False, help_text="The same as `actor`.")
    service = TextField(required=False, max_length=64, help_text="The first word of a `resource_type`.")
    phi_only = YesFilter(required=False, help_text="True for those of `phi-access`.")

    def validate_service(self, value: str) -> str:
        return known_service(value)


class PhiAccessQuery(_Offset):
    entity_id = IdField(required=False, help_text="Of the row that somebody saw.")


class AccessLogQuery(_Offset):
    """The query parameters of the log of one row."""


def known_service(value: str) -> str:
    services = sorted({label.partition(".")[0] for label in SUBJECTS})
    if value not in services:
        raise serializers.ValidationError(
            f"There is no such service; there are: {', '.join(services)}.", "service_unknown"
        )
    return value


def matching(events: QuerySet[AuditEvent], asked: dict[str, Any]) -> QuerySet[AuditEvent]:
    """The events within the span, of the service and of the actor, and those by which somebody saw what is known of people."""
    found = between(events, asked.get("date_from"), asked.get("date_to"))
    if "service" in asked:
        found = found.filter(subject_type__startswith=f"{asked['service']}.")
    if "actor_entity_id" in asked:
        found = found.filter(actor=asked["actor_entity_id"])
    if "entity_id" in asked:
        found = found.filter(subject_id=asked["entity_id"])
    return found.filter(action__in=DISCLOSURES) if asked.get("phi_only") else found


def position_at(events: QuerySet[AuditEvent], offset: int) -> UUID:
    """The id of the event before the one at `offset`; after all events the lowest."""
    passed = events.order_by("-id").values_list("pk", flat=True)[offset - 1 : offset]
    return next(iter(passed), UUID(int=0))


def count_up_to(events: QuerySet[AuditEvent]) -> int:
    """How many events there are, at most MAX_COUNTED."""
    return events.order_by()[:MAX_COUNTED].count()


def event_of(told: Told) -> dict[str, Any]:
    """The event in the reference's names; a plain function, because an export has many."""
    event = told.event
    return {
        "id": event.pk,
        "workspace_id": event.workspace_id,
        "timestamp": event.at,
        "service": event.subject_type.partition(".")[0],
        "action": event.action,
        "description": told.message,
        "actor_entity_id": event.actor_id,
        "actor_name": told.who,
        "actor_credential_id": event.key_id,
        "ip_address": event.address,
        "user_agent": None,
        "resource_type": event.subject_type,
        "resource_id": event.subject_id,
        "resource_name": told.it,
        "phi_accessed": told.is_disclosure,
        "metadata": event.details,
        "request_id": event.request_id or None,
    }


def members(
    told: Sequence[Told], *, total: int, limit: int, offset: int, has_more: bool, by_token: bool
) -> dict[str, Any]:
    """The members of a page that the reference has; `next_offset` is null where none leads on."""
    following = offset + len(told)
    leads_on = has_more and not by_token and following <= MAX_OFFSET
    return {
        "events": [event_of(each) for each in told],
        "total": total,
        "limit": limit,
        "offset": offset,
        "next_offset": following if leads_on else None,
    }


class ReferenceAuditEventSerializer(serializers.Serializer[dict[str, Any]]):
    """An event in the reference's names, as `event_of` makes it."""

    id = serializers.UUIDField()
    workspace_id = serializers.UUIDField()
    timestamp = serializers.DateTimeField()
    service = serializers.CharField(help_text="The first word of the resource's type.")
    action = serializers.CharField()
    description = serializers.CharField(help_text="The event as a sentence with names.")
    actor_entity_id = serializers.UUIDField(allow_null=True)
    actor_name = serializers.CharField()
    actor_credential_id = serializers.UUIDField(allow_null=True, help_text="The API key.")
    ip_address = serializers.IPAddressField(allow_null=True)
    user_agent = serializers.CharField(allow_null=True, help_text="Always null: it is not kept.")
    resource_type = serializers.CharField()
    resource_id = serializers.UUIDField()
    resource_name = serializers.CharField()
    phi_accessed = serializers.BooleanField()
    metadata: Any = serializers.DictField(help_text="Numbers in it are masked.")
    request_id = serializers.CharField(allow_null=True)


class AuditEventPageSerializer(page_of(AuditEventSerializer)):  # type: ignore[misc]
    """A page of events, with the members of the reference besides."""

    events = ReferenceAuditEventSerializer(many=True, help_text="The same events in the reference's names.")
    total = serializers.IntegerField(
        max_value=MAX_COUNTED, help_text=f"How many match; {MAX_COUNTED:,} or more are {MAX_COUNTED:,}."
    )
    limit = serializers.IntegerField()
    offset = serializers.IntegerField()
    next_offset = serializers.IntegerField(allow_null=True, help_text="The offset of the next page.")
