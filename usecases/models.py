"""Models of telephony setups, sender numbers, use cases and suppressions."""

from __future__ import annotations

import secrets
from datetime import time
from typing import ClassVar, Self

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator, MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q, Value
from django.db.models.functions import Lower, Now

from rvm.platform.encryption.fields import EncryptedJSONField, EncryptedTextField, UpdatedAtField
from rvm.platform.models import Row, Workspace
from usecases.failover import CHOICES

patient_facing_name = RegexValidator(
    r"^[A-Za-z][A-Za-z \-]{0,30}\Z",
    "Use 1 to 31 letters, hyphens and spaces, beginning with a letter.",
    "name_malformed",
)
e164 = RegexValidator(
    r"^\+[1-9][0-9]{6,14}\Z", "Write the number as + and digits, for example +12025550142.", "not_e164"
)
MAX_HOURS = 366 * 24
# Bounds of a setup and of a use case, and of a lane, which only narrows them.
PACE_BOUNDS = (MinValueValidator(0.01), MaxValueValidator(100_000))
ATTEMPTS_BOUNDS = (MinValueValidator(1), MaxValueValidator(10))
WINDOW_START_HELP = "Earliest local time at the recipient."
RETRY_MINUTES_HELP = "Wait before the second attempt; doubles after."
RETRY_MINUTES_BOUNDS = (MinValueValidator(1), MaxValueValidator(24 * 60))
# The carrier that reaches no person, and the only one that test keys use.
SANDBOX = "sandbox"


def new_callback_token() -> str:
    return secrets.token_urlsafe(24)


class TelephonySetupQuerySet(models.QuerySet["TelephonySetup"]):
    def not_deleted(self) -> Self:
        return self.filter(deleted_at=None)

    def of_world(self, live: bool | None) -> Self:
        """Setups whose `live` property equals `live`; all setups if it is None."""
        if live is None:
            return self
        return self.exclude(carrier=SANDBOX) if live else self.filter(carrier=SANDBOX)


class TelephonySetup(Row):
    """An account at a carrier: its adapter, credentials, pace and limits."""

    objects = TelephonySetupQuerySet.as_manager()

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="setups")
    name = models.CharField(max_length=100)
    carrier = models.CharField(max_length=40, help_text="The adapter's name, such as sandbox.")
    credentials = EncryptedJSONField(help_text="What the carrier asks for; write-only.")
    # Incremented by a trigger in the statement that changes the credentials, so that no writer can forget it. A number, because times
    # would come from different clocks.
    credentials_version = models.PositiveIntegerField(
        default=1,
        db_default=1,
        editable=False,
        help_text="Drops submitted under an older version are not submitted again.",
    )
    pace_per_second = models.FloatField(
        default=50,
        validators=PACE_BOUNDS,
        help_text="Drops started a second.",
    )
    in_flight_cap = models.PositiveIntegerField(
        default=64, validators=[MinValueValidator(1), MaxValueValidator(10_000)], help_text="Requests open at a time."
    )
    report_horizon_hours = models.PositiveIntegerField(
        default=24,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_HOURS)],
        help_text="An accepted drop without a report after this ends as failed: unreported.",
    )
    confirm_horizon_hours = models.PositiveIntegerField(
        default=24,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_HOURS)],
        help_text="A drop that is still uncertain after this ends as failed: unconfirmed.",
    )
    enabled = models.BooleanField(default=True, help_text="Kill switch: while off, its voicemails wait.")
    # State of the breaker, see delivery.engine.circuit_breaker. It is open until `breaker_until`; after that, one probe decides.
    breaker_until = models.DateTimeField(null=True, editable=False)
    breaker_reason = models.CharField(max_length=200, blank=True, db_default="", default="", editable=False)
    breaker_openings = models.PositiveSmallIntegerField(default=0, db_default=0, editable=False)
    callback_token = models.CharField(max_length=64, unique=True, default=new_callback_token, editable=False)
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

    @property
    def live(self) -> bool:
        """Whether the setup reaches people: it is not of the sandbox carrier."""
        return self.carrier != SANDBOX


class PhoneNumberQuerySet(models.QuerySet["PhoneNumber"]):
    def not_deleted(self) -> Self:
        """Numbers whose setup is not deleted."""
        return self.filter(setup__deleted_at=None)

    def of_world(self, live: bool | None) -> Self:
        """Numbers whose setup's `live` property equals `live`; all numbers if it is None."""
        if live is None:
            return self
        return self.exclude(setup__carrier=SANDBOX) if live else self.filter(setup__carrier=SANDBOX)


class PhoneNumber(Row):
    """A sender number. It belongs to the organisation, so it is not encrypted."""

    objects = PhoneNumberQuerySet.as_manager()

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="phone_numbers")
    setup = models.ForeignKey(TelephonySetup, on_delete=models.PROTECT, related_name="phone_numbers")
    e164 = models.CharField("number", max_length=16, validators=[e164])
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["setup", "e164"], name="usecases_number_once_per_setup")
        ]

    def __str__(self) -> str:
        return self.e164


class Channel(models.TextChoices):
    RINGLESS_VOICEMAIL = "ringless_voicemail", "Ringless voicemail"


class Purpose(models.TextChoices):
    APPOINTMENT = "appointment", "Appointment reminder"
    TEST_RESULT = "test_result", "Test-result notice"
    WELLNESS = "wellness", "Wellness outreach"
    OTHER = "other", "Other care message"


class UseCaseQuerySet(models.QuerySet["UseCase"]):
    def not_deleted(self) -> Self:
        return self.filter(deleted_at=None)


class UseCase(Row):
    """Purpose, setups, senders and policy under which people are reached. Deletion keeps the row, because its voicemails need it."""

    objects = UseCaseQuerySet.as_manager()

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="use_cases")
    channel = models.CharField(max_length=32, choices=Channel.choices, default=Channel.RINGLESS_VOICEMAIL)
    entity_name = models.CharField(
        max_length=31, validators=[patient_facing_name], help_text="The provider's name as patients know it."
    )
    name = models.CharField(max_length=31, validators=[patient_facing_name])
    # The validator is needed because `max_length` of a TextField is checked by forms only.
    description = models.TextField(max_length=2000, blank=True, validators=[MaxLengthValidator(2000)])
    setup = models.ForeignKey(TelephonySetup, on_delete=models.PROTECT, related_name="use_cases")
    failover_setup = models.ForeignKey(
        TelephonySetup,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="failover_use_cases",
        help_text="Takes over what the first setup provably could not send.",
    )
    phone_numbers: models.ManyToManyField[PhoneNumber, NumberAssignment] = models.ManyToManyField(
        PhoneNumber, through="NumberAssignment", related_name="use_cases"
    )
    sending_enabled = models.BooleanField(default=True, help_text="Kill switch: while off, its voicemails wait.")
    # The policy. Each rule is a column, so that forms and queries can name it.
    purpose = models.CharField(max_length=16, choices=Purpose.choices, default=Purpose.OTHER)
    window_start = models.TimeField(default=time(8), help_text=WINDOW_START_HELP)
    window_end = models.TimeField(default=time(21), help_text="Local time at the recipient from which nothing is sent.")
    expires_after_hours = models.PositiveIntegerField(
        default=72,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_HOURS)],
        help_text="A voicemail that could not be sent by then expires.",
    )
    max_attempts = models.PositiveSmallIntegerField(
        default=1,
        validators=ATTEMPTS_BOUNDS,
        help_text="Drops per voicemail that may reach the carrier; what was provably not sent does not count.",
    )
    retry_minutes = models.PositiveIntegerField(
        default=60,
        validators=RETRY_MINUTES_BOUNDS,
        help_text=RETRY_MINUTES_HELP,
    )
    failover_reasons = ArrayField(
        models.CharField(max_length=32, choices=CHOICES),
        default=list,
        blank=True,
        db_default=Value("{}"),
        help_text="Failures after which the failover setup tries, besides what the first setup could not send; each try is one of "
        "the attempts.",
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = UpdatedAtField()
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                "workspace", Lower("name"), condition=Q(deleted_at=None), name="usecases_name_among_living"
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def live(self) -> bool:
        """Whether people are reached under the use case: its setup or its failover setup is live."""
        return self.setup.live or (self.failover_setup is not None and self.failover_setup.live)

    def clean(self) -> None:
        if self.window_start and self.window_end and self.window_start >= self.window_end:
            raise ValidationError(
                {"window_end": ValidationError("The window must end later in the day than it starts.", "window_empty")}
            )


class NumberAssignment(models.Model):
    """Permission for a use case to send from a number."""

    use_case = models.ForeignKey(UseCase, on_delete=models.CASCADE, related_name="assignments")
    phone_number = models.ForeignKey(PhoneNumber, on_delete=models.PROTECT, related_name="assignments")

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["use_case", "phone_number"], name="usecases_assigned_once")
        ]


class Suppression(Row):
    """A number that the workspace must not reach. Kept permanently, unless the opt-out list that alone named it is undone."""

    class Source(models.TextChoices):
        CARRIER = "carrier", "Reported by a carrier"
        PERSON = "person", "Entered by a person"
        IMPORT = "import", "Imported list"

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="suppressions")
    number = EncryptedTextField(
        null=True,
        help_text="Empty if it could not be decrypted when the person opted out; its index suppresses the number anyway.",
    )
    number_index = models.BinaryField(max_length=32)
    index_key = models.PositiveSmallIntegerField()
    last4 = models.CharField(max_length=4)
    source = models.CharField(max_length=16, choices=Source.choices)
    reason = models.CharField(max_length=40)
    # Not a foreign key: imports belong to a layer above.
    import_id = models.UUIDField(
        null=True,
        editable=False,
        help_text="The opt-out list that alone named the number; empty once another source has named it too.",
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["workspace", "number_index"], name="usecases_suppressed_once")
        ]
        indexes: ClassVar[list[models.Index]] = [
            # Finds the rows that undoing an opt-out list deletes.
            models.Index(fields=["import_id"], name="suppression_by_import", condition=Q(import_id__isnull=False))
        ]
