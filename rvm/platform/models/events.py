"""Events that wait for their place, and those that have one."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models

from rvm.platform.models.workspaces import Workspace

MAX_EVENT_TYPE = 40  # characters of the name of a type, such as voicemail.delivered

# Neither table has an enforced foreign key: both are written as often as voicemails change.
_OF_WORKSPACE: dict[str, Any] = {"on_delete": models.DO_NOTHING, "db_constraint": False, "related_name": "+"}


class Outbox(models.Model):
    """An event whose change is committed, or will be with it; the publisher takes it from here. The order of ids is not that of
    commits, but of two events of one subject the earlier one has the smaller id: their transactions waited for one another."""

    id = models.BigAutoField(primary_key=True)
    workspace = models.ForeignKey(Workspace, **_OF_WORKSPACE, db_index=False)
    live = models.BooleanField()
    type = models.CharField(max_length=MAX_EVENT_TYPE)
    subject_id = models.UUIDField()
    occurred_at = models.DateTimeField()
    data: models.JSONField[Any, Any] = models.JSONField()


class Event(models.Model):
    """Something that happened. The publisher gives it its id, a UUID of version 7 that is greater than each published before, so the
    ids are the order of the feed."""

    id = models.UUIDField(primary_key=True, editable=False)
    workspace = models.ForeignKey(Workspace, **_OF_WORKSPACE, db_index=False)
    live = models.BooleanField(help_text="Whether it is about live rows; test keys see the others.")
    type = models.CharField(max_length=MAX_EVENT_TYPE, help_text="Such as voicemail.delivered.")
    subject_id = models.UUIDField(help_text="The id of what it is about.")
    occurred_at = models.DateTimeField()
    data: models.JSONField[Any, Any] = models.JSONField(help_text="What its readers get: ids, states and codes.")

    class Meta:
        ordering: ClassVar[list[str]] = ["id"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["workspace", "live", "id"], name="platform_event_feed")
        ]

    def __str__(self) -> str:
        return self.type
