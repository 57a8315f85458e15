"""Versions of a setup's callback secret."""

from __future__ import annotations

import secrets
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from rvm.platform.encryption.fields import EncryptedTextField
from rvm.platform.models import Row
from usecases.callbacks.proofs import CallbackKey

KEY_BYTES = 32


def new_key() -> str:
    return secrets.token_hex(KEY_BYTES)


class CallbackSecretQuerySet(models.QuerySet["CallbackSecret"]):
    def current(self) -> CallbackSecretQuerySet:
        return self.filter(expires_at=None)

    def valid(self) -> CallbackSecretQuerySet:
        """By the database's clock: the current one of each setup, and earlier ones until their end."""
        return self.filter(Q(expires_at=None) | Q(expires_at__gt=Now()))


class CallbackSecret(Row):
    """One version: the key of the proofs in the addresses that are given with drops, and the hash of the fixed address's token.

    It stays when a later version replaces it, because a resubmission repeats the address that its drop was first given.
    """

    objects = CallbackSecretQuerySet.as_manager()

    setup = models.ForeignKey("usecases.TelephonySetup", on_delete=models.CASCADE, related_name="callback_secrets")
    version = models.PositiveIntegerField()
    key = EncryptedTextField(default=new_key, bound_to=("setup_id", "id"))
    digest = models.BinaryField(
        max_length=32,
        null=True,
        unique=True,
        help_text="SHA-256 of the token in the setup's fixed address, which has 192 random bits; empty if it has none.",
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField(
        null=True, editable=False, help_text="From then on its addresses are unknown; empty for the current version."
    )

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["setup", "version"], name="usecases_callback_version"),
            models.UniqueConstraint(fields=["setup"], condition=Q(expires_at=None), name="usecases_callback_current"),
        ]

    def __str__(self) -> str:
        return f"Version {self.version}"

    @property
    def callback_key(self) -> CallbackKey:
        return CallbackKey(self.setup_id, self.version, bytes.fromhex(self.key))
