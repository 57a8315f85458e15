"""The row of a campaign: one recording or a script for many recipients, on a schedule."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models.functions import Now

from campaigns.states import CampaignState
from delivery.models import Lane, Recording
from rvm.platform.encryption.fields import UpdatedAtField
from rvm.platform.models import Row, User, Workspace
from usecases.models import UseCase

MAX_NAME_LENGTH = 100
MAX_CANARY = 5_000
# Minutes.
MIN_CANARY_WAIT, MAX_CANARY_WAIT = 5, 1_440
# Settings of a campaign's canary, in the order of forms and of the API.
CANARY_SETTINGS = ("canary_size", "canary_max_failed_percent", "canary_wait_minutes")


class Campaign(Row):
    """A campaign. Its id is that of its lane, which has the settings of the engine: use case, hold, pace, hours, retries, expiry."""

    # The version that somebody saw who launches it (campaigns/lifecycle/approvals.py); None where nobody says. Not a column.
    seen: bytes | None = None
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="campaigns")
    lane = models.OneToOneField(Lane, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=MAX_NAME_LENGTH)
    state = models.CharField(
        max_length=12, choices=[(state, state) for state in CampaignState], default=CampaignState.DRAFT
    )
    recording = models.ForeignKey(
        Recording,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="The recording that every recipient hears.",
    )
    script: models.JSONField[Any, Any] = models.JSONField(
        null=True,
        blank=True,
        help_text="Instead of one recording: the parts from which each recipient's recording is joined.",
    )
    recordings_set = models.BooleanField(
        default=True,
        help_text="Whether every voicemail has the campaign's current recording; if not, the tick assigns it before the lane opens.",
    )
    recordings_set_to = models.UUIDField(
        null=True, editable=False, help_text="The last voicemail to which the current recording was assigned."
    )
    revised = models.BooleanField(
        default=False,
        db_default=False,
        editable=False,
        help_text="Whether it was changed while paused and has not gone on since; to go on it needs what a launch needs.",
    )
    copied_from = models.ForeignKey(
        "self",
        on_delete=models.SET_NULL,
        null=True,
        related_name="copies",
        editable=False,
        help_text="What it is a copy of.",
    )
    # While people who were not reached there are added: those who had ended by then, for these reasons, from this voicemail on.
    copying_since = models.DateTimeField(null=True, editable=False, help_text="Null: nobody is being added.")
    copied_reasons = ArrayField(models.CharField(max_length=32), default=list, db_default=[], editable=False)
    copied_with_risk = models.BooleanField(
        default=False,
        db_default=False,
        editable=False,
        help_text="Whether those are added too who may have been reached there.",
    )
    copied_up_to = models.UUIDField(null=True, editable=False)
    time_zone = models.CharField(
        max_length=64, default="UTC", help_text="Time zone in which the start and the end are read and shown."
    )
    starts_at = models.DateTimeField(null=True, blank=True, help_text="Empty: the campaign starts when it is launched.")
    ends_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="When unsent voicemails expire. Empty: the use case's expiry after the start.",
    )
    canary_size = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MaxValueValidator(MAX_CANARY)],
        help_text="How many people are tried first; the others wait until the reports about these are in. Empty: 100 if more than "
        "1,000 people wait. 0: everybody at once.",
    )
    canary_max_failed_percent = models.PositiveSmallIntegerField(
        default=10,
        db_default=10,
        validators=[MaxValueValidator(100)],
        help_text="The campaign is paused if more of the first people fail for reasons that tell of the carrier, the account or the "
        "recording.",
    )
    canary_wait_minutes = models.PositiveSmallIntegerField(
        default=60,
        db_default=60,
        validators=[MinValueValidator(MIN_CANARY_WAIT), MaxValueValidator(MAX_CANARY_WAIT)],
        help_text="The campaign is paused if too few reports are in so long after the first people were tried.",
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
        help_text="The user who launched or scheduled it.",
    )
    launched_at = models.DateTimeField(null=True, editable=False, help_text="When it began to run.")
    ended_at = models.DateTimeField(null=True, editable=False, help_text="When it completed or was canceled.")
    # The last measurement of the rate, from the counters.
    measured_at = models.DateTimeField(null=True, editable=False)
    measured_sent = models.BigIntegerField(default=0, editable=False)
    rate_per_second = models.FloatField(null=True, editable=False)

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["workspace", "-id"], name="campaign_newest"),
            models.Index(
                fields=["copying_since"], name="campaign_copying", condition=models.Q(copying_since__isnull=False)
            ),
            models.Index(
                fields=["starts_at"],
                name="campaign_due",
                condition=models.Q(state__in=["scheduled", "running", "paused"]),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_copying(self) -> bool:
        return self.copying_since is not None

    @property
    def use_case(self) -> UseCase:
        return self.lane.use_case

    @property
    def live(self) -> bool:
        return self.lane.live
