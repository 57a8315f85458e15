"""Messages of people who spoke for themselves, and the secrets with which gateways sign what they pass on."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now

from rvm.platform.encryption.fields import EncryptedTextField
from rvm.platform.models import Organisation, Row


class InboundSecret(Row):
    """A secret of an organisation's gateway. Several are valid at a time while one replaces another."""

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="inbound_secrets")
    secret = EncryptedTextField(bound_to=("organisation_id", "id"))
    last4 = models.CharField(max_length=4, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField(
        null=True, editable=False, help_text="From then on it signs nothing; set when it is replaced or revoked."
    )

    def __str__(self) -> str:
        return f"{self.organisation} (…{self.last4})"


class InboundMessage(Row):
    """What somebody told an organisation about a number, kept as it came, understood or not; number and words until they are
    removed with time or by an erasure."""

    class Channel(models.TextChoices):
        PAGE = "page", "The public page"
        TEXT = "text", "Text message"
        KEY = "key", "Key press"

    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+", db_index=False)
    channel = models.CharField(max_length=8, choices=Channel.choices)
    number = EncryptedTextField(null=True, bound_to=("organisation_id", "id"))
    last4 = models.CharField(max_length=4, blank=True)
    words = EncryptedTextField(
        null=True,
        bound_to=("organisation_id", "id"),
        help_text="The text, or the keys that were pressed; empty on the page.",
    )
    opted_out = models.BooleanField(help_text="Whether it was understood as an opt-out; nothing else is understood.")
    message_id = models.CharField(
        max_length=100, blank=True, help_text="The gateway's id, under which a message that is sent again is known."
    )
    digest = models.BinaryField(
        max_length=32,
        null=True,
        help_text="Keyed, so that no number can be guessed from it: another message needs another id.",
    )
    received_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["organisation", "message_id"], condition=~models.Q(message_id=""), name="usecases_heard_once"
            )
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["organisation", "received_at"],
                name="inbound_to_purge",
                condition=models.Q(number__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_channel_display()} from •••{self.last4}" if self.last4 else self.get_channel_display()
