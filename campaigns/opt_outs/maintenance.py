"""What time does with opt-out lists: wakes the worker for those under way, and removes files that a day has made superfluous."""

from __future__ import annotations

from datetime import datetime

from campaigns.imports.maintenance import remove_files_of
from campaigns.models import OptOutImport
from delivery.runtime.wakeups import wake


def wake_for_lists(now: datetime) -> None:
    if OptOutImport.objects.under_way().exists():
        wake("imports")


def remove_files(now: datetime) -> None:
    """One that is being listed is waited for. What is on the list stays there."""
    remove_files_of(OptOutImport, "workspace_id", "opt_outs.expired", now)
