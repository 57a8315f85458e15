"""Time's own moves with opt-out lists: rings for those under way, and removes the files that a day has made superfluous."""

from __future__ import annotations

from datetime import datetime

from campaigns.imports.maintenance import remove_files_of
from campaigns.models import OptOutImport
from delivery.runtime.wakeups import wake


def ring_for_lists(now: datetime) -> None:
    if OptOutImport.objects.under_way().exists():
        wake("imports")


def remove_files(now: datetime) -> None:
    """One that is being listed is waited for. What is on the list stays there."""
    remove_files_of(OptOutImport, "workspace_id", "opt_outs.expired", now)
