"""Lines of voicemails that share a pace and can be held, and how many of their voicemails are in which status."""

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

# What a lane may say otherwise than its use case, in the order in which forms and the API name it.
OWN_SETTINGS = ("window_start", "window_end", "days", "pace_per_second", "priority", "max_attempts", "retry_minutes")


def bounds_of(name: str) -> tuple[float, float]:
    """The least and the most that a lane's field takes; of days, each of them."""
    field: Any = Lane._meta.get_field(name)
    validators = getattr(field, "base_field", field).validators
    [least] = [each.limit_value for each in validators if isinstance(each, MinValueValidator)]
    [most] = [each.limit_value for each in validators if isinstance(each, MaxValueValidator)]
    return least, most


class Lane(Row):
    """One per campaign, and one per use case for what the API sends live and one for what it sends in test mode.

    What is null here is as the use case's policy says; the policy binds all the same: hours are those that both allow.
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
        null=True,
        blank=True,
        help_text="Local weekdays on which it sends: 1 is Monday, 7 is Sunday.",
    )
    max_attempts = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        validators=ATTEMPTS_BOUNDS,
        help_text="Drops per voicemail that may reach the carrier.",
    )
    retry_minutes = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=RETRY_MINUTES_BOUNDS,
        help_text=RETRY_MINUTES_HELP,
    )
    expires_at = models.DateTimeField(
        null=True, blank=True, help_text="When those of its voicemails expire that have no time of their own."
    )
    idle = models.BooleanField(
        default=False,
        db_default=False,
        editable=False,
        help_text="Nothing waits in it, so no look for work reads it; see delivery.engine.idle_lanes.",
    )
    # Its voicemails' ids lie between these, where lists brought them: no index leads from a lane to what has ended of it, and without
    # them a page of an old campaign would be sought through all that came after it. Null where nobody wrote them down.
    first_id = models.UUIDField(null=True, editable=False)
    last_id = models.UUIDField(null=True, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["use_case", "live"], condition=Q(for_api=True), name="delivery_one_api_lane"
            )
        ]
        indexes: ClassVar[list[models.Index]] = [
            # What a look for due voicemails reads, of all lanes that ever were.
            models.Index(fields=["id"], name="lane_open", condition=Q(idle=False, held=False)),
            models.Index(
                fields=["expires_at"], name="lane_expiring", condition=Q(idle=False, expires_at__isnull=False)
            ),
        ]


class LaneCount(models.Model):
    """Voicemails of a lane by status and reason, as of the last fold. The truth is this plus the deltas."""

    id = models.BigAutoField(primary_key=True)
    lane = models.ForeignKey(Lane, on_delete=models.CASCADE, related_name="counts")
    status = models.CharField(max_length=12)
    reason = models.CharField(max_length=32, blank=True)
    count = models.BigIntegerField()
    changed_at = models.DateTimeField(db_default=Now(), editable=False, help_text="When it was folded last.")

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["lane", "status", "reason"], name="delivery_one_count")
        ]
        indexes: ClassVar[list[models.Index]] = [
            # Which lanes have anything in a status: most have nothing in those that are no end.
            models.Index(fields=["status", "lane"], name="lanecount_any", condition=~Q(count=0))
        ]


class UseCaseCount(models.Model):
    """The same of all lanes of a use case together: what is asked about everything reads this, and no lane that is over."""

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
    """A change of a count, appended in the statement that changed the voicemails; folded away by the tick."""

    id = models.BigAutoField(primary_key=True)
    lane = models.ForeignKey(Lane, on_delete=models.CASCADE, related_name="+", db_constraint=False, db_index=False)
    status = models.CharField(max_length=12)
    reason = models.CharField(max_length=32, blank=True)
    delta = models.BigIntegerField()
