"""API keys of workspaces, and the responses that are kept for their requests."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from rvm.platform.database.rows import Row
from rvm.platform.encryption.fields import EncryptedField
from rvm.platform.models.people import User
from rvm.platform.models.workspaces import Workspace
from rvm.platform.scopes import Scope

# The longest IPv6 network: eight groups of four, and a prefix.
MAX_NETWORK = 43


class ApiKey(Row):
    """A workspace's credential. Only its SHA-256 is stored: the key has 178 random bits, so a slow hash would add no security."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="api_keys")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    made_by = models.ForeignKey(
        User,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="Who made it, or rotated the one before, and so has seen it.",
    )
    name = models.CharField(max_length=100)
    digest = models.BinaryField(unique=True, max_length=32)
    last4 = models.CharField(max_length=4)
    live = models.BooleanField(default=False, help_text="A test key only ever reaches the sandbox carrier.")
    scopes = ArrayField(models.CharField(max_length=40, choices=Scope.choices), default=list)
    networks = ArrayField(
        models.CharField(max_length=MAX_NETWORK),
        default=list,
        db_default=[],
        blank=True,
        help_text="From where it is accepted: 203.0.113.0/24, 2001:db8::/32, or single addresses. Empty: from everywhere.",
    )
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name = "API key"
        verbose_name_plural = "API keys"

    def __str__(self) -> str:
        return f"{self.name} (…{self.last4})"


class IdempotencyKey(Row):
    """The stored response to a POST, returned again when the POST is repeated. Written in the transaction of the work itself."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey(
        User,
        on_delete=models.CASCADE,
        related_name="+",
        db_index=False,  # the unique constraint's index begins with it
        help_text="The service user of the API key that asked; a rotated key keeps it.",
    )
    key = models.CharField(max_length=255)
    fingerprint = models.BinaryField(max_length=32, help_text="SHA-256 of method, path, the API key's rights and body.")
    status = models.PositiveSmallIntegerField()
    answer = EncryptedField(help_text="Headers and body: they may hold a phone number.")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["user", "key"], name="platform_one_idempotency_key")
        ]
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["created_at"])]

    def __str__(self) -> str:
        return self.key
