"""Suppressions, and those that a workspace has yet to get from another."""

from __future__ import annotations

from typing import ClassVar, Self
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q, Value
from django.db.models.functions import Now

from rvm.platform.encryption.fields import BlindIndexField, EncryptedTextField
from rvm.platform.models import Row, User, Workspace
from rvm.platform.observability.masking import number_ending
from usecases.models.consent import Consent
from usecases.suppression_kinds import KIND_LABELS, SCOPE_LABELS, Origin, SuppressionKind, SuppressionScope


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
