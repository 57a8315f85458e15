"""What the views of this layer share: rows are found in the caller's workspace and world, and verbs are done to them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from campaigns import selectors
from campaigns.api.problem_codes import CAMPAIGN_PROBLEMS
from campaigns.models import Campaign, RecipientImport
from campaigns.states import CampaignState
from delivery.api.base import DeliveryView
from rvm.platform.api.fields import StrictSerializer
from rvm.platform.api.lists import RowsView
from rvm.platform.api.problem_codes import MISSING_SCOPE, NOT_FOUND, ProblemCode
from rvm.platform.api.problems import Problem
from rvm.platform.database.clock import database_now
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


class ActionView(CampaignsView, RowsView):
    """POST does one verb of a service to a row, with what the body says where there is a `body_class`, and answers the row."""

    verb: ClassVar[Callable[..., Any]]
    body_class: ClassVar[type[StrictSerializer] | None] = None

    def own(self, **ids: UUID) -> Any:
        """The row that the address names, which the caller may change."""
        raise NotImplementedError

    def post(self, request: Request, workspace_id: UUID, **ids: UUID) -> Response:
        row = self.own(**ids)
        said = self.sent(self.body_class) if self.body_class else {}
        return Response(self.serialize_changed(type(self).verb(row, **said, actor=self.actor, now=database_now())))
