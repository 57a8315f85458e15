"""Base view of this layer: it adds the layer's problem codes, and finds campaigns and imports of the caller's workspace and world."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar
from uuid import UUID

from campaigns import selectors
from campaigns.api.problem_codes import CAMPAIGN_PROBLEMS
from campaigns.models import Campaign, RecipientImport
from campaigns.states import CampaignState
from delivery.api.base import DeliveryView
from rvm.platform.api.permissions import require_scope
from rvm.platform.api.problem_codes import ProblemCode
from rvm.platform.scopes import Scope


class CampaignsView(DeliveryView):
    problems: ClassVar[Mapping[str, ProblemCode]] = {**DeliveryView.problems, **CAMPAIGN_PROBLEMS}

    def find_campaign(self, campaign_id: UUID) -> Campaign:
        """The campaign, to read it. Raises ServiceError if it is not in the caller's workspace and world."""
        found = selectors.campaigns(self.workspace, live=self.reach)
        return self.get_row(found, campaign_id, self.not_found_message("This workspace has no such campaign."))

    def find_writable_campaign(self, campaign_id: UUID) -> Campaign:
        """The campaign, to change it. Raises ServiceError as `find_campaign`.

        Raises Problem for a scheduled campaign if the API key lacks `campaigns:send`, because changes of a scheduled campaign are
        sent without another launch."""
        campaign = self.find_campaign(campaign_id)
        if campaign.state == CampaignState.SCHEDULED:
            require_scope(
                self.key,
                Scope.CAMPAIGNS_SEND,
                "This campaign is scheduled, so what is changed in it is sent without another launch, and this API key lacks the "
                f"scope {Scope.CAMPAIGNS_SEND.value}. Have the launch taken back first.",
            )
        return campaign

    def find_import(self, campaign: Campaign, import_id: UUID) -> RecipientImport:
        """The import of this campaign. Raises ServiceError if the campaign has none with this id."""
        found = selectors.imports(campaign).select_related("campaign__lane__use_case", "workspace")
        return self.get_row(found, import_id, "This campaign has no such import.")
