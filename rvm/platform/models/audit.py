"""Audit events, and the chains that seal them."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models.functions import Now

from rvm.platform.database.rows import Row
from rvm.platform.models.api_keys import ApiKey
from rvm.platform.models.people import User
from rvm.platform.models.workspaces import Workspace


class AuditEvent(Row):
    """The record of who did what to which row. Append-only, by a trigger; contains ids and codes, never a phone number."""

    # Both without an index of their own: those below begin with them.
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    actor = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    key = models.ForeignKey(
        ApiKey,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
        help_text="The API key that the caller used; of a rotated one, the key that it was at the time.",
    )
    address = models.GenericIPAddressField(
        null=True, help_text="The caller's, as the outermost of the deployment's own proxies saw it."
    )
    action = models.CharField(max_length=60)
    subject_type = models.CharField(max_length=60)
    subject_id = models.UUIDField()
    details: models.JSONField[Any, Any] = models.JSONField(default=dict)
    request_id = models.CharField(max_length=64, blank=True)
    at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        # Each answers one filter of the audit, newest first: a workspace, an action or actor in it, an actor, a row, a request.
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["workspace", "-id"]),
            models.Index(fields=["workspace", "action", "-id"]),
            models.Index(fields=["workspace", "actor", "-id"]),
            models.Index(fields=["actor", "-id"]),
            models.Index(fields=["subject_id", "-id"]),
            models.Index(fields=["request_id"]),
        ]

    def __str__(self) -> str:
        return self.action


class UnsealedEvent(models.Model):
    """An audit event that has no seal yet. A trigger adds it with the event; the seal replaces it."""

    event_id = models.UUIDField(primary_key=True)


class AuditChain(models.Model):
    """A chain of audit events, and its head: a workspace's, or without one the platform's own. The position can only rise."""

    id = models.UUIDField(primary_key=True, editable=False, help_text="The workspace's; zero for the platform's own.")
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    position = models.BigIntegerField(default=0, help_text="How many events the chain has.")
    hash = models.BinaryField(max_length=32, default=bytes(32), help_text="The hash of the last one.")
    sealed_at = models.DateTimeField(null=True)


class AuditSeal(models.Model):
    """The position of an audit event in its chain, and the hash of its content and of the event before it. Append-only."""

    event_id = models.UUIDField(primary_key=True)
    chain = models.ForeignKey(AuditChain, on_delete=models.PROTECT, related_name="+", db_index=False)
    position = models.BigIntegerField(help_text="From 1.")
    key_number = models.PositiveSmallIntegerField(help_text="The id of the index key that the hash was made with.")
    hash = models.BinaryField(max_length=32)
    sealed_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["chain", "position"], name="platform_one_event_a_position")
        ]
