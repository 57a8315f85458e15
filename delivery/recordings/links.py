"""Signed, short-lived links to a recording or a clip, each for one purpose: a carrier's fetch or a person's player.

The link itself grants access, so it expires soon and opens one sound only. A carrier's link costs one HMAC and no query.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal, NamedTuple, get_args
from uuid import UUID

from django.conf import settings
from django.core.signing import BadSignature, Signer

from delivery.models import Clip, Recording
from rvm.platform.database.clock import database_now

Purpose = Literal["player", "carrier", "clip"]
PURPOSES: tuple[Purpose, ...] = get_args(Purpose)
# Long enough for a player, which sends a request for every part that it seeks to.
PLAYER_LIFETIME = timedelta(minutes=15)
# Counted from the midnight before the drop, because carriers may fetch long after they have accepted.
CARRIER_LIFETIME = timedelta(days=3)


class LinkMalformed(ValueError):
    """The token was not made by this platform, or was changed."""


class LinkExpired(ValueError):
    """The token is authentic but has expired."""


class OpenedLink(NamedTuple):
    sound_id: UUID  # a clip's where that is the purpose, else a recording's
    purpose: Purpose


def link(sound: Recording | Clip, max_age: timedelta = PLAYER_LIFETIME) -> str:
    """The absolute URL for a person's player, valid for `max_age`."""
    purpose: Purpose = "clip" if isinstance(sound, Clip) else "player"
    return _address(sound.pk, purpose, int((database_now() + max_age).timestamp()))


def carrier_link(recording_id: UUID, at: datetime) -> str:
    """The carrier's link for a drop made `at`; it is constant within a day, so that a resubmission repeats the same request."""
    midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
    return _address(recording_id, "carrier", int((midnight + CARRIER_LIFETIME).timestamp()))


def _address(sound_id: UUID, purpose: Purpose, ends: int) -> str:
    token = _signer().sign(f"{purpose}.{sound_id.hex}.{ends}")
    return f"{settings.RVM_PUBLIC_URL.rstrip('/')}/recordings/{token}.mp3"


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
