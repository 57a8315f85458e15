"""Accepted rows become voicemails, batch by batch: each is committed with the progress that it makes, so a kill costs nothing.

The campaign is locked for the length of a batch. So two lists never add one number to it, and no list adds to a campaign that
somebody has launched or canceled meanwhile.
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


class CampaignClaimed(Exception):
    """The campaign can take no more people."""


def insert(recipient_import: RecipientImport) -> None:
    """Raises Superseded, Stopping, CampaignClaimed, and what staging anew raises."""
    if not is_staged(recipient_import):
        if recipient_import.campaign.state not in EDITABLE:
            raise CampaignClaimed  # whether or not the list can still be read
        compared = stage(recipient_import)
        with transaction.atomic():
            classify(recipient_import, compared)
            mark_staged(recipient_import)
    while recipient_import.rows_imported < recipient_import.rows_read:
        insert_batch(recipient_import)
        if shutdown.requested.is_set():
            raise Stopping


def insert_batch(recipient_import: RecipientImport) -> None:
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
        # Whoever else inserted these rows has moved it on, and this transaction is undone.
        own = RecipientImport.objects.filter(pk=recipient_import.pk, state=ImportState.IMPORTING, rows_imported=after)
        if not own.update(rows_imported=until, updated_at=Now()):
            raise Superseded
    recipient_import.rows_imported = until


def _locked(recipient_import: RecipientImport) -> Campaign:
    campaign = locked(recipient_import.campaign)
    if campaign.state not in EDITABLE:
        raise CampaignClaimed
    if campaign.script != recipient_import.campaign.script:
        raise Superseded  # what each person hears was chosen by another script: the rows are staged again
    return campaign
