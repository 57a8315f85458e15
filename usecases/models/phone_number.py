"""Sender numbers."""

from __future__ import annotations

from typing import ClassVar, Self

from django.core.validators import MaxLengthValidator, RegexValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from rvm.platform.encryption.fields import UpdatedAtField
from rvm.platform.models import Row, User, Workspace
from usecases.models.telephony_setup import TelephonySetup

e164 = RegexValidator(
    r"^\+[1-9][0-9]{6,14}\Z", "Write the number as + and 7 to 15 digits, the country code first.", "not_e164"
)
# `PhoneNumberQuerySet.usable` for a number `p` and the setup `s` that would send from it.
USABLE_SQL = "(p.active AND (s.simulated OR p.owned_stated_at IS NOT NULL))"


class PhoneNumberQuerySet(models.QuerySet["PhoneNumber"]):
    def not_deleted(self) -> Self:
        """Numbers whose setup is not deleted."""
        return self.filter(setup__deleted_at=None)

    def of_world(self, live: bool | None) -> Self:
        """Numbers whose setup's `live` property equals `live`; all numbers if it is None."""
        if live is None:
            return self
        return self.filter(setup__simulated=not live)

    def usable(self) -> Self:
        """Active numbers from which voicemails may be sent: those whose ownership is stated, and all of simulated setups."""
        return self.filter(Q(owned_stated_at__isnull=False) | Q(setup__simulated=True), active=True)


class PhoneNumber(Row):
    """A sender number. It belongs to the organisation, so it is not encrypted."""

    objects = PhoneNumberQuerySet.as_manager()

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="phone_numbers")
    setup = models.ForeignKey(TelephonySetup, on_delete=models.PROTECT, related_name="phone_numbers")
    e164 = models.CharField("number", max_length=16, validators=[e164])
    display_name = models.CharField(
        "name", max_length=256, blank=True, default="", db_default="", help_text="What people call it."
    )
    notes = models.TextField(
        max_length=2000,
        blank=True,
        default="",
        db_default="",
        validators=[MaxLengthValidator(2000)],
        help_text="For those who look after the numbers.",
    )
    active = models.BooleanField(
        default=True,
        db_default=True,
        help_text="While it is off, nothing is sent from it; where a use case has no other number, its voicemails wait.",
    )
    owned_stated_at = models.DateTimeField(
        null=True, editable=False, help_text="When an administrator stated that the organisation owns the number."
    )
    owned_stated_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, editable=False, related_name="+", db_index=False
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = UpdatedAtField()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["setup", "e164"], name="usecases_number_once_per_setup")
        ]

    def __str__(self) -> str:
        return self.e164

    @property
    def owned(self) -> bool:
        """Whether an administrator has stated that the organisation owns the number."""
        return self.owned_stated_at is not None

    @property
    def status(self) -> str:
        return "active" if self.active else "inactive"
