"""A list of people who must not be reached, from the file to the workspace's suppression list and, if need be, back."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models

from campaigns.models.uploaded_list import UploadedList, UploadedListQuerySet
from campaigns.states import OPT_OUTS_UNDER_WAY, OptOutState
from rvm.platform.models import User


class OptOutImport(UploadedList):
    """The suppressions that it added have its id, for as long as it alone says so."""

    FOLDER = "opt-outs"
    UNDER_WAY = OPT_OUTS_UNDER_WAY

    objects = UploadedListQuerySet["OptOutImport"].as_manager()

    live = models.BooleanField(
        default=True,
        editable=False,
        help_text="A test key's is read, checked and counted, and puts nobody on the list.",
    )
    state = models.CharField(
        max_length=12, choices=[(state, state) for state in OptOutState], default=OptOutState.UPLOADED
    )
    counts: models.JSONField[Any, Any] = models.JSONField(
        default=dict, help_text="What the check found: rows and numbers by what they come to."
    )
    unreadable: models.JSONField[Any, Any] = models.JSONField(
        default=dict, help_text="Rows in which no number could be read: of each code how many, and the first ones."
    )
    added = models.BigIntegerField(default=0, help_text="Numbers that it put on the list.")
    taken_back = models.BigIntegerField(default=0, help_text="Of these, the ones that its undoing took off again.")
    ended_meanwhile = models.BigIntegerField(
        default=0, help_text="Voicemails to these that had been ended because of the list, and stay so."
    )
    undone_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+", editable=False)

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["workspace", "-id"], name="opt_outs_newest"),
            models.Index(
                fields=["id"],
                name="opt_outs_under_way",
                condition=models.Q(state__in=["checking", "importing", "undoing"]),
            ),
        ]
