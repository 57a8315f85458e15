"""Organisations, their workspaces, and who belongs to a workspace."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.core.validators import RegexValidator
from django.db import models, transaction
from django.db.models.functions import Now

from rvm.platform import organisations
from rvm.platform.database.rows import Row
from rvm.platform.models.people import User
from rvm.platform.roles import Role
from rvm.platform.times.zones import MAX_NAME, check_zone


def new_opt_out_keys() -> list[str]:
    return ["9"]


class Organisation(Row):
    """A provider that people deal with: what somebody says to it holds for all of its workspaces."""

    name = models.CharField(max_length=200)
    slug = models.SlugField(
        max_length=64,
        unique=True,
        help_text="The address of its public pages; what is printed on letters must not change.",
    )
    opt_out_page = models.BooleanField(
        default=True,
        db_default=True,
        help_text="Whether its public page, on which people write their number to get no more voicemails, is open.",
    )
    opt_out_keys = ArrayField(
        models.CharField(max_length=8, validators=[RegexValidator(r"\A[0-9*#]+\Z", "Keys are digits, * and #.")]),
        default=new_opt_out_keys,
        db_default=["9"],
        blank=True,
        help_text="The keys that mean an opt-out on its call-back line, as its gateway passes them on: 9, or 9, 22.",
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    def __str__(self) -> str:
        return self.name


class Workspace(Row):
    """A tenant: one provider, or a part of one that keeps its rows apart."""

    organisation = models.ForeignKey(
        Organisation,
        on_delete=models.PROTECT,
        blank=True,
        related_name="workspaces",
        help_text="Who it belongs to. Empty for a new one: an organisation of its own, with its name.",
    )
    name = models.CharField(max_length=200)
    slug = models.SlugField(unique=True)
    time_zone = models.CharField(
        max_length=MAX_NAME,
        blank=True,
        default="",
        db_default="",
        validators=[check_zone],
        help_text="In which its people see times unless they choose their own, and which says what days are in filters and "
        "summaries. Empty: the platform's.",
    )
    sending_enabled = models.BooleanField(
        default=True, help_text="Kill switch: while off, nothing of this workspace is sent; queued voicemails wait."
    )
    marketing_enabled = models.BooleanField(
        default=False,
        db_default=False,
        help_text="Whether use cases may have the purpose marketing; while off, their voicemails wait.",
    )
    attestation_by_another = models.BooleanField(
        default=False,
        db_default=False,
        help_text="Whether what a recording says has to be stated by somebody other than who uploaded it.",
    )
    converts_audio = models.BooleanField(
        default=False,
        db_default=False,
        help_text="Whether the API takes recordings and clips in other formats than MP3, such as M4A and WAV, and converts them. "
        "The admin always does.",
    )
    launch_approval_above = models.PositiveIntegerField(
        null=True,
        blank=True,
        help_text="A launch or a retry that reaches more people than this needs the approval of a second person. Empty: never.",
    )
    countries = ArrayField(
        models.CharField(max_length=2), default=list, blank=True, help_text="Countries opened besides +1, as ISO codes."
    )
    area_codes = ArrayField(
        models.CharField(
            max_length=3, validators=[RegexValidator(r"\A[2-9][0-8][0-9]\Z", "An area code of +1 has three digits.")]
        ),
        default=list,
        db_default=[],
        blank=True,
        help_text="Area codes of +1 that are newer than this version and opened all the same, such as 621. "
        "Their people are called while it is day everywhere that they may be.",
    )
    # Quotas; the platform's operator decides them. Empty: those of the environment (rvm/platform/quotas.py).
    max_sounds = models.PositiveIntegerField(
        "most recordings and clips", null=True, blank=True, help_text="Empty: as everywhere on this platform."
    )
    max_sounds_megabytes = models.PositiveIntegerField(
        "most MB of recordings and clips", null=True, blank=True, help_text="Empty: as everywhere on this platform."
    )
    max_lists = models.PositiveIntegerField(
        "most uploaded lists at a time", null=True, blank=True, help_text="Empty: as everywhere on this platform."
    )
    max_lists_megabytes = models.PositiveIntegerField(
        "most MB of uploaded lists", null=True, blank=True, help_text="Empty: as everywhere on this platform."
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    members: models.ManyToManyField[User, Membership] = models.ManyToManyField(
        User, through="Membership", related_name="workspaces"
    )

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save it, in an organisation of its own unless one is given; in another than before, it shares with its workspaces."""
        with transaction.atomic():
            if getattr(self, "organisation_id", None) is None:
                taken = Organisation.objects.filter(slug=self.slug).exists()
                slug = f"{self.slug[:31]}-{self.pk.hex}" if taken else self.slug
                self.organisation = Organisation.objects.create(name=self.name, slug=slug)
            new = self._state.adding
            known = [] if new else Workspace.objects.filter(pk=self.pk).values_list("organisation_id", flat=True)
            before = set(known)
            moves = before != {self.organisation_id}
            if moves:
                organisations.lock_alone(before | {self.organisation_id})
            super().save(*args, **kwargs)
            if moves:
                self._share(new=new)

    def _share(self, *, new: bool) -> None:
        for tell in organisations.ON_LEFT:
            tell(self.pk)
        for other in Workspace.objects.filter(organisation_id=self.organisation_id).exclude(pk=self.pk).order_by("pk"):
            for share in organisations.ON_SHARED:
                share(other.pk, self.pk)
                if not new:
                    share(self.pk, other.pk)
        if not new:
            for tell in organisations.ON_MOVED:
                tell(self.pk)


class Membership(Row):
    """A person's role in a workspace."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=16, choices=Role.choices, default=Role.VIEWER)
    may_see_numbers = models.BooleanField(
        default=False, help_text="Phone numbers of patients are masked for everybody else."
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name = "member"
        verbose_name_plural = "members"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["workspace", "user"], name="platform_one_membership")
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.workspace}"


class Invitation(Row):
    """A role in a workspace for whoever has the link that was sent to an e-mail address; of the link there is the SHA-256 only."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+")
    email = models.EmailField(max_length=150)
    role = models.CharField(max_length=16, choices=Role.choices, default=Role.VIEWER)
    may_see_numbers = models.BooleanField(default=False)
    invited_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    digest = models.BinaryField(unique=True, max_length=32)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)
    accepted_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    withdrawn_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["workspace", "email"],
                condition=models.Q(accepted_at=None, withdrawn_at=None),
                name="platform_one_open_invitation",
            )
        ]

    def __str__(self) -> str:
        return self.email
