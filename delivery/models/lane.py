"""Lanes, which group voicemails with a common pace and hold, and the counts of their voicemails by status."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from rvm.platform.models import Row, Workspace
from usecases.models import (
    ATTEMPTS_BOUNDS,
    PACE_BOUNDS,
    RETRY_MINUTES_BOUNDS,
    RETRY_MINUTES_HELP,
    WINDOW_START_HELP,
    UseCase,
)

# Settings that a lane may have of its own instead of its use case's, in the order of forms and of the API.
LANE_SETTINGS = ("window_start", "window_end", "days", "pace_per_second", "priority", "max_attempts", "retry_minutes")


def bounds_of(name: str, model: type[models.Model] | None = None) -> tuple[float, float]:
    """Minimum and maximum of a field of a lane, or of another model; for days, of each day."""
    field: Any = (model or Lane)._meta.get_field(name)
    validators = getattr(field, "base_field", field).validators
    [least] = [each.limit_value for each in validators if isinstance(each, MinValueValidator)]
    [most] = [each.limit_value for each in validators if isinstance(each, MaxValueValidator)]
    return least, most


class Lane(Row):
    """A queue of voicemails: one per campaign, and two per use case for the voicemails of the API, one live and one test.

    A null setting is taken from the use case. Hours set here only narrow the use case's: both must allow a time.
    """

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+")
    use_case = models.ForeignKey(UseCase, on_delete=models.CASCADE, related_name="lanes")
    for_api = models.BooleanField(default=False)
    live = models.BooleanField(help_text="Test lanes go through the workspace's sandbox setup only.")
    held = models.BooleanField(default=False, help_text="While held, its voicemails wait.")
    priority = models.SmallIntegerField(
        default=0,
        validators=[MinValueValidator(-100), MaxValueValidator(100)],
        help_text="Higher goes first where a setup's pace is short.",
    )
    pace_per_second = models.FloatField(
        null=True,
        blank=True,
        validators=PACE_BOUNDS,
        help_text="Slower than the setup's pace, if set.",
    )
    window_start = models.TimeField(null=True, blank=True, help_text=WINDOW_START_HELP)
    window_end = models.TimeField(null=True, blank=True, help_text="Local time from which nothing is sent.")
    days = ArrayField(
        models.PositiveSmallIntegerField(validators=[MinValueValidator(1), MaxValueValidator(7)]),
        size=7,
        null=True,
        blank=True,
        help_text="Local weekdays on which it sends: 1 is Monday, 7 is Sunday.",
    )
    max_attempts = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        validators=ATTEMPTS_BOUNDS,
        help_text="Attempts per voicemail that may reach the carrier.",
    )
    retry_minutes = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=RETRY_MINUTES_BOUNDS,
        help_text=RETRY_MINUTES_HELP,
    )
    expires_at = models.DateTimeField(
        null=True, blank=True, help_text="Expiry of its voicemails that have no expiry of their own."
    )
    recording = models.ForeignKey(
        "delivery.Recording",
        on_delete=models.PROTECT,
        null=True,
        editable=False,
        related_name="+",
        help_text="Whoever is sent to from now on hears this in the place of the voicemail's own recording.",
    )
    idle = models.BooleanField(
        default=False,
        db_default=False,
        editable=False,
        help_text="Nothing is under way in it, so looks for work skip it; see delivery.engine.idle_lanes.",
    )
    canary_left = models.PositiveIntegerField(
        null=True,
        editable=False,
        help_text="How many more people may be tried before the first ones are judged; null: everybody. See "
        "delivery.engine.canaries.",
    )
    # Bounds of the ids of voicemails that came from lists, or null. No index leads from a lane to its ended voicemails, so without
    # the bounds a page of an old campaign would be searched for among all later voicemails.
    first_id = models.UUIDField(null=True, editable=False)
    last_id = models.UUIDField(null=True, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name = "queue"
        verbose_name_plural = "queues"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["use_case", "live"], condition=Q(for_api=True), name="delivery_one_api_lane"
            )
        ]
        indexes: ClassVar[list[models.Index]] = [
            # The few lanes that a look for due voicemails reads.
            models.Index(fields=["id"], name="lane_open", condition=Q(idle=False, held=False)),
            models.Index(
                fields=["expires_at"], name="lane_expiring", condition=Q(idle=False, expires_at__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        kind = "API" if self.for_api else "campaign"
        return f"{self.use_case}: {kind}, {'live' if self.live else 'test'}"


class LaneCount(models.Model):
    """Number of a lane's voicemails by status and reason, as of the last roll-up. The current number is this plus the deltas."""

    id = models.BigAutoField(primary_key=True)
    lane = models.ForeignKey(Lane, on_delete=models.CASCADE, related_name="counts")
    status = models.CharField(max_length=12)
    reason = models.CharField(max_length=32, blank=True)
    count = models.BigIntegerField()
    changed_at = models.DateTimeField(db_default=Now(), editable=False, help_text="Time of the last roll-up.")

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["lane", "status", "reason"], name="delivery_one_count")
        ]
        indexes: ClassVar[list[models.Index]] = [
            # Finds lanes with voicemails in a status. Most lanes have none in statuses that are not final.
            models.Index(fields=["status", "lane"], name="lanecount_any", condition=~Q(count=0))
        ]


class UseCaseCount(models.Model):
    """Sum of the counts of all lanes of a use case, so that totals can be read without reading past lanes."""

    id = models.BigAutoField(primary_key=True)
    use_case = models.ForeignKey(UseCase, on_delete=models.CASCADE, related_name="counts")
    status = models.CharField(max_length=12)
    reason = models.CharField(max_length=32, blank=True)
    count = models.BigIntegerField()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["use_case", "status", "reason"], name="delivery_one_use_case_count")
        ]


class LaneDelta(models.Model):
    """A change of a count, inserted by the statement that changed the voicemails; the tick rolls it up into the counts."""

    id = models.BigAutoField(primary_key=True)
    lane = models.ForeignKey(Lane, on_delete=models.CASCADE, related_name="+", db_constraint=False, db_index=False)
    status = models.CharField(max_length=12)
    reason = models.CharField(max_length=32, blank=True)
    delta = models.BigIntegerField()
