"""The row of a canary: the first people of a campaign, by whose reports it is decided whether it goes on by itself."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q

from campaigns.models.campaign import Campaign
from campaigns.states import CanaryState
from rvm.platform.models import Row

MAX_MESSAGE = 1_000


class Canary(Row):
    """One canary of a campaign. A campaign has at most one that is not over; a new recording begins another."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="canaries", db_index=False)
    state = models.CharField(
        max_length=12, choices=[(state, state) for state in CanaryState], default=CanaryState.UNDER_WAY
    )
    people = models.PositiveIntegerField(help_text="How many people are tried first.")
    began_at = models.DateTimeField()
    tried_at = models.DateTimeField(null=True, help_text="When the last of them was tried; null while some are not.")
    sent = models.PositiveIntegerField(
        default=0, help_text="To how many of them something was sent when it was last looked at."
    )
    waits_since = models.DateTimeField(
        null=True,
        help_text="Since when nobody more of them could be sent to, though hours and pace allow it; null otherwise.",
    )
    ended_at = models.DateTimeField(null=True, help_text="When it was judged, or when it was over without that.")
    # As they were when it was judged.
    tried = models.PositiveIntegerField(default=0)
    delivered = models.PositiveIntegerField(default=0)
    failed: models.JSONField[Any, Any] = models.JSONField(default=dict, help_text="By reason.")
    message = models.CharField(
        max_length=MAX_MESSAGE, blank=True, help_text="What it waits for and since when, or the verdict."
    )

    class Meta:
        verbose_name_plural = "canaries"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["campaign"],
                condition=Q(state__in=["under_way", "stalled", "stopped"]),
                name="campaigns_one_canary",
            )
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["campaign", "-id"], name="canary_newest"),
            # The few that the tick judges.
            models.Index(fields=["campaign"], name="canary_under_way", condition=Q(state="under_way")),
        ]
