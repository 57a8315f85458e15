"""What is kept of the statement about what a recording or a clip says."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Value

from rvm.platform.models import User
from usecases.attestations.recordings import Said, Voice


class Attested(models.Model):
    """A sound about which somebody may state what it says. Other audio is another row, so it needs a statement of its own.

    A recording with `attested_at` states everything that is needed; a clip does so together with the others of a joined recording.
    """

    uploaded_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, editable=False, related_name="+", db_index=False
    )
    attested_at = models.DateTimeField(null=True, editable=False)
    attested_by = models.ForeignKey(
        User,
        on_delete=models.PROTECT,
        null=True,
        editable=False,
        related_name="+",
        db_index=False,
        help_text="Empty if a joined recording has its statement from its clips.",
    )
    attested_by_another = models.BooleanField(
        default=False, db_default=False, editable=False, help_text="The statement is not by who uploaded the sound."
    )
    voice = models.CharField(
        max_length=16,
        choices=[(voice.value, voice.value.capitalize()) for voice in Voice],
        blank=True,
        default="",
        db_default="",
        editable=False,
    )
    says = ArrayField(
        models.CharField(max_length=16, choices=[(said.value, said.value) for said in Said]),
        default=list,
        blank=True,
        db_default=Value("{}"),
        editable=False,
    )

    class Meta:
        abstract = True

    @property
    def attested(self) -> bool:
        return self.attested_at is not None
