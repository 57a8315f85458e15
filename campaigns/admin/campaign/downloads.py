"""Download of a campaign's voicemails, failed ones or all; phone numbers only for users that may see them."""

from __future__ import annotations

from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, StreamingHttpResponse
from django.urls import URLPattern, path
from django.views.decorators.http import require_safe

from campaigns.models import Campaign
from delivery.downloads import voicemail_download
from delivery.lifecycle.status import VoicemailStatus
from delivery.selectors import VoicemailFilter, voicemails
from rvm.platform.admin.large_tables import RecordAdmin
from rvm.platform.admin.rights import acting_user, rights_of
from rvm.platform.database.heavy_requests import heavy
from rvm.platform.roles import Right


class CampaignDownloads(RecordAdmin):
    """Mixin of the campaigns' ModelAdmin: the download."""

    def get_urls(self) -> list[URLPattern]:
        download = self.admin_site.admin_view(require_safe(self.download))
        return [path("<uuid:object_id>/export/", download, name="campaigns_campaign_export"), *super().get_urls()]

    @heavy
    def download(self, request: HttpRequest, object_id: UUID) -> StreamingHttpResponse:
        campaign: Campaign = self.get_object(request, str(object_id))
        if not self.may(Right.EXPORT, request, campaign):
            raise PermissionDenied
        only = [VoicemailStatus.FAILED] if request.GET.get("only") == "failed" else []
        return voicemail_download(
            voicemails(campaign.workspace, VoicemailFilter(campaign_id=campaign.pk, statuses=only), live=campaign.live),
            workspace=campaign.workspace,
            actor=acting_user(request),
            reveal=rights_of(request).may_see_numbers(campaign.workspace_id),
            filters={"campaign_id": str(campaign.pk), "status": [status.value for status in only]},
            subject=campaign,
        )
