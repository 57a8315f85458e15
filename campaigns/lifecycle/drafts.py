"""Drafts that nobody continues expire: what is known of their people is removed, and then they are canceled.

In this order, so that a purge that was stopped finds the draft again, and who looks at a canceled campaign finds nobody in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from campaigns.lifecycle import approvals
from campaigns.lifecycle.transitions import change_campaign
from campaigns.models import Campaign, LaunchApproval, RecipientImport
from campaigns.states import UNDER_WAY, CampaignState
from delivery.models import Lane
from delivery.retention.numbers import remove_numbers
from delivery.services.lanes import cancel_queued, id_before_first, id_range
from rvm.platform.database import sql
from rvm.platform.database.clock import database_now
from rvm.platform.retention import holds, rules
from rvm.platform.retention.purges import STEP_ROWS, Purge
from rvm.platform.retention_kinds import RetentionKind

# The next people of a draft, in the order of their ids, bounded by the lane's.
_FIND_PEOPLE = """
SELECT id FROM delivery_voicemail
 WHERE workspace_id = %s AND lane_id = %s AND id > %s AND id <= %s AND recipient IS NOT NULL ORDER BY id LIMIT %s
"""


def expired(workspace_id: UUID, before: datetime) -> QuerySet[Campaign]:
    """Drafts of which nothing has changed since: neither they nor their lists, and nobody was asked to approve them."""
    drafts = Campaign.objects.filter(workspace_id=workspace_id, state=CampaignState.DRAFT, updated_at__lte=before)
    changed = RecipientImport.objects.filter(updated_at__gt=before) | RecipientImport.objects.filter(
        state__in=UNDER_WAY
    )
    asked = LaunchApproval.objects.filter(asked_at__gt=before)
    drafts = drafts.exclude(pk__in=changed.filter(workspace_id=workspace_id).values("campaign_id"))
    drafts = drafts.exclude(pk__in=asked.filter(campaign__workspace_id=workspace_id).values("campaign_id"))
    return drafts.order_by("pk")


def purge(workspace_id: UUID, now: datetime) -> Iterator[int]:
    after = UUID(int=0)
    while (before := rules.before(workspace_id, RetentionKind.DRAFTS, now)) is not None:
        draft = expired(workspace_id, before).filter(pk__gt=after).first()
        if draft is None:
            return
        after = draft.pk
        yield from _remove_people(draft, now)
        if _cancel(draft, now):
            yield 1


def _remove_people(draft: Campaign, now: datetime) -> Iterator[int]:
    lane = Lane.objects.get(pk=draft.pk)
    position, (_, last) = id_before_first(lane), id_range(lane)
    while True:
        with transaction.atomic():
            if _locked(draft, now) is None:
                return
            if canceled := cancel_queued(lane.pk, STEP_ROWS, database_now()):
                ids = []
            else:
                ids = [row[0] for row in sql.run(_FIND_PEOPLE, [lane.workspace_id, lane.pk, position, last, STEP_ROWS])]
                remove_numbers(ids, ended_before=None)
        if not canceled and not ids:
            return
        position = ids[-1] if ids else position
        yield len(ids)


@transaction.atomic
def _cancel(draft: Campaign, now: datetime) -> bool:
    row = _locked(draft, now)
    if row is None:
        return False
    Lane.objects.filter(pk=row.pk).update(held=True, expires_at=None)
    approvals.fall(row, None, "Nobody had changed the draft for long, so it expired.")
    change_campaign(row, CampaignState.CANCELED, "campaign.expired", None, ended_at=database_now())
    return True


def _locked(draft: Campaign, now: datetime) -> Campaign | None:
    """The draft with its lock; None if somebody goes on with it after all, or if it may not be removed any more."""
    before = rules.before(draft.workspace_id, RetentionKind.DRAFTS, now)
    found = Campaign.objects.select_for_update(no_key=True).filter(pk=draft.pk).first()
    if found is None or before is None or not expired(draft.workspace_id, before).filter(pk=draft.pk).exists():
        return None
    return found


def count(workspace_id: UUID, before: datetime) -> int:
    return 0 if holds.is_any_held(workspace_id) else expired(workspace_id, before).count()


DRAFTS = Purge(RetentionKind.DRAFTS, "drafts and their people", purge, count)
