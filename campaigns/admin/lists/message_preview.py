"""Samples of the recordings for the first rows of a list, to listen to before the import, for campaigns with a script."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from campaigns.admin.fragments import fragment
from campaigns.imports.message_preview import sample_of_list
from campaigns.models import RecipientImport
from rvm.platform import audit
from rvm.platform.admin.large_tables import RecordAdmin
from rvm.platform.admin.rights import acting_user, rights_of
from rvm.platform.database.heavy_requests import heavy
from rvm.platform.errors import ServiceError

MAX_ROWS = 5


class MessagePreview(RecordAdmin):
    """Mixin of the imports' ModelAdmin. A recording may name its recipient, so only users that may see numbers can listen."""

    def get_urls(self) -> list[URLPattern]:
        view = fragment(self.admin_site, self.message_preview)
        return [path("<uuid:object_id>/heard/", view, name="campaigns_recipientimport_heard"), *super().get_urls()]

    @heavy
    def message_preview(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        row: RecipientImport = self.get_object(request, str(object_id))
        if not rights_of(request).may_see_numbers(row.workspace_id):
            return self._render(request, refusal="You may not see numbers here, and a message may name its person.")
        try:
            samples = sample_of_list(row, MAX_ROWS)
        except ServiceError as refusal:
            return self._render(request, refusal=refusal.message)
        audit.record("import.listened", row, actor=acting_user(request), workspace=row.workspace, numbers_shown=True)
        return self._render(request, samples=samples)

    def _render(self, request: HttpRequest, **context: Any) -> HttpResponse:
        return TemplateResponse(request, "campaigns/admin/message_preview.html", context)
