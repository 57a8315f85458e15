"""The row of a request that somebody else approves a launch, or a retry, that reaches many people."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from campaigns.models.campaign import Campaign
from campaigns.states import ApprovalKind, ApprovalState
from rvm.platform.models import Row, User

MAX_REMARK = 500


class LaunchApproval(Row):
    """A request for approval, and what became of it. A campaign has at most one that waits."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="approvals", db_index=False)
    kind = models.CharField(max_length=12, choices=[(kind, kind) for kind in ApprovalKind])
    state = models.CharField(
        max_length=12, choices=[(state, state) for state in ApprovalState], default=ApprovalState.WAITING
    )
    people = models.BigIntegerField(help_text="How many people it was asked for; it reaches no more.")
    above = models.BigIntegerField(help_text="The size from which on the workspace wanted a second person.")
    version = models.BinaryField(max_length=32, help_text="SHA-256 of what would be sent, to whom and when.")
    reasons = ArrayField(
        models.CharField(max_length=32), default=list, help_text="Of a retry: the reasons that were asked for."
    )
    accept_duplicate_risk = models.BooleanField(default=False, help_text="Of a retry.")
    asked_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    asked_at = models.DateTimeField(db_default=Now())
    decided_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    remark = models.CharField(max_length=MAX_REMARK, blank=True, help_text="Why it was declined, or has fallen.")

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["campaign"], condition=Q(state="waiting"), name="campaigns_one_waiting_approval"
            )
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["campaign", "-id"], name="approval_newest"),
        ]
