"""Uploads of recordings to carriers that need them before a drop: once per recording and setup, and only for waiting voicemails.

A claim that finds a recording without media requests an upload and defers its voicemails. The reports worker uploads, outside every
claim and transaction. The row's `due_at` is that worker's lease, and `attempts` identifies the try: the result of a try is ignored
after another one has begun. A killed worker costs the carrier one unused upload, and the voicemails the rest of the lease.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from django.db import connection, transaction

from delivery.carriers import adapter_of
from delivery.carriers.abilities import MediaRejected, MediaUpload, MediaUploadFailed
from delivery.lifecycle.events import MAX_TEXT
from delivery.lifecycle.reasons import Reason
from delivery.models import CarrierMedia
from delivery.recordings.storage import read_mp3
from delivery.runtime.deadlines import STEP_SECONDS, UPLOAD_SECONDS
from delivery.runtime.wakeups import wake, wake_on_commit
from delivery.transport.interface import CarrierRequest, CarrierResponse, Transport, TransportFailure
from rvm.platform.database import sql
from rvm.platform.database.ids import uuid7
from rvm.platform.encryption.crypto import Undecryptable
from rvm.platform.events import outbox

log = structlog.get_logger(__name__)

RECHECK = timedelta(seconds=2)  # the delay until a voicemail that waits for media is checked again
LEASE = timedelta(seconds=UPLOAD_SECONDS)
FIRST_WAIT, MAX_WAIT = timedelta(seconds=5), timedelta(minutes=10)
State = CarrierMedia.State

# Requests uploads, one for each recording. A failed upload is requested again after its wait, and only if a voicemail waits for it.
_ASK_FOR_UPLOADS = """
INSERT INTO delivery_carriermedia AS m (id, setup_id, recording_id, state, media_id, error, attempts, due_at)
SELECT id, %s, recording_id, 'wanted', '', '', 0, %s FROM unnest(%s::uuid[], %s::uuid[]) AS asked(id, recording_id)
ON CONFLICT (setup_id, recording_id) DO UPDATE SET state = 'wanted' WHERE m.state = 'failed' AND m.due_at <= excluded.due_at
"""
# Leases the upload that has been due for longest, but those that another worker holds.
_LEASE_NEXT_UPLOAD = """
UPDATE delivery_carriermedia SET attempts = attempts + 1, due_at = %s
 WHERE id = (SELECT id FROM delivery_carriermedia WHERE state = 'wanted' AND due_at <= %s ORDER BY due_at LIMIT 1
             FOR NO KEY UPDATE SKIP LOCKED)
RETURNING id
"""


@dataclass(frozen=True, slots=True)
class Media:
    """The state of a recording at a setup's carrier."""

    state: State
    media_id: str
    error: str


def media_states(setup_id: UUID, recordings: Iterable[UUID]) -> dict[UUID, Media]:
    rows = CarrierMedia.objects.filter(setup=setup_id, recording__in=set(recordings))
    found = rows.values_list("recording_id", "state", "media_id", "error")
    return {recording: Media(State(state), media_id, error) for recording, state, media_id, error in found}


def media_id_of(setup_id: UUID, recording_id: UUID) -> str:
    """The carrier's id of the recording; empty without an upload. It changes only with new credentials, which reset all uploads."""
    ready = CarrierMedia.objects.filter(setup=setup_id, recording=recording_id, state=State.READY)
    return ready.values_list("media_id", flat=True).first() or ""


def request_uploads(setup_id: UUID, recordings: Iterable[UUID], now: datetime) -> None:
    """Request uploads; requests that exist already, or that wait after a failure, are unchanged."""
    asked = sorted(set(recordings))
    if asked:
        sql.run(_ASK_FOR_UPLOADS, [setup_id, now, sql.ids(uuid7() for _ in asked), sql.ids(asked)])
        wake_on_commit("reports")


def upload_one(
    transport: Transport[None],
    now: Callable[[], datetime],
    clock: Callable[[], float],
    refused: Callable[[UUID, Reason, datetime, str], object],
) -> bool:
    """Upload one recording and return whether one was due. `clock` is in seconds and advances during suspension; `refused` is told of
    a setup whose account the carrier refuses, why, and in which words."""
    began = clock()
    media = _lease_next(now())
    if media is None:
        return False
    try:
        media_id = _upload(media, transport, lambda: clock() - began < LEASE.total_seconds() - STEP_SECONDS)
        changes = {"state": State.READY, "media_id": media_id, "error": "", "ready_at": now()}
    except MediaRejected as error:
        changes = {"state": State.REFUSED, "error": str(error)[:MAX_TEXT]}
    except MediaUploadFailed as error:
        wait = max(min(FIRST_WAIT * 2 ** min(media.attempts - 1, 16), MAX_WAIT), error.retry_after or timedelta())
        changes = {"state": State.FAILED, "error": str(error)[:MAX_TEXT], "due_at": now() + wait}
        if error.refused is not None:
            refused(media.setup_id, error.refused, now(), str(error))
    held = _save(media, changes)
    log.info("media_uploaded", media=str(media.pk), state=changes["state"], attempt=media.attempts, recorded=bool(held))
    wake("dispatch")
    return True


def _save(media: CarrierMedia, changes: dict[str, Any]) -> bool:
    """Save what became of the upload, unless another attempt has begun; a refusal is told to the workspace's systems."""
    with transaction.atomic():
        held = CarrierMedia.objects.filter(pk=media.pk, state=State.WANTED, attempts=media.attempts).update(**changes)
        if held and changes["state"] == State.REFUSED:
            recording = media.recording
            ids = {"recording_id": recording.pk, "setup_id": media.setup_id}
            outbox.add("recording.refused", recording.pk, workspace_id=recording.workspace_id, live=True, **ids)
    return bool(held)


def _lease_next(now: datetime) -> CarrierMedia | None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_LEASE_NEXT_UPLOAD, [now + LEASE, now])
        row = cursor.fetchone()
    related = CarrierMedia.objects.select_related("setup", "recording").defer("setup__credentials")
    return related.get(pk=row[0]) if row else None


def _upload(media: CarrierMedia, transport: Transport[None], holds: Callable[[], bool]) -> str:
    """Exchange all requests and responses of an upload and return the media id. Raises MediaRejected, MediaUploadFailed."""
    try:
        adapter = adapter_of(media.setup)
        if not isinstance(adapter, MediaUpload):
            raise MediaUploadFailed("The carrier takes no uploads.")
        # The carrier gets the recording's id as name, because the name that a user gave may identify a patient.
        conversation = adapter.upload(str(media.recording_id), read_mp3(media.recording))
    except MediaUploadFailed:
        raise
    except (LookupError, ValueError, OSError, Undecryptable) as error:
        raise MediaUploadFailed(f"The upload could not begin ({type(error).__name__}).") from error
    try:
        request = next(conversation)
        while True:
            if not holds():
                raise MediaUploadFailed("The upload took longer than it may and was begun again.")
            request = conversation.send(_exchange(transport, request))
    except StopIteration as end:
        media_id: str = end.value
        return media_id


def _exchange(transport: Transport[None], request: CarrierRequest) -> CarrierResponse:
    transport.submit(request, None)
    while True:
        for _, end in transport.poll(1.0):
            if isinstance(end, TransportFailure):
                raise MediaUploadFailed(end.detail)
            return end
