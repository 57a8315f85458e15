"""Export of voicemails as a CSV file: all that match the list's filters, without pages."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from django.http import StreamingHttpResponse
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request

from delivery.api.base import ONE_WORLD, DeliveryView
from delivery.api.serializers.filters import ExportQuery, ExportSearch
from delivery.downloads import voicemail_download
from delivery.selectors.voicemails import voicemails
from rvm.platform.api.rendering import AnyAccept
from rvm.platform.api.schema import csv_response
from rvm.platform.scopes import Scope

TAGS = ["Voicemail"]
_DESCRIPTION = (
    "All matching voicemails, newest first, each as it is when its part of the file is sent. An interrupted download is incomplete. "
    f"With the scope `{Scope.NUMBERS_READ.value}` phone and record numbers are not masked, and the merge fields of campaigns' lists "
    f"are added. A cell that a spreadsheet program would run as a formula begins with an apostrophe. {ONE_WORLD}"
)
EXAMPLE = OpenApiExample(
    "What failed since March, for machines",
    {"status": ["failed"], "created_after": "2026-03-01T00:00:00Z", "format": "e164"},
    request_only=True,
)


EXPORTED = csv_response(
    "voicemail_id,workspace_name,campaign_name,use_case_name,recipient_phone_number,status,reason",
    "01920f3b-8a40-7000-8000-0000000000d1,Lakeside,,Appointment reminder,•••••••0142,failed,busy",
)


class VoicemailExportView(DeliveryView):
    required_scopes: ClassVar = {"GET": Scope.VOICEMAIL_READ, "POST": Scope.VOICEMAIL_READ}
    heavy: ClassVar = frozenset({"GET", "POST"})
    query_class: ClassVar = ExportQuery
    content_negotiation_class = AnyAccept

    @extend_schema(
        operation_id="export_voicemails",
        summary="Export voicemails as CSV",
        description=_DESCRIPTION,
        tags=TAGS,
        parameters=[ExportQuery],
        responses={(200, "text/csv"): EXPORTED},
    )
    def get(self, request: Request, workspace_id: UUID) -> StreamingHttpResponse:
        return self._export(self.query_class(data=request.query_params))

    @extend_schema(
        operation_id="export_searched_voicemails",
        summary="Export voicemails as CSV, filters in the body",
        description=f"{_DESCRIPTION} It changes nothing, so each response is read anew, also under the same Idempotency-Key.",
        tags=TAGS,
        request=ExportSearch,
        responses={(200, "text/csv"): EXPORTED},
        examples=[EXAMPLE],
    )
    def post(self, request: Request, workspace_id: UUID) -> StreamingHttpResponse:
        return self._export(ExportSearch(data=request.data))

    def _export(self, query: ExportQuery) -> StreamingHttpResponse:
        query.is_valid(raise_exception=True)
        self.ask_by_filters(query.filters, "VoicemailExport")
        live = self.world(query.asked_live)
        return voicemail_download(
            voicemails(self.workspace, query.voicemail_filter(), live=live),
            workspace=self.workspace,
            actor=self.actor,
            reveal=self.may_see_numbers,
            filters=query.filters if live else {**query.filters, "live": False},
            e164=query.e164,
        )
