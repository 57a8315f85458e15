"""Writes who did what to which row, in the transaction of the action itself: where the action is rolled back, so is its record."""

from __future__ import annotations

from typing import Any

from django.db.models import Model

from rvm.platform.models import AuditEvent, User, Workspace
from rvm.platform.observability.masking import mask_value
from rvm.platform.observability.request_id import current_request_id


def record(
    action: str, subject: Model, *, actor: User | None, workspace: Workspace | None, **details: Any
) -> AuditEvent:
    """`action` is `noun.verb` in the past tense; `actor` is None for the platform itself. Numbers in `details` are masked."""
    return AuditEvent.objects.create(
        workspace=workspace,
        actor=actor,
        action=action,
        subject_type=subject._meta.label_lower,
        subject_id=subject.pk,
        details=mask_value(details),
        request_id=current_request_id(),
    )
