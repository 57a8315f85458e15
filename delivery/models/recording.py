"""Recordings: validated MP3 files."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from delivery.models.attested import Attested
from rvm.platform.encryption.crypto import associated_data
from rvm.platform.models import Row, Workspace


class Recording(Attested, Row):
    """An MP3: exactly the validated frames, without tags; one row per workspace and content.

    The file is encrypted in the media storage, because a recording may name a person.
    """

    FOLDER: ClassVar[str] = "recordings"  # in the media storage

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="recordings")
    name = models.CharField(max_length=200)
    sha256 = models.CharField("fingerprint", max_length=64, help_text="The same sound has the same one.")
    size_bytes = models.PositiveIntegerField()
    duration_ms = models.PositiveIntegerField()
    bitrate_kbps = models.PositiveIntegerField()
    bitrate_mode = models.CharField(max_length=8)
    sample_rate = models.PositiveIntegerField()
    channels = models.PositiveSmallIntegerField()
    encoder = models.CharField(max_length=100, blank=True)
    converted_from = models.CharField(
        max_length=8,
        blank=True,
        default="",
        help_text="What the file was before it became an MP3, such as m4a; empty for an MP3.",
    )
    warnings = ArrayField(models.CharField(max_length=200), default=list, blank=True)
    # Levels measured by delivery.audio.levels. Null in assembled recordings, and in those uploaded before levels were measured,
    # until they are needed.
    peak_dbfs = models.FloatField(null=True)
    rms_dbfs = models.FloatField(null=True)
    loudness_lufs = models.FloatField(null=True)
    clipped_share = models.FloatField(null=True, help_text="Of the samples, 0 to 1.")
    leading_silence = models.FloatField(null=True, help_text="Seconds.")
    trailing_silence = models.FloatField(null=True, help_text="Seconds.")
    waveform = models.BinaryField(null=True, help_text="300 peaks over the whole length, a byte each.")
    assembled = models.BooleanField(
        default=False, db_default=False, help_text="Joined from clips by a campaign; not offered among the recordings."
    )
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
            models.UniqueConstraint(fields=["workspace", "sha256"], name="delivery_recording_once")
        ]
        # What a workspace keeps is counted by the index alone.
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["workspace"],
                name="delivery_recording_kept",
                include=["size_bytes"],
                condition=models.Q(assembled=False, sound_removed_at=None),
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def measured(self) -> bool:
        """Whether the levels were measured. Of these only the loudness may still be null: for a sound below its gate."""
        return self.clipped_share is not None

    @property
    def clipped_percent(self) -> float | None:
        return None if self.clipped_share is None else round(self.clipped_share * 100, 3)

    @property
    def storage_name(self) -> str:
        return f"{self.FOLDER}/{self.workspace_id}/{self.sha256}.mp3.enc"

    @property
    def associated_data(self) -> bytes:
        return associated_data(b"recordings", self.workspace_id, self.pk)
