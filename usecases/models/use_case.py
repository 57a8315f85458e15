"""Use cases, and the numbers from which they may send."""

from __future__ import annotations

from dataclasses import replace
from datetime import time, timedelta
from typing import ClassVar, Self

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator, MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q, Value
from django.db.models.functions import Lower, Now

from rvm.platform.encryption.fields import UpdatedAtField
from rvm.platform.models import Row, User, Workspace
from rvm.platform.times.clocks import clock
from usecases.caps import Caps
from usecases.consents.bases import (
    BASES,
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
from usecases.models.bounds import (
    ATTEMPTS_BOUNDS,
    MAX_HOURS,
    RETRY_MINUTES_BOUNDS,
    RETRY_MINUTES_HELP,
    WINDOW_START_HELP,
)
from usecases.models.phone_number import PhoneNumber
from usecases.models.telephony_setup import TelephonySetup
from usecases.rules_in_force import rules_in_force
from usecases.suppression_kinds import CONFIDENTIAL_NUMBERS, ConfidentialNumbers
from usecases.windows import USUAL_DELAY, Freeze, Hours

patient_facing_name = RegexValidator(
    r"^[A-Za-z\-][A-Za-z\- ]{0,30}\Z",
    "Use 1 to 31 letters, hyphens and spaces, a letter or a hyphen first.",
    "name_malformed",
)
CAP_BOUNDS = (MinValueValidator(1), MaxValueValidator(100))

# Days of a new use case.
MONDAY_TO_SATURDAY = (1, 2, 3, 4, 5, 6)


def new_days() -> list[int]:
    return list(MONDAY_TO_SATURDAY)


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


class NumberAssignment(models.Model):
    """Permission for a use case to send from a number."""

    use_case = models.ForeignKey(UseCase, on_delete=models.CASCADE, related_name="assignments")
    phone_number = models.ForeignKey(PhoneNumber, on_delete=models.PROTECT, related_name="assignments")

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["use_case", "phone_number"], name="usecases_assigned_once")
        ]
