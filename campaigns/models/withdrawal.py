"""The row of a withdrawal: recipients found by a list, and taken out of the campaign after confirmation."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from campaigns.models.campaign import Campaign
from campaigns.states import WithdrawalState
from rvm.platform.models import Row, User, Workspace


class Withdrawal(Row):
    """A withdrawal. Of its list only counts by outcome, and the numbers of the first lines that withdraw no recipient, are kept."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+")
    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="withdrawals")
    state = models.CharField(
        max_length=12, choices=[(state, state) for state in WithdrawalState], default=WithdrawalState.CHECKED
    )
    voicemail_ids = ArrayField(
        models.UUIDField(), help_text="Matched voicemails that were queued when the list was checked."
    )
    counts: models.JSONField[Any, Any] = models.JSONField(default=dict, help_text="Lines by outcome.")
    lines: models.JSONField[Any, Any] = models.JSONField(
        default=dict, help_text="By outcome without a withdrawal, the numbers of the first lines."
    )
    withdrawn = models.IntegerField(
        null=True, help_text="Voicemails that were still queued at confirmation and were canceled."
    )
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+", editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    confirmed_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+", editable=False)
    confirmed_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        verbose_name = "taking out"
        verbose_name_plural = "people taken out"

    def __str__(self) -> str:
        return f"People taken out of {self.campaign}"
