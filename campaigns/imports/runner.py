"""The worker's job for imports under way. The holder of a campaign's lock checks the campaign's lists and inserts their voicemails.

The lock belongs to a PostgreSQL session and ends with it, so the import of a killed worker is free at once. The lock only prevents
double work; correctness does not depend on it, because each commit is conditional on the state that it is based on.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import structlog
from django.db import InterfaceError, OperationalError, connection, transaction

from campaigns.imports.classification import classify, count_answers, count_outcomes, forget
from campaigns.imports.insertion import CampaignBegun, insert
from campaigns.imports.staging import Stopping, mark_staged, stage, unstage
from campaigns.lifecycle.transitions import Superseded, change_state_if_still
from campaigns.models import RecipientImport
from campaigns.states import ImportState
from delivery.recordings.storage import TEMPORARY
from delivery.runtime import shutdown
from rvm.platform import audit
from rvm.platform.encryption.crypto import Undecryptable
from rvm.platform.errors import ServiceError
from rvm.platform.events import outbox
from rvm.platform.events.types import TYPES
from rvm.platform.health import failed_work
from rvm.spreadsheets.refusals import SheetInvalid

log = structlog.get_logger(__name__)

_KEY = "hashtextextended('campaigns.importing:' || %s::text, 0)"
LOST = "The uploaded file cannot be read any more; upload it again."
FAULT = "The list could not be checked because of a fault of the platform. Try it once more, then tell its operator."


def work() -> bool:
    """Work on all imports under way that no other worker has locked, oldest first. Returns whether another run must follow: an import
    was locked, or the process was asked to stop."""
    left = False
    waiting = RecipientImport.objects.under_way().order_by("id").values_list("pk", "campaign_id")
    for identifier, campaign_id in list(waiting):
        if shutdown.requested.is_set():
            return True
        with lock(campaign_id) as mine:
            if not mine:
                left = True
                continue
            try:
                work_on(identifier)
            except Stopping:
                return True
            except Superseded:
                log.info("import_superseded", import_id=str(identifier))
    return left


def work_on(identifier: UUID) -> None:
    """Bring one import to its next state. The caller holds its campaign's lock.

    Raises InterfaceError, OperationalError, Stopping, Superseded; the import can then be continued."""
    rows = RecipientImport.objects.under_way().select_related("campaign__workspace", "campaign__lane__use_case__setup")
    recipient_import = rows.filter(pk=identifier).first()
    if recipient_import is None:
        return
    was = ImportState(recipient_import.state)
    try:
        if was is ImportState.CHECKING:
            _check(recipient_import)
        else:
            _import(recipient_import)
    except (ServiceError, SheetInvalid) as refused:
        if was is ImportState.IMPORTING and refused.code in TEMPORARY:
            log.warning("import_waits_for_storage", import_id=str(identifier))
        else:
            fail(recipient_import, str(refused))
    except (FileNotFoundError, Undecryptable):
        fail(recipient_import, LOST)
    except CampaignBegun:
        fail(recipient_import, "The campaign was ended or launched while its list was being imported.")
    except (InterfaceError, OperationalError, Stopping, Superseded):
        raise  # committed batches remain, and the next run continues after them
    except Exception as error:
        # Without message and traceback, which may contain cells of the list.
        log.error("import_broke", import_id=str(identifier), error=type(error).__name__)
        if was is ImportState.CHECKING:
            fail(recipient_import, FAULT)
        else:
            failed_work.record(
                "import_broke",
                str(identifier),
                name=recipient_import.file_name,
                workspace_id=recipient_import.workspace_id,
                reason=failed_work.reason_of(error),
            )


def _check(recipient_import: RecipientImport) -> None:
    forget(recipient_import)
    compared = stage(recipient_import)
    with transaction.atomic():
        classify(recipient_import, compared)
        mark_staged(recipient_import)
        counts, codes = count_outcomes(recipient_import)
        answers = count_answers(recipient_import)
        change_state_if_still(recipient_import, ImportState.CHECKED, counts=counts, codes=codes, answers=answers)
        _audit("import.checked", recipient_import, counts=counts)


def _import(recipient_import: RecipientImport) -> None:
    insert(recipient_import)
    with transaction.atomic():
        counts, codes = count_outcomes(recipient_import)
        change_state_if_still(recipient_import, ImportState.COMPLETED, counts=counts, codes=codes)
        _audit("import.completed", recipient_import, counts=counts)
        unstage(recipient_import)


def fail(recipient_import: RecipientImport, message: str) -> None:
    """End the import as failed, with the message for users. Raises Superseded if its state has changed."""
    with transaction.atomic():
        counts, codes = count_outcomes(recipient_import)
        change_state_if_still(recipient_import, ImportState.FAILED, error=message[:500], counts=counts, codes=codes)
        _audit("import.failed", recipient_import, error=message)
        unstage(recipient_import)


def _audit(action: str, recipient_import: RecipientImport, **details: object) -> None:
    campaign = recipient_import.campaign
    audit.record(action, recipient_import, actor=None, workspace=campaign.workspace, **details)
    if action in TYPES:
        outbox.add(
            action,
            recipient_import.pk,
            workspace_id=campaign.workspace_id,
            live=campaign.live,
            import_id=recipient_import.pk,
            campaign_id=campaign.pk,
            state=action.partition(".")[2],
        )


@contextmanager
def lock(campaign_id: UUID) -> Iterator[bool]:
    """Hold the lock of the campaign's lists during the block, if it is free; the value says whether it is held."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_try_advisory_lock({_KEY})", [campaign_id])
        (mine,) = cursor.fetchone()
        try:
            yield mine
        finally:
            if mine and connection.is_usable():
                cursor.execute(f"SELECT pg_advisory_unlock({_KEY})", [campaign_id])


def lock_within_transaction(campaign_id: UUID) -> bool:
    """Take the same lock until the transaction ends, if it is free, and return whether it is held."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_try_advisory_xact_lock({_KEY})", [campaign_id])
        return bool(cursor.fetchone()[0])
