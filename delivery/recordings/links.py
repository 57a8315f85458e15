"""Signed links to a recording or a clip: for a person's player, which end within minutes, and for a carrier, which end with its drop.

The link itself grants access, so it opens one sound only. A carrier's link (`usecases/callbacks/addresses.py`) carries a proof under
its setup's callback secret, so it can be ended at any time and is the same in a resubmission; it costs one HMAC and no query to make.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Literal, NamedTuple, get_args
from uuid import UUID

import structlog
from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.db import DatabaseError
from django.db.models.functions import Now
from redis import RedisError

from delivery.carriers import CARRIERS
from delivery.carriers.abilities import WINDOW_SHARE, CallAndDetect, IdempotencyKeys
from delivery.carriers.base import Carrier
from delivery.lifecycle.status import DropStatus
from delivery.models import Clip, Drop, Recording
from rvm.platform.database import sql
from rvm.platform.database.clock import database_now
from rvm.platform.redis_connection import redis_client
from usecases.callbacks.proofs import Use
from usecases.models import CallbackSecret

log = structlog.get_logger(__name__)

Purpose = Literal["player", "clip"]
PURPOSES: tuple[Purpose, ...] = get_args(Purpose)
# Long enough for a player, which sends a request for every part that it seeks to.
PLAYER_LIFETIME = timedelta(minutes=15)
MAX_FETCHES = 100
FETCHES = "rvm:recording_fetches"  # in Redis: of all drops, for `/metrics`


class LinkMalformed(ValueError):
    """The token was not made by this platform, or was changed."""


class LinkExpired(ValueError):
    """The token is authentic but has expired."""


class LinkEnded(ValueError):
    """The link was made for a drop that has ended, or of which the carrier had time enough to fetch the recording."""


class DropRecording(NamedTuple):
    drop_id: UUID
    fetches: int  # that are counted already
    is_proof: bool  # whether nothing but the fetch proves that it can have been played
    recording: Recording


class OpenedLink(NamedTuple):
    sound_id: UUID  # of a clip if that is the purpose, otherwise of a recording
    purpose: Purpose


def link(sound: Recording | Clip, max_age: timedelta = PLAYER_LIFETIME) -> str:
    """The absolute URL for a person's player, valid for `max_age`."""
    purpose: Purpose = "clip" if isinstance(sound, Clip) else "player"
    return _address(sound.pk, purpose, int((database_now() + max_age).timestamp()))


def _address(sound_id: UUID, purpose: Purpose, ends: int) -> str:
    token = _signer().sign(f"{purpose}.{sound_id.hex}.{ends}")
    return f"{settings.RVM_PUBLIC_URL}/recordings/{token}.mp3"


def open_link(token: str) -> OpenedLink:
    """The sound and purpose of a token. Raises LinkMalformed, LinkExpired."""
    try:
        purpose, sound_id, ends = _signer().unsign(token).split(".")
    except (BadSignature, ValueError):
        raise LinkMalformed("This link was not made by this platform, or was not copied whole.") from None
    if int(ends) <= database_now().timestamp():  # independent of the clocks of the hosts
        raise LinkExpired("This link has expired. Ask for a new one where you got it.")
    return OpenedLink(UUID(hex=sound_id), next(known for known in PURPOSES if known == purpose))


def _signer() -> Signer:
    return Signer(sep="~", salt="delivery.recordings.links")


def open_carrier_link(setup_id: UUID, version: int, token: str) -> DropRecording:
    """The drop that the link was made for, and its recording. Raises LinkMalformed, LinkEnded, Recording.DoesNotExist."""
    secret = CallbackSecret.objects.filter(setup_id=setup_id, version=version).annotate(now=Now()).first()
    drop_id = secret.callback_key.proved(Use.RECORDING, token) if secret else None
    if secret is None or drop_id is None:
        raise LinkMalformed("This link was not made by this platform, or was not copied whole.")
    drop = Drop.objects.filter(pk=drop_id, setup_id=setup_id).values_list(*_OF_A_DROP).first()
    ends = None if drop is None else _ends_at(*drop[:4])
    if drop is None or ends is None or not secret.now < min(ends, secret.expires_at or ends):
        raise LinkEnded("The voicemail of this link has ended, or its recording was to be fetched earlier.")
    carrier = CARRIERS.get(drop[0], Carrier)
    is_proof = issubclass(carrier, CallAndDetect) and not carrier.says_played
    return DropRecording(drop_id, drop[5], is_proof, Recording._default_manager.get(pk=drop[4]))


def count_fetch(of: DropRecording) -> None:
    """Record that the carrier began to fetch the recording. Writes to a drop end with the hundredth, and none waits for who holds its
    row, so that no flood of fetches keeps a drop busy and no busy drop keeps a call waiting for its sound."""
    if of.fetches < MAX_FETCHES:
        sql.run(_COUNT_FETCH, [of.drop_id, MAX_FETCHES])
    with suppress(RedisError):
        redis_client().incr(FETCHES)


def note_given(of: DropRecording, given: range) -> None:
    """Record how far from its beginning the carrier was given the recording, once the last of these bytes was handed over: whoever
    dies before has proved nothing. Pieces of less than a hundredth are passed over, so that a drop is written to a hundred times at
    most."""
    if len(given) * MAX_FETCHES < of.recording.size_bytes and given.stop < of.recording.size_bytes:
        return
    try:
        sql.run(_NOTE_GIVEN, [given.stop, of.drop_id, given.start, given.stop])
    except DatabaseError as error:  # it was given all the same
        log.error("fetch_not_noted", drop_id=str(of.drop_id), error=type(error).__name__)


_NOTE_GIVEN = """
UPDATE delivery_drop SET fetched_bytes = %s WHERE id = %s AND fetched_bytes >= %s AND fetched_bytes < %s
"""
_COUNT_FETCH = """
UPDATE delivery_drop SET fetches = fetches + 1, fetched_at = clock_timestamp()
 WHERE id = (SELECT id FROM delivery_drop WHERE id = %s AND fetches < %s FOR NO KEY UPDATE SKIP LOCKED)
"""
_OF_A_DROP = ("setup__carrier", "status", "created_at", "accepted_at", "voicemail__recording_id", "fetches")


def _ends_at(carrier: str, status: str, created_at: datetime, accepted_at: datetime | None) -> datetime | None:
    """The end of a drop's link: the carrier fetches within its time after it took the drop, which it does at the latest when the drop
    is submitted again. None for a drop that has ended."""
    adapter = CARRIERS.get(carrier, Carrier)  # by what most carriers do, if it is not installed any more
    if status == DropStatus.ACCEPTED:
        return (accepted_at or created_at) + adapter.fetches_within
    if status in (DropStatus.SENDING, DropStatus.UNCERTAIN):
        window = adapter.idempotency_window if issubclass(adapter, IdempotencyKeys) else timedelta()
        return created_at + window * WINDOW_SHARE + adapter.fetches_within
    return None
