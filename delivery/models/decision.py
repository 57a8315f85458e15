"""Kept decisions: the latest decision of the guards that withheld a voicemail, with the facts that it was made on.

Beside the voicemail and not in it: most voicemails are sent and have no row here, and the wide table stays as it is.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import models
from django.db.models.functions import Now

from delivery.models.voicemail import UNENFORCED, Voicemail
from usecases.eligibility import Facts
from usecases.facts_json import as_json, from_parts
from usecases.rules_in_force import make_known


class KeptPolicy(models.Model):
    """The facts that the decisions of a lane have in common, once for all of them: hours, state rules, freezes, number plan."""

    id = models.UUIDField(primary_key=True, editable=False, help_text="Of the hash of the facts.")
    facts: models.JSONField[Any, Any] = models.JSONField()
    created_at = models.DateTimeField(db_default=Now(), editable=False)


class KeptDecision(models.Model):
    """The latest decision about a voicemail that withheld it, or that sent it at the end of the allowed time."""

    class Step(models.TextChoices):
        CLAIM = "claim", "Before it would have been sent"
        RESUBMISSION = "resubmission", "Before its request would have been repeated"
        SUPPRESSION = "suppression", "When its number was suppressed"

    voicemail = models.OneToOneField(
        Voicemail, on_delete=models.CASCADE, db_constraint=False, primary_key=True, related_name="kept"
    )
    step = models.CharField(max_length=12, choices=Step.choices)
    decision = models.CharField(max_length=6, help_text="send, defer, skip or expire.")
    reason = models.CharField(max_length=32, blank=True)
    until = models.DateTimeField(
        null=True,
        help_text="Of a deferral: when it is decided again. Of one that was sent: the end of the allowed time.",
    )
    decided_at = models.DateTimeField()
    policy = models.ForeignKey(
        KeptPolicy, **UNENFORCED, null=True, help_text="Empty where only the facts in this row decided."
    )
    facts: models.JSONField[Any, Any] = models.JSONField(
        help_text="The other facts: places, counts and ids, without a number, name or address."
    )

    @property
    def all_facts(self) -> Facts:
        """The facts again; given to `decide` with `decided_at`, they give the same decision. Raises LookupError for state rules
        of a newer release, which processes of an older one do not have in the middle of an upgrade."""
        facts = from_parts(self.policy.facts if self.policy else None, self.facts)
        make_known(facts.hours.rules)
        return facts

    @property
    def known_facts(self) -> dict[str, Any]:
        """The facts that were known when it was decided, as JSON."""
        return as_json(from_parts(self.policy.facts, self.facts)) if self.policy else dict(self.facts)

    @property
    def hours_end(self) -> datetime | None:
        """Of a voicemail that was sent shortly before it: the end of the allowed time."""
        return self.until if self.decision == "send" else None
