"""API views of the audit's summary and exports, with the reference platform's names."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID

from django.conf import settings
from django.db.models import Count, Q, QuerySet
from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from rvm.platform import audit
from rvm.platform.api.fields import StrictSerializer, TextField, YesField
from rvm.platform.api.lists import ListView, PageQuery, page_of
from rvm.platform.api.rendering import AnyAccept
from rvm.platform.api.rows.serializers import RowSerializer
from rvm.platform.api.schema import response_example
from rvm.platform.audit.vocabulary import DISCLOSURES
from rvm.platform.audit_api.base import TAGS, WORLD, EventsView
from rvm.platform.audit_api.reference.events import known_service, matching
from rvm.platform.audit_api.reference.exports import exports, lines_of_export, make_export, require_span
from rvm.platform.audit_api.serializers import DayOrMomentField, SpanFields, known_action
from rvm.platform.database.clock import database_now
from rvm.platform.models import AuditEvent
from rvm.platform.scopes import Scope

DEFAULT_DAYS = 30


class AuditSummarySerializer(serializers.Serializer[dict[str, Any]]):
    total_events = serializers.IntegerField()
    phi_access_events = serializers.IntegerField(help_text="Those of `phi-access`.")
    unique_actors = serializers.IntegerField(help_text="People, and service users of API keys.")
    services_with_events = serializers.IntegerField(help_text="How many different services events name.")
    date_from = serializers.DateTimeField(help_text="From this time on.")
    date_to = serializers.DateTimeField(help_text="Before this time.")


class AuditSummaryView(EventsView):
    heavy: ClassVar = frozenset({"GET"})
    query_class: ClassVar = SpanFields

    @extend_schema(
        operation_id="summarize_audit",
        summary="Count audit events",
        description=f"Of the last {DEFAULT_DAYS} days, or of those that are asked for. {WORLD}",
        tags=TAGS,
        parameters=[SpanFields],
        responses={200: AuditSummarySerializer},
    )
    def get(self, request: Request, workspace_id: UUID) -> Response:
        query = self.query_class(data=request.query_params)
        query.is_valid(raise_exception=True)
        last: datetime = query.validated_data.get("date_to") or database_now()
        first: datetime = query.validated_data.get("date_from") or last - timedelta(days=DEFAULT_DAYS)
        require_span(first, last)
        counted = matching(self.within(self.reach), {"date_from": first, "date_to": last})
        found = counted.aggregate(
            total_events=Count("pk"),
            phi_access_events=Count("pk", filter=Q(action__in=DISCLOSURES)),
            unique_actors=Count("actor", distinct=True),
        )
        types = counted.order_by().values_list("subject_type", flat=True).distinct()
        services = len({label.partition(".")[0] for label in types})
        answer = {**found, "services_with_events": services, "date_from": first, "date_to": last}
        return Response(AuditSummarySerializer(answer).data)


class NewAuditExport(StrictSerializer):
    date_from = DayOrMomentField(ends=False, help_text="The first day, of UTC; or a time, from which on.")
    date_to = DayOrMomentField(ends=True, help_text="The last day, of UTC; or a time, before which.")
    action = TextField(required=False, allow_null=True, max_length=64)
    service = TextField(required=False, allow_null=True, max_length=64)
    phi_only = YesField(required=False)

    def validate_action(self, value: str | None) -> str | None:
        return None if value is None else known_action(value)

    def validate_service(self, value: str | None) -> str | None:
        return None if value is None else known_service(value)


class AuditExportSerializer(RowSerializer[AuditEvent]):
    """An export, which is the event that records it."""

    export_id = serializers.UUIDField(source="pk", help_text="The reference's name of `id`.")
    created_at = serializers.DateTimeField(source="at")
    row_count = serializers.IntegerField(source="details.rows")
    size = serializers.IntegerField(
        source="details.bytes", help_text="Bytes of the file when it was made; names change."
    )
    filters: Any = serializers.DictField(source="details.filters")
    download_url = serializers.SerializerMethodField(help_text="Asks for an API key, as all addresses here do.")
    key = serializers.UUIDField(source="pk", help_text="The reference's name of `id` in a list.")
    s3_key = serializers.UUIDField(source="pk", help_text="The reference's name of `id` in an answer.")
    last_modified = serializers.DateTimeField(source="at", help_text="The reference's name of `created_at`.")

    def get_download_url(self, export: AuditEvent) -> str:
        return f"{settings.RVM_PUBLIC_URL}/v1/{export.workspace_id}/audit/exports/{export.pk}"


class AuditExportPageSerializer(page_of(AuditExportSerializer)):  # type: ignore[misc]
    exports = AuditExportSerializer(many=True, help_text="The reference's name of `items`.")


class AuditExportView(EventsView):
    required_scopes: ClassVar = {"POST": Scope.AUDIT_READ}
    heavy: ClassVar = frozenset({"POST"})
    makes_row: ClassVar = True

    @extend_schema(
        operation_id="export_audit",
        summary="Export audit events",
        description=f"The export is an event itself. Its file is at `download_url`. {WORLD}",
        tags=TAGS,
        request=NewAuditExport,
        responses={200: AuditExportSerializer},
    )
    def post(self, request: Request, workspace_id: UUID) -> Response:
        asked = {name: value for name, value in self.read_body(NewAuditExport).items() if value is not None}
        made = make_export(self.within(self.reach), asked, actor=self.actor, workspace=self.workspace)
        made.refresh_from_db()  # its time is the database's
        return Response(AuditExportSerializer(made).data)


class AuditExportsView(ListView, EventsView):
    serializer_class = AuditExportSerializer

    @extend_schema(
        operation_id="list_audit_exports",
        summary="List exports of the audit",
        description=f"Newest first; those that were made over the API. {WORLD}",
        tags=TAGS,
        parameters=[PageQuery],
        responses={200: AuditExportPageSerializer},
    )
    def get(self, request: Request, workspace_id: UUID, **ids: UUID) -> Response:
        response = super().get(request, workspace_id, **ids)
        response.data["exports"] = response.data["items"]
        return response

    def rows(self, query: PageQuery, live: bool | None) -> QuerySet[AuditEvent]:
        return exports(self.within(live))


class AuditExportFileView(EventsView):
    heavy: ClassVar = frozenset({"GET"})
    content_negotiation_class = AnyAccept

    @extend_schema(
        operation_id="download_audit_export",
        summary="Download an export of the audit",
        description="One event as JSON in each line, newest first: those that matched when the export was made, with the "
        "names of now.",
        tags=TAGS,
        responses={(200, "application/x-ndjson"): OpenApiTypes.STR},
        examples=[
            response_example(
                "The first line, shortened",
                '{"id":"01920f3b-9a00-7000-8000-0000000000a8","service":"campaigns","action":"campaign.launched"}\n',
                media_type="application/x-ndjson",
            )
        ],
    )
    def get(self, request: Request, workspace_id: UUID, export_id: UUID) -> StreamingHttpResponse:
        own = self.within(self.reach)
        message = self.not_found_message("This workspace has no such export of the audit.")
        export = self.get_row(exports(own), export_id, message)
        audit.record(
            "audit_event.downloaded", self.workspace, actor=self.actor, workspace=self.workspace, export=str(export.pk)
        )
        name = f"audit-{export.at:%Y-%m-%d}-{export.pk.hex[-8:]}.ndjson"
        return StreamingHttpResponse(
            lines_of_export(own, export),
            content_type="application/x-ndjson",
            headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
        )
