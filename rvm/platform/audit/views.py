"""API views of the audit: what was done in the workspace, by whom, and who saw what is known of people.

A test key finds the events of test keys only. Events of no workspace, such as sign-ins, are in the admin.
"""

from __future__ import annotations

from datetime import UTC
from typing import Any, ClassVar
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response

from rvm.platform.api.lists import ListView, page_of
from rvm.platform.audit.reading import tell
from rvm.platform.audit.selectors import in_words, on_days
from rvm.platform.audit.serializers import AuditEventSerializer, AuditQuery, DaysQuery
from rvm.platform.audit.vocabulary import DISCLOSURES
from rvm.platform.errors import ServiceError
from rvm.platform.models import ApiKey, AuditEvent
from rvm.platform.scopes import Scope

_TAGS = ["Audit"]
_WORLD = "A test key gets what test keys did."
_COLUMNS = {
    "action": "action",
    "actor": "actor",
    "resource_type": "subject_type",
    "resource_id": "subject_id",
}


class _AuditListView(ListView):
    required_scopes: ClassVar = {"GET": Scope.AUDIT_READ}
    serializer_class = AuditEventSerializer
    query_class = DaysQuery

    def within(self, live: bool | None) -> QuerySet[AuditEvent]:
        """The events that the key may read, of a test key those of the service users of test keys, also from jobs that they began."""
        own = AuditEvent.objects.filter(workspace=self.workspace)
        if live is None:
            return own
        # Listed, so that the index of actors is used: joined, all events of the workspace would be read for a page.
        keys = ApiKey.objects.filter(workspace=self.workspace, live=live)
        return own.filter(actor__in=list(keys.values_list("user_id", flat=True)))

    def rows(self, query: DaysQuery, live: bool | None) -> QuerySet[AuditEvent]:
        asked = query.filters
        found = on_days(self.within(live), asked.get("date_from"), asked.get("date_to"), UTC)
        return in_words(found.filter(**{_COLUMNS[name]: asked[name] for name in _COLUMNS if name in asked}))

    def serialize_all(self, rows: list[Any]) -> Any:
        return [self.serializer_class(told).data for told in tell(rows)]


@extend_schema_view(
    get=extend_schema(
        operation_id="list_audit_events",
        summary="List audit events",
        description=f"Newest first. {_WORLD}",
        tags=_TAGS,
        parameters=[AuditQuery],
        responses={200: page_of(AuditEventSerializer)},
    )
)
class AuditView(_AuditListView):
    query_class = AuditQuery


@extend_schema_view(
    get=extend_schema(
        operation_id="list_phi_access",
        summary="List who saw what is known of people",
        description="Events by which somebody saw whole numbers or a person's row, heard a recording, searched for people, or took "
        f"rows out as a file, newest first. {_WORLD}",
        tags=_TAGS,
        parameters=[DaysQuery],
        responses={200: page_of(AuditEventSerializer)},
    )
)
class PhiAccessView(_AuditListView):
    def rows(self, query: DaysQuery, live: bool | None) -> QuerySet[AuditEvent]:
        return super().rows(query, live).filter(action__in=DISCLOSURES)


class AccessLogView(_AuditListView):
    @extend_schema(
        operation_id="list_accesses_to_row",
        summary="List who saw one row",
        description=f"The same events about one row. 404 if no event is about it. {_WORLD}",
        tags=_TAGS,
        parameters=[DaysQuery],
        responses={200: page_of(AuditEventSerializer)},
    )
    def get(self, request: Request, workspace_id: UUID, **ids: UUID) -> Response:
        if not self.within(self.reach).filter(subject_id=ids["resource_id"]).exists():
            message = "No event of this workspace is about such a row."
            raise ServiceError("not_found", self.not_found_message(message))
        return super().get(request, workspace_id, **ids)

    def rows(self, query: DaysQuery, live: bool | None) -> QuerySet[AuditEvent]:
        return super().rows(query, live).filter(subject_id=self.kwargs["resource_id"], action__in=DISCLOSURES)
