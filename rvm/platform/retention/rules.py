"""For how long a workspace keeps each kind of data, and the moment before which data of it are removed."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from rvm.platform import audit
from rvm.platform.models import RetentionRule, User, Workspace
from rvm.platform.retention import holds
from rvm.platform.retention_kinds import DECIDED, TERMS, RetentionKind


def days_of(workspace_id: UUID) -> dict[RetentionKind, int | None]:
    """The days of each kind in the workspace; None for ever."""
    own = dict(RetentionRule.objects.filter(workspace_id=workspace_id).values_list("kind", "days"))
    return {kind: term.days if term.fixed else own.get(kind, term.days) for kind, term in TERMS.items()}


def cutoff(workspace_id: UUID, kind: RetentionKind, now: datetime) -> datetime | None:
    """The moment before which the workspace's data of the kind are removed, whatever hold stands; None if they are kept for ever."""
    days = days_of(workspace_id)[kind]
    return None if days is None else now - timedelta(days=days)


def before(workspace_id: UUID, kind: RetentionKind, now: datetime) -> datetime | None:
    """The same as it is now, and None while a hold stands. A hold on one campaign stops all of the workspace except the
    numbers of other campaigns: recordings, callbacks and lists may belong to it."""
    held = holds.is_held(workspace_id) if kind is RetentionKind.NUMBERS else holds.is_any_held(workspace_id)
    return None if held else cutoff(workspace_id, kind, now)


@transaction.atomic
def set_days(workspace: Workspace, kind: RetentionKind, days: int, *, actor: User | None) -> None:
    """Keep the workspace's data of this kind for so many days, within the bounds of the kind. Raises ValueError."""
    term = TERMS[kind]
    if kind not in DECIDED or not (term.least or 0) <= days <= (term.most or 0):
        raise ValueError(f"{kind} may be kept for {term.least} to {term.most} days, not {days}.")
    Workspace.objects.select_for_update(no_key=True).get(pk=workspace.pk)
    was = days_of(workspace.pk)[kind]
    if was == days:
        return
    rule, _ = RetentionRule.objects.update_or_create(workspace=workspace, kind=kind, defaults={"days": days})
    audit.record("retention.changed", rule, actor=actor, workspace=workspace, kind=kind.value, was=was, now=days)
