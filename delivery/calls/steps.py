"""What may be played in a call: the recording of a drop that is under way, and nothing once the drop is over.

A call is the vendor's and goes on while our processes restart, so nothing of it is kept here: every step reads the drop anew.
"""

from __future__ import annotations

from uuid import UUID

from django.db.models import F, QuerySet

from delivery.carriers.abilities import Playable
from delivery.lifecycle.status import DROP_TERMINAL, TERMINAL
from delivery.models import CallCommand, Drop
from delivery.recordings.links import carrier_link
from rvm.platform.sending_hold.service import is_held
from usecases.callbacks.proofs import CallbackKey


def under_way(setup_id: UUID, drop_id: UUID) -> QuerySet[Drop]:
    """The drop if it is one of the setup's; none if it has ended, another one has taken its place or its person was erased: its call
    must not leave a message any more."""
    drop = Drop.objects.filter(pk=drop_id, setup_id=setup_id, voicemail__drop_id=F("pk"))
    known = drop.exclude(status__in=DROP_TERMINAL).filter(voicemail__recipient__isnull=False)
    return known.exclude(voicemail__status__in=TERMINAL)


def hung_up(drop_id: UUID, carrier_reference: str) -> bool:
    """Whether a call of the drop was hung up by a command, or is to be. The report of who answered may not be merged yet."""
    asked = CallCommand.objects.filter(drop_id=drop_id, carrier_reference=carrier_reference)
    return asked.filter(action=CallCommand.Action.HANG_UP).exists()


def playable(key: CallbackKey, drop_id: UUID) -> Playable | None:
    """The recording of a drop of the key's setup that is under way; None for any other, and while all sending is held."""
    if is_held():
        return None
    alive = under_way(key.setup_id, drop_id)
    length, call = alive.values_list("voicemail__recording__duration_ms", "carrier_reference").first() or (None, "")
    return None if length is None else Playable(carrier_link(key, drop_id), length / 1000, call)
