"""Time's own moves with opt-out lists: rings for those under way, and removes the files that a day has made superfluous."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Q

from campaigns.imports.maintenance import BATCH, KEPT
from campaigns.imports.runner import lock_within_transaction
from campaigns.models import OptOutImport
from campaigns.states import OptOutState
from delivery.runtime.wakeups import wake
from rvm.platform import audit
from rvm.platform.encryption import encrypted_files


def ring_for_lists(now: datetime) -> None:
    if OptOutImport.objects.under_way().exists():
        wake("imports")


def remove_files(now: datetime) -> None:
    """One that is being listed is waited for. What is on the list stays there."""
    due = OptOutImport.objects.filter(file_removed_at=None).exclude(state=OptOutState.IMPORTING)
    due = due.filter(Q(state=OptOutState.DISCARDED) | Q(created_at__lte=now - KEPT))
    for row in due.select_related("workspace").order_by("id")[:BATCH]:
        with transaction.atomic():
            if lock_within_transaction(row.workspace_id):
                _remove(row, now)


def _remove(found: OptOutImport, now: datetime) -> None:
    """Also ends what nobody confirmed. The caller holds the lock, so nobody reads the file."""
    row = OptOutImport.objects.select_for_update(no_key=True).get(pk=found.pk)
    if row.state == OptOutState.IMPORTING or row.file_removed_at is not None:
        return
    if row.state in (OptOutState.UPLOADED, OptOutState.CHECKING, OptOutState.CHECKED):
        row.state = OptOutState.DISCARDED
        audit.record("opt_outs.expired", row, actor=None, workspace=found.workspace)
    encrypted_files.delete(row.storage_name)
    row.file_removed_at = now
    row.save(update_fields=["state", "file_removed_at", "updated_at"])
