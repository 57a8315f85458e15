"""The row of an opt-out list: its check, the suppressions that it added, and their undo."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models

from campaigns.models.uploaded_list import UploadedList, UploadedListQuerySet
from campaigns.states import OPT_OUTS_UNDER_WAY, OptOutState
from rvm.platform.models import User
from usecases.suppression_kinds import SCOPE_LABELS, SuppressionScope


class OptOutImport(UploadedList):
    """An opt-out list. A suppression has its id while this list is the only source of that suppression."""

    FOLDER = "opt-outs"
    UNDER_WAY = OPT_OUTS_UNDER_WAY

    objects = UploadedListQuerySet["OptOutImport"].as_manager()

    live = models.BooleanField(
        default=True,
        editable=False,
        help_text="A test list is read, checked and counted, but adds no suppressions.",
    )
    scope = models.CharField(
        max_length=16,
        choices=[(scope.value, label) for scope, label in SCOPE_LABELS.items()],
        default=SuppressionScope.ORGANISATION.value,
        db_default=SuppressionScope.ORGANISATION.value,
        editable=False,
        help_text="Whether its suppressions hold in all workspaces of the organisation or in its own only.",
    )
    state = models.CharField(
        max_length=12, choices=[(state, state) for state in OptOutState], default=OptOutState.UPLOADED
    )
    counts: models.JSONField[Any, Any] = models.JSONField(
        default=dict, help_text="The result of the check: rows and numbers by outcome."
    )
    unreadable: models.JSONField[Any, Any] = models.JSONField(
        default=dict, help_text="Rows without a readable number: by code, the count and the first row numbers."
    )
    added = models.BigIntegerField(default=0, help_text="Suppressions that it added.")
    taken_back = models.BigIntegerField(default=0, help_text="Suppressions of these that the undo removed.")
    ended_meanwhile = models.BigIntegerField(
        default=0, help_text="Voicemails to these that had been ended because of the list, and stay so."
    )
    lift_reason = models.CharField(
        max_length=200,
        blank=True,
        default="",
        db_default="",
        editable=False,
        help_text="Why its suppressions are lifted instead of removed; they stay as history.",
    )
    undone_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+", editable=False)

    class Meta:
        verbose_name = "opt-out list"
        verbose_name_plural = "opt-out lists"
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["workspace", "-id"], name="opt_outs_newest"),
            models.Index(
                fields=["workspace"],
                name="opt_outs_kept",
                include=["size_bytes"],
                condition=models.Q(file_removed_at=None),
            ),
            models.Index(
                fields=["id"],
                name="opt_outs_under_way",
                condition=models.Q(state__in=["checking", "importing", "undoing"]),
            ),
        ]
