"""Models of telephony setups, sender numbers, use cases, freezes of states, consents and suppressions."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Any, ClassVar, Self
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator, MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models, transaction
from django.db.models import Prefetch, Q, Value
from django.db.models.functions import Lower, Now

from rvm.platform.encryption.fields import BlindIndexField, EncryptedJSONField, EncryptedTextField, UpdatedAtField
from rvm.platform.models import Row, User, Workspace
from rvm.platform.observability.masking import number_ending
from rvm.platform.times.clocks import clock
from usecases.callbacks.models import CallbackSecret as CallbackSecret  # tables of this layer are found in this module
from usecases.caps import Caps
from usecases.consents.bases import (
    BASES,
    CONSENT_BASES,
    CONSENT_REQUIREMENTS,
    PURPOSES,
    Basis,
    ConsentRequired,
    NeededConsent,
    Purpose,
    needed_consent,
    wrong_basis,
)
from usecases.effective_settings import hours_allowed
from usecases.eligibility import never_opens
from usecases.failover import CHOICES
from usecases.inbound.models import InboundMessage as InboundMessage
from usecases.inbound.models import InboundSecret as InboundSecret
from usecases.rules_in_force import rules_in_force
from usecases.state_rules import FEDERATION, STATE_NAMES
from usecases.suppression_kinds import (
    CONFIDENTIAL_NUMBERS,
    KIND_LABELS,
    SCOPE_LABELS,
    ConfidentialNumbers,
    Origin,
    SuppressionKind,
    SuppressionScope,
)
from usecases.windows import USUAL_DELAY, Freeze, Hours

patient_facing_name = RegexValidator(
    r"^[A-Za-z\-][A-Za-z\- ]{0,30}\Z",
    "Use 1 to 31 letters, hyphens and spaces, a letter or a hyphen first.",
    "name_malformed",
)
e164 = RegexValidator(
    r"^\+[1-9][0-9]{6,14}\Z", "Write the number as + and 7 to 15 digits, the country code first.", "not_e164"
)
MAX_HOURS = 366 * 24
# Bounds of a setup and of a use case, and of a lane, which only narrows them.
PACE_BOUNDS = (MinValueValidator(0.01), MaxValueValidator(100_000))
ATTEMPTS_BOUNDS = (MinValueValidator(1), MaxValueValidator(10))
CAP_BOUNDS = (MinValueValidator(1), MaxValueValidator(100))
WINDOW_START_HELP = "Earliest local time at the recipient."
RETRY_MINUTES_HELP = "Wait before the second attempt; doubles after."
RETRY_MINUTES_BOUNDS = (MinValueValidator(1), MaxValueValidator(24 * 60))
# Names of the carriers that are installed, and of those that call, so that the telephone rings before the message is left.
# `delivery.carriers` adds them: a process asks the adapters that it sends with, and no row says what an earlier version of one did.
INSTALLED_CARRIERS: set[str] = set()
RINGING_CARRIERS: set[str] = set()

# Days of a new use case.
MONDAY_TO_SATURDAY = (1, 2, 3, 4, 5, 6)


def new_days() -> list[int]:
    return list(MONDAY_TO_SATURDAY)


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


class Channel(models.TextChoices):
    RINGLESS_VOICEMAIL = "ringless_voicemail", "Ringless voicemail"


class UseCaseQuerySet(models.QuerySet["UseCase"]):
    def not_deleted(self) -> Self:
        return self.filter(deleted_at=None)

    def to_confirm(self) -> Self:
        """The use cases that rest on a statement of consent that an administrator has yet to confirm."""
        return self.not_deleted().filter(consent_required=ConsentRequired.ATTESTED.value, consent_confirmed_at=None)


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
    allows_ringing = models.BooleanField(
        default=False,
        db_default=False,
        help_text="Whether it may use setups whose carrier calls: the telephone rings before the message is left, and a person who "
        "answers is hung up on.",
    )
    phone_numbers: models.ManyToManyField[PhoneNumber, NumberAssignment] = models.ManyToManyField(
        PhoneNumber, through="NumberAssignment", related_name="use_cases"
    )
    sending_enabled = models.BooleanField(default=True, help_text="Kill switch: while off, its voicemails wait.")
    # The policy. Each rule is a column, so that forms and queries can name it.
    purpose = models.CharField(
        max_length=16,
        choices=PURPOSES,
        default=Purpose.OTHER.value,
        help_text="What its messages are about. Marketing only where the workspace allows it.",
    )
    basis = models.CharField(
        max_length=24,
        choices=BASES,
        default=Basis.EXPRESS_CONSENT.value,
        db_default=Basis.EXPRESS_CONSENT.value,
        help_text="What allows the messages by law. The healthcare exemption only through setups that are free to the recipient; "
        "marketing only with written consent.",
    )
    consent_required = models.CharField(
        max_length=16,
        choices=CONSENT_REQUIREMENTS,
        default=ConsentRequired.ATTESTED.value,
        db_default=ConsentRequired.ATTESTED.value,
        help_text="Whether the organisation states that everybody has consented, or a consent of each number must be on record.",
    )
    consent_statement = models.CharField(
        max_length=500,
        blank=True,
        default="",
        db_default="",
        help_text="The organisation's standing statement that everybody has consented. If nobody makes one, the creation of the use "
        "case counts as one, for an administrator to confirm.",
    )
    consent_confirmed_at = models.DateTimeField(null=True, editable=False)
    consent_confirmed_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, editable=False, related_name="+", db_index=False
    )
    confidential_numbers = models.CharField(
        max_length=8,
        choices=CONFIDENTIAL_NUMBERS,
        default=ConfidentialNumbers.SKIP.value,
        db_default=ConfidentialNumbers.SKIP.value,
        help_text="Numbers at which the person asked for confidential communication: skip them, or send to them if the messages say "
        "nothing that others must not hear.",
    )
    consent_valid_days = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(3660)],
        help_text="Recorded consents count for so many days after they were given; empty for no limit.",
    )
    window_start = models.TimeField(default=time(9), help_text=WINDOW_START_HELP)
    window_end = models.TimeField(default=time(20), help_text="Local time at the recipient from which nothing is sent.")
    days = ArrayField(
        models.PositiveSmallIntegerField(validators=[MinValueValidator(1), MaxValueValidator(7)]),
        size=7,
        default=new_days,
        blank=True,
        help_text="Local weekdays on which it sends: 1 is Monday, 7 is Sunday.",
    )
    sends_on_holidays = models.BooleanField(
        default=False, help_text="Whether it also sends on federal holidays, by the recipient's local day."
    )
    state_overlay = models.BooleanField(
        default=True,
        help_text="Whether the hours of state and federal law narrow its own. Without them, say why.",
    )
    state_overlay_reason = models.CharField(
        max_length=300, blank=True, help_text="Why the hours of the law do not apply; kept with the change."
    )
    expires_after_hours = models.PositiveIntegerField(
        default=72,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_HOURS)],
        help_text="A voicemail that could not be sent by then expires.",
    )
    max_attempts = models.PositiveSmallIntegerField(
        default=1,
        validators=ATTEMPTS_BOUNDS,
        help_text="Attempts per voicemail that may reach the carrier; what was provably not sent does not count.",
    )
    retry_minutes = models.PositiveIntegerField(
        default=60,
        validators=RETRY_MINUTES_BOUNDS,
        help_text=RETRY_MINUTES_HELP,
    )
    max_per_day = models.PositiveSmallIntegerField(
        default=1,
        validators=CAP_BOUNDS,
        help_text="Attempts to reach one number on a day of its owner's calendar, with those of all other use cases of the "
        "organisation; what was provably not left does not count.",
    )
    max_per_24h = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        validators=CAP_BOUNDS,
        help_text="The same in any 24 hours; if empty, only states limit them.",
    )
    max_per_week = models.PositiveSmallIntegerField(
        default=3, validators=CAP_BOUNDS, help_text="The same in any seven days."
    )
    failover_reasons = ArrayField(
        models.CharField(max_length=32, choices=CHOICES),
        size=len(CHOICES),
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

    def refuses_ringing_of(self, setup: TelephonySetup) -> bool:
        """Whether nothing may be sent through the setup because it rings."""
        return setup.rings and not self.allows_ringing

    @property
    def to_confidential(self) -> bool:
        """Whether its messages are left at confidential numbers too."""
        return self.confidential_numbers == ConfidentialNumbers.SEND

    @property
    def to_confirm(self) -> bool:
        """Whether it rests on a statement that an administrator has yet to confirm."""
        return self.consent_required == ConsentRequired.ATTESTED and self.consent_confirmed_at is None

    @property
    def needed_consent(self) -> NeededConsent | None:
        """The recorded consent that each of its recipients needs; None if it needs none."""
        return needed_consent(self.consent_required, self.purpose, self.basis, self.consent_valid_days)

    @property
    def marketing_allowed(self) -> bool:
        """Whether it is no marketing, or the workspace allows marketing; else its voicemails wait."""
        return self.purpose != Purpose.MARKETING or self.workspace.marketing_enabled

    @property
    def caps(self) -> Caps:
        return Caps(self.max_per_day, self.max_per_24h, self.max_per_week)

    def hours(
        self, freezes: tuple[Freeze, ...] = (), closes_early: timedelta = timedelta(), rules: str | None = None
    ) -> Hours:
        """The hours that it allows by itself; `rules` is the version of the state rules in force."""
        return hours_allowed(
            (self.window_start, self.window_end),
            self.days,
            holidays=self.sends_on_holidays,
            state_overlay=self.state_overlay,
            freezes=freezes,
            closes_early=closes_early,
            rules=rules,
        )

    def clean(self) -> None:
        if not self.days:
            raise ValidationError({"days": ValidationError("Name at least one weekday.", "days_missing")})
        if not self.state_overlay and not self.state_overlay_reason.strip():
            message = "Say why the hours of the law do not apply to these messages; the reason is kept."
            raise ValidationError({"state_overlay_reason": ValidationError(message, "reason_missing")})
        if wrong := wrong_basis(self.purpose, self.basis, charging=self._charging()):
            raise ValidationError({wrong.field: ValidationError(wrong.message, wrong.code)})
        self._check_ringing()
        if self.window_start and self.window_end:
            self._check_window()
        self._check_caps()

    def _check_ringing(self) -> None:
        for setup in (self.setup if self.setup_id else None, self.failover_setup):
            if setup is not None and self.refuses_ringing_of(setup):
                message = (
                    f"The carrier of the telephony setup “{setup.name}” calls, so that the telephone rings, and this use case allows "
                    "no ringing. Allow it, or choose another setup."
                )
                raise ValidationError({"allows_ringing": ValidationError(message, "ringing_not_allowed")})

    def _check_caps(self) -> None:
        if self.basis == Basis.HEALTHCARE_EXEMPTION:
            self._check_exempted_caps()
        most = self.max_per_week
        for span, cap in (("a day", self.max_per_day), ("24 hours", self.max_per_24h)):
            if most is not None and cap is not None and most < cap:
                message = (
                    f"{most} in seven days are fewer than {cap} in {span}: allow at least {cap}, or fewer in {span}."
                )
                raise ValidationError({"max_per_week": ValidationError(message, "cap_below_shorter")})

    def _check_exempted_caps(self) -> None:
        for name, span, most in (("max_per_day", "a day", 1), ("max_per_week", "in seven days", 3)):
            cap = getattr(self, name)
            if cap is not None and cap > most:
                message = f"The healthcare exemption allows no more than {most} {span}; {cap} are too many."
                raise ValidationError({name: ValidationError(message, "cap_above_exemption")})

    def _charging(self) -> list[str]:
        """Names of its setups that do not declare their messages free to the recipient."""
        setups = [self.setup if self.setup_id else None, self.failover_setup]
        return [setup.name for setup in setups if setup is not None and not setup.free_to_recipient]

    def _check_window(self) -> None:
        if self.window_start >= self.window_end:
            raise ValidationError(
                {"window_end": ValidationError("The window must end later in the day than it starts.", "window_empty")}
            )
        # Nobody is reached through the sandbox, so no window is too short for it.
        early = USUAL_DELAY if self.setup_id and self.setup.live else timedelta()
        hours = self.hours(closes_early=early, rules=rules_in_force())
        if never_opens(hours):
            raise ValidationError({self._wrong_end(hours): ValidationError(self._never(early), "window_never_opens")})

    def _wrong_end(self, later: Hours) -> str:
        """The field of the window that has to change."""
        return "window_end" if not never_opens(replace(later, end=time.max)) else "window_start"

    def _never(self, early: timedelta) -> str:
        minutes = early // timedelta(minutes=1)
        closes = f" A window closes {minutes} minutes early, because carriers take that long." if minutes else ""
        return (
            f"Nothing could be sent between {clock(self.window_start)} and {clock(self.window_end)}: the law allows 8:00 AM to "
            f"9:00 PM.{closes} Choose hours within these."
        )


class StateFreeze(Row):
    """A stop of all calls to people of one state, such as in a declared emergency, whatever the use case says."""

    state = models.CharField(
        max_length=2,
        choices=[(FEDERATION, "All states"), *STATE_NAMES.items()],
        help_text="Nobody who may be in it is reached, by number or by what a list says.",
    )
    starts_on = models.DateField(help_text="The first day, by the recipient's clock.")
    ends_on = models.DateField(
        null=True, blank=True, help_text="The last day, by the recipient's clock. Empty: until further notice."
    )
    reason = models.CharField(max_length=300, help_text="Why, and where it was declared.")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering: ClassVar[list[str]] = ["-id"]

    def __str__(self) -> str:
        return f"{self.get_state_display()} from {self.starts_on}"

    def clean(self) -> None:
        if self.starts_on and self.ends_on and self.ends_on < self.starts_on:
            message = "The last day comes before the first; nothing would be stopped."
            raise ValidationError({"ends_on": ValidationError(message, "freeze_empty")})


class StateRuleSet(Row):
    """A set of state rules that the operator has loaded, in force while it is newer than all others. It is never changed or deleted,
    so that decisions made under it can be made again."""

    version = models.CharField(max_length=10, unique=True, help_text="Its day, as in the name of its file.")
    text = models.TextField(help_text="The file, as it was loaded.")
    loaded_at = models.DateTimeField(db_default=Now(), editable=False)

    def __str__(self) -> str:
        return self.version


class NumberAssignment(models.Model):
    """Permission for a use case to send from a number."""

    use_case = models.ForeignKey(UseCase, on_delete=models.CASCADE, related_name="assignments")
    phone_number = models.ForeignKey(PhoneNumber, on_delete=models.PROTECT, related_name="assignments")

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["use_case", "phone_number"], name="usecases_assigned_once")
        ]


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


class SuppressionQuerySet(models.QuerySet["Suppression"]):
    def active(self) -> Self:
        """Suppressions that bind: those that nobody has lifted."""
        return self.filter(lifted_at=None)


class Suppression(Row):
    """A statement that the workspace must not reach a number. A lift keeps the row; only the undo of an opt-out list removes rows.

    A number may have several active rows, one for each kind, source and set of purposes: each is lifted by itself.
    """

    objects = SuppressionQuerySet.as_manager()

    class Source(models.TextChoices):
        CARRIER = "carrier", "Reported by a carrier"
        PERSON = "person", "Entered by a person"
        IMPORT = "import", "Imported list"
        API = "api", "Sent by a program"
        INBOUND = "inbound", "Said by the recipient"

    # The index of the listings begins with the workspace too.
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="suppressions", db_index=False)
    number = EncryptedTextField(
        null=True,
        help_text="Empty if it could not be decrypted when the person opted out; its index suppresses the number anyway.",
    )
    number_index = BlindIndexField(of="number")
    index_key = models.PositiveSmallIntegerField()
    last4 = models.CharField(max_length=4)
    kind = models.CharField(
        max_length=16,
        choices=[(kind.value, label) for kind, label in KIND_LABELS.items()],
        default=SuppressionKind.OPT_OUT.value,
    )
    source = models.CharField(max_length=16, choices=Source.choices)
    reason = models.CharField(max_length=40, blank=True, help_text="The source's own words, without phone numbers.")
    # Sorted, because the unique constraint compares arrays.
    purposes = ArrayField(
        models.CharField(max_length=32),
        default=list,
        blank=True,
        db_default=Value("{}"),
        help_text="What the number must not be reached for; empty for everything.",
    )
    scope = models.CharField(
        max_length=16,
        choices=[(scope.value, label) for scope, label in SCOPE_LABELS.items()],
        default=SuppressionScope.ORGANISATION.value,
        db_default=SuppressionScope.ORGANISATION.value,
        help_text="Whether it holds in all workspaces of the organisation, each with its own row, or in this one only.",
    )
    # Not a foreign key: a check for each of a million rows of a list would cost more than a workspace that no longer exists.
    origin = models.UUIDField(
        null=True,
        editable=False,
        help_text="The workspace in which it was said; empty if it was said to the organisation as a whole.",
    )
    # Not a foreign key: imports belong to a layer above.
    list_id = models.UUIDField(null=True, editable=False, help_text="The opt-out list that put the number here.")
    import_id = models.UUIDField(
        null=True,
        editable=False,
        help_text="The same, until another list names the number or somebody lifts the suppression; the list's undo removes the row.",
    )
    created_by = models.ForeignKey(
        User,
        on_delete=models.PROTECT,
        null=True,
        editable=False,
        related_name="+",
        db_index=False,
        help_text="The person or the API key's service user; empty for reports and lists.",
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    waiting = models.BooleanField(
        default=False,
        db_default=False,
        editable=False,
        help_text="Voicemails to the number wait that could not be ended at once; the tick ends them.",
    )
    lifted_at = models.DateTimeField(null=True, editable=False)
    lifted_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, editable=False, related_name="+", db_index=False
    )
    lift_reason = models.CharField(max_length=200, blank=True, default="", db_default="", editable=False)
    consent = models.ForeignKey(
        Consent,
        on_delete=models.PROTECT,
        null=True,
        editable=False,
        related_name="+",
        db_index=False,
        help_text="The new consent that the lift rests on.",
    )

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            # Begins with what every check looks for, and holds the rest of it, so that a check reads the index alone. Not with the
            # workspace, which the blind index includes already: before a new workspace's rows are in the statistics, the planner
            # would rate the index of the listings as equally good, and read all rows of the workspace for each person.
            models.UniqueConstraint(
                fields=["number_index", "workspace", "kind", "source", "purposes", "scope"],
                condition=Q(lifted_at=None),
                name="usecases_suppressed_once",
            )
        ]
        indexes: ClassVar[list[models.Index]] = [
            # Finds the rows that undoing an opt-out list deletes.
            models.Index(fields=["import_id"], name="suppression_by_import", condition=Q(import_id__isnull=False)),
            # The list of what an opt-out list has put here.
            models.Index(fields=["list_id", "-id"], name="suppression_of_list", condition=Q(list_id__isnull=False)),
            models.Index(fields=["id"], name="suppression_waiting", condition=Q(waiting=True)),
            models.Index(fields=["workspace", "-id"], name="suppression_newest"),
            # The history of a number, lifted rows included.
            models.Index(fields=["number_index"], name="suppression_lifted", condition=Q(lifted_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.masked_number

    @property
    def active(self) -> bool:
        return self.lifted_at is None

    @property
    def needs_consent(self) -> bool:
        """Whether a lift needs a new consent: for what the person said, and for what a carrier or an inbound message reported."""
        return self.kind == SuppressionKind.OPT_OUT or self.source in (self.Source.CARRIER, self.Source.INBOUND)

    @property
    def said_in(self) -> Origin:
        if self.origin is None:
            return Origin.ORGANISATION
        return Origin.THIS_WORKSPACE if self.origin == self.workspace_id else Origin.ANOTHER_WORKSPACE

    @property
    def from_elsewhere(self) -> bool:
        """Whether it is a copy of what was said in another workspace, whose patients' numbers are not shown here."""
        return self.said_in is Origin.ANOTHER_WORKSPACE

    @property
    def masked_number(self) -> str:
        return number_ending(self.last4)


class SuppressionCopying(models.Model):
    """The suppressions of an organisation that one workspace has yet to get from another. Until it has them it sends nothing.

    Only what was said before the two came together is copied; what is said afterwards is written to both.
    """

    source = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+", db_index=False)
    target = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+", db_index=False)
    position = models.UUIDField(default=UUID(int=0), help_text="The last suppression that was copied.")

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["target", "source"], name="usecases_copied_once")
        ]
