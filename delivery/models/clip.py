"""Clips, such as a greeting, a first name or a closing, which campaigns join into recordings."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from delivery.models.attested import Attested
from delivery.models.recording import Recording
from rvm.platform.encryption.crypto import associated_data
from rvm.platform.models import Row, Workspace


class Clip(Attested, Row):
    """A piece of sound, stored like a recording: its counted frames without tags, encrypted, once per workspace and content.

    A clip may be as short as a word and is never sent alone.
    """

    FOLDER: ClassVar[str] = "clips"  # in the media storage

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="clips")
    name = models.CharField(max_length=200)
    sha256 = models.CharField("fingerprint", max_length=64, help_text="The same sound has the same one.")
    size_bytes = models.PositiveIntegerField()
    duration_ms = models.PositiveIntegerField()
    bitrate_kbps = models.PositiveIntegerField()
    sample_rate = models.PositiveIntegerField()
    channels = models.PositiveSmallIntegerField()
    converted_from = models.CharField(
        max_length=8,
        blank=True,
        default="",
        help_text="What the file was before it became an MP3, such as m4a; empty for an MP3.",
    )
    warnings = ArrayField(models.CharField(max_length=300), default=list, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    used_at = models.DateTimeField(
        db_default=Now(), editable=False, help_text="When it was last needed, to a day; from then on its sound is kept."
    )
    archived_at = models.DateTimeField(
        null=True, editable=False, help_text="When it was put away: it is offered for nothing new."
    )
    sound_removed_at = models.DateTimeField(null=True, editable=False, help_text="When its file was removed.")

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["workspace", "sha256"], name="delivery_clip_once")
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["workspace"],
                name="delivery_clip_kept",
                include=["size_bytes"],
                condition=models.Q(sound_removed_at=None),
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def storage_name(self) -> str:
        return f"{self.FOLDER}/{self.workspace_id}/{self.sha256}.mp3.enc"

    @property
    def associated_data(self) -> bytes:
        return associated_data(b"clips", self.workspace_id, self.pk)


class Assembly(models.Model):
    """The recording that a sequence of clips makes. Each sequence is joined once per workspace."""

    id = models.BigAutoField(primary_key=True)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+")
    clips = ArrayField(models.UUIDField(), help_text="Ids, in the order in which they are heard.")
    recording = models.ForeignKey(Recording, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["workspace", "clips"], name="delivery_assembled_once")
        ]
