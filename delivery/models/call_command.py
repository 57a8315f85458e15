"""Outbox of commands to calls: written with the callback that asks for one, and sent by a worker of its own within a second, or said
in the answer to the callback."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from delivery.models.drop import Drop
from delivery.models.voicemail import UNENFORCED
from rvm.platform.models import Row
from usecases.models import TelephonySetup


class CallCommand(Row):
    """One step that a vendor is told about one call; its id is the key under which the vendor obeys it once. Ids only."""

    class Action(models.TextChoices):
        PLAY = "play", "Play the recording"
        HANG_UP = "hang_up", "Hang up"

    class State(models.TextChoices):
        WAITING = "waiting", "Has not left"
        LEAVING = "leaving", "A worker may be sending it"
        TAKEN = "taken", "The carrier took it"
        REFUSED = "refused", "The carrier refused it"
        UNKNOWN = "unknown", "Without a clear answer; the events of the call tell what became of it"
        DROPPED = "dropped", "Never left: it was too late, or its attempt had ended"
        TOLD = "told", "Said in the answer to the call's own question, at carriers that ask"

    setup = models.ForeignKey(TelephonySetup, **UNENFORCED)
    drop = models.ForeignKey(Drop, **UNENFORCED)
    action = models.CharField(max_length=8, choices=Action.choices)
    carrier_reference = models.CharField(max_length=255, help_text="The carrier's id of the call.")
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    attempts = models.PositiveIntegerField(
        default=0, help_text="Times a worker took it; identifies the worker's lease."
    )
    # While waiting: when to send it. While leaving: the end of the lease.
    due_at = models.DateTimeField(db_default=Now())
    not_after = models.DateTimeField(help_text="It does not leave later than this.")
    created_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "command to a call"
        verbose_name_plural = "commands to calls"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["drop"], name="delivery_play_once", condition=Q(action="play")),
            models.UniqueConstraint(
                fields=["drop", "carrier_reference"], name="delivery_hang_up_once", condition=Q(action="hang_up")
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["due_at"], name="command_due", condition=Q(state__in=["waiting", "leaving"])),
            models.Index(fields=["setup", "created_at"], name="command_of_setup"),
        ]

    def __str__(self) -> str:
        return f"{self.get_action_display()}: {self.get_state_display()}"
