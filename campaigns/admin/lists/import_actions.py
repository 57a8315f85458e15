"""Actions on a recipient import beside those common to all lists, through the same services as the API."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, reverse
from django.views.decorators.http import require_safe

from campaigns.admin import labels
from campaigns.admin.lists.uploaded_list import UploadedListAdmin
from campaigns.admin.rights import right_to_change
from campaigns.imports import service as services
from campaigns.imports.error_report import error_report
from campaigns.models import RecipientImport
from rvm.platform import audit
from rvm.platform.admin.rights import acting_user, rights_of
from rvm.platform.csv_export import csv_response, file_name
from rvm.platform.database.clock import database_now
from rvm.platform.database.heavy_requests import heavy
from rvm.platform.errors import ServiceError
from rvm.platform.roles import Right


class ImportActions(UploadedListAdmin):
    """Mixin of the imports' ModelAdmin: the views of the actions."""

    services: ClassVar[Any] = services
    checking = "Every row is being checked; nobody is queued yet."

    def get_urls(self) -> list[URLPattern]:
        errors = self.admin_site.admin_view(require_safe(self.errors))
        return [self.address("errors", errors), *super().get_urls()]

    def right_to_work(self, row: RecipientImport) -> Right:
        return right_to_change(row.campaign)

    def may_download(self, request: HttpRequest, row: RecipientImport) -> bool:
        """Whether the user may take out the rejected rows: who prepares gets back what was uploaded, others need to export."""
        rights = rights_of(request)
        takes = any(rights.may(right, row.workspace_id) for right in (Right.PREPARE, Right.EXPORT))
        return takes and rights.may_see_numbers(row.workspace_id)

    def confirm(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        row: RecipientImport = self.permitted(request, object_id)
        statement = request.POST.get("consent_statement", "").strip()

        def action() -> str:
            services.confirm(row, consent_statement=statement, actor=acting_user(request), now=database_now())
            return f"{labels.people(row.counts.get('accepted', 0)).capitalize()} are being imported."

        return self.do(request, row, action, consent_statement=statement)

    def discard(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        """Discard the list and redirect to the campaign, where another can be uploaded."""
        row: RecipientImport = self.permitted(request, object_id)
        super().discard(request, object_id)
        return redirect(reverse("admin:campaigns_campaign_change", args=[row.campaign_id]))

    @heavy
    def errors(self, request: HttpRequest, object_id: UUID) -> Any:
        """Download the rejected rows for correction and a new upload. They have the original cells, so the user must have
        permission to see numbers."""
        row: RecipientImport = self.get_object(request, str(object_id))
        if not self.may_download(request, row):
            messages.error(
                request,
                "The error report holds the rows as they were uploaded, numbers too; you may not see numbers here, or not take "
                "them out.",
            )
            return redirect(self.page_of(row))
        try:
            audit.record(
                "import.errors_exported", row, actor=acting_user(request), workspace=row.workspace, numbers_shown=True
            )
            called = file_name("rejected-rows", row.campaign.name, row.file_name.rpartition(".")[0])
            return csv_response(error_report(row), called, e164=True)
        except ServiceError as refusal:
            messages.error(request, refusal.message)
            return redirect(self.page_of(row))
