"""API views of the audit: what was done in the workspace, by whom, and who saw what is known of people.

A test key finds the events of test keys only. Events of no workspace, such as sign-ins, are in the admin.
"""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response

from rvm.platform.api.lists import ListView, PageQuery
from rvm.platform.api.pagination import position_token
from rvm.platform.audit.reading import tell
from rvm.platform.audit.selectors import in_words
from rvm.platform.audit.vocabulary import DISCLOSURES
from rvm.platform.audit_api.base import TAGS, WORLD, EventsView
from rvm.platform.audit_api.reference.events import (
    AccessLogQuery,
    AuditEventPageSerializer,
    EventsQuery,
    PhiAccessQuery,
    count_up_to,
    matching,
    members,
    position_at,
)
from rvm.platform.audit_api.serializers import AuditEventSerializer
from rvm.platform.errors import ServiceError
from rvm.platform.models import AuditEvent

_COLUMNS = {
    "action": "action",
    "actor": "actor",
    "resource_type": "subject_type",
    "resource_id": "subject_id",
}


class _AuditListView(ListView, EventsView):
    serializer_class = AuditEventSerializer
    query_class: ClassVar[type[PageQuery]] = AccessLogQuery

    def rows(self, query: Any, live: bool | None) -> QuerySet[AuditEvent]:
        asked = query.filters
        found = matching(self.within(live), asked)
        return in_words(found.filter(**{_COLUMNS[name]: asked[name] for name in _COLUMNS if name in asked}))

    def serialize_all(self, rows: list[Any]) -> Any:
        self.told = tell(rows)
        return [self.serializer_class(told).data for told in self.told]

    def page(self, query: PageQuery) -> Response:
        """Our page with the reference's members. An offset is the position behind the events that it passes, and under the prefix a
        token itself."""
        query.is_valid(raise_exception=True)
        asked = query.validated_data
        found, by_token = self.rows(query, self.reach), bool(asked.get("continuation_token"))
        if offset := asked.get("offset", 0):
            asked["continuation_token"] = offset if self.compatible else self._token_at(found, offset, query)
        response = super().page(query)
        response.data |= members(
            self.told,
            total=count_up_to(found),
            limit=asked["limit"],
            offset=offset,
            has_more=response.data["has_more"],
            by_token=by_token,
        )
        return response

    def _token_at(self, found: QuerySet[AuditEvent], offset: int, query: PageQuery) -> str:
        return position_token(
            position_at(found, offset),
            workspace_id=self.workspace.pk,
            model=AuditEvent,
            filters={**self.kwargs, **query.filters},
        )


@extend_schema_view(
    get=extend_schema(
        operation_id="list_audit_events",
        summary="List audit events",
        description=f"Newest first. {WORLD}",
        tags=TAGS,
        parameters=[EventsQuery],
        responses={200: AuditEventPageSerializer},
    )
)
class AuditView(_AuditListView):
    query_class = EventsQuery


@extend_schema_view(
    get=extend_schema(
        operation_id="list_phi_access",
        summary="List who saw what is known of people",
        description="Events by which somebody saw whole numbers or a person's row, heard a recording, searched for people, or took "
        f"rows out as a file, newest first. {WORLD}",
        tags=TAGS,
        parameters=[PhiAccessQuery],
        responses={200: AuditEventPageSerializer},
    )
)
class PhiAccessView(_AuditListView):
    query_class = PhiAccessQuery

    def rows(self, query: Any, live: bool | None) -> QuerySet[AuditEvent]:
        return super().rows(query, live).filter(action__in=DISCLOSURES)


class AccessLogView(_AuditListView):
    @extend_schema(
        operation_id="list_accesses_to_row",
        summary="List who saw one row",
        description=f"The same events about one row. 404 if no event is about it. {WORLD}",
        tags=TAGS,
        parameters=[AccessLogQuery],
        responses={200: AuditEventPageSerializer},
    )
    def get(self, request: Request, workspace_id: UUID, **ids: UUID) -> Response:
        if not self.within(self.reach).filter(subject_id=ids["resource_id"]).exists():
            message = "No event of this workspace is about such a row."
            raise ServiceError("not_found", self.not_found_message(message))
        return super().get(request, workspace_id, **ids)

    def rows(self, query: Any, live: bool | None) -> QuerySet[AuditEvent]:
        return super().rows(query, live).filter(subject_id=self.kwargs["resource_id"], action__in=DISCLOSURES)
