"""The worker's job for opt-out lists under way. The holder of a workspace's lock checks, imports and undoes the workspace's lists."""

from __future__ import annotations

from uuid import UUID

import structlog
from django.db import InterfaceError, OperationalError, transaction

from campaigns.imports.runner import FAULT, LOST, lock
from campaigns.imports.staging import Stopping
from campaigns.lifecycle.transitions import Superseded, change_state_if_still
from campaigns.models import OptOutImport
from campaigns.opt_outs import listing
from campaigns.states import OptOutState
from delivery.runtime import shutdown
from rvm.platform import audit
from rvm.platform.encryption.crypto import Undecryptable
from rvm.spreadsheets.refusals import SheetInvalid

log = structlog.get_logger(__name__)


def work() -> bool:
    """Work on all lists under way that no other worker has locked, oldest first. Returns whether another run must follow: a list was
    locked or must wait, or the process was asked to stop."""
    left = False
    waiting = OptOutImport.objects.under_way().order_by("id").values_list("pk", "workspace_id")
    for identifier, workspace_id in list(waiting):
        if shutdown.requested.is_set():
            return True
        with lock(workspace_id) as mine:
            if not mine:
                left = True
                continue
            try:
                left |= not work_on(identifier)
            except Stopping:
                return True
            except Superseded:
                log.info("opt_outs_superseded", import_id=str(identifier))
    return left


def work_on(identifier: UUID) -> bool:
    """Bring one list to its next state; False if it must wait. The caller holds its workspace's lock.

    Raises InterfaceError, OperationalError, Stopping, Superseded; the list can then be continued."""
    row = OptOutImport.objects.under_way().select_related("workspace").filter(pk=identifier).first()
    if row is None:
        return True
    was = OptOutState(row.state)
    try:
        return _STEPS[was](row)
    except SheetInvalid as refused:
        fail(row, str(refused))
    except (FileNotFoundError, Undecryptable):
        fail(row, LOST)
    except (InterfaceError, OperationalError, Stopping, Superseded):
        raise  # committed batches remain, and the next run continues after them
    except Exception as error:
        # Without message and traceback, which may contain cells of the list.
        log.error("opt_outs_broke", import_id=str(identifier), error=type(error).__name__)
        if was is not OptOutState.CHECKING:
            return False
        fail(row, FAULT)
    return True


def _check(row: OptOutImport) -> bool:
    found = listing.check(row)
    _end(row, OptOutState.CHECKED, "opt_outs.checked", ("counts",), **found)
    return True


def _put(row: OptOutImport) -> bool:
    listing.put_on_list(row)
    _end(row, OptOutState.COMPLETED, "opt_outs.completed", ("added",))
    return True


def _undo(row: OptOutImport) -> bool:
    if not listing.undo(row):
        return False
    told = ("added", "taken_back", "ended_meanwhile")
    _end(row, OptOutState.UNDONE, "opt_outs.undone", told)
    return True


_STEPS = {OptOutState.CHECKING: _check, OptOutState.IMPORTING: _put, OptOutState.UNDOING: _undo}


def fail(row: OptOutImport, message: str) -> None:
    _end(row, OptOutState.FAILED, "opt_outs.failed", ("error", "added"), error=message[:500])


def _end(row: OptOutImport, to: OptOutState, action: str, told: tuple[str, ...], **values: object) -> None:
    with transaction.atomic():
        change_state_if_still(row, to, **values)
        row.refresh_from_db()
        details = {name: getattr(row, name) for name in told}
        audit.record(action, row, actor=None, workspace=row.workspace, **details)
