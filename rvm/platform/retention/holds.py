"""Legal holds: while one stands, nothing that it covers is purged or erased."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from rvm.platform import audit
from rvm.platform.models import LegalHold, User, Workspace

# Gives the campaigns of a workspace on which a hold may be placed, the newest first: id and name. A layer above sets it.
CAMPAIGNS: list[Callable[[UUID], Iterable[tuple[UUID, str]]]] = []


def holdable(workspace_id: UUID) -> list[tuple[str, str]]:
    """Campaigns of the workspace, as the choices of a form."""
    return [(str(campaign_id), name) for campaigns in CAMPAIGNS for campaign_id, name in campaigns(workspace_id)]


def standing(workspace_id: UUID) -> QuerySet[LegalHold]:
    return LegalHold.objects.filter(workspace_id=workspace_id, lifted_at=None)


def is_held(workspace_id: UUID) -> bool:
    """Whether a hold covers the whole workspace."""
    return standing(workspace_id).filter(campaign_id=None).exists()


def is_any_held(workspace_id: UUID) -> bool:
    """Whether a hold covers the workspace or a campaign of it."""
    return standing(workspace_id).exists()


def held_campaigns(workspace_id: UUID) -> set[UUID]:
    """The campaigns that have a hold of their own, by the ids that their lanes have too."""
    found = standing(workspace_id).filter(campaign_id__isnull=False)
    return {campaign_id for campaign_id in found.values_list("campaign_id", flat=True) if campaign_id}


@transaction.atomic
def place(workspace: Workspace, *, campaign_id: UUID | None, name: str, reason: str, actor: User | None) -> LegalHold:
    """Place a hold on the workspace, or on one campaign of it. A step of the purge that has begun removes its few rows still."""
    hold = LegalHold.objects.create(
        workspace=workspace, campaign_id=campaign_id, name=name, reason=reason, placed_by=actor
    )
    audit.record("legal_hold.placed", hold, actor=actor, workspace=workspace, campaign_id=campaign_id, reason=reason)
    return hold


@transaction.atomic
def lift(hold: LegalHold, *, reason: str, actor: User | None, now: datetime) -> bool:
    """Lift the hold: what is past its days goes with the next purge. False if it was lifted before."""
    row = LegalHold.objects.select_for_update(no_key=True).get(pk=hold.pk)
    if row.lifted_at is not None:
        return False
    row.lifted_at, row.lifted_by, row.lift_reason = now, actor, reason
    row.save(update_fields=["lifted_at", "lifted_by", "lift_reason"])
    audit.record(
        "legal_hold.lifted", row, actor=actor, workspace=row.workspace, campaign_id=row.campaign_id, reason=reason
    )
    return True
