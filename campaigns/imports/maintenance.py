"""Time-driven steps of lists, run by the tick: wake the worker for lists under way, and remove files after their days."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import PurePath
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from campaigns.imports.runner import fail, lock_within_transaction
from campaigns.imports.staging import unstage
from campaigns.lifecycle.transitions import change_state
from campaigns.models import OptOutImport, RecipientImport
from campaigns.states import ImportState
from delivery.runtime.wakeups import wake
from rvm.platform import audit
from rvm.platform.database.ids import time_of
from rvm.platform.encryption import encrypted_files
from rvm.platform.retention import rules
from rvm.platform.retention_kinds import TERMS, RetentionKind

# The shortest time for which a workspace keeps files.
KEPT = timedelta(days=TERMS[RetentionKind.LISTS].least or 0)
# An import under way commits progress every few seconds, except while a large list is classified.
STILL = timedelta(minutes=2)
BATCH = 100
STUCK = (
    "No worker has gone on with it for as long as its file is kept, so the file was removed. Rows up to there are imported; "
    "have a worker for imports started, and upload the list again."
)
STRAYS_EVERY = timedelta(hours=1)

_looked_for_strays: datetime | None = None  # by this process


def wake_for_imports(now: datetime) -> None:
    if RecipientImport.objects.under_way().exists():
        wake("imports")


def remove_files(now: datetime) -> None:
    """Remove the files of discarded lists, and of others once they have been kept for the days of their workspace; a list that is
    being imported keeps its file while a worker goes on with it."""
    remove_files_of(RecipientImport, "campaign_id", "import.expired", now, tidy=unstage, give_up=fail)


def remove_files_of(
    kind: type[RecipientImport] | type[OptOutImport],
    locked: str,
    expired: str,
    now: datetime,
    *,
    give_up: Callable[[Any, str], object],
    tidy: Callable[[Any], object] = lambda row: None,
) -> None:
    """Remove the files of one kind of list when they are due, and discard lists that no user has confirmed in time.

    `locked` is the column with the id that the worker's lock is for. `expired` is the audit action of such a discarding. `give_up`
    fails a list that no worker goes on with, and `tidy` removes other data of a list. A legal hold keeps all files of its workspace.
    """
    # All kinds of lists have the states that are used here.
    perhaps = kind.objects.filter(file_removed_at=None)
    perhaps = perhaps.filter(Q(state=ImportState.DISCARDED) | Q(created_at__lte=now - KEPT))
    for workspace_id in perhaps.order_by().values_list("workspace_id", flat=True).distinct():
        moment = rules.before(workspace_id, RetentionKind.LISTS, now)
        if moment is None:
            continue
        due = perhaps.filter(workspace_id=workspace_id)
        due = due.filter(Q(state=ImportState.DISCARDED) | Q(created_at__lte=moment))
        due = due.exclude(state=ImportState.IMPORTING, updated_at__gt=moment)
        for found in due.select_related("workspace").order_by("id")[:BATCH]:
            _remove_file(found, locked, expired, moment, now, give_up=give_up, tidy=tidy)


def _remove_file(
    found: Any,
    locked: str,
    expired: str,
    moment: datetime,
    now: datetime,
    *,
    give_up: Callable[[Any, str], object],
    tidy: Callable[[Any], object],
) -> None:
    with transaction.atomic():
        if not lock_within_transaction(getattr(found, locked)):
            return  # a worker reads the file
        row = type(found).objects.select_for_update(no_key=True).get(pk=found.pk)
        if row.file_removed_at is not None:
            return
        if row.state == ImportState.IMPORTING:
            if row.updated_at > moment:
                return
            give_up(row, STUCK)
            row.refresh_from_db()
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
