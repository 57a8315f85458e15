"""Insertion of accepted rows as voicemails, in batches: each is committed with its progress, so a killed worker leaves no gap.

A batch holds the campaign's lock. So two lists cannot both add the same number, and no list adds to a campaign that was launched or
canceled meanwhile.
"""

from __future__ import annotations

from django.db import transaction
from django.db.models.functions import Now

from campaigns.imports.classification import classify, open_rows_of, reject_late
from campaigns.imports.staging import Stopping, is_staged, mark_staged, stage
from campaigns.lifecycle.transitions import Superseded, locked
from campaigns.models import Campaign, RecipientImport
from campaigns.states import EDITABLE, ImportState
from delivery.runtime import shutdown
from delivery.services.insertion import insert_staged
from rvm.platform.database.clock import database_now

BATCH = 20_000


class CampaignBegun(Exception):
    """The campaign has begun or ended, so no people can be added."""


def insert(recipient_import: RecipientImport) -> None:
    """Insert all accepted rows that are not inserted yet, after staging the list again if its table is missing or outdated.

    Raises Superseded, Stopping, CampaignBegun, and the exceptions of `stage`."""
    if not is_staged(recipient_import):
        if recipient_import.campaign.state not in EDITABLE:
            raise CampaignBegun  # also if the file is gone, for which `stage` would raise another exception
        compared = stage(recipient_import)
        with transaction.atomic():
            classify(recipient_import, compared)
            mark_staged(recipient_import)
    while recipient_import.rows_imported < recipient_import.rows_read:
        insert_batch(recipient_import)
        if shutdown.requested.is_set():
            raise Stopping


def insert_batch(recipient_import: RecipientImport) -> None:
    """Insert the accepted ones of the next BATCH rows and commit the progress. Raises Superseded, CampaignBegun."""
    after = recipient_import.rows_imported
    until = min(after + BATCH, recipient_import.rows_read)
    with transaction.atomic():
        campaign = _locked(recipient_import)
        insert_staged(
            campaign.lane,
            open_rows_of(recipient_import),
            reject_late(recipient_import, after, until),
            recording_id=campaign.recording_id,
            identified=not {"record_number", "reference"}.isdisjoint(recipient_import.columns),
            now=database_now(),
        )
        # If another worker has inserted these rows, `rows_imported` has changed, and this transaction is rolled back.
        own = RecipientImport.objects.filter(pk=recipient_import.pk, state=ImportState.IMPORTING, rows_imported=after)
        if not own.update(rows_imported=until, updated_at=Now()):
            raise Superseded
    recipient_import.rows_imported = until


def _locked(recipient_import: RecipientImport) -> Campaign:
    campaign = locked(recipient_import.campaign)
    if campaign.state not in EDITABLE:
        raise CampaignBegun
    if campaign.script != recipient_import.campaign.script:
        raise Superseded  # the staged recordings were chosen by another script, so the rows are staged again
    return campaign
