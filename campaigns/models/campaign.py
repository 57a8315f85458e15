"""One recording to many people, on a schedule."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models.functions import Now

from campaigns.states import CampaignState
from delivery.models import Lane, Recording
from rvm.platform.encryption.fields import UpdatedAtField
from rvm.platform.models import Row, User, Workspace
from usecases.models import UseCase

MAX_NAME_LENGTH = 100


class Campaign(Row):
    """Has the id of its lane, which holds what the engine must know: use case, hold, pace, hours, days, retries, expiry."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="campaigns")
    lane = models.OneToOneField(Lane, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=MAX_NAME_LENGTH)
    state = models.CharField(
        max_length=12, choices=[(state, state) for state in CampaignState], default=CampaignState.DRAFT
    )
    recording = models.ForeignKey(
        Recording, on_delete=models.PROTECT, null=True, blank=True, related_name="+", help_text="What everybody hears."
    )
    script: models.JSONField[Any, Any] = models.JSONField(
        null=True, blank=True, help_text="In place of one recording: the clips of which each person's is joined."
    )
    recordings_set = models.BooleanField(
        default=True, help_text="Every voicemail names what its campaign says now; the launch sees to it where not."
    )
    recordings_set_to = models.UUIDField(null=True, editable=False, help_text="Up to which voicemail that is done.")
    time_zone = models.CharField(
        max_length=64, default="UTC", help_text="In which its start and end are read and shown."
    )
    starts_at = models.DateTimeField(null=True, blank=True, help_text="Without one it starts when it is launched.")
    ends_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="What is unsent then expires. By default as long after the start as its use case says.",
    )
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+", editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = UpdatedAtField()
    launched_by = models.ForeignKey(
        User,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        editable=False,
        help_text="Who launched it, or for which time.",
    )
    launched_at = models.DateTimeField(null=True, editable=False, help_text="When it was claimed.")
    ended_at = models.DateTimeField(null=True, editable=False, help_text="When it completed or was canceled.")
    # Where the rate was last read off the counters.
    measured_at = models.DateTimeField(null=True, editable=False)
    measured_sent = models.BigIntegerField(default=0, editable=False)
    rate_per_second = models.FloatField(null=True, editable=False)

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["workspace", "-id"], name="campaign_newest"),
            models.Index(
                fields=["starts_at"],
                name="campaign_due",
                condition=models.Q(state__in=["scheduled", "running", "paused"]),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def use_case(self) -> UseCase:
        return self.lane.use_case

    @property
    def live(self) -> bool:
        return self.lane.live
