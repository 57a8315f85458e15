"""Events of tests, published as the platform publishes them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from rest_framework import serializers

from rvm.platform.database.ids import uuid7
from rvm.platform.events import outbox, publisher
from rvm.platform.events.types import TYPES
from rvm.platform.models import Event, Workspace


def happened(workspace: Workspace | UUID, *names: str, live: bool = True) -> list[Event]:
    """The published events of these types, each about something else."""
    workspace_id = workspace.pk if isinstance(workspace, Workspace) else workspace
    subjects = [uuid7() for _ in names]
    for name, subject in zip(names, subjects, strict=True):
        outbox.add(name, subject, workspace_id=workspace_id, live=live, **data_of(name, subject))
    while publisher.publish():
        pass
    return list(Event.objects.filter(subject_id__in=subjects).order_by("id"))


def data_of(name: str, subject: UUID) -> dict[str, Any]:
    """Data as the type describes them."""
    return {field: _fitting(kind, subject) for field, kind in TYPES[name].data().fields.items()}


def _fitting(kind: Any, subject: UUID) -> Any:
    if kind.allow_null:
        return None
    if isinstance(kind, serializers.ChoiceField):
        return next(iter(kind.choices))
    return 1 if isinstance(kind, serializers.IntegerField) else subject
