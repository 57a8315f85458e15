"""Drops: attempts to leave a voicemail through one setup. A drop's id is the attempt key that the carrier gets.

With those whose results the carrier is asked for.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from delivery.lifecycle.events import MAX_CODE, MAX_REFERENCE, MAX_TEXT
from delivery.lifecycle.reasons import detail_of
from delivery.lifecycle.status import DropStatus
from delivery.models.voicemail import UNENFORCED, Voicemail
from rvm.platform.models import Row, Workspace
from usecases.models import TelephonySetup


class Drop(Row):
    workspace = models.ForeignKey(Workspace, **UNENFORCED)
    voicemail = models.ForeignKey(Voicemail, **{**UNENFORCED, "related_name": "drops"})
    setup = models.ForeignKey(TelephonySetup, **UNENFORCED)
    credentials_version = models.PositiveIntegerField(
        null=True,
        help_text="Version of the setup's credentials that made the request; a resubmission needs the same version.",
    )
    callback_version = models.PositiveIntegerField(
        default=1,
        db_default=1,
        help_text="Version of the setup's callback secret in the addresses of the request; a resubmission repeats them.",
    )
    number = models.PositiveIntegerField(help_text="1 for the first attempt.")
    live = models.BooleanField()
    sender = models.CharField(max_length=16)
    status = models.CharField(
        max_length=12, choices=[(status, status) for status in DropStatus], default=DropStatus.SENDING
    )
    reason = models.CharField(max_length=32, blank=True)
    carrier_code = models.CharField(max_length=MAX_CODE, blank=True)
    carrier_text = models.CharField(max_length=MAX_TEXT, blank=True)
    carrier_reference = models.CharField(max_length=MAX_REFERENCE, blank=True)
    # While sending: the end of the lease. While uncertain: the time of the next check.
    due_at = models.DateTimeField()
    checks = models.PositiveIntegerField(default=0, help_text="Times the carrier was asked about it.")
    fetches = models.PositiveSmallIntegerField(
        default=0, db_default=0, help_text="Times the carrier began to fetch the recording; counted up to a hundred."
    )
    fetched_at = models.DateTimeField(null=True, help_text="The last time of those.")
    fetched_bytes = models.PositiveIntegerField(
        default=0,
        db_default=0,
        help_text="How far from its beginning the carrier was given the recording; kept where nothing else proves that it was "
        "played.",
    )
    provisional = models.BooleanField(
        default=False,
        db_default=False,
        help_text="Ended by an unsigned result although the setup's results are signed; a signed one overrides it.",
    )
    created_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "attempt"
        verbose_name_plural = "attempts"
        ordering: ClassVar[list[str]] = ["id"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["voicemail"], name="drop_of_voicemail"),
            # Two indexes, so that a search for the few uncertain drops does not pass the entries of every past claim.
            models.Index(fields=["due_at"], name="drop_leased", condition=Q(status="sending")),
            models.Index(fields=["due_at"], name="drop_uncertain", condition=Q(status="uncertain")),
            models.Index(fields=["setup", "due_at"], name="drop_unsettled", condition=Q(status="uncertain")),
            models.Index(fields=["setup", "accepted_at"], name="drop_unreported", condition=Q(status="accepted")),
            # How a setup has fared lately. One entry an attempt, once it has ended: no claim writes any.
            models.Index(fields=["setup", "id"], name="drop_ended", condition=Q(ended_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"Attempt {self.number} from {self.sender}"

    @property
    def reason_detail(self) -> str:
        return detail_of(self.reason)


class AwaitedResult(models.Model):
    """A drop whose result is asked for by the carrier's id. A row only where the carrier can be asked, and until the drop has ended:
    apart from the drops, so that most of them cost nothing."""

    drop_id = models.UUIDField("attempt", primary_key=True)
    setup = models.ForeignKey(TelephonySetup, **UNENFORCED)
    due_at = models.DateTimeField(help_text="When the carrier is asked next.")
    checks = models.PositiveIntegerField(default=0, help_text="Times it was asked since the carrier last called back.")

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["due_at"], name="result_due"),
            models.Index(fields=["setup", "due_at"], name="result_due_by_setup"),
        ]

    def __str__(self) -> str:
        return f"Result of {self.drop_id}"
