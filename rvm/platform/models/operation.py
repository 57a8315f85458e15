"""What the platform notes of its own running."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from django.db import connection, models

from rvm.platform.database.rows import Row
from rvm.platform.models.workspaces import Workspace


class KeyRotation(models.Model):
    """How far one store has been written anew under the current key; `rvm.platform.rotation.passes`."""

    name = models.CharField(max_length=100, primary_key=True, help_text="The command and the store.")
    key_number = models.PositiveSmallIntegerField(help_text="The id of the key that is current.")
    position = models.CharField(
        max_length=40, blank=True, help_text="The id of the last row passed; empty at the start."
    )
    written = models.BigIntegerField(default=0, help_text="Rows written under the key.")
    found_at = models.DateTimeField(help_text="When the last pass began that found rows under an older key.")

    class Meta:
        db_table = "platform_keyrotation"


class Heartbeat(models.Model):
    """The last sign of life of a process that must run, such as the tick."""

    name = models.CharField(max_length=60, primary_key=True)
    at = models.DateTimeField()

    class Meta:
        db_table = "platform_heartbeat"

    def __str__(self) -> str:
        return self.name


class DatabaseIdentity(models.Model):
    """Which database RVM sends from, and the hold of all sending, in one row; see `rvm.platform.sending_hold`."""

    ONLY = UUID(int=0)
    MAX_REASON = 300

    id = models.UUIDField(primary_key=True, default=ONLY, editable=False)
    system = models.BigIntegerField(null=True, help_text="The system identifier of the cluster, made by initdb.")
    timeline = models.IntegerField(null=True, help_text="Rises with each promotion of a standby.")
    database = models.BigIntegerField(null=True, help_text="The oid of the database in its cluster.")
    kept_at = models.DateTimeField(help_text="Since when this is the one.")
    held_at = models.DateTimeField(null=True, help_text="Since when nothing is sent; empty: not held.")
    held_because = models.CharField(max_length=MAX_REASON, blank=True)
    ending_until = models.DateTimeField(
        null=True, help_text="After a release: what was due until then ends unsent before sending goes on."
    )

    class Meta:
        db_table = "platform_databaseidentity"
        verbose_name = "sending"
        verbose_name_plural = "sending"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(condition=models.Q(id=UUID(int=0)), name="platform_one_database_identity")
        ]

    def __str__(self) -> str:
        return "Sending"


class FailedWork(Row):
    """Something in the background that fails: one row for a kind and what it is about, from the first time until it succeeds.

    Only `rvm.platform.health.failed_work` writes it. It holds no phone number and no text of an exception.
    """

    kind = models.CharField(max_length=40)
    subject = models.CharField(max_length=64, blank=True, help_text="An id, or a name of the program.")
    name = models.CharField(max_length=200, blank=True, help_text="What people call it.")
    workspace = models.ForeignKey(
        Workspace, on_delete=models.CASCADE, null=True, related_name="+", help_text="Empty for the platform itself."
    )
    reason = models.CharField(max_length=500)
    reference = models.CharField(max_length=64, blank=True, help_text="The id of the job, which the log has too.")
    count = models.BigIntegerField(default=1, help_text="How often it was seen.")
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()

    class Meta:
        verbose_name = "failed work"
        verbose_name_plural = "failed work"
        db_table = "platform_failedwork"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["kind", "subject"], name="platform_failed_once")
        ]

    def __str__(self) -> str:
        return self.name or self.kind


class Tally(models.Model):
    """A counter of events that should not occur, such as a repaired row; `/metrics` exports it."""

    name = models.CharField(max_length=60, primary_key=True)
    count = models.BigIntegerField()
    at = models.DateTimeField(help_text="The last time.")

    class Meta:
        verbose_name = "repair"
        verbose_name_plural = "repairs"
        db_table = "platform_tally"

    def __str__(self) -> str:
        return self.name

    @classmethod
    def add(cls, name: str, count: int, at: datetime) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO platform_tally AS t (name, count, at) VALUES (%s, %s, %s)"
                " ON CONFLICT (name) DO UPDATE SET count = t.count + excluded.count, at = excluded.at",
                [name, count, at],
            )
