"""Lists of recipients: uploaded, read, checked, confirmed or discarded, and what was wrong with their rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar
from uuid import UUID

from django.db.models import QuerySet
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response

from campaigns import selectors
from campaigns.api import examples
from campaigns.api.answers import (
    ImportAnswer,
    ImportDetail,
    ImportPage,
    hidden,
    import_answer,
    reading_answer,
    row_error_answer,
    sample_answer,
)
from campaigns.api.base import CampaignsView
from campaigns.api.requests import ImportConfirmation, ImportReading, ImportUpload
from campaigns.imports import service as services
from campaigns.imports import uploaded_lists
from campaigns.imports.error_report import error_report
from campaigns.imports.layout import REPORTED
from campaigns.models import RecipientImport
from rvm.platform import audit
from rvm.platform.api.forms import MultiPartParser
from rvm.platform.api.lists import CreateView, ListView, PageQuery
from rvm.platform.api.rendering import AnyAccept
from rvm.platform.csv_export import csv_answer
from rvm.platform.database.clock import database_now
from rvm.platform.encryption.encrypted_uploads import EncryptedUploadHandler
from rvm.platform.errors import ServiceError
from rvm.platform.observability.masking import mask_numbers
from rvm.platform.scopes import Scope

TAGS = ["Recipient imports"]
READ_AS = "Where the guess is wrong. What was checked already must be checked again."


class ListUploadHandler(EncryptedUploadHandler):
    # What is a little over gets the sentence of the service.
    max_bytes = 100 * 1024 * 1024


class _ImportView(CampaignsView):
    def own_import(self, campaign_id: UUID, import_id: UUID) -> RecipientImport:
        """One that the caller may change."""
        return self.find_import(self.own_campaign(campaign_id), import_id)

    def detail(self, recipient_import: RecipientImport) -> dict[str, Any]:
        sample = self._sample(recipient_import)
        return {
            **import_answer(recipient_import),
            "reading": sample and reading_answer(sample.reading),
            "warnings": services.warnings(recipient_import),
            "first_errors": [row_error_answer(error) for error in services.first_errors(recipient_import)],
            "sample": sample and sample_answer(sample, reveal=self.may_see_numbers),
        }

    def _sample(self, recipient_import: RecipientImport) -> uploaded_lists.Sample | None:
        if recipient_import.is_under_way:
            return None  # asked for again and again; a workbook is opened anew each time
        try:
            return services.sample(recipient_import)
        except ServiceError:
            return None


@extend_schema_view(
    get=extend_schema(
        operation_id="list_imports",
        summary="List a campaign's imports",
        description="Newest first.",
        tags=TAGS,
        parameters=[PageQuery],
        responses={200: ImportPage},
    ),
    post=extend_schema(
        operation_id="upload_import",
        summary="Upload a list of recipients",
        description="The file is kept encrypted for a day. Nobody is queued yet: the answer shows how the file is read. Change that "
        "where the guess is wrong or where a column is `unclear`, or say it with the upload; have it checked, look at the counts, "
        "and "
        "confirm. The same people uploaded twice are duplicates.",
        tags=TAGS,
        request={"multipart/form-data": ImportUpload},
        responses={201: ImportDetail},
        examples=[examples.UPLOADED],
    ),
)
class ImportListView(_ImportView, ListView, CreateView):
    required_scopes: ClassVar = {"GET": Scope.CAMPAIGNS_READ, "POST": Scope.CAMPAIGNS_WRITE}
    parser_classes = [MultiPartParser]
    upload_handler = ListUploadHandler

    def rows(self, query: PageQuery, live: bool | None) -> QuerySet[RecipientImport]:
        return selectors.imports(self.find_campaign(self.kwargs["campaign_id"]))

    def create(self) -> RecipientImport:
        campaign = self.own_campaign(self.kwargs["campaign_id"])
        reading = self.sent(ImportUpload)
        file = reading.pop("file")
        return services.upload(
            campaign=campaign,
            file_name=file.name or "",
            chunks=file.chunks(),
            actor=self.actor,
            now=database_now(),
            reading=reading,
        )

    def serialize(self, row: RecipientImport) -> dict[str, Any]:
        return self.detail(row)

    def serialize_all(self, rows: list[RecipientImport]) -> list[dict[str, Any]]:
        return [import_answer(row) for row in rows]


class ImportView(_ImportView):
    required_scopes: ClassVar = {
        "GET": Scope.CAMPAIGNS_READ,
        "PATCH": Scope.CAMPAIGNS_WRITE,
        "DELETE": Scope.CAMPAIGNS_WRITE,
    }

    @extend_schema(
        operation_id="get_import",
        summary="Get an import",
        description="How the file is read, how far it is, what became of its rows, and its first rows. The cells of these are hidden "
        f"without the scope `{Scope.NUMBERS_READ.value}`.",
        tags=TAGS,
        responses={200: ImportDetail},
        examples=[examples.CHECKED],
    )
    def get(self, request: Request, workspace_id: UUID, campaign_id: UUID, import_id: UUID) -> Response:
        recipient_import = self.find_import(self.find_campaign(campaign_id), import_id)
        detail = self.detail(recipient_import)
        if self.may_see_numbers and detail["sample"] is not None:
            audit.record("import.read", recipient_import, actor=self.actor, workspace=self.workspace)
        return Response(detail)

    @extend_schema(
        operation_id="read_import_as",
        summary="Say how an import's file is read",
        description=READ_AS,
        tags=TAGS,
        request=ImportReading,
        responses={200: ImportDetail},
        examples=[examples.READ_AS],
    )
    def patch(self, request: Request, workspace_id: UUID, campaign_id: UUID, import_id: UUID) -> Response:
        recipient_import = self.own_import(campaign_id, import_id)
        read = services.read_as(recipient_import, self.sent(ImportReading), actor=self.actor, now=database_now())
        return Response(self.detail(read))

    @extend_schema(
        operation_id="discard_import",
        summary="Discard an import",
        description="Its file is removed. Only an import that has queued nobody can be discarded.",
        tags=TAGS,
        responses={204: None},
    )
    def delete(self, request: Request, workspace_id: UUID, campaign_id: UUID, import_id: UUID) -> Response:
        services.discard(self.own_import(campaign_id, import_id), actor=self.actor, now=database_now())
        return Response(status=204)


class ImportCheckView(_ImportView):
    required_scopes: ClassVar = {"POST": Scope.CAMPAIGNS_WRITE}

    @extend_schema(
        operation_id="check_import",
        summary="Check every row of an import",
        description="In the background: ask for the import until it is `checked`. Every row then is exactly one of accepted, "
        "duplicate (in the file, in the campaign), another person of an earlier row's number, invalid, suppressed and not reachable. "
        "Nobody is queued yet. 422 `columns_unclear` while a column could decide whether somebody may be reached and nobody has said "
        "what it is; `columns` has these with their questions.",
        tags=TAGS,
        request=None,
        responses={200: ImportAnswer},
        examples=[examples.CHECKING],
    )
    def post(self, request: Request, workspace_id: UUID, campaign_id: UUID, import_id: UUID) -> Response:
        checking = services.check(self.own_import(campaign_id, import_id), actor=self.actor, now=database_now())
        return Response(import_answer(checking))


class ImportConfirmView(_ImportView):
    required_scopes: ClassVar = {"POST": Scope.CAMPAIGNS_WRITE}

    @extend_schema(
        operation_id="confirm_import",
        summary="Import the accepted rows",
        description="In the background: ask for the import until it is `completed`. The accepted rows become voicemails of the "
        "campaign, held until it is launched.",
        tags=TAGS,
        request=ImportConfirmation,
        responses={200: ImportAnswer},
        examples=[examples.CONFIRM, examples.IMPORTING],
    )
    def post(self, request: Request, workspace_id: UUID, campaign_id: UUID, import_id: UUID) -> Response:
        recipient_import = self.own_import(campaign_id, import_id)
        said = self.sent(ImportConfirmation)
        importing = services.confirm(recipient_import, **said, actor=self.actor, now=database_now())
        return Response(import_answer(importing))


class ImportErrorsView(_ImportView):
    required_scopes: ClassVar = {"GET": Scope.CAMPAIGNS_READ}
    content_negotiation_class = AnyAccept

    @extend_schema(
        operation_id="get_import_errors",
        summary="Download the rows that were not accepted",
        description="CSV: the columns as uploaded, then row number, code and sentence; correct them and upload them again. Without "
        f"the scope `{Scope.NUMBERS_READ.value}` the cells as uploaded are hidden. 409 `import_file_removed` a day after the upload.",
        tags=TAGS,
        responses={(200, "text/csv"): OpenApiTypes.STR},
    )
    def get(self, request: Request, workspace_id: UUID, campaign_id: UUID, import_id: UUID) -> HttpResponseBase:
        recipient_import = self.find_import(self.find_campaign(campaign_id), import_id)
        audit.record(
            "import.errors_exported",
            recipient_import,
            actor=self.actor,
            workspace=self.workspace,
            numbers_shown=self.may_see_numbers,
        )
        rows = error_report(recipient_import)
        return csv_answer(
            rows if self.may_see_numbers else _masked(rows), f"errors-{recipient_import.pk}.csv", e164=True
        )


def _masked(rows: Iterator[list[str]]) -> Iterator[list[str]]:
    """An error report in which only the columns of our own say anything."""
    header = next(rows)
    yield [mask_numbers(name) for name in header]
    for row in rows:
        yield [hidden(cell) for cell in row[: -len(REPORTED)]] + row[-len(REPORTED) :]
