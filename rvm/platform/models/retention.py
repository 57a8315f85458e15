"""For how long data are kept, what must not be removed, and whose data were erased."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models.functions import Now

from rvm.platform.database.rows import Row
from rvm.platform.models.people import User
from rvm.platform.models.workspaces import Workspace
from rvm.platform.retention_kinds import RetentionKind

MAX_HOLD_REASON = 500


class RetentionRule(Row):
    """For how many days a workspace keeps a kind of data; without a row, as `rvm.platform.retention_kinds` says."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+", db_index=False)
    kind = models.CharField(max_length=12, choices=RetentionKind.choices)
    days = models.PositiveIntegerField()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["workspace", "kind"], name="platform_one_retention_rule")
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.days} days"


class LegalHold(Row):
    """While it stands, nothing that it covers is purged or erased: a campaign's people, or everything of a workspace."""

    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    campaign_id = models.UUIDField(null=True, editable=False, help_text="And of its lane. Empty: the whole workspace.")
    name = models.CharField(max_length=200, help_text="Of the campaign or of the workspace, when it was placed.")
    reason = models.CharField(
        max_length=MAX_HOLD_REASON, help_text="Such as the matter's name or number; no names of patients."
    )
    placed_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+", editable=False)
    placed_at = models.DateTimeField(db_default=Now(), editable=False)
    lifted_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+", editable=False)
    lifted_at = models.DateTimeField(null=True, editable=False)
    lift_reason = models.CharField(max_length=MAX_HOLD_REASON, blank=True, editable=False)

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["workspace"], name="hold_standing", condition=models.Q(lifted_at=None))
        ]

    def __str__(self) -> str:
        return self.name


class Erasure(Row):
    """A person who was erased by their number: by whom, and how many rows of each kind; of the number only its blind indexes.

    Without `finished_at`, the tick goes on: a voicemail may have been with the carrier at the time.
    """

    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+")
    number_indexes: models.JSONField[Any, Any] = models.JSONField(
        help_text="Hexadecimal, one for each index key at the time."
    )
    counts: models.JSONField[Any, Any] = models.JSONField(default=dict, help_text="Removed rows by kind.")
    recordings: models.JSONField[Any, Any] = models.JSONField(
        default=list, help_text="Joined for the person, whose sound is yet to be removed."
    )
    reason = models.CharField(max_length=MAX_HOLD_REASON, blank=True)
    asked_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    asked_at = models.DateTimeField(db_default=Now(), editable=False)
    finished_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["id"], name="erasure_unfinished", condition=models.Q(finished_at=None))
        ]
