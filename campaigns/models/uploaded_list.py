"""An uploaded list: how it is read, its progress, and its file, which is kept encrypted for the workspace's days of lists."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, ClassVar, Self, TypeVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from rvm.platform.encryption.crypto import associated_data
from rvm.platform.encryption.encrypted_files import decrypt_file
from rvm.platform.encryption.fields import UpdatedAtField
from rvm.platform.models import Row, User, Workspace
from rvm.platform.versions import version_of

# How the file is read.
READ_AS = ("format", "encoding", "delimiter", "header_row", "sheet", "hidden_rows", "columns")
Uploaded = TypeVar("Uploaded", bound="UploadedList")
NONE = models.Value([], output_field=models.JSONField())


class UploadedListQuerySet(models.QuerySet[Uploaded]):
    def under_way(self) -> Self:
        """Lists that a worker must bring to their next state."""
        return self.filter(state__in=self.model.UNDER_WAY)


class UploadedList(Row):
    """The common fields of recipient imports and opt-out lists; each kind has its own states and row counts."""

    FOLDER: ClassVar[str]  # in the media storage
    UNDER_WAY: ClassVar[Collection[str]]  # states that a worker ends

    # The version that somebody saw who acts on it; None where nobody says. Not a column.
    seen: bytes | None = None
    state: models.CharField[Any, Any]
    counts: models.JSONField[Any, Any]

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+")
    file_name = models.CharField(max_length=200)
    size_bytes = models.BigIntegerField()
    sha256 = models.CharField(max_length=64, help_text="Of the uploaded file, in hex.")
    error = models.CharField(max_length=500, blank=True, help_text="Why it failed, as a sentence.")
    # How the file is read: detected, and overridden by a user where the detection is wrong.
    format = models.CharField(max_length=8)
    encoding = models.CharField(max_length=20, blank=True)
    delimiter = models.CharField(max_length=1, blank=True)
    header_row = models.IntegerField(
        default=0,
        db_default=0,
        help_text="The number of the row that names the columns, 0 if there is none. Rows above it are titles.",
    )
    sheet = models.CharField(
        max_length=100, blank=True, default="", db_default="", help_text="The sheet of a workbook that is read."
    )
    hidden_rows = models.BooleanField(
        default=False, db_default=False, help_text="Whether rows that the workbook hides or crosses out are read."
    )
    sheets: models.JSONField[Any, Any] = models.JSONField(
        default=list,
        db_default=NONE,
        help_text="The sheets of a workbook in tab order: name, visibility, and whether it has rows.",
    )
    notices: models.JSONField[Any, Any] = models.JSONField(
        default=list, db_default=NONE, help_text="Notices to the user about how the list was read, as sentences."
    )
    columns = ArrayField(
        models.CharField(max_length=64, blank=True),
        default=list,
        help_text="The kind of each column; empty if it is not read.",
    )
    columns_said = ArrayField(
        models.SmallIntegerField(),
        default=list,
        db_default=[],
        help_text="The positions of the columns whose kind a user has set.",
    )
    confirmed_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+", editable=False)
    # Progress; written in the transaction that makes it true.
    rows_read = models.BigIntegerField(default=0)
    rows_imported = models.BigIntegerField(default=0, help_text="Rows up to this number are imported.")
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+", editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = UpdatedAtField()
    file_removed_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.file_name

    @property
    def version(self) -> bytes:
        """The hash of how it is read and what was found in it: what somebody looks at who has it checked or confirms it."""
        return version_of([self.state, *(getattr(self, name) for name in READ_AS), self.columns_said, self.counts])

    @property
    def is_under_way(self) -> bool:
        return self.state in self.UNDER_WAY

    @property
    def storage_name(self) -> str:
        return f"{self.FOLDER}/{self.workspace_id}/{self.pk}.enc"

    @property
    def associated_data(self) -> bytes:
        return associated_data(self.FOLDER.encode(), self.workspace_id, self.pk)

    def content(self) -> Iterator[bytes]:
        """The decrypted file in blocks. Raises FileNotFoundError, Undecryptable."""
        return decrypt_file(self.storage_name, self.associated_data)
