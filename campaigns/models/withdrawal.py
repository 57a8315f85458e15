"""People who are taken out of a campaign by a list: looked up first, and withdrawn once somebody has confirmed it."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from campaigns.models.campaign import Campaign
from campaigns.states import WithdrawalState
from rvm.platform.models import Row, User, Workspace


class Withdrawal(Row):
    """Nothing of the list is kept but how many lines came to what, and where those stand that found nobody to withdraw."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+")
    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="withdrawals")
    state = models.CharField(
        max_length=12, choices=[(state, state) for state in WithdrawalState], default=WithdrawalState.CHECKED
    )
    voicemail_ids = ArrayField(models.UUIDField(), help_text="Those that waited when the list was checked.")
    counts: models.JSONField[Any, Any] = models.JSONField(default=dict, help_text="Lines by what they came to.")
    lines: models.JSONField[Any, Any] = models.JSONField(
        default=dict, help_text="Of what came to nothing, the numbers of the first lines."
    )
    withdrawn = models.IntegerField(null=True, help_text="How many were still waiting when it was confirmed.")
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+", editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    confirmed_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+", editable=False)
    confirmed_at = models.DateTimeField(null=True, editable=False)
