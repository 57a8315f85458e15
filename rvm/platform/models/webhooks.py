"""Destinations of webhooks, their secrets, and what was sent to each."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from rvm.platform.database.rows import Row
from rvm.platform.encryption.fields import EncryptedTextField
from rvm.platform.models.events import MAX_EVENT_TYPE
from rvm.platform.models.people import User
from rvm.platform.models.workspaces import Workspace

MAX_DESTINATION_NAME = 100
MAX_DESCRIPTION = 300
MAX_BECAUSE = 300
# How many requests may be under way to one destination, and how many by default.
MAX_CONCURRENCY, CONCURRENCY = 20, 4
# More requests a second than a process sends; whoever takes these needs no limit.
MAX_PACE = 10_000


class WebhookDestination(Row):
    """An address that is told of events. It reads the feed from `position` on; while it is disabled it stays where it is."""

    class Signature(models.TextChoices):
        STANDARD = "standard", "Standard Webhooks"
        HEX = "hex", "Hex HMAC over v1:timestamp:body"

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+", db_index=False)
    live = models.BooleanField(help_text="Whether it is told of what is live; otherwise of tests alone.")
    name = models.CharField(max_length=MAX_DESTINATION_NAME)
    description = models.CharField(max_length=MAX_DESCRIPTION, blank=True)
    url = EncryptedTextField("address", help_text="Addresses of receivers often hold a token.")
    accepted_event_types = ArrayField(
        models.CharField(max_length=MAX_EVENT_TYPE),
        default=list,
        blank=True,
        help_text="Empty: all, also those of later versions.",
    )
    signature = models.CharField(max_length=8, choices=Signature.choices, default=Signature.STANDARD)
    concurrency = models.PositiveSmallIntegerField(
        "requests at a time",
        default=CONCURRENCY,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_CONCURRENCY)],
    )
    pace_per_second = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_PACE)],
        help_text="Requests a second at most. Empty: no limit.",
    )
    position = models.UUIDField(
        default=UUID(int=0), editable=False, help_text="The last event of the feed that it was given."
    )
    failing_since = models.DateTimeField(
        null=True, editable=False, help_text="Since when nothing was taken; empty if all is well."
    )
    failures = models.PositiveIntegerField(
        default=0, editable=False, help_text="Attempts in a row that were not taken."
    )
    waits_until = models.DateTimeField(
        null=True, editable=False, help_text="Until when it is left alone after failures."
    )
    leased_by = models.UUIDField(null=True, editable=False, help_text="The process that sends to it; no other does.")
    leased_until = models.DateTimeField(
        null=True, editable=False, help_text="Until when; a process that was killed extends this no more."
    )
    disabled_at = models.DateTimeField(null=True, editable=False)
    disabled_because = models.CharField(max_length=MAX_BECAUSE, blank=True, editable=False)
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+", editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = models.DateTimeField(db_default=Now(), editable=False)
    deleted_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        verbose_name = "webhook destination"
        verbose_name_plural = "webhook destinations"
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["workspace", "-id"], name="platform_destination_newest")
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def enabled(self) -> bool:
        return self.disabled_at is None and self.deleted_at is None


class WebhookSecret(Row):
    """A secret that webhooks to a destination are signed with. Two are valid at a time while one replaces the other."""

    destination = models.ForeignKey(WebhookDestination, on_delete=models.CASCADE, related_name="secrets")
    secret = EncryptedTextField(bound_to=("destination_id", "id"), help_text="whsec_ and 32 random bytes in base64.")
    last4 = models.CharField(max_length=4, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField(null=True, editable=False, help_text="From then on it signs nothing.")

    def __str__(self) -> str:
        return f"…{self.last4}"

    def signs(self, now: datetime) -> bool:
        return self.expires_at is None or self.expires_at > now


class WebhookDelivery(Row):
    """An event on its way to a destination, from the first attempt that is due until it is taken or given up."""

    class State(models.TextChoices):
        PENDING = "pending", "Waits for its next attempt"
        DELIVERED = "delivered", "Taken by the receiver"
        FAILED = "failed", "Given up after the last attempt"

    destination = models.ForeignKey(
        WebhookDestination, on_delete=models.CASCADE, db_constraint=False, db_index=False, related_name="+"
    )
    event_id = models.UUIDField()
    type = models.CharField(max_length=MAX_EVENT_TYPE)
    subject_id = models.UUIDField(help_text="What the event is about: a later event of it waits for this one.")
    state = models.CharField(max_length=9, choices=State.choices, default=State.PENDING)
    # Of a receiver that keeps asking for rest there are more than a small integer holds.
    attempts = models.PositiveIntegerField(default=0)
    probes = models.PositiveIntegerField(
        default=0, help_text="Attempts by which the destination was tried, and which its schedule does not count."
    )
    due_at = models.DateTimeField(null=True, help_text="When the next attempt is due; empty once it has ended.")
    replay = models.BooleanField(default=False, help_text="Whether somebody asked for it again.")
    created_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "webhook delivery"
        verbose_name_plural = "webhook deliveries"
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["destination", "-id"], name="delivery_newest"),
            models.Index(fields=["destination", "event_id"], name="delivery_of_event"),
            models.Index(fields=["destination", "due_at"], name="delivery_due", condition=Q(state="pending")),
            models.Index(
                fields=["destination", "subject_id", "id"], name="delivery_pending", condition=Q(state="pending")
            ),
        ]

    def __str__(self) -> str:
        return self.type


class WebhookAttempt(models.Model):
    """One request of a delivery and its answer."""

    id = models.BigAutoField(primary_key=True)
    delivery = models.ForeignKey(WebhookDelivery, on_delete=models.CASCADE, db_constraint=False, related_name="+")
    number = models.PositiveIntegerField(help_text="From 1.")
    at = models.DateTimeField()
    milliseconds = models.PositiveIntegerField()
    status = models.PositiveSmallIntegerField(null=True, help_text="Of the answer; empty without one.")
    error = models.CharField(
        max_length=300, blank=True, help_text="Why there was none, or why it does not count, as a sentence."
    )
    answer = models.CharField(max_length=500, blank=True, help_text="The beginning of its body, with numbers masked.")
