"""One recording for one recipient under one use case: the record that people list and filter."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from delivery.lifecycle.reasons import REASONS, Reason
from delivery.lifecycle.status import VoicemailStatus
from delivery.models.lane import Lane
from delivery.models.recording import Recording
from rvm.platform.encryption.crypto import cipher
from rvm.platform.encryption.fields import EncryptedJSONField, EncryptedTextField
from rvm.platform.models import Row, Workspace
from usecases.models import TelephonySetup, UseCase

# Columns of references that are not enforced: ids are checked when the row is written, and nothing they name is ever deleted
# while a voicemail names it.
UNENFORCED: dict[str, Any] = {
    "on_delete": models.DO_NOTHING,
    "db_constraint": False,
    "db_index": False,
    "related_name": "+",
}


class Voicemail(Row):
    workspace = models.ForeignKey(Workspace, **UNENFORCED)
    use_case = models.ForeignKey(UseCase, **UNENFORCED)
    setup = models.ForeignKey(TelephonySetup, **UNENFORCED, help_text="The use case's setup when this was created.")
    lane = models.ForeignKey(Lane, **UNENFORCED)
    recording = models.ForeignKey(Recording, **UNENFORCED)
    live = models.BooleanField()
    recipient = EncryptedTextField()
    recipient_index = models.BinaryField(max_length=32)
    index_key = models.PositiveSmallIntegerField()
    last4 = models.CharField(max_length=4)
    sender = models.CharField(max_length=16)
    reference = models.CharField(max_length=100, blank=True, help_text="The customer's own; no PHI.")
    record_number = EncryptedTextField(
        null=True,
        help_text="The patient's: a medical record, chart or account number. Shown by the right that numbers have.",
    )
    metadata: models.JSONField[Any, Any] = models.JSONField(null=True)
    merge_fields = EncryptedJSONField(null=True, help_text="What a campaign's list says about the person.")
    zones = ArrayField(
        models.CharField(max_length=64),
        null=True,
        help_text="Every time zone the person may be in, where more is known than the number.",
    )
    status = models.CharField(
        max_length=12, choices=[(status, status) for status in VoicemailStatus], default=VoicemailStatus.QUEUED
    )
    reason = models.CharField(max_length=32, blank=True)
    carrier_code = models.CharField(max_length=40, blank=True)
    carrier_text = models.CharField(max_length=200, blank=True)
    failover = models.BooleanField(
        default=False, db_default=False, help_text="The next drop goes through the use case's failover setup."
    )
    drop_id = models.UUIDField(null=True, help_text="The latest drop.")
    attempts = models.PositiveIntegerField(default=0, help_text="Drops that were made.")
    not_before = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, help_text="Without one it expires with its lane.")
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())
    sending_at = models.DateTimeField(null=True)
    accepted_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["-id"]
        indexes: ClassVar[list[models.Index]] = [
            # The work queue: what is due in a lane. By id as well, so that a look can go on within a list that is due at one moment.
            models.Index(
                fields=["lane", "failover", "not_before", "id"], name="voicemail_due", condition=Q(status="queued")
            ),
            # What must expire also where its lane is held or its setup is stopped. Those that expire with their lane are not in it:
            # they would only cost, and tempt the planner to seek one lane's among them all.
            models.Index(
                fields=["expires_at"],
                name="voicemail_expiring",
                condition=Q(status="queued", expires_at__isnull=False),
            ),
            # The listings, newest first.
            models.Index(fields=["workspace", "-id"], name="voicemail_newest"),
            # A test key's few among all that are live.
            models.Index(fields=["workspace", "-id"], name="voicemail_newest_test", condition=Q(live=False)),
            models.Index(fields=["use_case", "status", "-id"], name="voicemail_by_use_case"),
            # Without the workspace, which is in the blind index already: a planner that has not counted a new workspace's rows yet
            # would take any index that begins with it for as good as this one, and read all of them for each person.
            models.Index(fields=["recipient_index", "-id"], name="voicemail_by_recipient"),
            models.Index(
                fields=["workspace", "status", "-id"],
                name="voicemail_rare_status",
                condition=~Q(status__in=["queued", "sending", "accepted", "delivered"]),
            ),
        ]

    @property
    def masked_recipient(self) -> str:
        return f"+•••••••{self.last4}"

    @property
    def masked_record_number(self) -> str:
        """Without a digit: of so short a number the last ones say too much."""
        return "•••••••" if self.record_number else ""

    @property
    def expiry(self) -> datetime | None:
        return self.expires_at or self.lane.expires_at

    @property
    def reason_sentence(self) -> str:
        return REASONS[Reason(self.reason)].sentence if self.reason else ""


class VoicemailReference(models.Model):
    """Keeps a customer's own reference unique for ever among a workspace's live voicemails, and among its test ones, apart from the
    table that will be partitioned."""

    id = models.BigAutoField(primary_key=True)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+")
    live = models.BooleanField(help_text="As the voicemail is.")
    reference = models.CharField(max_length=100)
    voicemail_id = models.UUIDField()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["workspace", "reference", "live"], name="delivery_reference_once")
        ]


class VoicemailIdentifier(models.Model):
    """What a voicemail is found by beside its number and id (see delivery.identifiers); there is none where it has neither.

    In a narrow table of its own, because an index without an order is what a list's import pays most for, and most of all on the
    wide one. Its key comes in the voicemails' order and costs next to nothing.
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


# For rows that are read and written without their model.
RECIPIENT_PURPOSE: bytes = Voicemail._meta.get_field("recipient").purpose


def number_in(ciphertext: bytes) -> str | None:
    """The E.164 number of a row's `recipient`; None where the key is not configured, the ciphertext is damaged, or what it held is no
    text."""
    try:
        return cipher().decrypt(ciphertext, RECIPIENT_PURPOSE).decode()
    except ValueError:
        return None
