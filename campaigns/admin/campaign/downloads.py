"""Download of a campaign's voicemails, failed ones or all; phone numbers only for users that may see them."""

from __future__ import annotations

from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, StreamingHttpResponse
from django.urls import URLPattern, path
from django.views.decorators.http import require_safe

from campaigns.imports.row_validation import merge_fields_of
from campaigns.models import Campaign
from campaigns.selectors import imports
from campaigns.states import ImportState
from delivery.downloads import voicemail_download
from delivery.exports import MERGE_COLUMNS
from delivery.lifecycle.status import VoicemailStatus
from delivery.selectors.filters import VoicemailFilter
from delivery.selectors.voicemails import voicemails
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
        if request.GET.get("only", "") not in ("", "failed"):
            raise Http404("A download is of all voicemails of a campaign, or with only=failed of those that failed.")
        only = [VoicemailStatus.FAILED] if request.GET.get("only") == "failed" else []
        called = (campaign.workspace.name, campaign.name, "failed" if only else "all")
        return voicemail_download(
            voicemails(campaign.workspace, VoicemailFilter(campaign_id=campaign.pk, statuses=only), live=campaign.live),
            workspace=campaign.workspace,
            actor=acting_user(request),
            reveal=rights_of(request).may_see_numbers(campaign.workspace_id),
            filters={"campaign_id": str(campaign.pk), "status": [status.value for status in only]},
            merge_columns=merge_columns(campaign),
            subject=campaign,
            called=called,
        )


def merge_columns(campaign: Campaign) -> list[str]:
    """The merge fields that the campaign's lists have given, in the order of their columns; each is a column of the file."""
    lists = imports(campaign).filter(state=ImportState.COMPLETED).order_by("id").values_list("columns", flat=True)
    return list(dict.fromkeys([*MERGE_COLUMNS, *(name for columns in lists for name in merge_fields_of(columns))]))
