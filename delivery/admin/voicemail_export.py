"""CSV export of all voicemails that match the filters of the change list, not of its current page only."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_GET

from delivery.admin.voicemail_filters import chosen_workspace, listed_workspaces
from delivery.downloads import voicemail_download
from rvm.platform.admin.large_tables import RecordAdmin
from rvm.platform.admin.list_export import ONE_WORKSPACE, back_to_list, filtered_rows, filters_to_keep
from rvm.platform.admin.rights import acting_user, rights_of
from rvm.platform.database.heavy_requests import heavy
from rvm.platform.database.ids import ids_in
from rvm.platform.roles import Right
from usecases.models import UseCase


class VoicemailExport(RecordAdmin):
    """Mixin for the ModelAdmin of voicemails. The export is a GET; users without permission to see numbers get them masked."""

    def get_urls(self) -> list[URLPattern]:
        export = self.admin_site.admin_view(require_GET(self.export))
        return [path("export/", export, name="delivery_voicemail_export"), *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        workspace = chosen_workspace(request)
        may_export = workspace is not None and rights_of(request).may(Right.EXPORT, workspace.pk)
        return super().changelist_view(request, {**(extra_context or {}), "may_export": may_export})

    @heavy
    def export(self, request: HttpRequest) -> HttpResponseBase:
        workspace = chosen_workspace(request)
        if workspace is None and listed_workspaces(request):
            messages.warning(request, ONE_WORKSPACE)
            return redirect(f"{reverse('admin:delivery_voicemail_changelist')}?{request.GET.urlencode()}")
        if workspace is None or not rights_of(request).may(Right.EXPORT, workspace.pk):
            raise PermissionDenied
        found = filtered_rows(self, request)
        if found is None:
            return back_to_list(reverse("admin:delivery_voicemail_changelist"), request)
        return voicemail_download(
            found,
            workspace=workspace,
            actor=acting_user(request),
            reveal=rights_of(request).may_see_numbers(workspace.pk),
            filters=filters_to_keep(request),
            called=(workspace.name, *self.called(request)),
        )

    def called(self, request: HttpRequest) -> list[str]:
        """What the name of the file says of the filters."""
        use_case = UseCase.objects.filter(pk__in=ids_in([request.GET.get("use_case", "")]))
        return [*use_case.values_list("name", flat=True), *request.GET.getlist("status")]
