"""Views to upload, read, check, confirm and discard lists of recipients, and to download their rejected rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar
from uuid import UUID

from django.db.models import Model, QuerySet
from django.http.response import HttpResponseBase
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.request import Request

from campaigns import selectors
from campaigns.api import examples
from campaigns.api.serializers.imports import (
    ImportConfirmation,
    ImportPreviewSerializer,
    ImportReading,
    ImportUpload,
    RecipientImportDetailSerializer,
    RecipientImportSerializer,
)
from campaigns.api.uploaded_lists import READ_AS, ListUploadHandler, UploadedListDetailView, UploadedListView, hidden
from campaigns.imports import service as services
from campaigns.imports.error_report import error_report
from campaigns.imports.layout import REPORTED
from campaigns.models import RecipientImport
from rvm.platform import audit
from rvm.platform.api.forms import MultiPartParser
from rvm.platform.api.lists import ActionView, CreateView, ListView, PageQuery, page_of
from rvm.platform.api.rendering import AnyAccept
from rvm.platform.csv_export import csv_response
from rvm.platform.database.clock import database_now
from rvm.platform.observability.masking import mask_numbers
from rvm.platform.scopes import Scope

TAGS = ["Recipient imports"]


class _ImportView(UploadedListView):
    serializer_class = RecipientImportSerializer
    preview_class = ImportPreviewSerializer

    def find(self, **ids: UUID) -> RecipientImport:
        return self.find_import(self.find_campaign(ids["campaign_id"]), ids["import_id"])

    def find_writable(self, **ids: UUID) -> RecipientImport:
        return self.find_import(self.find_writable_campaign(ids["campaign_id"]), ids["import_id"])

    def rows_to_lock(self, row: RecipientImport) -> Iterable[Model]:
        return [row.campaign, row]

    def look(self, row: RecipientImport) -> dict[str, Any]:
        return {
            "warnings": services.warnings(row),
            "first_errors": services.first_errors(row, reveal=self.may_see_numbers),
        }


@extend_schema_view(
    get=extend_schema(
        operation_id="list_imports",
        summary="List a campaign's imports",
        description="Newest first.",
        tags=TAGS,
        parameters=[PageQuery],
        responses={200: page_of(RecipientImportSerializer)},
    ),
    post=extend_schema(
        operation_id="upload_import",
        summary="Upload a list of recipients",
        description="The file is stored encrypted for a day, or as long as the workspace says. Nobody is queued yet: "
        "the response shows how the file is read. Change "
        "the reading if the guess is wrong or a column is `unclear`, or give it with the upload. Then check the list, look at the "
        "counts, and confirm. People who are uploaded twice are duplicates.",
        tags=TAGS,
        request={"multipart/form-data": ImportUpload},
        responses={201: RecipientImportDetailSerializer},
        examples=[examples.UPLOADED],
    ),
)
class ImportListView(_ImportView, ListView, CreateView):
    required_scopes: ClassVar = {"GET": Scope.CAMPAIGNS_READ, "POST": Scope.CAMPAIGNS_WRITE}
    parser_classes = [MultiPartParser]
    heavy: ClassVar = frozenset({"POST"})
    upload_handler = ListUploadHandler

    def rows(self, query: PageQuery, live: bool | None) -> QuerySet[RecipientImport]:
        return selectors.imports(self.find_campaign(self.kwargs["campaign_id"]))

    def create(self) -> RecipientImport:
        campaign = self.find_writable_campaign(self.kwargs["campaign_id"])
        reading = self.read_body(ImportUpload)
        file = reading.pop("file")
        return services.upload(
            campaign=campaign,
            file_name=file.name or "",
            chunks=file.chunks(),
            actor=self.actor,
            now=database_now(),
            reading=reading,
        )

    def serialize_changed(self, row: RecipientImport) -> dict[str, Any]:
        return self.detail(row)


@extend_schema_view(
    get=extend_schema(
        operation_id="get_import",
        summary="Get an import",
        description="How the file is read, the progress, the outcomes of its rows, and its first rows, whose cells are hidden "
        f"without the scope `{Scope.NUMBERS_READ.value}`.",
        tags=TAGS,
        responses={200: RecipientImportDetailSerializer},
        examples=[examples.CHECKED],
    ),
    patch=extend_schema(
        operation_id="read_import_as",
        summary="Say how an import's file is read",
        description=READ_AS,
        tags=TAGS,
        request=ImportReading,
        responses={200: RecipientImportDetailSerializer},
        examples=[examples.READ_AS],
    ),
    delete=extend_schema(
        operation_id="discard_import",
        summary="Discard an import",
        description="Its file is removed. An import that is importing or completed cannot be discarded.",
        tags=TAGS,
        responses={204: None},
    ),
)
class ImportView(_ImportView, UploadedListDetailView):
    required_scopes: ClassVar = {
        "GET": Scope.CAMPAIGNS_READ,
        "PATCH": Scope.CAMPAIGNS_WRITE,
        "DELETE": Scope.CAMPAIGNS_WRITE,
    }
    reading_class = ImportReading
    read_as = staticmethod(services.read_as)
    discard = staticmethod(services.discard)
    audit_name = "import.read"


@extend_schema_view(
    post=extend_schema(
        operation_id="check_import",
        summary="Check every row of an import",
        description="Runs in the background: poll the import until it is `checked`. Each row then is exactly one of accepted, "
        "duplicate (in the file, in the campaign), another person with an earlier row's number, invalid, suppressed, not reachable. "
        "Nobody is queued yet. 422 `columns_unclear` while a column of unknown meaning could decide whether somebody may be reached; "
        "`columns` lists these columns with their questions.",
        tags=TAGS,
        request=None,
        responses={200: RecipientImportSerializer},
        examples=[examples.CHECKING],
    )
)
class ImportCheckView(_ImportView, ActionView):
    required_scopes: ClassVar = {"POST": Scope.CAMPAIGNS_WRITE}
    verb = staticmethod(services.check)

    def find_writable(self, **ids: UUID) -> RecipientImport:
        row = super().find_writable(**ids)
        self.ask_by_number("ImportCheck")
        return row


@extend_schema_view(
    post=extend_schema(
        operation_id="confirm_import",
        summary="Import the accepted rows",
        description="Runs in the background: poll the import until it is `completed`. The accepted rows become voicemails of the "
        "campaign, which wait until it is launched.",
        tags=TAGS,
        request=ImportConfirmation,
        responses={200: RecipientImportSerializer},
        examples=[examples.CONFIRM, examples.IMPORTING],
    )
)
class ImportConfirmView(_ImportView, ActionView):
    required_scopes: ClassVar = {"POST": Scope.CAMPAIGNS_WRITE}
    verb = staticmethod(services.confirm)
    body_class = ImportConfirmation


class ImportErrorsView(_ImportView):
    required_scopes: ClassVar = {"GET": Scope.CAMPAIGNS_READ}
    heavy: ClassVar = frozenset({"GET"})
    content_negotiation_class = AnyAccept

    @extend_schema(
        operation_id="get_import_errors",
        summary="Download the rows that were not accepted",
        description="CSV: the uploaded columns, then row number, code and message. Correct the rows and upload them again. Without "
        f"the scope `{Scope.NUMBERS_READ.value}` the uploaded cells are hidden, and rows are left out that were "
        "not accepted because of what is known of their number. 409 `import_file_removed` once the file is gone.",
        tags=TAGS,
        responses={(200, "text/csv"): examples.ROW_ERRORS},
    )
    def get(self, request: Request, workspace_id: UUID, campaign_id: UUID, import_id: UUID) -> HttpResponseBase:
        recipient_import = self.find(campaign_id=campaign_id, import_id=import_id)
        audit.record(
            "import.errors_exported",
            recipient_import,
            actor=self.actor,
            workspace=self.workspace,
            numbers_shown=self.may_see_numbers,
        )
        rows = error_report(recipient_import, reveal=self.may_see_numbers)
        return csv_response(
            rows if self.may_see_numbers else _masked(rows), f"errors-{recipient_import.pk}.csv", e164=True
        )


def _masked(rows: Iterator[list[str]]) -> Iterator[list[str]]:
    """The error report with all cells hidden except those of the columns REPORTED."""
    header = next(rows)
    yield [mask_numbers(name) for name in header]
    for row in rows:
        yield [hidden(cell) for cell in row[: -len(REPORTED)]] + row[-len(REPORTED) :]
