"""Events of tests, published as the platform publishes them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from rvm.platform.database.ids import uuid7
from rvm.platform.events import outbox, publisher
from rvm.platform.events.models import Event
from rvm.platform.models import Workspace


def happened(workspace: Workspace | UUID, *names: str, live: bool = True, **data: Any) -> list[Event]:
    """The published events of these types, each about something else."""
    workspace_id = workspace.pk if isinstance(workspace, Workspace) else workspace
    subjects = [uuid7() for _ in names]
    for name, subject in zip(names, subjects, strict=True):
        outbox.add(name, subject, workspace_id=workspace_id, live=live, voicemail_id=subject, **data)
    while publisher.publish():
        pass
    return list(Event.objects.filter(subject_id__in=subjects).order_by("id"))
