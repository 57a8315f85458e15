"""Time-driven steps of opt-out lists, run by the tick: wake the worker for lists under way, and remove files after a day."""

from __future__ import annotations

from datetime import datetime

from campaigns.imports.maintenance import remove_files_of
from campaigns.models import OptOutImport
from delivery.runtime.wakeups import wake


def wake_for_lists(now: datetime) -> None:
    if OptOutImport.objects.under_way().exists():
        wake("imports")


def remove_files(now: datetime) -> None:
    """Remove the files of discarded lists, and of others a day after their upload; a list that is being imported keeps its file.

    Suppressions of the lists stay."""
    remove_files_of(OptOutImport, "workspace_id", "opt_outs.expired", now)
