"""What may be played in a call: the recording of a drop that is under way, and nothing once the drop is over.

A call is the vendor's and goes on while our processes restart, so nothing of it is kept here: every step reads the drop anew.
"""

from __future__ import annotations

from uuid import UUID

from django.db.models import F

from delivery.lifecycle.status import DROP_TERMINAL, TERMINAL
from delivery.models import Drop
from delivery.recordings.links import carrier_link
from usecases.callbacks.proofs import CallbackKey


def playable(key: CallbackKey, drop_id: UUID) -> str | None:
    """The link to the recording of a drop of the key's setup; None if the drop has ended or another one has taken its place: its
    call must not leave a message any more."""
    under_way = Drop.objects.filter(pk=drop_id, setup_id=key.setup_id, voicemail__drop_id=F("pk")).exclude(
        status__in=DROP_TERMINAL
    )
    alive = under_way.exclude(voicemail__status__in=TERMINAL).exists()
    return carrier_link(key, drop_id) if alive else None
