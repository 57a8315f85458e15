"""Telephony setups: accounts at carriers."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction
from django.db.models import Prefetch, Q
from django.db.models.functions import Lower, Now

from rvm.platform.encryption.fields import EncryptedJSONField, UpdatedAtField
from rvm.platform.models import Row, Workspace
from usecases.models.bounds import MAX_HOURS, PACE_BOUNDS
from usecases.models.callback_secret import CallbackSecret

# Names of the carriers that are installed, and of those that call, so that the telephone rings before the message is left.
# `delivery.carriers` adds them: a process asks the adapters that it sends with, and no row says what an earlier version of one did.
INSTALLED_CARRIERS: set[str] = set()
RINGING_CARRIERS: set[str] = set()
# `TelephonySetup.agreed` for a setup `s`.
AGREED_SQL = "(s.simulated OR s.baa_signed_on IS NOT NULL OR s.baa_exception_reason <> '')"


class TelephonySetupQuerySet(models.QuerySet["TelephonySetup"]):
    def not_deleted(self) -> Self:
        return self.filter(deleted_at=None)

    def of_world(self, live: bool | None) -> Self:
        """Setups whose `live` property equals `live`; all setups if it is None."""
        if live is None:
            return self
        return self.filter(simulated=not live)

    def with_callback_secrets(self) -> Self:
        """With what is shown of their callback addresses, which is nothing secret."""
        return self.prefetch_related(Prefetch("callback_secrets", CallbackSecret.objects.defer("key")))

    def without_agreement(self) -> Self:
        """Live setups in use that are not `agreed`."""
        return self.not_deleted().of_world(True).filter(enabled=True, baa_signed_on=None, baa_exception_reason="")


class TelephonySetup(Row):
    """An account at a carrier: its adapter, credentials, pace and limits."""

    objects = TelephonySetupQuerySet.as_manager()

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="setups")
    name = models.CharField(max_length=100)
    carrier = models.CharField(max_length=40, help_text="The adapter's name, such as sandbox.")
    credentials = EncryptedJSONField(help_text="What the carrier asks for; write-only.")
    # Of the adapter with these credentials, so that rows can be asked: `delivery.setups.services` sets it.
    simulated = models.BooleanField(
        default=False,
        db_default=False,
        editable=False,
        help_text="Whether it reaches nobody: its requests go to a simulator. Fixed when the setup is made.",
    )
    # Incremented by a trigger in the statement that changes the credentials, so that no writer can forget it. A number, because times
    # would come from different clocks.
    credentials_version = models.PositiveIntegerField(
        default=1,
        db_default=1,
        editable=False,
        help_text="Attempts made under an older version are not made again.",
    )
    pace_per_second = models.FloatField(
        default=50,
        validators=PACE_BOUNDS,
        help_text="Attempts started a second.",
    )
    in_flight_cap = models.PositiveIntegerField(
        "most requests at a time",
        default=64,
        validators=[MinValueValidator(1), MaxValueValidator(10_000)],
        help_text="How many may be open with the carrier at once.",
    )
    report_horizon_hours = models.PositiveIntegerField(
        "hours to wait for a report",
        default=24,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_HOURS)],
        help_text="An attempt that the carrier took and has not reported on by then ends as failed: unreported.",
    )
    confirm_horizon_hours = models.PositiveIntegerField(
        "hours to look into an unclear attempt",
        default=24,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_HOURS)],
        help_text="If it is still unclear by then whether the carrier got it, the attempt ends as failed: unconfirmed.",
    )
    enabled = models.BooleanField(default=True, help_text="Kill switch: while off, its voicemails wait.")
    draining = models.BooleanField(
        default=False,
        db_default=False,
        help_text="While it drains it gets no new attempts, and what is on its way goes on. What waits goes through the other setup "
        "of its use case, if there is one that can send, and else waits.",
    )
    free_to_recipient = models.BooleanField(
        default=False,
        db_default=False,
        help_text="Whether the carrier declares that a message costs the person nothing and counts against no limit of their plan.",
    )
    baa_signed_on = models.DateField(
        "agreement signed on",
        null=True,
        blank=True,
        help_text="The day on which the business associate agreement with the carrier was signed. Without it nothing is sent through "
        "a live setup.",
    )
    baa_exception_reason = models.CharField(
        "why none is needed",
        max_length=300,
        blank=True,
        default="",
        db_default="",
        help_text="A standing exception: why messages may be sent through it without a signed agreement. Kept with the change.",
    )
    # The last test of the present credentials, see delivery.setups.connection_test; null before one.
    tested_at = models.DateTimeField(
        null=True, editable=False, help_text="When the present credentials were tested; null if they never were."
    )
    test_ok = models.BooleanField(null=True, editable=False, help_text="Whether that test succeeded.")
    test_detail = models.CharField(max_length=500, blank=True, db_default="", default="", editable=False)
    # State of the breaker, see delivery.engine.circuit_breaker. It is open until `breaker_until`; after that, one probe decides.
    breaker_until = models.DateTimeField(null=True, editable=False)
    breaker_reason = models.CharField(max_length=500, blank=True, db_default="", default="", editable=False)
    breaker_openings = models.PositiveSmallIntegerField(default=0, db_default=0, editable=False)
    # When a report refused the account, after which only the result of a drop that was begun since closes it; else null.
    breaker_reported_at = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = UpdatedAtField()
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                "workspace", Lower("name"), condition=Q(deleted_at=None), name="usecases_setup_name_among_living"
            )
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save it, a new one with the first version of its callback secret: every request to its carrier names an address."""
        new = self._state.adding
        with transaction.atomic():
            super().save(*args, **kwargs)
            if new:
                CallbackSecret.objects.create(setup=self, version=1)

    @property
    def live(self) -> bool:
        """Whether the setup reaches people."""
        return not self.simulated

    @property
    def agreed(self) -> bool:
        """Whether voicemails may leave through it: a live setup has a signed agreement or a standing exception."""
        return not self.live or self.baa_signed_on is not None or bool(self.baa_exception_reason)

    @property
    def rings(self) -> bool:
        """Whether its carrier calls, so that the telephone rings before the message is left."""
        return self.carrier in RINGING_CARRIERS
