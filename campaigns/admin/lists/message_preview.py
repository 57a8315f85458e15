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
from rvm.platform.admin.rights import person, rights_of
from rvm.platform.errors import ServiceError

MAX_ROWS = 5


class ListHeard(RecordAdmin):
    """Mixin of the imports' ModelAdmin. A recording may name its recipient, so only users that may see numbers can listen."""

    def get_urls(self) -> list[URLPattern]:
        heard = fragment(self.admin_site, self.heard)
        return [path("<uuid:object_id>/heard/", heard, name="campaigns_recipientimport_heard"), *super().get_urls()]

    def heard(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        row: RecipientImport = self.get_object(request, str(object_id))
        if not rights_of(request).may_see_numbers(row.workspace_id):
            return self._say(request, refusal="You may not see numbers here, and a message may name its person.")
        try:
            samples = sample_of_list(row, MAX_ROWS)
        except ServiceError as refusal:
            return self._say(request, refusal=refusal.message)
        audit.record("import.listened", row, actor=person(request), workspace=row.workspace, numbers_shown=True)
        return self._say(request, samples=samples)

    def _say(self, request: HttpRequest, **shown: Any) -> HttpResponse:
        return TemplateResponse(request, "campaigns/admin/heard.html", shown)
