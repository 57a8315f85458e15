"""Organisations, workspaces, users, memberships, API keys, and the records of their actions."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from django.contrib.auth.models import AbstractUser
from django.contrib.postgres.fields import ArrayField
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.base_session import AbstractBaseSession
from django.core.validators import RegexValidator
from django.db import connection, models, transaction
from django.db.models.functions import Now

from rvm.platform import organisations
from rvm.platform.database.ids import uuid7
from rvm.platform.database.rows import Row as Row
from rvm.platform.encryption.fields import EncryptedField
from rvm.platform.events.models import Event as Event  # tables of this layer are found in this module
from rvm.platform.events.models import Outbox as Outbox
from rvm.platform.retention.kinds import RetentionKind
from rvm.platform.roles import Role
from rvm.platform.scopes import Scope
from rvm.platform.times.zones import MAX_NAME, check_zone
from rvm.platform.webhooks.models import WebhookAttempt as WebhookAttempt
from rvm.platform.webhooks.models import WebhookDelivery as WebhookDelivery
from rvm.platform.webhooks.models import WebhookDestination as WebhookDestination
from rvm.platform.webhooks.models import WebhookSecret as WebhookSecret

MAX_HOLD_REASON = 500
# The longest IPv6 network: eight groups of four, and a prefix.
MAX_NETWORK = 43


class User(AbstractUser):
    """A person, or the service user behind an API key; audit events refer to both as `actor`."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    is_service = models.BooleanField(default=False, help_text="Acts for an API key and cannot log in.")
    time_zone = models.CharField(
        max_length=MAX_NAME,
        blank=True,
        default="",
        db_default="",
        validators=[check_zone],
        help_text="In which the person sees times. Empty: that of the person's workspaces.",
    )

    class Meta:
        verbose_name = "account"
        verbose_name_plural = "accounts"
        db_table = "platform_user"


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


class AuditEvent(Row):
    """The record of who did what to which row. Append-only, by a trigger; contains ids and codes, never a phone number."""

    # Both without an index of their own: those below begin with them.
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    actor = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    key = models.ForeignKey(
        ApiKey,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
        help_text="The API key that the caller used; of a rotated one, the key that it was at the time.",
    )
    address = models.GenericIPAddressField(
        null=True, help_text="The caller's, as the outermost of the deployment's own proxies saw it."
    )
    action = models.CharField(max_length=60)
    subject_type = models.CharField(max_length=60)
    subject_id = models.UUIDField()
    details: models.JSONField[Any, Any] = models.JSONField(default=dict)
    request_id = models.CharField(max_length=64, blank=True)
    at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        # Each answers one filter of the audit, newest first: a workspace, an action or actor in it, an actor, a row, a request.
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["workspace", "-id"]),
            models.Index(fields=["workspace", "action", "-id"]),
            models.Index(fields=["workspace", "actor", "-id"]),
            models.Index(fields=["actor", "-id"]),
            models.Index(fields=["subject_id", "-id"]),
            models.Index(fields=["request_id"]),
        ]

    def __str__(self) -> str:
        return self.action


class Session(AbstractBaseSession):
    """A session of a browser; `expire_date` is its end if no request comes, `ends_at` its end in any case."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, null=True, related_name="+")
    ends_at = models.DateTimeField()

    @classmethod
    def get_session_store_class(cls) -> type[SessionBase]:
        from rvm.platform.accounts.sessions import SessionStore

        return SessionStore


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


class SignInCount(models.Model):
    """How often a sign-in was tried, under the keyed hash of an account, an address or both; `rvm.platform.accounts.limits`."""

    key = models.BinaryField(primary_key=True, max_length=32)
    account = models.BinaryField(
        max_length=32,
        null=True,
        db_index=True,
        help_text="The key of the account itself, by which an account is let in again.",
    )
    failures = models.PositiveIntegerField(default=0)
    blocked_until = models.DateTimeField()
    last_at = models.DateTimeField()
    trusted_until = models.DateTimeField(
        null=True, help_text="Until then, this account signs in from this address whatever else is blocked."
    )


class UnsealedEvent(models.Model):
    """An audit event that has no seal yet. A trigger adds it with the event; the seal replaces it."""

    event_id = models.UUIDField(primary_key=True)


class AuditChain(models.Model):
    """A chain of audit events, and its head: a workspace's, or without one the platform's own. The position can only rise."""

    id = models.UUIDField(primary_key=True, editable=False, help_text="The workspace's; zero for the platform's own.")
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    position = models.BigIntegerField(default=0, help_text="How many events the chain has.")
    hash = models.BinaryField(max_length=32, default=bytes(32), help_text="The hash of the last one.")
    sealed_at = models.DateTimeField(null=True)


class AuditSeal(models.Model):
    """The position of an audit event in its chain, and the hash of its content and of the event before it. Append-only."""

    event_id = models.UUIDField(primary_key=True)
    chain = models.ForeignKey(AuditChain, on_delete=models.PROTECT, related_name="+", db_index=False)
    position = models.BigIntegerField(help_text="From 1.")
    key_number = models.PositiveSmallIntegerField(help_text="The id of the index key that the hash was made with.")
    hash = models.BinaryField(max_length=32)
    sealed_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["chain", "position"], name="platform_one_event_a_position")
        ]


class NumberQuestions(models.Model):
    """How often somebody who may not see numbers has asked by one within a day; `rvm.platform.number_questions`."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, primary_key=True, related_name="+")
    began_at = models.DateTimeField()
    asked = models.PositiveIntegerField()
    refused = models.BooleanField(help_text="Whether a refusal was recorded.")

    class Meta:
        db_table = "platform_numberquestions"


class RetentionRule(Row):
    """For how many days a workspace keeps a kind of data; without a row, as `rvm.platform.retention.kinds` says."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+", db_index=False)
    kind = models.CharField(max_length=12, choices=RetentionKind.choices)
    days = models.PositiveIntegerField()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["workspace", "kind"], name="platform_one_retention_rule")
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.days} days"


class LegalHold(Row):
    """While it stands, nothing that it covers is purged or erased: a campaign's people, or everything of a workspace."""

    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    campaign_id = models.UUIDField(null=True, editable=False, help_text="And of its lane. Empty: the whole workspace.")
    name = models.CharField(max_length=200, help_text="Of the campaign or of the workspace, when it was placed.")
    reason = models.CharField(
        max_length=MAX_HOLD_REASON, help_text="Such as the matter's name or number; no names of patients."
    )
    placed_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+", editable=False)
    placed_at = models.DateTimeField(db_default=Now(), editable=False)
    lifted_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+", editable=False)
    lifted_at = models.DateTimeField(null=True, editable=False)
    lift_reason = models.CharField(max_length=MAX_HOLD_REASON, blank=True, editable=False)

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["workspace"], name="hold_standing", condition=models.Q(lifted_at=None))
        ]

    def __str__(self) -> str:
        return self.name


class Erasure(Row):
    """A person who was erased by their number: by whom, and how many rows of each kind; of the number only its blind indexes.

    Without `finished_at`, the tick goes on: a voicemail may have been with the carrier at the time.
    """

    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+")
    number_indexes: models.JSONField[Any, Any] = models.JSONField(
        help_text="Hexadecimal, one for each index key at the time."
    )
    counts: models.JSONField[Any, Any] = models.JSONField(default=dict, help_text="Removed rows by kind.")
    recordings: models.JSONField[Any, Any] = models.JSONField(
        default=list, help_text="Joined for the person, whose sound is yet to be removed."
    )
    reason = models.CharField(max_length=MAX_HOLD_REASON, blank=True)
    asked_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    asked_at = models.DateTimeField(db_default=Now(), editable=False)
    finished_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["id"], name="erasure_unfinished", condition=models.Q(finished_at=None))
        ]


class KeyRotation(models.Model):
    """How far one store has been written anew under the current key; `rvm.platform.rotation.passes`."""

    name = models.CharField(max_length=100, primary_key=True, help_text="The command and the store.")
    key_number = models.PositiveSmallIntegerField(help_text="The id of the key that is current.")
    position = models.CharField(
        max_length=40, blank=True, help_text="The id of the last row passed; empty at the start."
    )
    written = models.BigIntegerField(default=0, help_text="Rows written under the key.")
    found_at = models.DateTimeField(help_text="When the last pass began that found rows under an older key.")

    class Meta:
        db_table = "platform_keyrotation"


class Heartbeat(models.Model):
    """The last sign of life of a process that must run, such as the tick."""

    name = models.CharField(max_length=60, primary_key=True)
    at = models.DateTimeField()

    class Meta:
        db_table = "platform_heartbeat"

    def __str__(self) -> str:
        return self.name


class DatabaseIdentity(models.Model):
    """Which database RVM sends from, and the hold of all sending, in one row; see `rvm.platform.sending_hold`."""

    ONLY = UUID(int=0)
    MAX_REASON = 300

    id = models.UUIDField(primary_key=True, default=ONLY, editable=False)
    system = models.BigIntegerField(null=True, help_text="The system identifier of the cluster, made by initdb.")
    timeline = models.IntegerField(null=True, help_text="Rises with each promotion of a standby.")
    database = models.BigIntegerField(null=True, help_text="The oid of the database in its cluster.")
    kept_at = models.DateTimeField(help_text="Since when this is the one.")
    held_at = models.DateTimeField(null=True, help_text="Since when nothing is sent; empty: not held.")
    held_because = models.CharField(max_length=MAX_REASON, blank=True)
    ending_until = models.DateTimeField(
        null=True, help_text="After a release: what was due until then ends unsent before sending goes on."
    )

    class Meta:
        db_table = "platform_databaseidentity"
        verbose_name = "sending"
        verbose_name_plural = "sending"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(condition=models.Q(id=UUID(int=0)), name="platform_one_database_identity")
        ]

    def __str__(self) -> str:
        return "Sending"


class FailedWork(Row):
    """Something in the background that fails: one row for a kind and what it is about, from the first time until it succeeds.

    Only `rvm.platform.observability.failed_work` writes it. It holds no phone number and no text of an exception.
    """

    kind = models.CharField(max_length=40)
    subject = models.CharField(max_length=64, blank=True, help_text="An id, or a name of the program.")
    name = models.CharField(max_length=200, blank=True, help_text="What people call it.")
    workspace = models.ForeignKey(
        Workspace, on_delete=models.CASCADE, null=True, related_name="+", help_text="Empty for the platform itself."
    )
    reason = models.CharField(max_length=500)
    reference = models.CharField(max_length=64, blank=True, help_text="The id of the job, which the log has too.")
    count = models.BigIntegerField(default=1, help_text="How often it was seen.")
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()

    class Meta:
        verbose_name = "failed work"
        verbose_name_plural = "failed work"
        db_table = "platform_failedwork"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["kind", "subject"], name="platform_failed_once")
        ]

    def __str__(self) -> str:
        return self.name or self.kind


class Tally(models.Model):
    """A counter of events that should not occur, such as a repaired row; `/metrics` exports it."""

    name = models.CharField(max_length=60, primary_key=True)
    count = models.BigIntegerField()
    at = models.DateTimeField(help_text="The last time.")

    class Meta:
        verbose_name = "repair"
        verbose_name_plural = "repairs"
        db_table = "platform_tally"

    def __str__(self) -> str:
        return self.name

    @classmethod
    def add(cls, name: str, count: int, at: datetime) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO platform_tally AS t (name, count, at) VALUES (%s, %s, %s)"
                " ON CONFLICT (name) DO UPDATE SET count = t.count + excluded.count, at = excluded.at",
                [name, count, at],
            )
