"""The recent drops to each number of an organisation, by which the caps are kept."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from rvm.platform.models import Workspace


class RecentDrops(models.Model):
    """The drops that claims made to one number of an organisation, in all of its workspaces, in the order in which they were counted.

    Narrow and without other indexes, because each claim writes it. A drop that was submitted again is listed once more. Whether a
    drop counts is decided from its status when it is read; one that does not exist does not count.
    """

    number_index = models.UUIDField(
        primary_key=True, help_text="The first half of the number's blind index in its organisation."
    )
    drops = ArrayField(models.UUIDField())
    at = ArrayField(models.DateTimeField(), help_text="When each was claimed or submitted again.")


class DropRecount(models.Model):
    """A workspace that has moved to another organisation, where its recent drops are yet to be counted."""

    workspace = models.OneToOneField(Workspace, on_delete=models.CASCADE, related_name="+")
    position = models.UUIDField(help_text="The last drop that was passed.")
    begun_at = models.DateTimeField()
