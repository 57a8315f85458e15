"""The base of the project's tables."""

from __future__ import annotations

from django.db import models

from rvm.platform.database.ids import uuid7


class Row(models.Model):
    """A table whose rows have a time-ordered id."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)

    class Meta:
        abstract = True
