"""Consents, and the rows that revoke them."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from rvm.platform.encryption.fields import BlindIndexField, EncryptedTextField
from rvm.platform.models import Row, User, Workspace
from rvm.platform.observability.masking import number_ending
from usecases.consents.bases import CONSENT_BASES, PURPOSES, Basis


class ConsentQuerySet(models.QuerySet["Consent"]):
    def given(self) -> Self:
        """Consents, without the rows that revoke them."""
        return self.filter(revokes=None)

    def standing(self, now: datetime) -> Self:
        """Consents that are neither revoked nor expired."""
        return self.given().filter(revocation=None).exclude(expires_at__lte=now)

    def ended(self, now: datetime) -> Self:
        """Consents that are revoked or expired."""
        return self.given().filter(Q(revocation__isnull=False) | Q(expires_at__lte=now))


class Consent(Row):
    """A person's consent to be reached for some purposes, or the revocation of one: a further row. A trigger refuses every change and
    every deletion.

    What is stated of all people of a list at its import is a row too, with the list and without a number. It counts for no number.
    """

    objects = ConsentQuerySet.as_manager()

    # The index of the listings begins with the workspace too.
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="consents", db_index=False)
    revokes = models.OneToOneField(
        "self",
        on_delete=models.PROTECT,
        null=True,
        editable=False,
        related_name="revocation",
        help_text="The consent that this row revokes; empty for a consent.",
    )
    number = EncryptedTextField(
        null=True, help_text="Empty for a list, and if it could not be decrypted when the consent was recorded."
    )
    number_index = BlindIndexField(of="number")
    index_key = models.PositiveSmallIntegerField()
    last4 = models.CharField(max_length=4)
    purposes = ArrayField(
        models.CharField(max_length=32, choices=PURPOSES), help_text="The purposes of use cases that it covers."
    )
    basis = models.CharField(
        max_length=24,
        choices=CONSENT_BASES,
        default=Basis.EXPRESS_CONSENT.value,
        help_text="Whether it was given in writing, as marketing needs it. A written consent covers care messages too.",
    )
    source = models.CharField(max_length=100, help_text="How it was given or revoked, without phone numbers.")
    # Not a foreign key: imports belong to a layer above.
    list_id = models.UUIDField(
        null=True, editable=False, help_text="The list whose people it covers, by the statement at its import."
    )
    at = models.DateTimeField(help_text="When it was given or revoked.")
    expires_at = models.DateTimeField(null=True, blank=True, help_text="When it ends by itself; empty for never.")
    evidence = EncryptedTextField(blank=True, help_text="What proves it, in words.")
    created_by = models.ForeignKey(
        User,
        on_delete=models.PROTECT,
        null=True,
        editable=False,
        related_name="+",
        db_index=False,
        help_text="The person or the API key's service user that recorded it.",
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            # Holds all that a claim asks, so that it reads the index alone.
            models.Index(
                fields=["number_index", "workspace"],
                include=["id", "revokes", "purposes", "basis", "at", "expires_at"],
                name="consent_of_number",
            ),
            models.Index(fields=["workspace", "-id"], name="consent_newest"),
        ]

    def __str__(self) -> str:
        return self.masked_number

    @property
    def masked_number(self) -> str:
        return "people of a list" if self.list_id else number_ending(self.last4)

    @property
    def revoked_by(self) -> Consent | None:
        """The row that revokes it, if there is one."""
        return getattr(self, "revocation", None)

    def stands(self, now: datetime) -> bool:
        """Whether it is neither revoked nor expired."""
        return self.revoked_by is None and (self.expires_at is None or self.expires_at > now)

    def state(self, now: datetime) -> str:
        """Standing, Revoked or Expired."""
        if self.stands(now):
            return "Standing"
        return "Revoked" if self.revoked_by else "Expired"
