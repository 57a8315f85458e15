"""What the views of this layer share: rows are found in the caller's workspace and world."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar
from uuid import UUID

from campaigns import selectors
from campaigns.api.problem_codes import CAMPAIGN_PROBLEMS
from campaigns.models import Campaign, RecipientImport
from campaigns.states import CampaignState
from delivery.api.base import DeliveryView
from rvm.platform.api.problem_codes import MISSING_SCOPE, NOT_FOUND, ProblemCode
from rvm.platform.api.problems import Problem
from rvm.platform.scopes import Scope


class CampaignsView(DeliveryView):
    problems: ClassVar[Mapping[str, ProblemCode]] = {**DeliveryView.problems, **CAMPAIGN_PROBLEMS}

    def find_campaign(self, campaign_id: UUID) -> Campaign:
        campaign = selectors.campaigns(self.workspace, live=self.reach).filter(pk=campaign_id).first()
        if campaign is None:
            raise Problem(NOT_FOUND, self.absent("This workspace has no such campaign."))
        return campaign

    def own_campaign(self, campaign_id: UUID) -> Campaign:
        """One that the caller may change."""
        campaign = self.find_campaign(campaign_id)
        if campaign.state == CampaignState.SCHEDULED and Scope.CAMPAIGNS_SEND not in self.key.scopes:
            raise Problem(
                MISSING_SCOPE,
                "This campaign is scheduled, so what is changed in it is sent without another launch, and this API key lacks the "
                f"scope {Scope.CAMPAIGNS_SEND.value}. Have the launch taken back first.",
            )
        return campaign

    def find_import(self, campaign: Campaign, import_id: UUID) -> RecipientImport:
        found = selectors.imports(campaign).select_related("campaign__lane__use_case", "workspace")
        recipient_import = found.filter(pk=import_id).first()
        if recipient_import is None:
            raise Problem(NOT_FOUND, "This campaign has no such import.")
        return recipient_import
