"""Inbox of carrier reports: written when a callback arrives, merged into voicemails in batches."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from delivery.lifecycle.events import MAX_CODE, MAX_REFERENCE, MAX_TEXT
from delivery.models.voicemail import UNENFORCED
from rvm.platform.database.ids import uuid7
from rvm.platform.encryption.fields import EncryptedField, EncryptedTextField
from usecases.models import TelephonySetup


class CarrierReport(models.Model):
    """One report about one drop, in the platform's terms, with the callback that contained it. Kept even if it changed nothing."""

    class Effect(models.TextChoices):
        APPLIED = "applied", "Changed the voicemail"
        KEPT = "kept", "Late, duplicate or out of order: kept, changed nothing"
        UNKNOWN_DROP = "unknown_drop", "No attempt of this setup is meant by it for certain"

    id = models.BigAutoField(primary_key=True)
    setup = models.ForeignKey(TelephonySetup, **UNENFORCED)
    binding = models.UUIDField(
        default=uuid7,
        help_text="What the row's ciphertexts are bound to, because its id is known only when it is inserted.",
    )
    drop_id = models.UUIDField("attempt", null=True)
    # The number that the report names, if any: for correlation with a drop, and because an opt-out applies to the person.
    recipient = EncryptedTextField(null=True, bound_to=("setup_id", "binding"))
    unsigned = models.BooleanField(
        default=False, db_default=False, help_text="Came without a signature although the setup's results are signed."
    )
    status = models.CharField(max_length=12)
    reason = models.CharField(max_length=32, blank=True)
    carrier_code = models.CharField(max_length=MAX_CODE, blank=True)
    carrier_text = models.CharField(max_length=MAX_TEXT, blank=True)
    carrier_reference = models.CharField(max_length=MAX_REFERENCE, blank=True)
    event_id = models.CharField(max_length=MAX_REFERENCE, blank=True)
    occurred_at = models.DateTimeField(null=True)
    received_at = models.DateTimeField(db_default=Now())
    raw = EncryptedField(
        null=True, bound_to=("setup_id", "binding"), help_text="The whole callback; on its first report only."
    )
    merged_at = models.DateTimeField(null=True)
    effect = models.CharField(max_length=12, choices=Effect.choices, blank=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["id"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["id"], name="report_unmerged", condition=Q(merged_at=None)),
            models.Index(fields=["drop_id"], name="report_of_drop"),
            # Reports in doubt, which are correlated again when a drop of the same person ends.
            models.Index(
                fields=["setup", "id"],
                name="report_in_doubt",
                condition=Q(effect="unknown_drop", recipient__isnull=False),
            ),
            # What the purge removes next; a row is added once, when it is merged.
            models.Index(
                fields=["setup", "received_at"],
                name="report_to_purge",
                condition=Q(merged_at__isnull=False) & (Q(raw__isnull=False) | Q(recipient__isnull=False)),
            ),
        ]

    def __str__(self) -> str:
        return f"Report of {self.setup}: {self.status}"
