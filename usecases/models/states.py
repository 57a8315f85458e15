"""What binds the people of a state whatever a policy says: freezes, and the state rules that the operator has loaded."""

from __future__ import annotations

from typing import ClassVar

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Now

from rvm.platform.models import Row
from usecases.state_rules import FEDERATION, STATE_NAMES


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
