"""Audit events: who did what to which row, written in the transaction of the action, so a rollback removes both."""

from __future__ import annotations

from typing import Any

from django.db.models import Model

from rvm.platform.audit.caller import current_caller
from rvm.platform.database.prepared import insert
from rvm.platform.models import AuditEvent, User, Workspace
from rvm.platform.observability.masking import mask_value
from rvm.platform.observability.request_id import current_request_id


def record(
    action: str, subject: Model, *, actor: User | None, workspace: Workspace | None, **details: Any
) -> AuditEvent:
    """Insert one audit event and return it.

    `action` has the form `noun.verb` with the verb in the past tense; `actor` is None for actions of the platform itself. Phone
    numbers in `details` are masked. The request's id, its API key and the caller's address are read from the current request.
    """
    caller = current_caller()
    event = AuditEvent(
        workspace=workspace,
        actor=actor,
        action=action,
        subject_type=subject._meta.label_lower,
        subject_id=subject.pk,
        details=mask_value(details),
        request_id=current_request_id(),
        key_id=caller.key_id,
        address=caller.address,
    )
    insert(event)
    return event
