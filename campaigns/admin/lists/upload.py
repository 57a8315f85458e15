"""Receives a recipient list from the browser and encrypts the stream: the plain list is never on disk or whole in memory.

Django's CSRF check reads the form, and with it the file, so the upload handler must be set first: the outer view is CSRF-exempt and
the inner one protected, as Django's documentation on upload handlers describes.
"""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_POST

from campaigns.admin.rights import right_to_change
from campaigns.api.imports import ListUploadHandler
from campaigns.imports import service
from campaigns.models import Campaign
from rvm.platform.admin.large_tables import RecordAdmin
from rvm.platform.admin.rights import acting_user
from rvm.platform.database.clock import database_now
from rvm.platform.database.heavy_requests import place
from rvm.platform.errors import ServiceError
from rvm.platform.uploads import UploadTooLarge, drain

MAX_BYTES = ListUploadHandler.max_bytes
TOO_LARGE = (
    f"The file is larger than {MAX_BYTES // 1024**2} MB, the most that is taken at a time. "
    "Split the list, or leave out columns that are not needed, and upload the parts one after the other."
)


class ListUpload(RecordAdmin):
    """Mixin of the campaigns' ModelAdmin: the upload of a list."""

    def get_urls(self) -> list[URLPattern]:
        upload = self.admin_site.admin_view(csrf_exempt(require_POST(self.upload)))
        return [path("<uuid:object_id>/upload/", upload, name="campaigns_campaign_upload"), *super().get_urls()]

    def upload(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        request.upload_handlers = [ListUploadHandler(request)]
        try:
            return self._upload(request, object_id)
        except UploadTooLarge:
            drain(request)
            messages.error(request, TOO_LARGE)
            return redirect(reverse("admin:campaigns_campaign_change", args=[object_id]))

    @method_decorator(csrf_protect)
    def _upload(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        campaign: Campaign = self.get_object(request, str(object_id))
        if not self.may(right_to_change(campaign), request, campaign):
            raise PermissionDenied
        file = request.FILES.get("list")
        try:
            if file is None:
                raise ServiceError("file_missing", "No file was chosen.")
            with place(campaign.workspace_id):
                found = service.upload(
                    campaign=campaign,
                    file_name=file.name or "",
                    chunks=file.chunks(),
                    actor=acting_user(request),
                    now=database_now(),
                )
        except ServiceError as refusal:
            messages.error(request, refusal.message)
            return redirect(reverse("admin:campaigns_campaign_change", args=[object_id]))
        return redirect(reverse("admin:campaigns_recipientimport_change", args=[found.pk]))
