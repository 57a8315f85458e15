"""Carrier media: recordings uploaded to carriers that need them before a drop."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from delivery.lifecycle.events import MAX_TEXT
from delivery.models.recording import Recording
from rvm.platform.models import Row
from usecases.models import TelephonySetup


class CarrierMedia(Row):
    """One recording in the account of one setup, uploaded once. Created when the first voicemail that needs it is due."""

    class State(models.TextChoices):
        WANTED = "wanted", "Waits for its upload"
        FAILED = "failed", "The last upload failed; another follows when a voicemail needs it"
        READY = "ready", "At the carrier"
        REFUSED = "refused", "The carrier will never take it"

    setup = models.ForeignKey(TelephonySetup, on_delete=models.CASCADE, related_name="+")
    recording = models.ForeignKey(Recording, on_delete=models.CASCADE, related_name="carrier_media")
    state = models.CharField(max_length=8, choices=State.choices, default=State.WANTED)
    media_id = models.CharField(max_length=255, blank=True, help_text="The carrier's id of the upload.")
    error = models.CharField(max_length=MAX_TEXT, blank=True, help_text="Why the last upload failed.")
    attempts = models.PositiveIntegerField(default=0)
    # While wanted: when to upload; a worker that uploads moves it ahead as its lease. While failed: when to try again.
    due_at = models.DateTimeField(db_default=Now())
    created_at = models.DateTimeField(db_default=Now())
    ready_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "recording at a carrier"
        verbose_name_plural = "recordings at carriers"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["setup", "recording"], name="delivery_media_once")
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["due_at"], name="media_wanted", condition=Q(state="wanted")),
            models.Index(fields=["setup"], name="media_failed", condition=Q(state__in=["failed", "refused"])),
        ]

    def __str__(self) -> str:
        return f"{self.recording} at {self.setup}"
