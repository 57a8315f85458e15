"""Selectors of campaigns and their lists, always within one workspace. A recipient list belongs to the world of its campaign."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet

from campaigns.models import Campaign, CampaignRetry, OptOutImport, RecipientImport
from rvm.platform.models import Workspace

MAX_HOLDABLE = 500


def campaigns(
    workspace: Workspace,
    *,
    live: bool | None,
    state: str = "",
    use_case_id: UUID | None = None,
    setup_id: UUID | None = None,
    created_after: datetime | None = None,
    created_before: datetime | None = None,
) -> QuerySet[Campaign]:
    """Campaigns with their lanes and use cases, newest first; `live`: live ones, test ones (False) or both (None).

    The filters are combined with AND; an empty one is ignored. `created_after` is inclusive, `created_before` exclusive."""
    filters = {
        "state": state or None,
        "lane__use_case_id": use_case_id,
        "lane__use_case__setup_id": setup_id,
        "lane__live": live,
        "created_at__gte": created_after,
        "created_at__lt": created_before,
    }
    found = Campaign.objects.filter(
        workspace=workspace, **{name: value for name, value in filters.items() if value is not None}
    )
    return found.select_related("lane__use_case", "recording").order_by("-id")


def imports(campaign: Campaign) -> QuerySet[RecipientImport]:
    """Recipient imports of the campaign, newest first."""
    return RecipientImport.objects.filter(campaign=campaign).select_related("confirmed_by").order_by("-id")


def names_of(campaign_ids: Collection[UUID]) -> dict[UUID, str]:
    """The names of campaigns by id, for exports of voicemails."""
    return dict(Campaign.objects.filter(pk__in=campaign_ids).values_list("pk", "name"))


def holdable(workspace_id: UUID) -> Iterable[tuple[UUID, str]]:
    """The newest campaigns of a workspace, for a legal hold."""
    newest = Campaign.objects.filter(workspace_id=workspace_id).order_by("-id")
    return newest.values_list("pk", "name")[:MAX_HOLDABLE]


def retries(campaign: Campaign) -> QuerySet[CampaignRetry]:
    """Retries of the campaign, newest first."""
    return CampaignRetry.objects.filter(campaign=campaign).order_by("-id")


def opt_out_lists(workspace: Workspace, *, live: bool | None) -> QuerySet[OptOutImport]:
    """Opt-out lists, newest first; `live`: live ones, test ones (False) or both (None)."""
    found = OptOutImport.objects.filter(workspace=workspace).order_by("-id")
    return found if live is None else found.filter(live=live)
