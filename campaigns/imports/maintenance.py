"""Time-driven steps of lists, run by the tick: wake the worker for lists under way, and remove files after a day."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import PurePath
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from campaigns.imports.runner import lock_within_transaction
from campaigns.imports.staging import unstage
from campaigns.lifecycle.transitions import change_state
from campaigns.models import OptOutImport, RecipientImport
from campaigns.states import ImportState
from delivery.runtime.wakeups import wake
from rvm.platform import audit
from rvm.platform.database.ids import time_of
from rvm.platform.encryption import encrypted_files

KEPT = timedelta(hours=24)
# An import under way commits progress every few seconds, except while a large list is classified.
STILL = timedelta(minutes=2)
BATCH = 100
STRAYS_EVERY = timedelta(hours=1)

_looked_for_strays: datetime | None = None  # by this process


def wake_for_imports(now: datetime) -> None:
    if RecipientImport.objects.under_way().exists():
        wake("imports")


def remove_files(now: datetime) -> None:
    """Remove the files of discarded lists, and of others a day after their upload; a list that is being imported keeps its file."""
    remove_files_of(RecipientImport, "campaign_id", "import.expired", now, tidy=unstage)


def remove_files_of(
    kind: type[RecipientImport] | type[OptOutImport],
    locked: str,
    expired: str,
    now: datetime,
    *,
    tidy: Callable[[Any], object] = lambda row: None,
) -> None:
    """Remove the files of one kind of list when they are due, and discard lists that no user has confirmed within a day.

    `locked` is the column with the id that the worker's lock is for. `expired` is the audit action of such a discarding. `tidy`
    removes other data of a list.
    """
    # All kinds of lists have the states that are used here.
    due = kind.objects.filter(file_removed_at=None).exclude(state=ImportState.IMPORTING)
    due = due.filter(Q(state=ImportState.DISCARDED) | Q(created_at__lte=now - KEPT))
    for found in due.select_related("workspace").order_by("id")[:BATCH]:
        with transaction.atomic():
            if not lock_within_transaction(getattr(found, locked)):
                continue  # a worker reads the file
            row = kind.objects.select_for_update(no_key=True).get(pk=found.pk)
            if row.state == ImportState.IMPORTING or row.file_removed_at is not None:
                continue
            if row.state in (ImportState.UPLOADED, ImportState.CHECKING, ImportState.CHECKED):
                change_state(row, ImportState.DISCARDED)
                audit.record(expired, row, actor=None, workspace=found.workspace)
            tidy(row)
            encrypted_files.delete(row.storage_name)
            row.file_removed_at = now
            row.save(update_fields=["file_removed_at", "updated_at"])


def remove_strays(now: datetime) -> None:
    """Remove files without a row, left by a process that died during an upload. A file's age follows from the id in its name."""
    global _looked_for_strays
    if _looked_for_strays is not None and abs(now - _looked_for_strays) < STRAYS_EVERY:
        return
    _looked_for_strays = now
    for kind in (RecipientImport, OptOutImport):
        _remove_strays(kind, now)


def _remove_strays(kind: type[RecipientImport] | type[OptOutImport], now: datetime) -> None:
    names = encrypted_files.names_in(kind.FOLDER)
    old = {name: UUID(PurePath(name).stem) for name in names if _is_older(name, now - KEPT)}
    known = set(kind.objects.filter(pk__in=old.values(), file_removed_at=None).values_list("pk", flat=True))
    for name, identifier in old.items():
        if identifier not in known:
            encrypted_files.delete(name)


def _is_older(name: str, moment: datetime) -> bool:
    """Whether the id in the name is from `moment` or earlier; False for a name without an id, because uploads do not create it."""
    try:
        return time_of(UUID(PurePath(name).stem)) <= moment
    except (ValueError, OverflowError):
        return False


def warning() -> str:
    """A warning for /readyz about imports without progress, or "". It contains only a count, because /readyz is public.

    It is no failed check, because sending does not depend on imports."""
    still = sum(
        rows.filter(updated_at__lt=Now() - STILL).count()
        for rows in (
            RecipientImport.objects.under_way(),
            OptOutImport.objects.under_way(),
        )
    )
    those = "1 import has" if still == 1 else f"{still} imports have"
    return f"{those} made no progress for minutes; is there a `manage.py worker imports`?" if still else ""
