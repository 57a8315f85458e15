"""The row of a recipient import, and its rejected rows."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

from campaigns.models.campaign import Campaign
from campaigns.models.uploaded_list import UploadedList, UploadedListQuerySet
from campaigns.states import UNDER_WAY, ImportState, RowOutcome

MAX_STATEMENT_LENGTH = 1000


class RecipientImport(UploadedList):
    """A recipient import. The encrypted file is kept for the workspace's days of lists; afterwards only counts and the rejected
    rows' numbers and codes."""

    FOLDER = "imports"
    UNDER_WAY = UNDER_WAY

    objects = UploadedListQuerySet["RecipientImport"].as_manager()

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="imports")
    state = models.CharField(
        max_length=12, choices=[(state, state) for state in ImportState], default=ImportState.UPLOADED
    )
    consent_statement = models.TextField(
        max_length=MAX_STATEMENT_LENGTH, blank=True, help_text="The attestation of the user who confirmed it."
    )
    consent_stated_at = models.DateTimeField(null=True, editable=False, help_text="When that was attested.")
    counts: models.JSONField[Any, Any] = models.JSONField(default=dict, help_text="Rows by outcome.")
    codes: models.JSONField[Any, Any] = models.JSONField(default=dict, help_text="Rejected rows by code.")
    answers: models.JSONField[Any, Any] = models.JSONField(
        default=dict,
        db_default=models.Value({}, output_field=models.JSONField()),
        help_text="Rows by what they say about consent, and those whose first phone is not the one that is reached.",
    )

    class Meta:
        verbose_name = "imported list"
        verbose_name_plural = "imported lists"
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["campaign", "-id"], name="import_newest"),
            models.Index(
                fields=["workspace"],
                name="import_kept",
                include=["size_bytes"],
                condition=models.Q(file_removed_at=None),
            ),
            models.Index(
                fields=["id"], name="import_under_way", condition=models.Q(state__in=["checking", "importing"])
            ),
        ]


class RejectedRow(models.Model):
    """A row that was not accepted. Its cells are not stored; the error report reads them from the kept file."""

    id = models.BigAutoField(primary_key=True)
    recipient_import = models.ForeignKey(RecipientImport, on_delete=models.CASCADE, related_name="rejected")
    row_number = models.BigIntegerField()
    outcome = models.CharField(max_length=24, choices=[(outcome, outcome) for outcome in RowOutcome])
    code = models.CharField(max_length=40)
    # For a phone number that an earlier row has: the number of that row, and the positions of the columns that differ.
    earlier_row = models.BigIntegerField(null=True)
    differs = ArrayField(models.SmallIntegerField(), null=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["recipient_import", "row_number"], name="campaigns_rejected_once")
        ]
