"""Voicemails: one recording for one recipient under one use case, the record that users list and filter."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from delivery.lifecycle.events import MAX_CODE, MAX_TEXT
from delivery.lifecycle.reasons import detail_of
from delivery.lifecycle.status import VoicemailStatus
from delivery.models.lane import Lane
from delivery.models.recording import Recording
from rvm.platform.encryption.fields import BlindIndexField, EncryptedJSONField, EncryptedTextField
from rvm.platform.models import Row, Workspace
from rvm.platform.observability.masking import DOTS, number_ending
from rvm.platform.times import moments
from usecases.models import TelephonySetup, UseCase

# Options of foreign keys that the database does not enforce: code checks the ids when it writes the row, and rows are never deleted
# while a voicemail refers to them.
UNENFORCED: dict[str, Any] = {
    "on_delete": models.DO_NOTHING,
    "db_constraint": False,
    "db_index": False,
    "related_name": "+",
}

# What nearly all voicemails are or pass through. What ended otherwise has indexes of its own, with one entry each.
COMMON_STATUSES = ["queued", "sending", "accepted", "delivered"]


class Voicemail(Row):
    workspace = models.ForeignKey(Workspace, **UNENFORCED)
    use_case = models.ForeignKey(UseCase, **UNENFORCED)
    setup = models.ForeignKey(TelephonySetup, **UNENFORCED, help_text="The use case's setup when this was created.")
    lane = models.ForeignKey(Lane, **UNENFORCED)
    recording = models.ForeignKey(Recording, **UNENFORCED)
    live = models.BooleanField()
    recipient = EncryptedTextField(
        null=True, help_text="Empty once it is removed, with what else is known of the person."
    )
    recipient_index = BlindIndexField(of="recipient")
    index_key = models.PositiveSmallIntegerField()
    last4 = models.CharField(max_length=4, blank=True)
    sender = models.CharField(max_length=16)
    reference = models.CharField(max_length=100, blank=True, help_text="The customer's own name for it; no PHI.")
    record_number = EncryptedTextField(
        null=True,
        help_text="The patient's medical record, chart or account number. Shown to users who may see phone numbers.",
    )
    metadata: models.JSONField[Any, Any] = models.JSONField(null=True)
    merge_fields = EncryptedJSONField(null=True, help_text="What a campaign's list says about the person.")
    zones = ArrayField(
        models.CharField(max_length=64),
        null=True,
        help_text="All time zones that the person may be in, and all states as `state:TX`, if known from more than the number.",
    )
    status = models.CharField(
        max_length=12, choices=[(status, status) for status in VoicemailStatus], default=VoicemailStatus.QUEUED
    )
    reason = models.CharField(max_length=32, blank=True)
    carrier_code = models.CharField(max_length=MAX_CODE, blank=True)
    carrier_text = models.CharField(max_length=MAX_TEXT, blank=True)
    failover = models.BooleanField(
        default=False, db_default=False, help_text="The next attempt goes through the use case's failover setup."
    )
    drop_id = models.UUIDField(null=True, help_text="The latest attempt.")
    attempts = models.PositiveIntegerField(default=0, help_text="Number of attempts made.")
    not_before = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, help_text="If empty, it expires with its lane.")
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())
    sending_at = models.DateTimeField(null=True)
    accepted_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    number_removed_at = models.DateTimeField(
        null=True, help_text="When recipient, record number, merge fields, metadata and places were removed."
    )

    class Meta:
        ordering: ClassVar[list[str]] = ["-id"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            # So that nobody is lost who is to be reached, whatever removes numbers.
            models.CheckConstraint(
                condition=Q(recipient__isnull=False) | ~Q(status__in=["queued", "sending"]),
                name="delivery_number_while_sent",
            )
        ]
        indexes: ClassVar[list[models.Index]] = [
            # The work queue: due voicemails of a lane. With the id, so that a look can continue among many that are due at one time.
            models.Index(
                fields=["lane", "failover", "not_before", "id"], name="voicemail_due", condition=Q(status="queued")
            ),
            # Voicemails that expire even in a held lane or behind a stopped setup. Those that expire with their lane are left out:
            # they would add cost, and the planner might search them all for those of one lane.
            models.Index(
                fields=["expires_at"],
                name="voicemail_expiring",
                condition=Q(status="queued", expires_at__isnull=False),
            ),
            # The listings, newest first: read backwards, because entries that come in order fill its pages.
            models.Index(fields=["workspace", "id"], name="voicemail_newest"),
            # The few test voicemails of a workspace among all the live ones.
            models.Index(fields=["workspace", "-id"], name="voicemail_newest_test", condition=Q(live=False)),
            models.Index(fields=["use_case", "status", "id"], name="voicemail_by_use_case"),
            # Those of a campaign, which are among many others of its use case while it goes on, and while another waits.
            models.Index(fields=["lane", "status", "id"], name="voicemail_by_lane"),
            # A setup that is used no more, or hardly.
            models.Index(fields=["setup", "status", "id"], name="voicemail_by_setup"),
            models.Index(
                fields=["reason", "use_case", "setup", "id"], name="voicemail_by_reason", condition=Q(reason__gt="")
            ),
            # What changed lately, wherever it is: next to nothing on each change, where a B-tree would take a further entry. New rows
            # lie in the places of removed ones, and each takes the reading of its range: of 32 pages, three times as long as of 8.
            BrinIndex(fields=["id", "updated_at"], name="voicemail_updated", autosummarize=True, pages_per_range=8),
            # Without the workspace, which the blind index includes already: before a new workspace's rows are in the statistics, the
            # planner would rate any index that begins with the workspace as equally good, and read all its rows for each person.
            models.Index(fields=["recipient_index", "-id"], name="voicemail_by_recipient"),
            models.Index(
                fields=["workspace", "status", "id"],
                name="voicemail_rare_status",
                condition=~Q(status__in=COMMON_STATUSES),
            ),
            # What the purge removes next; a row is added once, when it ends, and leaves with its number.
            models.Index(
                fields=["workspace", "ended_at", "id"],
                name="voicemail_to_purge",
                condition=Q(ended_at__isnull=False, recipient__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return (
            f"Voicemail, {self.masked_recipient}" if self.number_removed_at else f"Voicemail to {self.masked_recipient}"
        )

    @property
    def masked_recipient(self) -> str:
        return number_removed_text(self.number_removed_at) or number_ending(self.last4)

    @property
    def masked_record_number(self) -> str:
        """The masked record number, without any digits: the last digits of so short a number reveal too much."""
        return DOTS if self.record_number else ""

    @property
    def expiry(self) -> datetime | None:
        return self.expires_at or self.lane.expires_at

    @property
    def reason_detail(self) -> str:
        return detail_of(self.reason)


class VoicemailReference(models.Model):
    """A customer's reference, permanently unique among a workspace's live voicemails and among its test voicemails.

    In a table of its own, because the voicemail table is to be partitioned and cannot have the constraint.
    """

    id = models.BigAutoField(primary_key=True)
    # Its constraint would read the workspace once more for each reference, and the index of the references begins with it.
    workspace = models.ForeignKey(
        Workspace, on_delete=models.CASCADE, db_constraint=False, db_index=False, related_name="+"
    )
    live = models.BooleanField(help_text="Whether the voicemail is live.")
    reference = models.CharField(max_length=100)
    voicemail_id = models.UUIDField()

    class Meta:
        verbose_name = "reference"
        verbose_name_plural = "references"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["workspace", "reference", "live"], name="delivery_reference_once")
        ]

    def __str__(self) -> str:
        return self.reference


class VoicemailIdentifier(models.Model):
    """Hashes of a voicemail's record number and reference, for searches (see delivery.identifiers). No row if it has neither.

    In a narrow table of its own, because inserts into an index in random order are the largest cost of an import, most of all on the
    wide table. The primary key is inserted in order and costs next to nothing.
    """

    voicemail = models.OneToOneField(
        Voicemail, on_delete=models.CASCADE, db_constraint=False, primary_key=True, related_name="+"
    )
    record_number = models.BigIntegerField(null=True, help_text="Eight bytes of its blind index.")
    reference = models.BigIntegerField(null=True, help_text="A hash of workspace and reference.")

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["record_number"], name="identifier_record_number", condition=Q(record_number__isnull=False)
            ),
            models.Index(fields=["reference"], name="identifier_reference", condition=Q(reference__isnull=False)),
        ]


# For SQL that reads and writes rows without the model.
RECIPIENT: EncryptedTextField = Voicemail._meta.get_field("recipient")
RECORD_NUMBER: EncryptedTextField = Voicemail._meta.get_field("record_number")
MERGE_FIELDS: EncryptedJSONField = Voicemail._meta.get_field("merge_fields")


def number_removed_text(at: datetime | None) -> str:
    """What stands in the place of a number that was removed; empty if it was not."""
    return f"number removed on {moments.day(at)}" if at else ""


def number_in(ciphertext: bytes | None, workspace_id: UUID, voicemail_id: UUID) -> str | None:
    """The E.164 number of the `recipient` of the workspace's voicemail; None if it was removed, the key is not configured, the
    ciphertext is damaged or another row's, or its content is not text."""
    if ciphertext is None:
        return None
    try:
        return RECIPIENT.decrypt(ciphertext, workspace_id, voicemail_id)
    except ValueError:
        return None
