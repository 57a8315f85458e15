"""The row of a retry of a campaign's failed voicemails, with its progress."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from campaigns.models.campaign import Campaign
from campaigns.states import RetryState
from rvm.platform.encryption.fields import UpdatedAtField
from rvm.platform.models import Row, User


class CampaignRetry(Row):
    """One pass, in id order, over the voicemails that had failed when it was requested. A campaign has at most one running."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="retries", db_index=False)
    state = models.CharField(
        max_length=12, choices=[(state, state) for state in RetryState], default=RetryState.RUNNING
    )
    reasons = ArrayField(
        models.CharField(max_length=32), help_text="The reasons requested; empty means all that a retry can help."
    )
    accept_duplicate_risk = models.BooleanField()
    asked_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    asked_at = models.DateTimeField(help_text="By the database clock. Voicemails that failed later are not retried.")
    matching = models.BigIntegerField(help_text="The number of matching voicemails at the request, by the counters.")
    up_to = models.UUIDField(null=True, help_text="The last voicemail that the pass has reached.")
    queued = models.BigIntegerField(default=0)
    left_out: models.JSONField[Any, Any] = models.JSONField(
        default=dict, help_text="Voicemails not requeued, by cause."
    )
    updated_at = UpdatedAtField()
    ended_at = models.DateTimeField(null=True)
    stopped_because = models.CharField(max_length=300, blank=True, help_text="Why it was stopped, as a sentence.")

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["campaign"], condition=Q(state="running"), name="campaigns_one_retry")
        ]
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["campaign", "-id"], name="retry_newest")]

    @property
    def looked_at(self) -> int:
        """The number of voicemails requeued or left out so far."""
        return self.queued + sum(self.left_out.values())
