"""Recordings and clips."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet

from delivery.models import Clip, Recording
from rvm.platform.database.prepared import prepared
from rvm.platform.models import Workspace


def recordings(workspace: Workspace) -> QuerySet[Recording]:
    """All recordings of the workspace, including assembled ones."""
    return Recording.objects.filter(workspace=workspace)


@prepared
def _recordings_by_id(workspace_id: UUID, recording_id: UUID) -> QuerySet[Recording]:
    return Recording.objects.filter(workspace=workspace_id, pk=recording_id)


def recording(workspace: Workspace, recording_id: UUID) -> Recording | None:
    """The recording; None if the workspace has none with this id."""
    return next(iter(_recordings_by_id(workspace.pk, recording_id)), None)


def selectable_recordings(workspace: Workspace, *, archived: bool = False) -> QuerySet[Recording]:
    """Uploaded recordings of the workspace that have their sound, for lists and choices, or those that are archived."""
    found = recordings(workspace).filter(assembled=False, sound_removed_at=None)
    return found.filter(archived_at__isnull=not archived).defer("waveform")


def clips(workspace: Workspace) -> QuerySet[Clip]:
    return Clip.objects.filter(workspace=workspace)


def selectable_clips(workspace: Workspace, *, archived: bool = False) -> QuerySet[Clip]:
    """Clips of the workspace that have their sound, for lists and choices, or those that are archived."""
    return clips(workspace).filter(sound_removed_at=None, archived_at__isnull=not archived)
