"""A list of people that becomes a campaign's voicemails, and the rows of it that did not."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from campaigns.models.campaign import Campaign
from campaigns.states import ImportState, Outcome
from rvm.platform.fields import UpdatedAtField
from rvm.platform.models import Row, User, Workspace

FOLDER = "imports"  # in the media storage
NONE = models.Value([], output_field=models.JSONField())


class RecipientImport(Row):
    """The uploaded file is kept encrypted for a day; what is kept after that are counts and, of rejected rows, number and reason."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+")
    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="imports")
    file_name = models.CharField(max_length=200)
    size_bytes = models.BigIntegerField()
    sha256 = models.CharField(max_length=64, help_text="Of the file as it was uploaded, in hex.")
    state = models.CharField(
        max_length=12, choices=[(state, state) for state in ImportState], default=ImportState.UPLOADED
    )
    error = models.CharField(max_length=500, blank=True, help_text="Why it failed, as a sentence.")
    # How the file is read: guessed, and overridden by a person where the guess was wrong.
    format = models.CharField(max_length=8)
    encoding = models.CharField(max_length=20, blank=True)
    delimiter = models.CharField(max_length=1, blank=True)
    header_row = models.IntegerField(
        default=0,
        db_default=0,
        help_text="The number of the row that names the columns; 0 where none does. Rows above it are titles.",
    )
    sheet = models.CharField(
        max_length=100, blank=True, default="", db_default="", help_text="Of a workbook, the one that is read."
    )
    hidden_rows = models.BooleanField(
        default=False, db_default=False, help_text="Whether rows that the workbook hides or crosses out are read."
    )
    sheets: models.JSONField[Any, Any] = models.JSONField(
        default=list,
        db_default=NONE,
        help_text="Of a workbook: name, visibility and whether there are rows, in the order of their tabs.",
    )
    notices: models.JSONField[Any, Any] = models.JSONField(
        default=list, db_default=NONE, help_text="What a person should know of how it was read, as sentences."
    )
    columns = ArrayField(
        models.CharField(max_length=64, blank=True),
        default=list,
        help_text="What each column is; empty where it is not read.",
    )
    columns_said = ArrayField(
        models.SmallIntegerField(),
        default=list,
        db_default=[],
        help_text="The places of the columns of which a person has said what they are.",
    )
    consent_statement = models.TextField(
        max_length=1000, blank=True, help_text="What the person who confirmed it attested."
    )
    confirmed_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+", editable=False)
    # Progress. Each is written in the transaction that made it true.
    rows_read = models.BigIntegerField(default=0)
    rows_imported = models.BigIntegerField(default=0, help_text="Rows up to this number are done.")
    counts: models.JSONField[Any, Any] = models.JSONField(default=dict, help_text="Rows by outcome.")
    codes: models.JSONField[Any, Any] = models.JSONField(default=dict, help_text="Rejected rows by code.")
    answers: models.JSONField[Any, Any] = models.JSONField(
        default=dict,
        db_default=models.Value({}, output_field=models.JSONField()),
        help_text="Rows by what they say about consent, and those whose first phone is not the one that is reached.",
    )
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+", editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = UpdatedAtField()
    file_removed_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["campaign", "-id"], name="import_newest"),
            models.Index(
                fields=["id"], name="import_under_way", condition=models.Q(state__in=["checking", "importing"])
            ),
        ]

    def __str__(self) -> str:
        return self.file_name

    @property
    def storage_name(self) -> str:
        return f"{FOLDER}/{self.workspace_id}/{self.pk}.enc"


class RejectedRow(models.Model):
    """A row that was not accepted. What stood in it is read from the kept file again when the error report is asked for."""

    id = models.BigAutoField(primary_key=True)
    recipient_import = models.ForeignKey(RecipientImport, on_delete=models.CASCADE, related_name="rejected")
    row_number = models.BigIntegerField()
    outcome = models.CharField(max_length=24, choices=[(outcome, outcome) for outcome in Outcome])
    code = models.CharField(max_length=40)
    # Of a row whose number stands in an earlier one: in which, and the places of the columns in which the persons differ.
    earlier_row = models.BigIntegerField(null=True)
    differs = ArrayField(models.SmallIntegerField(), null=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["recipient_import", "row_number"], name="campaigns_rejected_once")
        ]
