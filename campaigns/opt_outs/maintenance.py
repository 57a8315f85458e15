"""Time-driven steps of opt-out lists, run by the tick: wake the worker for lists under way, and remove files after their days."""

from __future__ import annotations

from datetime import datetime

from campaigns.imports.maintenance import remove_files_of
from campaigns.models import OptOutImport
from campaigns.opt_outs.runner import fail
from delivery.runtime.wakeups import wake


def wake_for_lists(now: datetime) -> None:
    if OptOutImport.objects.under_way().exists():
        wake("imports")


def remove_files(now: datetime) -> None:
    """Remove the files of discarded lists, and of others once they have been kept for the days of their workspace; a list that is
    being imported keeps its file while a worker goes on with it. Suppressions of the lists stay."""
    remove_files_of(OptOutImport, "workspace_id", "opt_outs.expired", now, give_up=fail)
